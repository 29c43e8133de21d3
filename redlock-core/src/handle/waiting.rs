//! How a call waits for a lock: in the line of its process, then by asking the nodes until its time is up.

use std::time::Duration;

use crate::driver::{Failure, Waiter};
use crate::error::{LockError, LockErrorKind};
use crate::guard::LockGuard;
use crate::lease::Moment;
use crate::node::NodeError;
use crate::queue::rivalry::{Pace, Patience};
use crate::queue::{self, Place, Turn};
use crate::quorum::Tally;
use crate::redlock::{Call, Redlock};
use crate::telemetry::{self, Acquire};

/// Longest sleep in a line: a timer does not run while the host is suspended, so the clock is looked at again now and
/// then.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// How late a timer may be.
const TIMER_SLACK: Duration = Duration::from_millis(5);

/// One call of `lock`.
pub(crate) struct Waiting<'a> {
    redlock: &'a Redlock,
    call: Call,
    acquire: &'a Acquire<'a>,
    deadline: Moment,
    attempts: u32,
    patience: Patience,
    /// The attempt was made because a release was heard.
    eager: bool,
    barred: Vec<(usize, NodeError)>,
    /// Hears of releases; there from the first refusal on, or where others were met lately.
    waiter: Option<Waiter>,
}

impl<'a> Waiting<'a> {
    pub(crate) fn new(redlock: &'a Redlock, call: Call, acquire: &'a Acquire<'a>) -> Self {
        let budget = mutant!(WaitsOn, call.plan.wait_for * 10, call.plan.wait_for);
        let deadline = redlock.set().clock.now().plus(budget);
        Self {
            redlock,
            call,
            acquire,
            deadline,
            attempts: 0,
            patience: Patience::default(),
            eager: false,
            barred: Vec::new(),
            waiter: None,
        }
    }

    fn left(&self) -> Duration {
        self.deadline.since(self.redlock.set().clock.now())
    }

    pub(crate) async fn run(mut self) -> Result<LockGuard, LockError> {
        let (turn, queued) = self.turn().await?;
        let (now, pace, random) = (self.redlock.set().clock.now(), self.pace(), self.random());
        let (mut pause, contested) = turn.rivalry(|rivalry| {
            (rivalry.hold_back(now, turn.idle, pace, random), rivalry.is_contested())
        });
        if contested {
            self.listen();
        }
        loop {
            if !pause.is_zero() {
                self.pause(&turn, pause).await?;
            }
            let now = self.redlock.set().clock.now();
            if (queued || self.attempts > 0) && now > self.deadline.plus(TIMER_SLACK) {
                return Err(self.timed_out());
            }
            let failure = match self.redlock.attempt(&self.call, self.acquire, &self.barred).await {
                Ok(guard) => {
                    let now = self.redlock.set().clock.now();
                    turn.attempted(None);
                    turn.rivalry(|rivalry| rivalry.won(now));
                    guard.keep(turn);
                    return Ok(guard);
                }
                Err(failure) => failure,
            };
            self.patience.took(self.redlock.set().clock.now().since(now));
            pause = self.after(&turn, failure)?;
        }
    }

    /// The turn at the head of the line, and whether it was waited for.
    async fn turn(&self) -> Result<(Turn, bool), LockError> {
        let set = self.redlock.set();
        let (key, limit) = (&self.call.key, self.redlock.max_waiters());
        let until = self.deadline.plus(self.call.plan.node_timeout * 4);
        let mut turn = match queue::join(set, key, limit, until) {
            Place::First(turn) => return Ok((turn, false)),
            Place::Behind(turn) => turn,
            Place::Full => return Err(LockError::bare(LockErrorKind::TooManyWaiters)),
        };
        loop {
            let now = set.clock.now();
            let left = self.deadline.since(now);
            if left.is_zero() {
                return Err(self.timed_out());
            }
            let look = set.queues.look_again(key).map_or(Duration::ZERO, |at| at.since(now));
            let look = look.clamp(Duration::from_millis(1), LONGEST_SLEEP);
            tokio::select! {
                biased;
                () = set.closing.cancelled() => return Err(LockError::bare(LockErrorKind::Closed)),
                turn = &mut turn => match turn {
                    Ok(turn) => return Ok((turn, true)),
                    // A line is not given up while somebody waits in it; this is for the compiler.
                    Err(_) => return Err(self.timed_out()),
                },
                () = tokio::time::sleep(look.min(left)) => queue::skip(set, key),
            }
        }
    }

