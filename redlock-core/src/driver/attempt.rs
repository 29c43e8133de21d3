mod asking;
mod continuity;
mod failing;
mod fencing;
mod others;
mod placing;
mod slots;

use std::sync::Arc;

pub(crate) use self::asking::{Asking, Barred};
use self::placing::Placing;
use super::background::Background;
use super::claimed::Claimed;
use super::fan_out::FanOut;
use super::members::NodeSet;
use super::sweep::Sweep;
use super::trace::{Answer, Trace, Traced};
use crate::decide::fence::Fence;
use crate::decide::lease::{Moment, Term};
use crate::decide::plan::Plan;
use crate::decide::quorum::{Ballot, Round, Verdict};
use crate::error::{LockError, LockErrorKind, NodeOutcome, NodeReport};
use crate::node::key::LockKey;
use crate::node::token::Token;
use crate::node::{Fault, NodeError, Vote};
use crate::telemetry::{Verb, Votes};

/// One round of acquiring under one fresh token. Dropped before its verdict, it is swept up.
pub(crate) struct Attempt<'a> {
    set: &'a Arc<NodeSet>,
    background: &'a Background,
    traced: Traced,
    plan: &'a Plan,
    t0: Moment,
    /// With what the nodes answered, also those that were not asked.
    fan: FanOut<Answer>,
    /// Of an attempt for one of several slots, until one is won.
    placing: Option<Box<Placing>>,
    round: Round,
    /// Nodes that were not asked.
    barred: Vec<Barred>,
    /// What nodes that granted answered to being raised to the fence, if that was no yes.
    unraised: Vec<(usize, NodeOutcome)>,
    /// There was a second round.
    raising: bool,
    /// So many other slots were free.
    free: usize,
    open: bool,
}

/// A round that was won.
pub(crate) struct Granted {
    pub(crate) traced: Traced,
    pub(crate) t0: Moment,
    pub(crate) term: Term,
    pub(crate) fence: Option<Fence>,
    /// The hold of the former holder goes on in this one.
    pub(crate) continued: bool,
    /// Where one of several slots was won: so many others are free, by what a majority told.
    pub(crate) free: usize,
    /// Nodes that have not answered yet.
    pub(crate) acquires: FanOut<Answer>,
    #[cfg_attr(not(feature = "tracing"), allow(dead_code))]
    pub(crate) votes: Votes,
}

/// A round that was not.
pub(crate) struct Failure {
    pub(crate) error: LockError,
    /// Nodes not to be asked by the call's next attempts.
    pub(crate) barred: Vec<Barred>,
    /// It met shares where nothing else was in the way.
    pub(crate) shares: bool,
    /// Which of several slots were taken, a bit for each, as each node told.
    pub(crate) taken: Vec<u64>,
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        Self { error, barred: Vec::new(), shares: false, taken: Vec::new() }
    }
}

impl<'a> Attempt<'a> {
    /// Makes one attempt at `key`. Cancel safe: dropped at any await, it leaves no key behind.
    pub(crate) async fn run(
        set: &'a Arc<NodeSet>,
        background: &'a Background,
        key: &LockKey,
        plan: &'a Plan,
        asking: Asking<'_>,
    ) -> Result<Granted, Failure> {
        if let Err(failures) = set.first_contact(background, plan.node_timeout).await {
            return Err(duplicates(set, failures).into());
        }
        let fresh = Token::random();
        let token = mutant!(
            ReuseToken,
            crate::testing::mutants::token_of(Arc::as_ptr(set).addr()).map_or(fresh, Ok),
            fresh
        );
        let token = token.map_err(|_| LockError::bare(LockErrorKind::Environment))?;
        let claim = asking::claim(key, token, plan.mode, &asking);
        let traced = Traced { claim, trace: Arc::new(Trace::new(plan.ttl)) };
        let mut attempt = Self::start(set, background, traced, plan, &asking);
        let kind = match attempt.verdict().await {
            Verdict::Won => match attempt.fence().await {
                Ok(fence) => {
                    let continued = attempt.continues(asking.former).await;
                    match attempt.won(fence, continued) {
                        Some(granted) => return Ok(granted),
                        None => LockErrorKind::Late,
                    }
                }
                Err(kind) => kind,
            },
            Verdict::Contended => LockErrorKind::Contended,
            Verdict::Unreachable => LockErrorKind::Unreachable,
            Verdict::Misconfigured => LockErrorKind::Misconfigured,
        };
        Err(attempt.fail(kind).await)
    }

