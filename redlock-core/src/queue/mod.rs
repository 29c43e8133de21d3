//! Lines of this process: whoever waits for a key takes turns in order, and the first alone asks the nodes.
//!
//! Exclusion does not rest on it; it spares the nodes the crowd, and the crowd the luck of random delays.

pub(crate) mod rivalry;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::oneshot;

use self::rivalry::Rivalry;
use crate::driver::NodeSet;
use crate::error::LockError;
use crate::hold::Hold;
use crate::key::LockKey;
use crate::lease::Moment;

/// How long a line that nobody stands in is remembered: what it knows of rivals is of use to the next call.
const KEPT: Duration = Duration::from_secs(1);

/// Below this many lines nobody looks for those that are over.
const PURGE_FLOOR: usize = 256;

/// All lines of one handle.
#[derive(Debug)]
pub(crate) struct Queues(Mutex<Lines>);

#[derive(Debug, Default)]
struct Lines {
    by_key: HashMap<LockKey, Line>,
    purge_at: usize,
    turns: u64,
}

#[derive(Debug)]
struct Line {
    /// The one whose turn it is, if it is anybody's.
    turn: Option<Current>,
    waiting: VecDeque<Waiting>,
    rivalry: Rivalry,
    /// The last attempt at the head, if it failed.
    failure: Option<LockError>,
    /// When the last turn ended.
    ended: Moment,
}

#[derive(Debug)]
struct Waiting {
    turn: oneshot::Sender<Turn>,
    until: Moment,
}

#[derive(Debug)]
struct Current {
    id: u64,
    /// Without a hold: when the call that asks the nodes has ended. One that is not polled any more holds up the others
    /// no longer than this.
    until: Moment,
    hold: Weak<Hold>,
}

/// A place in a line.
pub(crate) enum Place {
    /// At its head.
    First(Turn),
    /// Behind others.
    Behind(oneshot::Receiver<Turn>),
    /// None: as many wait as may.
    Full,
}

impl Default for Queues {
    fn default() -> Self {
        Self(Mutex::new(Lines { purge_at: PURGE_FLOOR, ..Lines::default() }))
    }
}

impl Queues {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        // Nothing panics while it is locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the last attempt at the head of the line failed, if it did.
    pub(crate) fn failure(&self, key: &LockKey) -> Option<LockError> {
        self.lock().by_key.get(key)?.failure.clone()
    }

    /// When whoever waits should look again whether the turn is [over](skip).
    pub(crate) fn look_again(&self, key: &LockKey) -> Option<Moment> {
        let (until, hold) = {
            let lines = self.lock();
            let turn = lines.by_key.get(key)?.turn.as_ref()?;
            (turn.until, turn.hold.upgrade())
        };
        // Outside of the lock: a hold that ends here passes its turn on.
        Some(hold.map_or(until, |hold| hold.until()))
    }
}

/// Joins the line for `key`, which at most `limit` may wait in. The turn is over by `until`, unless a
/// [hold](Turn::keep) has it.
pub(crate) fn join(set: &Arc<NodeSet>, key: &LockKey, limit: usize, until: Moment) -> Place {
    let now = set.clock.now();
    let mut lines = set.queues.lock();
    lines.turns += 1;
    let id = lines.turns;
    let turn = Some(Current { id, until, hold: Weak::new() });
    let mut idle = Duration::MAX;
    if let Some(line) = lines.by_key.get_mut(key) {
        if line.turn.is_some() {
            if line.waiting.len() >= limit {
                line.waiting.retain(|waiting| !waiting.turn.is_closed());
            }
            if line.waiting.len() >= limit {
                return Place::Full;
            }
            let (turn, receiver) = oneshot::channel();
            line.waiting.push_back(Waiting { turn, until });
            return Place::Behind(receiver);
        }
        idle = now.since(line.ended);
        if idle > KEPT {
            line.rivalry = Rivalry::default();
        }
        line.turn = turn;
    } else {
        lines.purge(now);
        let line = Line {
            turn,
            waiting: VecDeque::new(),
            rivalry: Rivalry::default(),
            failure: None,
            ended: now,
        };
        lines.by_key.insert(key.clone(), line);
    }
    Place::First(Turn { set: Arc::clone(set), key: key.clone(), id, idle })
}

