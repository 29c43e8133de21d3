mod asking;
mod continuity;
mod fencing;

use std::sync::Arc;
use std::time::Duration;

use self::asking::BARRED_FOR;
pub(crate) use self::asking::{Asking, Barred};
use super::claimed::Claimed;
use super::fan_out::{Background, FanOut};
use super::members::NodeSet;
use super::sweep::Sweep;
use super::trace::{Answer, Trace, Traced};
use crate::decide::fence::Fence;
use crate::decide::lease::{Moment, Term};
use crate::decide::plan::Plan;
use crate::decide::quorum::{Ballot, Round, Verdict, retry_after};
use crate::error::{LockError, LockErrorKind, NodeOutcome, NodeReport};
use crate::node::key::LockKey;
use crate::node::token::Token;
use crate::node::{Fault, FaultClass, Mode, NodeError, Vote};
use crate::telemetry::{Verb, Votes};

/// One round of acquiring under one fresh token. Dropped before its verdict, it is swept up.
pub(crate) struct Attempt {
    set: Arc<NodeSet>,
    background: Background,
    traced: Traced,
    plan: Plan,
    t0: Moment,
    fan: FanOut<Answer>,
    round: Round,
    /// With how long each took, where it was asked.
    answers: Vec<Option<(Answer, Option<Duration>)>>,
    /// Nodes that were not asked.
    barred: Vec<Barred>,
    /// What nodes that granted answered to being raised to the fence, if that was no yes.
    unraised: Vec<(usize, NodeOutcome)>,
    /// There was a second round.
    raising: bool,
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
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        Self { error, barred: Vec::new(), shares: false }
    }
}

impl Attempt {
    /// Makes one attempt at `key`. Cancel safe: dropped at any await, it leaves no key behind.
    pub(crate) async fn run(
        set: &Arc<NodeSet>,
        background: &Background,
        key: &LockKey,
        plan: &Plan,
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
        set: &Arc<NodeSet>,
        background: &Background,
        traced: Traced,
        plan: &Plan,
        asking: &Asking<'_>,
    ) -> Self {
        let mut round = Round::new(set.len());
        let mut answers: Vec<_> = (0..set.len()).map(|_| None).collect();
        // Read before the first request is made: validity counts from here.
        let t0 = set.clock.glance();
        let barred: Vec<_> =
            asking.barred.iter().filter(|barred| t0 < barred.until).cloned().collect();
        for Barred { index, error, .. } in &barred {
            round.record(Ballot::Misconfigured);
            answers[*index] = Some((Err(error.clone()), None));
        }
        let mut fan = FanOut::new(background, set.len()).watched(set.told(), Verb::Acquire);
        let hint = plan.fencing.then(|| set.hints.next(set.clock.wall_micros()));
        let terms = plan.terms(plan.ttl, hint).with_intent(asking.intent);
        for index in (0..set.len()).filter(|index| answers[*index].is_none()) {
            fan.push(index, set.acquire(index, &traced, terms, plan.node_timeout));
        }
        Self {
            set: Arc::clone(set),
            background: background.clone(),
            traced,
            plan: *plan,
            t0,
            fan,
            round,
            answers,
            barred,
            unraised: Vec::new(),
            raising: false,
            open: true,
        }
    }

    async fn verdict(&mut self) -> Verdict {
        loop {
            if let Some(verdict) = self.round.verdict() {
                return verdict;
            }
            let Some((index, answer)) = self.fan.next().await else {
                // Every node was counted, so there was a verdict; this is for the compiler.
                return Verdict::Unreachable;
            };
            let duplicate = matches!(&answer, Err(error) if error.fault() == Fault::Duplicate);
            self.record(index, answer);
            if duplicate {
                return Verdict::Misconfigured;
            }
        }
    }

    /// Collects reasons after the verdict: those that are there already; of an outage, which somebody will have
    /// to understand, those of all nodes.
    async fn reasons(&mut self, kind: LockErrorKind) {
        if matches!(kind, LockErrorKind::Unreachable | LockErrorKind::Misconfigured) {
            while let Some((index, answer)) = self.fan.next().await {
                self.record(index, answer);
            }
        }
        while let Some((index, answer)) = self.fan.take_ready() {
            self.record(index, answer);
        }
    }

    fn record(&mut self, index: usize, answer: Answer) {
        let answer = match answer {
            Ok(Vote::Granted { fence: None }) if self.plan.fencing => {
                Err(NodeError::new(Fault::Unsupported, "it granted without a fencing number"))
            }
            Ok(Vote::Swapped { fence: None, .. }) if self.plan.fencing => {
                Err(NodeError::new(Fault::Unsupported, "it swapped without a fencing number"))
            }
            answer => answer,
        };
        self.round.record(Ballot::of(&answer));
        self.set.note(index, &self.traced.trace, &answer);
        let latency = self.set.clock.glance().since(self.t0);
        self.t0 = mutant!(StartLate, self.set.clock.now(), self.t0);
        self.answers[index] = Some((answer, Some(latency)));
    }

