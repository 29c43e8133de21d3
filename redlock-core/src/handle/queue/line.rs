//! One line, and those who stand in it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::decide::lease::Moment;
use crate::decide::rivalry::Rivalry;
use crate::error::LockError;
use crate::node::Mode;
use crate::node::key::LockKey;

/// How long resources are kept for a call at first. It is twice as long each time after.
const KEPT_FOR: Duration = Duration::from_millis(500);

/// Whoever keeps a turn while the lock is held.
pub(crate) trait Holds: Send + Sync {
    fn until(&self) -> Moment;

    /// Whether it is lost or released.
    fn is_over(&self) -> bool;
}

#[derive(Debug, Default)]
pub(super) struct Line {
    /// The call whose turn it is, if it is anybody's; several where they share, and where there is room.
    pub(super) turns: Vec<Current>,
    /// Of a semaphore: so many permits were free when one was had last, since when none was refused.
    pub(super) room: usize,
    /// Tickets of those who wait.
    pub(super) waiting: BTreeSet<u64>,
    /// Those of them who want it alone.
    pub(super) writers: BTreeSet<u64>,
    /// Those of them for whom the resource is kept.
    pub(super) keepers: BTreeSet<u64>,
    pub(super) rivalry: Rivalry,
    /// The last attempt of a call whose turn it was, if it failed, and what it asked for.
    pub(super) failure: Option<(LockKey, LockError)>,
    /// When the last turn ended.
    pub(super) ended: Option<Moment>,
    /// For how long it was nobody's turn before this one.
    pub(super) idle: Duration,
}

#[derive(Debug)]
pub(super) struct Waiting<W> {
    pub(super) key: LockKey,
    pub(super) mode: Mode,
    pub(super) wakes: W,
    pub(super) until: Moment,
    /// A bit for each resource that has been free once since the call came, or let go of what was kept for it.
    pub(super) free: u64,
    /// Since when its resources are kept for it.
    pub(super) kept: Option<Moment>,
    /// How often it let go of them.
    pub(super) let_go: u32,
}

impl<W> Waiting<W> {
    /// When it lets go of what is kept for it.
    pub(super) fn lets_go(&self) -> Option<Moment> {
        Some(self.kept?.plus(KEPT_FOR.saturating_mul(1 << self.let_go.min(16))))
    }
}

/// A turn, as each of its lines knows it.
#[derive(Clone)]
pub(super) struct Current {
    pub(super) id: u64,
    pub(super) key: LockKey,
    pub(super) mode: Mode,
    /// Without a hold: when the call that asks the nodes has ended. One that is not polled any more holds up the others
    /// no longer than this.
    pub(super) until: Moment,
    pub(super) hold: Option<Weak<dyn Holds>>,
    /// The lock was had, so that its release is told.
    pub(super) had: bool,
}

impl Line {
    /// Whether `id` could have the resource now. Who shares may join others once one of them has it, but does not pass by
    /// whoever came before and wants it alone. Of permits as many may be asked for at a time as seem to be free.
    pub(super) fn is_open_to(&self, id: u64, mode: Mode) -> bool {
        if self.keeper(id).is_some() {
            return false;
        }
        let shared = self.turns.iter().all(|turn| turn.mode == Mode::Shared);
        let had = self.turns.iter().any(|turn| turn.had);
        let first = self.writers.first().is_none_or(|writer| *writer > id);
        self.turns.len() < self.room.max(1) || mode == Mode::Shared && shared && had && first
    }

    /// Removes what one that waited left.
    pub(super) fn forget(&mut self, id: u64) {
        self.waiting.remove(&id);
        self.writers.remove(&id);
        self.keepers.remove(&id);
    }

    /// The first one before `id` for whom the resource is kept.
    pub(super) fn keeper(&self, id: u64) -> Option<u64> {
        self.keepers.first().copied().filter(|keeper| *keeper < id)
    }
}

impl Current {
    /// The hold, where it still lives.
    pub(super) fn hold(&self) -> Option<Arc<dyn Holds>> {
        self.hold.as_ref()?.upgrade()
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").field("id", &self.id).finish_non_exhaustive()
    }
}