    /// The budget was over before it was this call's turn: for the reason that whoever had the turn met, if that was not
    /// somebody who held the lock.
    fn timed_out(&self) -> LockError {
        let set = self.redlock.set();
        let held = || {
            let tally = Tally { unknown: set.len(), ..Tally::default() };
            LockError::new(LockErrorKind::Contended, tally, set.reports(), None)
        };
        let error = set.queues.failure(&self.call.key).unwrap_or_else(held);
        let kind = match error.kind() {
            LockErrorKind::Contended => LockErrorKind::TimedOut,
            kind => kind,
        };
        error.after(self.attempts, kind)
    }

    /// What to do after a failed attempt: give up, or wait for so long.
    fn after(&mut self, turn: &Turn, failure: Failure) -> Result<Duration, LockError> {
        self.attempts = self.attempts.saturating_add(1);
        self.barred = failure.barred;
        let (error, left) = (failure.error, self.left());
        turn.attempted(Some(error.clone()));
        match error.kind() {
            LockErrorKind::Contended if left.is_zero() => {
                return Err(error.after(self.attempts, LockErrorKind::TimedOut));
            }
            LockErrorKind::Contended | LockErrorKind::Unreachable | LockErrorKind::Late
                if !left.is_zero() => {}
            kind => return Err(error.after(self.attempts, kind)),
        }
        let random = self.random();
        if std::mem::take(&mut self.eager) {
            self.patience.lost(random >> 16);
        }
        let delay = self.call.plan.retry.delay(self.attempts - 1, random, error.retry_after());
        if error.kind() != LockErrorKind::Contended {
            return Ok(delay);
        }
        turn.rivalry(|rivalry| rivalry.refused());
        // Only from now on is a release sure to be heard: one before may have been missed.
        let deaf = self.listen();
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
        self.waiter = Some(Waiter::new(self.redlock.set(), &call.background, key, timeout));
        true
    }

    /// Sleeps, but not past a release and the turn that it means.
    async fn pause(&mut self, turn: &Turn, pause: Duration) -> Result<(), LockError> {
        let set = self.redlock.set();
        let mut until = set.clock.now().plus(pause).min(self.deadline);
        loop {
            let heard = async {
                match &self.waiter {
                    Some(waiter) => waiter.heard().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = set.closing.cancelled() => return Err(LockError::bare(LockErrorKind::Closed)),
                () = heard => {
                    telemetry::woken();
                    let random = self.random();
                    if let Some(pause) = turn.rivalry(|rivalry| rivalry.heard(random)) {
                        let longest = self.call.plan.retry.delay(0, random, None);
                        let pause = self.patience.heard(pause, random >> 16).min(longest);
                        if pause.is_zero() {
                            self.eager = true;
                            return Ok(());
                        }
                        until = set.clock.now().plus(pause).min(self.deadline);
                    }
                }
                () = tokio::time::sleep(until.since(set.clock.now())) => {
                    return Ok(());
                }
            }
        }
    }

    fn pace(&self) -> Pace {
        let (set, rest) = (self.redlock.set(), self.call.plan.retry.delay(0, self.random(), None));
        if set.hears && !set.wakes.are_refused() { Pace::told(rest) } else { Pace::untold(rest) }
    }

    fn random(&self) -> u64 {
        self.redlock.random()
    }
}