    fn start(
        set: &'a Arc<NodeSet>,
        background: &'a Background,
        traced: Traced,
        plan: &'a Plan,
        asking: &Asking<'_>,
    ) -> Self {
        let mut round = Round::new(set.len());
        // Read before the first request is made: validity counts from here.
        let t0 = set.clock.glance();
        let barred: Vec<_> =
            asking.barred.iter().filter(|barred| t0 < barred.until).cloned().collect();
        let mut fan = FanOut::new(background, set.len()).watched(set.told(), Verb::Acquire);
        for Barred { index, error, .. } in &barred {
            round.record(Ballot::Misconfigured);
            fan.put(*index, Err(error.clone()), None);
        }
        let hint = plan.fencing.then(|| set.hints.next(set.clock.wall_micros()));
        let terms = plan.terms(plan.ttl, hint).with_intent(asking.intent);
        let alone = asking.first.is_none();
        let asked = |index: &usize| alone && barred.iter().all(|barred| barred.index != *index);
        for index in (0..set.len()).filter(asked) {
            fan.push(index, set.acquire(index, &traced, terms, plan.node_timeout));
        }
        let mut attempt = Self {
            set,
            background,
            traced,
            plan,
            t0,
            fan,
            placing: None,
            round,
            barred,
            unraised: Vec::new(),
            raising: false,
            free: 0,
            open: true,
        };
        if let Some(first) = asking.first {
            attempt.ask_any(terms, first);
        }
        attempt
    }

    async fn verdict(&mut self) -> Verdict {
        if self.placing.is_some() {
            return self.place().await;
        }
        loop {
            if let Some(verdict) = self.round.verdict() {
                return verdict;
            }
            let Some(place) = self.fan.next_place().await else {
                // Every node was counted, so there was a verdict; this is for the compiler.
                return Verdict::Unreachable;
            };
            self.record(place);
            let duplicate = |(_, answer): (usize, &Answer)| matches!(answer, Err(error) if error.fault() == Fault::Duplicate);
            if self.fan.at(place).is_some_and(duplicate) {
                return Verdict::Misconfigured;
            }
        }
    }

    /// Counts the answer at a place of the fan-out.
    fn record(&mut self, place: usize) {
        let clock = &self.set.clock;
        let Some((index, answer)) = self.fan.keep(place, || clock.glance()) else { return };
        if self.plan.fencing
            && let Ok(Vote::Granted { fence: None } | Vote::Swapped { fence: None, .. }) = answer
        {
            let wrong = match answer {
                Ok(Vote::Swapped { .. }) => "it swapped without a fencing number",
                _ => "it granted without a fencing number",
            };
            *answer = Err(NodeError::new(Fault::Unsupported, wrong));
        }
        self.round.record(Ballot::of(answer));
        self.set.note(index, &self.traced.trace, answer);
        self.t0 = mutant!(StartLate, self.set.clock.now(), self.t0);
    }

    /// The hold, unless its time ran out while the majority was collected. Nodes that have not answered yet go on
    /// in the background.
    fn won(&mut self, fence: Option<Fence>, continued: bool) -> Option<Granted> {
        let t0 = mutant!(NoElapsed, self.set.clock.now(), self.t0);
        let term = Term::new(t0, self.plan.ttl, self.plan.drift, self.plan.max_hold);
        if term.lost(self.set.clock.now()).is_some() && !mutant!(ValidityUnchecked) {
            return None;
        }
        let votes = Votes::of(&self.set.telemetry, || self.reports());
        self.open = false;
        let mut acquires = self.fan.take();
        if !acquires.is_empty() {
            acquires.looks_away();
        }
        let (traced, t0, free) = (self.traced.clone(), self.t0, self.free);
        Some(Granted { traced, t0, term, fence, continued, free, acquires, votes })
    }

    /// What each node answered.
    fn reports(&self) -> Vec<NodeReport> {
        let mut nodes = self.set.reports();
        for (index, answer, came) in self.fan.kept() {
            let latency = came.map(|came| came.since(self.t0));
            (nodes[index].outcome, nodes[index].latency) = (answer.into(), latency);
        }
        for (index, outcome) in &self.unraised {
            nodes[*index].outcome = outcome.clone();
        }
        nodes
    }

    fn indices(&self, wanted: impl Fn(&Answer) -> bool) -> Vec<usize> {
        self.fan.kept().filter_map(|(index, answer, _)| wanted(answer).then_some(index)).collect()
    }

    fn claimed(&self) -> Claimed {
        Claimed {
            set: Arc::clone(self.set),
            background: self.background.clone(),
            traced: self.traced.clone(),
            node_timeout: self.plan.node_timeout,
        }
    }

    fn sweep(&mut self) -> Sweep {
        self.open = false;
        let placing = self.placing.as_mut().and_then(|placing| placing.rest());
        let acquires = placing.unwrap_or_else(|| self.fan.take());
        Sweep::start(self.claimed(), acquires)
    }
}

/// The caller left before the verdict.
impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.open && !mutant!(DropNotSwept) {
            drop(self.sweep());
        }
    }
}

/// Two entries of the set are one server.
fn duplicates(set: &NodeSet, failures: Vec<(usize, NodeError)>) -> LockError {
    let mut round = Round::new(set.len());
    let mut nodes = set.reports();
    for (index, error) in failures {
        round.record(Ballot::of(&Err(error.clone())));
        nodes[index].outcome = NodeOutcome::Failed(error);
    }
    LockError::new(LockErrorKind::Misconfigured, round.tally(), nodes, None)
}
