use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::fan_out::{Background, Either, FanOut, Job, poll_next_of};
use super::members::NodeSet;
use super::{Answer, Traced, may_stand, stragglers};
use crate::error::{LockError, LockErrorKind, NodeOutcome};
use crate::lease::Moment;
use crate::node::{Claim, FaultClass, LockNode, NodeError, Removal};
use crate::queue::Turn;
use crate::quorum::{Answer as Majority, Survey, Tally};
use crate::telemetry::{Releasing, Verb};

/// First and longest pause before a release is tried again.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

type Removed = Result<Removal, NodeError>;

/// The release of one claim on all nodes.
///
/// One release goes to every node at once, behind the acquire where that is still out. Where it came before the acquire
/// all the same and found nothing, it goes once more. Where the claim may stand, a release that fails is tried again
/// until the key would have expired by itself; so is one that finds nothing where the fate of the acquire is unknown,
/// since a request on a broken connection can be applied after the release on the next one. Dropped, all of this goes on
/// in the background.
pub(crate) struct Sweep(Option<Box<Work>>);

pub(super) struct Work {
    set: Arc<NodeSet>,
    background: Background,
    traced: Traced,
    acquires: FanOut<Answer>,
    releases: FanOut<Removed>,
    /// What a node answered to its last release, until it is asked again.
    removed: Vec<Option<bool>>,
    /// A bit per node whose acquire was granted, or may have been, while the release was out.
    late: u64,
    tries: Vec<u32>,
    /// The place of the lock in its line, which passes on when the releases were sent: on each connection the next
    /// acquire comes after them.
    turn: Option<Turn>,
    /// Whether those who wait in this process are to be told when the releases were sent.
    of_lock: bool,
    /// Polled at least once: everything was sent.
    sent: bool,
    /// One for each node that is tried again: bounds what hung nodes can pile up.
    permits: Vec<OwnedSemaphorePermit>,
    node_timeout: Duration,
    expires: Moment,
}

impl Sweep {
    /// Of an attempt that was not won. Sends the releases at the first poll, or in the background when dropped before
    /// that.
    pub(crate) fn start(
        set: &Arc<NodeSet>,
        background: &Background,
        traced: Traced,
        acquires: FanOut<Answer>,
        node_timeout: Duration,
    ) -> Self {
        Self::on(0..set.len(), set, background, traced, acquires, node_timeout)
    }

    /// Of a lock, with those acquires of its attempt that nobody drives.
    pub(crate) fn of_lock(
        set: &Arc<NodeSet>,
        background: &Background,
        traced: Traced,
        acquires: Option<FanOut<Answer>>,
        turn: Option<Turn>,
        node_timeout: Duration,
    ) -> Self {
        let acquires = acquires.unwrap_or_else(|| FanOut::new(background, 0));
        let mut sweep = Self::start(set, background, traced, acquires, node_timeout);
        if let Some(work) = &mut sweep.0 {
            (work.turn, work.of_lock) = (turn, true);
        }
        sweep
    }

    pub(super) fn on(
        nodes: impl IntoIterator<Item = usize>,
        set: &Arc<NodeSet>,
        background: &Background,
        traced: Traced,
        acquires: FanOut<Answer>,
        node_timeout: Duration,
    ) -> Self {
        traced.trace.released.store(true, Ordering::SeqCst);
        let expires = set.clock.now().plus(traced.trace.ttl()).plus(node_timeout);
        let mut work = Work {
            set: Arc::clone(set),
            background: background.clone(),
            traced,
            acquires,
            releases: FanOut::new(background, set.len()).watched(set, Verb::Release),
            removed: vec![None; set.len()],
            late: 0,
            tries: Vec::new(),
            turn: None,
            of_lock: false,
            sent: false,
            permits: Vec::new(),
            node_timeout,
            expires,
        };
        for index in nodes {
            if !(mutant!(ReleaseOnlyGranted) && work.traced.trace.unsure(index)) {
                work.release(index, Duration::ZERO);
            }
        }
        Self(Some(Box::new(work)))
    }

    /// The next node's answer to a release; `None` when nothing is left to do. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<(usize, Removed)> {
        let work = self.0.as_mut()?;
        poll_fn(|cx| work.poll_next(cx)).await
    }
}

impl Drop for Sweep {
    fn drop(&mut self) {
        if let Some(mut work) = self.0.take()
            && !(work.acquires.is_empty() && work.releases.is_empty())
        {
            if work.sent {
                work.acquires.looks_away();
                work.releases.looks_away();
                stragglers::park_sweep(work);
            } else {
                work.go_on();
            }
        }
    }
}

/// The runtime ended before the work was done: what is left of it is begun anew elsewhere, where there is a place. Not
/// the same futures, whose timers and connections ended with the runtime.
impl Drop for Work {
    fn drop(&mut self) {
        let left: std::collections::BTreeSet<_> =
            self.releases.pending().chain(self.acquires.pending()).collect();
        if !left.is_empty()
            && let Some(home) = self.background.at_home()
        {
            let none = FanOut::new(&home, 0);
            let traced = self.traced.clone();
            drop(Sweep::on(left, &self.set, &home, traced, none, self.node_timeout));
        }
    }
}

impl Work {
    /// Goes on in a task of its own.
    pub(super) fn go_on(mut self: Box<Self>) {
        let background = self.background.clone();
        background.spawn(poll_fn(move |cx| self.poll_done(cx)));
    }

    pub(super) fn parts(&self) -> (Arc<NodeSet>, Background) {
        (Arc::clone(&self.set), self.background.clone())
    }

