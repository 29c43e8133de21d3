use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::background::Job;
use super::claimed::Claimed;
use super::ending::{self, Removed};
use super::fan_out::{Either, FanOut, poll_next_of};
use super::stragglers::{look_on, park_work};
use super::trace::{Answer, may_stand, tells_nothing};
use super::yard;
use crate::decide::lease::Moment;
use crate::node::{FaultClass, Removal};
use crate::telemetry::Verb;

/// First and longest pause before a release is tried again.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The release of one claim on all nodes.
///
/// One release goes to every node at once, behind the acquire where that is still out. Where it came before the acquire
/// all the same and found nothing, it goes once more. Where the claim may stand, a release that fails is tried again
/// until the key would have expired by itself; so is one that finds nothing where the fate of the acquire is unknown,
/// since a request on a broken connection can be applied after the release on the next one. Dropped, all of this goes on
/// in the background. Of a lock that is to stay taken for a while each of these releases is a [keep](ending), until then.
pub(crate) struct Sweep(Option<Work>);

/// Whoever wants to know when the releases of its lock were sent: on each connection the next acquire comes after them.
/// It is told once, also where the runtime ended before they were.
pub(crate) trait WhenSent: Send + Sync {
    fn sent(&self);
}

struct Work {
    claimed: Claimed,
    acquires: FanOut<Answer>,
    releases: FanOut<Removed>,
    /// A bit per node that answered its last release.
    answered: u64,
    /// A bit per node on which that freed the claim.
    removed: u64,
    /// A bit per node whose acquire was granted, or may have been, while the release was out.
    late: u64,
    tries: Vec<u32>,
    /// Of a lock: those who wait for it in this process are to be told when the releases were sent.
    of_lock: bool,
    /// Who else.
    when_sent: Option<Arc<dyn WhenSent>>,
    /// Polled at least once: everything was sent.
    sent: bool,
    /// The lock stays taken for a while: nobody has to be told.
    kept: bool,
    /// One for each node that is tried again: bounds what hung nodes can pile up.
    permits: Vec<OwnedSemaphorePermit>,
    expires: Moment,
}

impl Sweep {
    /// Of an attempt that was not won. Sends the releases at the first poll, or in the background when dropped before
    /// that.
    pub(crate) fn start(claimed: Claimed, acquires: FanOut<Answer>) -> Self {
        Self::on(0..claimed.set.len(), claimed, acquires)
    }

    /// Of a lock, with those acquires of its attempt that nobody drives.
    pub(crate) fn of_lock(
        claimed: Claimed,
        acquires: Option<FanOut<Answer>>,
        when_sent: Option<Arc<dyn WhenSent>>,
        now: Moment,
    ) -> Self {
        let acquires = acquires.unwrap_or_else(|| FanOut::new(&claimed.background, 0));
        let mut sweep = Self::begin(0..claimed.set.len(), claimed, acquires, now);
        if let Some(work) = &mut sweep.0 {
            (work.when_sent, work.of_lock) = (when_sent, true);
        }
        sweep
    }

    pub(super) fn on(
        nodes: impl IntoIterator<Item = usize>,
        claimed: Claimed,
        acquires: FanOut<Answer>,
    ) -> Self {
        let now = claimed.set.clock.glance();
        Self::begin(nodes, claimed, acquires, now)
    }

    fn begin(
        nodes: impl IntoIterator<Item = usize>,
        claimed: Claimed,
        acquires: FanOut<Answer>,
        now: Moment,
    ) -> Self {
        let Claimed { set, background, traced, node_timeout } = &claimed;
        traced.trace.release();
        let expires = now.plus(traced.trace.ttl()).plus(*node_timeout);
        let mut work = Work {
            acquires,
            releases: FanOut::new(background, set.len()).watched(set.told(), Verb::Release),
            answered: 0,
            removed: 0,
            late: 0,
            tries: Vec::new(),
            of_lock: false,
            when_sent: None,
            sent: false,
            kept: traced.trace.rest(now).is_some(),
            permits: Vec::new(),
            expires,
            claimed,
        };
        for index in nodes {
            if !(mutant!(ReleaseOnlyGranted) && work.claimed.traced.trace.unsure(index)) {
                work.release(index, Duration::ZERO);
            }
        }
        Self(Some(work))
    }

    /// The next node's answer to a release, `None` for a failure; `None` when nothing is left to do. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<(usize, Option<Removal>)> {
        let work = self.0.as_mut()?;
        let place = poll_fn(|cx| work.poll_next(cx)).await?;
        let clock = &work.claimed.set.clock;
        let (index, result) = work.releases.keep(place, || clock.glance())?;
        Some((index, result.as_ref().ok().copied()))
    }

    /// The answers that were given out, by node, with when they came.
    pub(crate) fn answers(&self) -> impl Iterator<Item = (usize, &Removed, Option<Moment>)> {
        self.0.iter().flat_map(|work| work.releases.kept())
    }
}

impl Drop for Sweep {
    fn drop(&mut self) {
        let Some(mut work) = self.0.take() else { return };
        if work.sent && work.is_over() {
            if !(work.acquires.is_empty() && work.releases.is_empty()) {
                look_on(&work.claimed.set, &work.claimed.background);
            }
            work.releases.forget();
            work.acquires.forget();
            return;
        }
        if work.sent {
            work.acquires.looks_away();
            work.releases.looks_away();
            let Claimed { set, background, .. } = &work.claimed;
            let (set, background) = (Arc::clone(set), background.clone());
            park_work(&set, &background, Box::new(work));
        } else if !(work.acquires.is_empty() && work.releases.is_empty()) {
            yard::Work::go_on(Box::new(work));
        }
    }
}

