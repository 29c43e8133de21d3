//! FIFO queues of this process, one for each resource: whoever waits takes turns in the order of arrival, and the first alone
//! asks the nodes.
//!
//! Exclusion does not rest on it; it spares the nodes the crowd, and the crowd the luck of random delays.

mod line;
mod lines;
mod name;
mod permits;
mod sets;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::oneshot;

pub(crate) use self::line::Holds;
use self::line::Line;
use self::lines::{Blocker, Granted, Joined, Lines};
use self::sets::Sets;
use crate::decide::lease::Moment;
use crate::decide::rivalry::Pace;
use crate::driver::{NodeSet, Waiter};
use crate::error::LockError;
use crate::node::Mode;
use crate::node::key::LockKey;

type Wakes = oneshot::Sender<Turn>;

/// All lines of one handle.
pub(crate) struct Queues {
    /// Those that are waited for, and their clock.
    set: Arc<NodeSet>,
    lines: Mutex<Lines<Wakes>>,
    sets: Mutex<Sets>,
}

/// A place in the lines.
pub(crate) enum Place<'a> {
    /// At the head of all.
    First(Turn),
    /// Behind others.
    Behind(Behind<'a>),
    /// None: as many wait as may.
    Full,
}

impl Queues {
    pub(crate) fn new(set: &Arc<NodeSet>) -> Self {
        Self { set: Arc::clone(set), lines: Mutex::default(), sets: Mutex::default() }
    }

    fn now(&self) -> Moment {
        self.set.clock.now()
    }

    fn lock(&self) -> MutexGuard<'_, Lines<Wakes>> {
        // Nothing panics while it is locked.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sets(&self) -> MutexGuard<'_, Sets> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the last attempt of those whose turn it was failed, if it did.
    pub(crate) fn failure(&self, key: &LockKey) -> Option<LockError> {
        self.lock().failure(key)
    }
}

/// Joins the lines for `key`, in each of which at most `limit` may wait. The turn is over by `until`, unless a
/// [hold](Turn::keep) has it.
pub(crate) fn join<'a>(
    queues: &'a Arc<Queues>,
    key: &'a LockKey,
    mode: Mode,
    limit: usize,
    until: Moment,
) -> Place<'a> {
    let now = queues.now();
    let mut turn = None;
    let wakes = || {
        let (wakes, receiver) = oneshot::channel();
        turn = Some(receiver);
        wakes
    };
    let joined = queues.lock().join(key, mode, limit, until, now, wakes);
    match (joined, turn) {
        (Joined::First(id), _) => Place::First(Turn::new(queues, key, mode, id)),
        (Joined::Behind(id), Some(turn)) => Place::Behind(Behind { queues, key, id, turn }),
        _ => Place::Full,
    }
}

/// Gives the turn `id` to those behind it, if it was not skipped before.
fn pass(queues: &Arc<Queues>, key: &LockKey, id: u64, waiter: Option<Waiter>) {
    let now = queues.now();
    let granted = queues.lock().end(id, key, now);
    hand_over(queues, granted, waiter, now);
}

/// Gives up the place `id` of one that waits.
fn leave(queues: &Arc<Queues>, id: u64, now: Moment) {
    let (granted, _gone) = queues.lock().leave(id, now);
    hand_over(queues, granted, None, now);
}

/// The last one of them hears of releases from now on by `waiter`, if there is one.
fn hand_over(
    queues: &Arc<Queues>,
    mut granted: Vec<Granted<Wakes>>,
    mut waiter: Option<Waiter>,
    now: Moment,
) {
    while let Some(Granted { id, key, mode, wakes }) = granted.pop() {
        let mut turn = Turn::new(queues, &key, mode, id);
        turn.waiter = waiter.take();
        if let Err(mut turn) = wakes.send(turn) {
            // Whoever waited is gone. In no destructor: there may be many of them.
            turn.id = 0;
            waiter = turn.waiter.take();
            granted.extend(queues.lock().end(id, &key, now));
        }
    }
}

/// A place behind others. Dropped, it is given up.
pub(crate) struct Behind<'a> {
    queues: &'a Arc<Queues>,
    key: &'a LockKey,
    id: u64,
    turn: oneshot::Receiver<Turn>,
}

