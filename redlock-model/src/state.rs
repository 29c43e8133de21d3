//! What the world is like at one moment.

use redlock_core::decisions::fence::FenceRound;

use crate::setting::{Setting, Small, beginnings};
use crate::talk::{Desk, Mail};

/// Most attempts of a case.
pub const ATTEMPTS: usize = 3;

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// Sorted.
    pub nodes: Vec<Node>,
    /// In the order in which they begin.
    pub attempts: [Attempt; ATTEMPTS],
    /// Ticks gone by.
    pub now: Small,
    /// Crashes to come.
    pub crashes: Small,
    /// The largest fence that was returned.
    pub highest: Small,
    /// What went wrong, other than two holders at a time.
    pub faults: Faults,
}

/// What a returned fence broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Faults {
    /// It was not above that of every earlier holder.
    pub grant_order: bool,
    /// It was not above one that was returned before its attempt began.
    pub real_time: bool,
    /// Another attempt was given the same.
    pub unique: bool,
}

/// One node, and the messages between it and every attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// The attempt whose token stands there.
    pub lock: Option<Small>,
    /// The fencing counter.
    pub counter: Option<Small>,
    /// When it crashed last and was up again; `None` when it has run since long ago.
    pub restarted: Option<Small>,
    /// By attempt.
    pub mail: [Mail; ATTEMPTS],
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// How far it has come.
    pub phase: Phase,
    /// What its acquires carry.
    pub hint: Small,
    /// When it began.
    pub began: Small,
    /// The largest fence that had been returned then.
    pub floor: Small,
}

/// How far an attempt has come.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It has not begun.
    Idle,
    /// It waits for a majority.
    Asking,
    /// It has one and waits until a majority stands at the fence.
    Fencing(FenceRound),
    /// It holds the lock.
    Held {
        /// What it was given.
        fence: Small,
        /// Whether it took the second phase.
        raised: bool,
    },
    /// It gave up, let go, or ran out of time.
    Over {
        /// What it was given, if it held.
        fence: Option<Small>,
    },
}

impl Desk for Node {
    type Grant = Small;

    fn mail(&self) -> &[Mail] {
        &self.mail
    }

    fn mail_mut(&mut self) -> &mut [Mail] {
        &mut self.mail
    }
}

impl State {
    /// Every way in which a case can begin.
    pub(crate) fn beginnings(setting: &Setting) -> Vec<Self> {
        let node =
            |counter| Node { lock: None, counter, restarted: None, mail: [Mail::None; ATTEMPTS] };
        let idle = || Attempt { phase: Phase::Idle, hint: 0, began: 0, floor: 0 };
        let begin = |counters: Vec<_>| Self {
            nodes: counters.into_iter().map(node).collect(),
            attempts: std::array::from_fn(|_| idle()),
            now: 0,
            crashes: setting.crashes,
            highest: 0,
            faults: Faults::default(),
        };
        beginnings(setting.nodes, setting.counters).into_iter().map(begin).collect()
    }

    /// How many attempts have begun.
    pub(crate) fn begun(&self) -> usize {
        self.attempts.iter().take_while(|attempt| attempt.phase != Phase::Idle).count()
    }

    /// The attempts that hold the lock.
    pub(crate) fn holders(&self) -> impl Iterator<Item = usize> {
        let holds = |attempt: &Attempt| matches!(attempt.phase, Phase::Held { .. });
        self.attempts.iter().enumerate().filter(move |(_, a)| holds(a)).map(|(index, _)| index)
    }

    /// The one of all states that differ only in what is alike.
    pub(crate) fn canonical(mut self) -> Self {
        for (index, attempt) in self.attempts.iter_mut().enumerate() {
            if !matches!(attempt.phase, Phase::Held { .. } | Phase::Over { .. }) {
                continue;
            }
            attempt.floor = 0;
            if matches!(attempt.phase, Phase::Over { .. }) {
                attempt.began = 0;
            }
            for node in &mut self.nodes {
                if matches!(node.mail[index], Mail::Granted(_) | Mail::Raised) {
                    node.mail[index] = Mail::None;
                }
            }
            if self.nodes.iter().all(|node| node.mail[index] != Mail::Acquire) {
                attempt.hint = 0;
            }
        }
        self.nodes.sort_unstable();
        self
    }
}

impl Attempt {
    /// The round of its fence, while that is under way.
    pub(crate) fn round(&self) -> Option<&FenceRound> {
        match &self.phase {
            Phase::Fencing(round) => Some(round),
            _ => None,
        }
    }

    /// The fence it was given, whether it still holds or not.
    pub(crate) fn fence(&self) -> Option<Small> {
        match self.phase {
            Phase::Held { fence, .. } => Some(fence),
            Phase::Over { fence } => fence,
            _ => None,
        }
    }
}