/// The runtime ended before the work was done: what is left of it is begun anew elsewhere, where there is a place. Not
/// the same futures, whose timers and connections ended with the runtime.
impl Drop for Work {
    fn drop(&mut self) {
        self.was_sent();
        let Some(home) = self.claimed.background.at_home() else { return };
        let left: std::collections::BTreeSet<_> =
            self.releases.pending().chain(self.acquires.pending()).collect();
        if !left.is_empty() {
            let none = FanOut::new(&home, 0);
            drop(Sweep::on(left, Claimed { background: home, ..self.claimed.clone() }, none));
        }
    }
}

impl yard::Work for Work {
    fn go_on(mut self: Box<Self>) {
        let background = self.claimed.background.clone();
        background.spawn(poll_fn(move |cx| self.poll_done(cx)));
    }

    fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(place) = ready!(self.poll_next(cx)) {
            self.releases.take_at(place);
        }
        Poll::Ready(())
    }
}

impl Work {
    fn was_sent(&mut self) {
        if let Some(when_sent) = self.when_sent.take() {
            when_sent.sent();
        }
    }

    /// Whether every answer is there, and nothing follows from those that nobody looked at yet.
    fn is_over(&self) -> bool {
        let mut removed = self.removed;
        let releases = self.releases.are_there(|index, result| {
            removed |= 1 << index;
            matches!(result, Ok(Removal::Removed))
        });
        releases
            && self.acquires.are_there(|index, a| tells_nothing(a) && removed & (1 << index) != 0)
    }

    /// The place of the next answer to a release, which is to be kept or taken.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<usize>> {
        loop {
            let step = poll_next_of(&mut self.releases, &mut self.acquires, cx);
            self.sent = true;
            if std::mem::take(&mut self.of_lock) {
                self.was_sent();
                if !self.kept {
                    let Claimed { set, traced, node_timeout, .. } = &self.claimed;
                    set.wakes.released_here(traced.claim.key(), *node_timeout * 2, &set.clock);
                }
            }
            match ready!(step) {
                None => return Poll::Ready(None),
                Some(Either::Second(place)) => self.acquired(place),
                Some(Either::First(place)) => {
                    self.released(place);
                    return Poll::Ready(Some(place));
                }
            }
        }
    }

    /// Draws what follows from an answer to an acquire.
    fn acquired(&mut self, place: usize) {
        let Some((index, answer)) = self.acquires.take_at(place) else { return };
        self.claimed.set.note(index, &self.claimed.traced.trace, &answer);
        if may_stand(&answer) && !mutant!(LateGrantKept) {
            self.late(index);
        }
    }

    /// Draws what follows from an answer to a release.
    fn released(&mut self, place: usize) {
        let Some((index, result)) = self.releases.at(place) else { return };
        let bit = 1 << index;
        let removed = matches!(result, Ok(Removal::Removed));
        if let Err(error) = result {
            self.claimed.set.note_error(index, error);
        }
        let again = self.inconclusive(index, result) && !mutant!(ReleaseNotRetried);
        let late = self.late & bit != 0;
        self.late &= !bit;
        self.answered |= bit;
        self.removed = if removed { self.removed | bit } else { self.removed & !bit };
        if again {
            self.try_again(index);
        } else if late && !removed {
            self.release(index, Duration::ZERO);
        }
    }

    /// An acquire came back that stands, or may.
    fn late(&mut self, index: usize) {
        let bit = 1 << index;
        if self.answered & bit == 0 {
            self.late |= bit;
        } else if self.removed & bit == 0 {
            // Its release was overtaken. What was removed had been granted before.
            self.release(index, Duration::ZERO);
        }
    }

    /// Whether the claim may still stand, or come to stand, on the node after this answer to a release.
    fn inconclusive(&self, index: usize, result: &Removed) -> bool {
        let trace = &self.claimed.traced.trace;
        match result {
            Ok(Removal::Removed) => false,
            Ok(_) => trace.unsure(index),
            // A right can be missing for a moment. But who lacks it for good is not to be asked again and again for what
            // was never taken.
            Err(error) if error.class() == FaultClass::Misconfigured => {
                trace.touched(index) && !trace.is_refused(index)
            }
            Err(_) => trace.touched(index),
        }
    }

    fn try_again(&mut self, index: usize) {
        if self.tries.is_empty() {
            self.tries = vec![0; self.claimed.set.len()];
        }
        let tries = self.tries[index];
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(tries)).min(LONGEST_PAUSE);
        if self.claimed.set.closing.is_cancelled()
            || self.claimed.set.clock.glance().plus(pause) >= self.expires
        {
            return;
        }
        if tries == 0 {
            match Arc::clone(&self.claimed.set.members[index].retries).try_acquire_owned() {
                Ok(permit) => self.permits.push(permit),
                Err(_) => return,
            }
        }
        self.tries[index] = tries.saturating_add(1);
        self.release(index, pause);
    }

    fn release(&mut self, index: usize, pause: Duration) {
        self.answered &= !(1 << index);
        if pause.is_zero() {
            self.releases.push(index, ending::on(&self.claimed, index));
            return;
        }
        let own = self.claimed.clone();
        let later: Job<Removed> = Box::pin(async move {
            tokio::select! {
                biased;
                () = own.set.closing.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
            if mutant!(KeepRetriedPlainly) {
                return ending::release_on(&own, index).await;
            }
            ending::on(&own, index).await
        });
        self.releases.push_later(index, later, pause);
    }
}