impl Behind<'_> {
    /// Resolves when it is this call's turn; `None` when the place was given up since its time was over. Cancel safe.
    pub(crate) async fn turn(&mut self) -> Option<Turn> {
        (&mut self.turn).await.ok()
    }

    /// When to look again whether what is waited for is [over](Self::skip).
    pub(crate) fn look_again(&self) -> Option<Moment> {
        let blockers = self.queues.lock().blockers(self.id, self.key);
        let until = |blocker| match blocker {
            // Outside of the lock: a hold that ends here passes its turn on.
            Blocker::Turn(turn) => turn.hold().map_or(turn.until, |hold| hold.until()),
            Blocker::Waiting { until, lets_go, .. } => until.min(lets_go),
        };
        blockers.into_iter().map(until).min()
    }

    /// Ends what is waited for if it is over: the lease expired under its guard, or the call is not polled any more.
    pub(crate) fn skip(&self) {
        let now = self.queues.now();
        let blockers = self.queues.lock().blockers(self.id, self.key);
        for blocker in blockers {
            match blocker {
                Blocker::Turn(turn) => {
                    let over = match turn.hold() {
                        Some(hold) => hold.is_over(),
                        None => now > turn.until,
                    };
                    if over {
                        pass(self.queues, &turn.key, turn.id, None);
                    }
                }
                Blocker::Waiting { id, until, .. } if now > until => leave(self.queues, id, now),
                Blocker::Waiting { id, lets_go, .. } if now > lets_go => {
                    let granted = self.queues.lock().let_go(id, now);
                    hand_over(self.queues, granted, None, now);
                }
                Blocker::Waiting { .. } => {}
            }
        }
    }
}

impl Drop for Behind<'_> {
    fn drop(&mut self) {
        leave(self.queues, self.id, self.queues.now());
    }
}

/// The turn at the head of the lines. Dropped, it passes to those behind.
pub(crate) struct Turn {
    queues: Arc<Queues>,
    key: LockKey,
    mode: Mode,
    /// No turn has the number 0.
    id: u64,
    /// Of a semaphore: hears of releases since before the turn came.
    waiter: Option<Waiter>,
}

impl Turn {
    fn new(queues: &Arc<Queues>, key: &LockKey, mode: Mode, id: u64) -> Self {
        Self { queues: Arc::clone(queues), key: key.clone(), mode, id, waiter: None }
    }

    /// Who shares takes nothing from others who do, so it takes no turns with them.
    fn shares(&self) -> bool {
        self.mode == Mode::Shared
    }

    fn each(&self, look: impl FnMut(usize, &mut Line)) {
        self.queues.lock().each(&self.key, look);
    }

    /// Lets the hold keep the turn for as long as it lasts.
    pub(crate) fn keep(&self, hold: &Weak<dyn Holds>, until: Moment) {
        // Without the hold, which then was dropped where nobody passes the turn on, it is over as the lease is.
        let now = self.queues.now();
        let granted = self.queues.lock().keep(self.id, &self.key, hold, until, now);
        hand_over(&self.queues, granted, None, now);
    }

    /// Tells those behind how an attempt went.
    pub(crate) fn failed(&self, failure: LockError) {
        let failure = Some((self.key.clone(), failure));
        self.each(|_, line| line.failure.clone_from(&failure));
    }

    /// Whether to let others have the turn, after `had`, since a resource is held elsewhere that they do not wait for:
    /// another one of several.
    pub(crate) fn is_up(&self, had: Duration, longest: Duration) -> bool {
        had >= longest && self.key.single().is_none() && self.queues.lock().is_awaited(&self.key)
    }

    /// How long to hold back before the first attempt, and whether other processes were met lately.
    pub(crate) fn hold_back(&self, now: Moment, pace: Pace, random: u64) -> (Duration, bool) {
        let (mut pause, mut contested) = (Duration::ZERO, false);
        if self.shares() {
            return (pause, contested);
        }
        self.each(|_, line| {
            // Whoever else wants a permit may have one of those that are free.
            if line.room == 0 {
                pause = pause.max(line.rivalry.hold_back(now, line.idle, pace, random));
            }
            contested |= line.rivalry.is_contested();
        });
        (pause, contested)
    }

    /// Releases of the resources with these bits were heard; how long to hold back from now. `None` when they were the
    /// own ones, which change nothing.
    pub(crate) fn heard(&self, resources: u64, now: Moment, random: u64) -> Option<Duration> {
        if self.shares() {
            return Some(Duration::ZERO);
        }
        let mut pause = None;
        self.each(|position, line| {
            if resources & (1 << position) != 0 {
                pause = pause.max(line.rivalry.heard(now, random));
            }
        });
        let mut sets = self.queues.sets();
        match sets.of(&self.key, now) {
            Some(rivalry) if pause.is_some() => rivalry.heard(now, random),
            _ => pause,
        }
    }

    /// Others hold one of the resources. Only from now on are releases heard, if `deaf`.
    pub(crate) fn refused(&self, deaf: bool) {
        if !self.shares() {
            self.each(|_, line| {
                line.room = 0;
                line.rivalry.refused(deaf);
            });
        }
    }

    /// The lock is held here, after an attempt that took so long.
    pub(crate) fn won(&self, now: Moment, round: Duration) {
        let shares = self.shares();
        self.each(|_, line| {
            line.failure = None;
            if !shares {
                line.rivalry.won(now, round);
            }
        });
        if shares {
            return;
        }
        if let Some(rivalry) = self.queues.sets().of(&self.key, now) {
            rivalry.won(now, round);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.id != 0 {
            pass(&self.queues, &self.key, self.id, self.waiter.take());
        }
    }
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
