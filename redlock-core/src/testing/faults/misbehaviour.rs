use std::time::Duration;

use crate::node::{Extension, Holding, Identity, NodeError, Page, Placed, Removal, Vote};

/// A verb of [`LockNode`](crate::node::LockNode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// `identity`.
    Identity,
    /// `acquire` and `acquire_any`.
    Acquire,
    /// `extend`.
    Extend,
    /// `release`, `release_and_tell` and `keep`.
    Release,
    /// `inspect`.
    Inspect,
    /// `raise`.
    Raise,
    /// `inspect_counters`.
    Counters,
    /// `scan`.
    Scan,
    /// `listen`. It has a connection of its own, and meets only what was set [for it](crate::testing::faults::Faulty::on).
    Listen,
}

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// The request takes this long to the node.
    SlowRequest(Duration),
    /// The answer takes this long back.
    SlowReply(Duration),
    /// The request never arrives; the caller's time limit passes.
    LostRequest,
    /// The node does what it is asked; the caller's time limit passes. Who listens hears nothing.
    LostReply,
    /// No connection: nothing is done, and the caller knows at once.
    Refused,
    /// The connection breaks before the request arrives. The caller cannot tell it from [`CutAfter`](Self::CutAfter).
    CutBefore,
    /// The node does what it is asked, then the connection breaks.
    CutAfter,
    /// A client library that sends the request a second time, right behind the first, and reports the
    /// second answer.
    SentTwice,
    /// The node answers with this error and does nothing.
    Failing(NodeError),
    /// The node claims this and does nothing. Lies follow the answers of nodes, and are not covered by semver.
    Lying(Lie),
}

/// What a lying node says. Each is met only by the verbs that answer with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lie {
    /// To acquire; to acquire_any without a slot, and with none taken.
    Vote(Vote),
    /// To acquire_any; to acquire its vote.
    Placed(Placed),
    /// To extend and raise.
    Extension(Extension),
    /// To release.
    Removal(Removal),
    /// To identity.
    Identity(Identity),
    /// To inspect.
    Holdings(Vec<Option<Holding>>),
    /// To inspect_counters.
    Counters(Vec<Option<u64>>),
    /// To scan.
    Page(Page),
}

impl Lie {
    fn suits(&self, verb: Verb) -> bool {
        match self {
            Self::Vote(_) | Self::Placed(_) => verb == Verb::Acquire,
            Self::Extension(_) => matches!(verb, Verb::Extend | Verb::Raise),
            Self::Removal(_) => verb == Verb::Release,
            Self::Identity(_) => verb == Verb::Identity,
            Self::Holdings(_) => verb == Verb::Inspect,
            Self::Counters(_) => verb == Verb::Counters,
            Self::Page(_) => verb == Verb::Scan,
        }
    }
}

/// An answer that can be lied about.
pub(super) trait Answer: Sized + Send + 'static {
    fn pretended(lie: Lie) -> Option<Self>;
}

macro_rules! answers {
    ($($kind:ident: $answer:ty),*) => {$(
        impl Answer for $answer {
            fn pretended(lie: Lie) -> Option<Self> {
                match lie {
                    Lie::$kind(answer) => Some(answer),
                    _ => None,
                }
            }
        }
    )*};
}

impl Answer for Vote {
    fn pretended(lie: Lie) -> Option<Self> {
        match lie {
            Lie::Vote(vote) | Lie::Placed(Placed { vote, .. }) => Some(vote),
            _ => None,
        }
    }
}

impl Answer for Placed {
    fn pretended(lie: Lie) -> Option<Self> {
        match lie {
            Lie::Vote(vote) => Some(Self { vote, slot: None, taken: 0 }),
            Lie::Placed(placed) => Some(placed),
            _ => None,
        }
    }
}

answers!(
    Extension: Extension,
    Removal: Removal,
    Identity: Identity,
    Holdings: Vec<Option<Holding>>,
    Counters: Vec<Option<u64>>,
    Page: Page
);

/// What becomes of one request.
pub(super) enum Fate {
    Refused,
    Lost,
    /// The connection breaks, after this time.
    Cut(Duration),
    Through(Through),
}

/// What becomes of a request that arrives.
#[derive(Default)]
pub(super) struct Through {
    pub(super) request_delay: Duration,
    pub(super) reply_delay: Duration,
    /// Neither a delay nor one that keeps the request from the node's door.
    pub(super) fault: Option<Misbehaviour>,
}

type Decide = Box<dyn FnMut(Verb) -> Vec<Misbehaviour> + Send>;

/// What was set, oldest first.
#[derive(Default)]
pub(super) struct Rules {
    rules: Vec<Rule>,
    decide: Option<Decide>,
}

struct Rule {
    verb: Option<Verb>,
    left: Option<usize>,
    what: Misbehaviour,
}

impl Rules {
    pub(super) fn add(&mut self, verb: Option<Verb>, left: Option<usize>, what: Misbehaviour) {
        self.rules.push(Rule { verb, left, what });
    }

    pub(super) fn remove(&mut self, verb: Verb) {
        self.rules.retain(|rule| rule.verb != Some(verb));
    }

    pub(super) fn decide_with(&mut self, decide: Decide) {
        self.decide = Some(decide);
    }

    /// Takes the newest rule of each of the three kinds; only a rule that is taken is used up.
    pub(super) fn fate(&mut self, verb: Verb) -> Fate {
        let (mut request_delay, mut reply_delay, mut fault) = (None, None, None);
        let mut take = |what: &Misbehaviour| match what {
            Misbehaviour::SlowRequest(delay) => {
                request_delay.is_none() && request_delay.replace(*delay).is_none()
            }
            Misbehaviour::SlowReply(delay) => {
                reply_delay.is_none() && reply_delay.replace(*delay).is_none()
            }
            Misbehaviour::Lying(lie) if !lie.suits(verb) => false,
            other => fault.is_none() && fault.replace(other.clone()).is_none(),
        };
        let alone = verb == Verb::Listen;
        let decide = self.decide.as_mut().filter(|_| !alone);
        let decided = decide.map(|decide| decide(verb)).unwrap_or_default();
        decided.iter().rev().for_each(|what| {
            take(what);
        });
        for rule in self.rules.iter_mut().rev() {
            let meant = rule.verb.map_or(!alone, |only| only == verb);
            if rule.left != Some(0) && meant && take(&rule.what) {
                rule.left = rule.left.map(|left| left - 1);
            }
        }
        self.rules.retain(|rule| rule.left != Some(0));
        let request_delay = request_delay.unwrap_or_default();
        match fault {
            Some(Misbehaviour::Refused) => Fate::Refused,
            Some(Misbehaviour::LostRequest) => Fate::Lost,
            Some(Misbehaviour::CutBefore) => Fate::Cut(request_delay),
            fault => {
                let reply_delay = reply_delay.unwrap_or_default();
                Fate::Through(Through { request_delay, reply_delay, fault })
            }
        }
    }
}