/// Gives the turn to the next if it is over: the lease expired under its guard, or the call is not polled any more.
pub(crate) fn skip(set: &Arc<NodeSet>, key: &LockKey) {
    let now = set.clock.now();
    let current = {
        let lines = set.queues.lock();
        let turn = lines.by_key.get(key).and_then(|line| line.turn.as_ref());
        turn.map(|turn| (turn.id, turn.until, turn.hold.upgrade()))
    };
    let over = |until, hold: Option<Arc<Hold>>| match hold {
        Some(hold) => hold.lost_reason().is_some(),
        None => now > until,
    };
    if let Some((id, until, hold)) = current
        && over(until, hold)
    {
        pass(set, key, id);
    }
}

/// Gives the turn `id` to the next, if it was not skipped before.
fn pass(set: &Arc<NodeSet>, key: &LockKey, mut id: u64) {
    let now = set.clock.now();
    loop {
        let (next, turn) = {
            let mut lines = set.queues.lock();
            lines.turns += 1;
            let new = lines.turns;
            let Some(line) = lines.by_key.get_mut(key) else { return };
            if line.turn.take_if(|turn| turn.id == id).is_none() {
                return;
            }
            line.ended = now;
            let Some(next) = line.waiting.pop_front() else { return };
            line.turn = Some(Current { id: new, until: next.until, hold: Weak::new() });
            (
                next.turn,
                Turn { set: Arc::clone(set), key: key.clone(), id: new, idle: Duration::ZERO },
            )
        };
        match next.send(turn) {
            Ok(()) => return,
            // Whoever waited is gone.
            Err(mut turn) => id = std::mem::take(&mut turn.id),
        }
    }
}

impl Lines {
    fn purge(&mut self, now: Moment) {
        if self.by_key.len() < self.purge_at {
            return;
        }
        self.by_key.retain(|_, line| line.turn.is_some() || now.since(line.ended) <= KEPT);
        // Looking again only after the rest has doubled keeps the cost per lock constant.
        self.purge_at = PURGE_FLOOR.max(self.by_key.len() * 2);
    }
}

/// The turn at the head of a line. Dropped, it passes to the next.
pub(crate) struct Turn {
    set: Arc<NodeSet>,
    key: LockKey,
    /// No turn has the number 0.
    id: u64,
    /// How long nobody here had the turn before.
    pub(crate) idle: Duration,
}

impl Turn {
    /// Lets the hold keep the turn for as long as it lasts.
    pub(crate) fn keep(&self, hold: &Arc<Hold>) {
        let mut lines = self.set.queues.lock();
        let turn = lines.by_key.get_mut(&self.key).and_then(|line| line.turn.as_mut());
        if let Some(turn) = turn.filter(|turn| turn.id == self.id) {
            turn.hold = Arc::downgrade(hold);
            // Without the hold, which then was dropped where nobody passes the turn on, it is over as the lease is.
            turn.until = hold.until();
        }
    }

    /// Tells those behind how an attempt went.
    pub(crate) fn attempted(&self, failure: Option<LockError>) {
        if let Some(line) = self.set.queues.lock().by_key.get_mut(&self.key) {
            line.failure = failure;
        }
    }

    /// What the line knows of others who want the key.
    pub(crate) fn rivalry<T>(&self, look: impl FnOnce(&mut Rivalry) -> T) -> T {
        let mut lines = self.set.queues.lock();
        match lines.by_key.get_mut(&self.key) {
            Some(line) => look(&mut line.rivalry),
            // A line with a turn is not forgotten; this one was skipped.
            None => look(&mut Rivalry::default()),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.id != 0 {
            pass(&self.set, &self.key, self.id);
        }
    }
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").field("id", &self.id).finish_non_exhaustive()
    }
}