    /// Whether nothing is left to do.
    pub(super) fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while ready!(self.poll_next(cx)).is_some() {}
        Poll::Ready(())
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, Removed)>> {
        loop {
            let step = poll_next_of(&mut self.releases, &mut self.acquires, cx);
            self.sent = true;
            if std::mem::take(&mut self.of_lock) {
                drop(self.turn.take());
                self.set.wakes.released_here(self.traced.claim.key());
            }
            match ready!(step) {
                None => return Poll::Ready(None),
                Some(Either::Second(index, answer)) => {
                    self.set.note(index, &self.traced.trace, &answer);
                    if may_stand(&answer) && !mutant!(LateGrantKept) {
                        self.late(index);
                    }
                }
                Some(Either::First(index, result)) => {
                    self.removed[index] = Some(matches!(result, Ok(Removal::Removed)));
                    if let Err(error) = &result {
                        self.set.note_error(index, error);
                    }
                    let late = self.late & (1 << index) != 0;
                    self.late &= !(1 << index);
                    if self.inconclusive(index, &result) && !mutant!(ReleaseNotRetried) {
                        self.try_again(index);
                    } else if late && self.removed[index] == Some(false) {
                        self.release(index, Duration::ZERO);
                    }
                    return Poll::Ready(Some((index, result)));
                }
            }
        }
    }

    /// An acquire came back that stands, or may.
    fn late(&mut self, index: usize) {
        match self.removed[index] {
            // What was removed had been granted before.
            Some(true) => {}
            // Its release was overtaken, or there was none yet.
            Some(false) => self.release(index, Duration::ZERO),
            None => self.late |= 1 << index,
        }
    }

    /// Whether the claim may still stand, or come to stand, on the node after this answer to a release.
    fn inconclusive(&self, index: usize, result: &Removed) -> bool {
        let trace = &self.traced.trace;
        match result {
            Ok(Removal::Removed) => false,
            Ok(_) => trace.unsure(index),
            Err(error) => trace.touched(index) && error.class() != FaultClass::Misconfigured,
        }
    }

    fn try_again(&mut self, index: usize) {
        if self.tries.is_empty() {
            self.tries = vec![0; self.set.len()];
        }
        let tries = self.tries[index];
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(tries)).min(LONGEST_PAUSE);
        if self.set.closing.is_cancelled() || self.set.clock.now().plus(pause) >= self.expires {
            return;
        }
        if tries == 0 {
            match Arc::clone(&self.set.members[index].retries).try_acquire_owned() {
                Ok(permit) => self.permits.push(permit),
                Err(_) => return,
            }
        }
        self.tries[index] = tries.saturating_add(1);
        self.release(index, pause);
    }

    fn release(&mut self, index: usize, pause: Duration) {
        self.removed[index] = None;
        let node = Arc::clone(&self.set.members[index].node);
        let (claim, timeout) = (self.traced.claim.clone(), self.node_timeout * 2);
        if pause.is_zero() {
            self.releases.push(index, release_on(&self.set, node, claim, timeout));
            return;
        }
        let set = Arc::clone(&self.set);
        let later: Job<Removed> = Box::pin(async move {
            tokio::select! {
                biased;
                () = set.closing.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
            release_on(&set, node, claim, timeout).await
        });
        self.releases.push_later(index, later, pause);
    }
}

/// Those who listen are told, where anybody may be listening.
fn release_on(
    set: &NodeSet,
    node: Arc<dyn LockNode>,
    claim: Claim,
    timeout: Duration,
) -> Job<Removed> {
    if set.tells { node.release_and_tell(claim, timeout) } else { node.release(claim, timeout) }
}

/// Releases a claim on all nodes and waits until the outcome is certain. Cancel safe: it goes on in the
/// background.
pub(crate) async fn release(
    set: &Arc<NodeSet>,
    background: &Background,
    traced: Traced,
    acquires: Option<FanOut<Answer>>,
    turn: Option<Turn>,
    node_timeout: Duration,
) -> Result<bool, LockError> {
    let asked = set.clock.now();
    let mut sweep = Sweep::of_lock(set, background, traced, acquires, turn, node_timeout);
    let mut survey = Survey::new(set.len());
    let mut answers: Vec<Option<(Removed, Duration)>> = (0..set.len()).map(|_| None).collect();
    let releasing = Releasing::begin();
    let result = loop {
        match survey.answer() {
            Some(Majority::Yes) => break Ok(true),
            Some(Majority::No) => break Ok(false),
            // It stands on no majority any more, though it cannot be told whether it did before.
            Some(Majority::Open) if survey.is_answered() => break Ok(true),
            Some(Majority::Open) => break Err(unconfirmed(set, &answers)),
            None => {}
        }
        let Some((index, result)) = sweep.next().await else {
            break Err(unconfirmed(set, &answers));
        };
        if answers[index].is_none() {
            survey.record(result.as_ref().ok().map(|removal| *removal == Removal::Removed));
            answers[index] = Some((result, set.clock.now().since(asked)));
        }
    };
    releasing.ended(&result);
    result
}

fn unconfirmed(set: &NodeSet, answers: &[Option<(Removed, Duration)>]) -> LockError {
    let mut tally = Tally::default();
    let mut nodes = set.reports();
    for (node, answer) in nodes.iter_mut().zip(answers) {
        let Some((answer, latency)) = answer else {
            tally.unknown += 1;
            continue;
        };
        node.latency = Some(*latency);
        node.outcome = match answer {
            Ok(Removal::Removed) => {
                tally.granted += 1;
                NodeOutcome::Granted
            }
            Ok(Removal::Gone | Removal::Foreign) => {
                tally.refused += 1;
                NodeOutcome::Absent
            }
            Err(error) => {
                tally.unknown += 1;
                NodeOutcome::Failed(error.clone())
            }
        };
    }
    LockError::new(LockErrorKind::Unreachable, tally, nodes, None)
}