    /// The hold, unless its time ran out while the majority was collected. Nodes that have not answered yet go on
    /// in the background.
    fn won(&mut self, fence: Option<Fence>, continued: bool) -> Option<Granted> {
        let t0 = mutant!(NoElapsed, self.set.clock.now(), self.t0);
        let term = Term::new(t0, self.plan.ttl, self.plan.drift, self.plan.max_hold);
        if term.lost(self.set.clock.now()).is_some() && !mutant!(ValidityUnchecked) {
            return None;
        }
        self.open = false;
        let mut acquires = self.fan.take();
        if !acquires.is_empty() {
            acquires.looks_away();
        }
        let votes = Votes::of(&self.set.telemetry, || self.reports());
        let (traced, t0) = (self.traced.clone(), self.t0);
        Some(Granted { traced, t0, term, fence, continued, acquires, votes })
    }

    /// Releases everywhere, and waits for those nodes that had granted: no attempt of this process shall be refused
    /// by its own leftovers. The whole attempt takes no longer than one node timeout for each of its rounds; nodes that
    /// hang are released in the background.
    async fn fail(mut self, kind: LockErrorKind) -> Failure {
        self.reasons(kind).await;
        let failure = self.failure(kind);
        let mut granted = self.indices(|answer| {
            matches!(answer, Ok(Vote::Granted { .. } | Vote::Swapped { .. } | Vote::AlreadyOurs))
        });
        let now = self.set.clock.glance();
        // A share that others stand beside is not told when it ends.
        let told = self.plan.mode == Mode::Exclusive;
        for node in granted.iter().filter(|_| told) {
            // By the time limit of the release.
            let until = now.plus(self.plan.node_timeout * 2);
            self.set.wakes.own(*node, self.traced.claim.key(), until, now);
        }
        let elapsed = now.since(self.t0);
        let rounds = if self.raising { 2 } else { 1 };
        let left = (self.plan.node_timeout * rounds).saturating_sub(elapsed);
        let mut sweep = self.sweep();
        let released = async {
            while !granted.is_empty() {
                let Some((index, _)) = sweep.next().await else { break };
                granted.retain(|granted| *granted != index);
            }
        };
        // When time is up the sweep goes on in the background.
        let _ = tokio::time::timeout(left, released).await;
        failure
    }

    /// What each node answered.
    fn reports(&self) -> Vec<NodeReport> {
        let mut nodes = self.set.reports();
        for (node, answer) in nodes.iter_mut().zip(&self.answers) {
            if let Some((answer, latency)) = answer {
                (node.outcome, node.latency) = (answer.into(), *latency);
            }
        }
        for (index, outcome) in &self.unraised {
            nodes[*index].outcome = outcome.clone();
        }
        nodes
    }

    fn failure(&self, kind: LockErrorKind) -> Failure {
        let nodes = self.reports();
        let hint = retry_after(
            self.answers.iter().map(|answer| answer.as_ref().map(|(answer, _)| answer)),
        );
        let misconfigured = |(answer, _): &(Answer, Option<Duration>)| match answer {
            Err(error) if error.class() == FaultClass::Misconfigured => Some(error.clone()),
            _ => None,
        };
        let unraised = self.unraised.iter().filter_map(|(index, outcome)| match outcome {
            NodeOutcome::Failed(error) if error.class() == FaultClass::Misconfigured => {
                Some((*index, error.clone()))
            }
            _ => None,
        });
        let answered =
            self.answers.iter().enumerate().filter_map(|(index, answer)| {
                Some((index, answer.as_ref().and_then(misconfigured)?))
            });
        let until = self.set.clock.glance().plus(BARRED_FOR);
        let new = answered
            .filter(|(index, _)| self.barred.iter().all(|barred| barred.index != *index))
            .chain(unraised)
            .map(|(index, error)| Barred { index, error, until });
        let shares = !self.indices(|answer| matches!(answer, Ok(Vote::Shared { .. }))).is_empty();
        Failure {
            shares,
            barred: self.barred.iter().cloned().chain(new).collect(),
            error: LockError::new(kind, self.round.tally(), nodes, hint),
        }
    }

    fn indices(&self, wanted: impl Fn(&Answer) -> bool) -> Vec<usize> {
        let answers = self.answers.iter().enumerate();
        answers
            .filter_map(|(i, a)| a.as_ref().is_some_and(|(a, _)| wanted(a)).then_some(i))
            .collect()
    }

    fn sweep(&mut self) -> Sweep {
        self.open = false;
        let claimed = Claimed {
            set: Arc::clone(&self.set),
            background: self.background.clone(),
            traced: self.traced.clone(),
            node_timeout: self.plan.node_timeout,
        };
        Sweep::start(claimed, self.fan.take())
    }
}

/// The caller left before the verdict.
impl Drop for Attempt {
    fn drop(&mut self) {
        if self.open && !mutant!(DropNotSwept) {
            drop(self.sweep());
        }
    }
}

fn duplicates(set: &NodeSet, failures: Vec<(usize, NodeError)>) -> LockError {
    let mut round = Round::new(set.len());
    let mut nodes = set.reports();
    for (index, error) in failures {
        round.record(Ballot::of(&Err(error.clone())));
        nodes[index].outcome = NodeOutcome::Failed(error);
    }
    LockError::new(LockErrorKind::Misconfigured, round.tally(), nodes, None)
}
