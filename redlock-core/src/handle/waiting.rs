//! How a call waits for a lock: in the line of its process, then by asking the nodes until its time is up.

use std::sync::Arc;
use std::time::Duration;

use crate::decide::lease::Moment;
use crate::decide::rivalry::{Pace, Patience};
use crate::driver::{Failure, Heard, Waiter};
use crate::error::{LockError, LockErrorKind};
use crate::handle::guard::LockGuard;
use crate::handle::queue::{self, Place, Queues, Turn};
use crate::handle::shared::{Call, Had, Learned, Shared};
use crate::telemetry::{self, Acquire};

/// Longest sleep in a line: a timer does not run while the host is suspended, so the clock is looked at again now and
/// then.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// How late a timer may be.
const TIMER_SLACK: Duration = Duration::from_millis(5);

/// One call of `lock`.
pub(crate) struct Waiting<'a> {
    shared: &'a Shared,
    call: Call,
    acquire: &'a Acquire<'a>,
    deadline: Moment,
    attempts: u32,
    patience: Patience,
    /// The attempt was made because a release was heard.
    eager: bool,
    learned: Learned,
    /// How the last attempt failed.
    last: Option<LockError>,
    /// Hears of releases; there from the first refusal on, or where others were met lately.
    waiter: Option<Waiter>,
}

impl<'a> Waiting<'a> {
    pub(crate) fn new(shared: &'a Shared, call: Call, acquire: &'a Acquire<'a>) -> Self {
        let budget = mutant!(WaitsOn, call.plan.wait_for * 10, call.plan.wait_for);
        let deadline = shared.set.clock.glance().plus(budget);
        Self {
            shared,
            call,
            acquire,
            deadline,
            attempts: 0,
            patience: Patience::default(),
            eager: false,
            learned: Learned::default(),
            last: None,
            waiter: None,
        }
    }

    fn left(&self) -> Duration {
        self.deadline.since(self.shared.set.clock.glance())
    }

    pub(crate) async fn run(mut self) -> Result<LockGuard, LockError> {
        let (mut turn, mut queued) = self.turn(self.shared.max_waiters()).await?;
        let (now, pace, random) = (self.shared.set.clock.glance(), self.pace(), self.random());
        let mut since = now;
        let (mut pause, contested) = turn.hold_back(now, pace, random);
        if contested {
            self.listen();
        }
        if let Some(waiter) = turn.take_waiter() {
            self.waiter = Some(waiter);
            if turn.is_full() {
                // Whoever had the turn before has the last permit, and no release since was missed.
                pause = self.call.plan.retry.delay(0, self.random(), None);
            }
        }
        loop {
            if !pause.is_zero() {
                self.pause(&turn, pause).await?;
            }
            let now = self.shared.set.clock.glance();
            if (queued || self.attempts > 0) && now > self.deadline.plus(TIMER_SLACK) {
                return Err(self.timed_out());
            }
            let result = self.shared.attempt(&self.call, self.acquire, &self.learned).await;
            let over = self.shared.set.clock.glance();
            let failure = match result {
                Ok(Had { guard, free }) => {
                    turn.won(over, over.since(now));
                    match &self.call.semaphore {
                        // What others hold beside is no reason to keep those behind waiting.
                        Some(_) => turn.pass_on(free, self.waiter.take()),
                        None => guard.keep(turn),
                    }
                    return Ok(guard);
                }
                Err(failure) => failure,
            };
            self.patience.took(over.since(now));
            pause = self.after(&turn, failure)?;
            let longest = self.call.plan.retry.delay(0, 0, None);
            if turn.is_up(over.since(since), longest) {
                // To the end of the lines: what is free is not kept for the sake of what another process holds.
                drop(turn);
                // It has waited before, so it counts as none that comes in addition.
                (turn, _) = self.turn(usize::MAX).await?;
                (since, queued) = (self.shared.set.clock.glance(), true);
                pause = pause.saturating_sub(since.since(over));
            }
        }
    }

    /// The turn at the head of the line, and whether it was waited for.
    async fn turn(&self, limit: usize) -> Result<(Turn, bool), LockError> {
        let set = &self.shared.set;
        let key = self.call.name();
        let until = self.deadline.plus(self.call.plan.node_timeout * 4);
        let mode = self.call.plan.mode;
        let mut place = match queue::join(self.queues(), key, mode, limit, until) {
            Place::First(turn) => return Ok((turn, false)),
            Place::Behind(place) => place,
            Place::Full => return Err(LockError::bare(LockErrorKind::TooManyWaiters)),
        };
        loop {
            let now = set.clock.glance();
            let left = self.deadline.since(now);
            if left.is_zero() {
                return Err(self.timed_out());
            }
            let look = place.look_again().map_or(Duration::ZERO, |at| at.since(now));
            let look = look.clamp(Duration::from_millis(1), LONGEST_SLEEP);
            tokio::select! {
                biased;
                () = set.closing.cancelled() => return Err(self.closed()),
                turn = place.turn() => match turn {
                    Some(turn) => return Ok((turn, true)),
                    // The call was not polled until its time was over.
                    None => return Err(self.timed_out()),
                },
                () = tokio::time::sleep(look.min(left)) => place.skip(),
            }
        }
    }

    fn closed(&self) -> LockError {
        LockError::bare(LockErrorKind::Closed).after(self.attempts, LockErrorKind::Closed)
    }

    /// The budget was over before it was this call's turn: for the reason that its own last attempt met, or whoever had the
    /// turn, if it met one.
    fn timed_out(&self) -> LockError {
        let failure = || self.queues().failure(self.call.name());
        let Some(error) = self.last.clone().or_else(failure) else {
            return LockError::bare(LockErrorKind::TimedOut)
                .after(self.attempts, LockErrorKind::TimedOut);
        };
        let kind = match error.kind() {
            LockErrorKind::Contended => LockErrorKind::TimedOut,
            kind => kind,
        };
        error.after(self.attempts, kind)
    }

    /// What to do after a failed attempt: give up, or wait for so long.
    fn after(&mut self, turn: &Turn, failure: Failure) -> Result<Duration, LockError> {
        self.attempts = self.attempts.saturating_add(1);
        self.learned = Learned {
            barred: failure.barred,
            intent: self.call.plan.intent().filter(|_| failure.shares),
            taken: failure.taken,
        };
        let (error, left) = (failure.error, self.left());
        turn.failed(error.clone());
        self.last = Some(error.clone());
        match error.kind() {
            LockErrorKind::Contended if left.is_zero() => {
                return Err(error.after(self.attempts, LockErrorKind::TimedOut));
            }
            LockErrorKind::Contended | LockErrorKind::Unreachable | LockErrorKind::Late
                if !left.is_zero() => {}
            kind => return Err(error.after(self.attempts, kind)),
        }
        let random = self.random();
        let eager = std::mem::take(&mut self.eager);
        if eager {
            let most = match (&self.call.semaphore, turn.crowd()) {
                // Those ask at once who waited longest: the few who met part, and no more.
                (None, Some(crowd)) => (crowd / 4).max(1),
                (None, None) => u32::MAX,
                (Some(_), crowd) => crowd.unwrap_or(1) / 4,
            };
            self.patience.lost(random >> 16, most);
        }
        let delay = self.call.plan.retry.delay(self.attempts - 1, random, error.retry_after());
        if error.kind() != LockErrorKind::Contended {
            return Ok(delay);
        }
        // Only from now on is a release sure to be heard: one before may have been missed.
        let deaf = self.listen();
        if self.call.semaphore.is_some() && !eager && error.tally().granted == 0 {
            // Those who have the permits may be this process's own.
            turn.full();
        } else {
            turn.refused(deaf);
        }
        Ok(if error.tally().granted > 0 {
            delay.min(self.patience.collided(random >> 16))
        } else if deaf {
            delay.min(self.patience.later(random >> 16))
        } else {
            delay
        })
    }

    /// Hears of releases from now on; tells whether it did not before.
    fn listen(&mut self) -> bool {
        if self.waiter.is_some() {
            return false;
        }
        let call = &self.call;
        let (key, timeout) = (&call.key, call.plan.node_timeout);
        let waits = if call.semaphore.is_some() { Waiter::of_any } else { Waiter::new };
        self.waiter = Some(waits(&self.shared.set, &call.background, key, timeout));
        true
    }

    /// Sleeps, but not past a release and the turn that it means.
    async fn pause(&mut self, turn: &Turn, pause: Duration) -> Result<(), LockError> {
        let set = &self.shared.set;
        let mut until = set.clock.glance().plus(pause).min(self.deadline);
        loop {
            let heard = async {
                match &self.waiter {
                    Some(waiter) => waiter.heard().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = set.closing.cancelled() => return Err(self.closed()),
                heard = heard => {
                    telemetry::woken();
                    let random = self.random();
                    if let Some(pause) = self.hold_back(turn, heard, random) {
                        let longest = self.call.plan.retry.delay(0, random, None);
                        let least = self.call.semaphore.as_ref().map(|_| pause);
                        let pause = self.patience.heard(pause, random >> 16);
                        let pause = pause.max(least.unwrap_or_default()).min(longest);
                        if pause.is_zero() {
                            self.eager = true;
                            return Ok(());
                        }
                        until = set.clock.glance().plus(pause).min(self.deadline);
                    }
                }
                () = tokio::time::sleep(until.since(set.clock.glance())) => {
                    return Ok(());
                }
            }
        }
    }

    /// Where it stands in line.
    fn queues(&self) -> &Arc<Queues> {
        match &self.call.semaphore {
            Some(_) => &self.shared.semaphores,
            None => &self.shared.queues,
        }
    }

    /// How long to hold back from now that releases were heard; `None` when they change nothing.
    fn hold_back(&self, turn: &Turn, heard: Heard, random: u64) -> Option<Duration> {
        let (now, Heard { resources, own }) = (self.shared.set.clock.now(), heard);
        match &self.call.semaphore {
            None => turn.heard(resources, now, random),
            // All that there was to hear was heard before.
            Some(_) if resources == 0 => None,
            Some(_) if resources & !own == 0 => Some(turn.released(now, self.pace(), random)),
            Some(_) => turn.heard_of_one(now, random),
        }
    }

    fn pace(&self) -> Pace {
        let (set, rest) = (&self.shared.set, self.call.plan.retry.delay(0, self.random(), None));
        if set.hears && !set.wakes.are_refused() { Pace::told(rest) } else { Pace::untold(rest) }
    }

    fn random(&self) -> u64 {
        self.shared.random()
    }
}
