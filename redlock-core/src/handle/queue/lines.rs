//! Pure: who has its turn, and who waits for it, in one FIFO queue for each resource.
//!
//! A call stands in the lines of all of its resources, in the order in which calls came, and has its turn on all of them
//! at once. Would each resource go to whoever can use it now, a call that wants several would starve: hardly ever are all
//! of them free at the same moment. Would each wait for its first in line, one lock that is held for long would stop
//! resources that nobody holds, and those beside them. So a call lets others pass until each of its resources has been
//! free once, and from then on they are kept for it as they come free. It waits for two turns more than if they had been
//! kept at once; those whom it keeps waiting, for a turn.
//!
//! Nobody waits for ever: a call is never kept waiting by one that came later, except for those it lets pass, and that has
//! an end. Nor is anything kept for ever: whoever holds one resource may come to want the other one, and what another
//! process holds may not come free. So a call lets go after a while of what is kept for it, later each time.

use std::collections::{HashMap, HashSet};
use std::sync::Weak;
use std::time::Duration;

use super::line::{Current, Holds, Line, Waiting};
use super::name::Name;
use crate::decide::lease::Moment;
use crate::decide::rivalry::Rivalry;
use crate::error::{LockError, LockErrorKind};
use crate::node::Mode;
use crate::node::key::LockKey;

/// How long a line that nobody stands in is remembered: what it knows of rivals is of use to the next call.
const KEPT: Duration = Duration::from_secs(1);

/// Below this many lines nobody looks for those that are over.
const PURGE_FLOOR: usize = 256;

/// The lines of all resources. `W` is what wakes a call that waits.
#[derive(Debug)]
pub(super) struct Lines<W> {
    lines: HashMap<Name, Line>,
    waiting: HashMap<u64, Waiting<W>>,
    tickets: u64,
    purge_at: usize,
    purged: Moment,
}

/// What became of one that joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joined {
    First(u64),
    Behind(u64),
    Full,
}

/// One that waited and has its turn now.
#[derive(Debug)]
pub(super) struct Granted<W> {
    pub(super) id: u64,
    pub(super) key: LockKey,
    pub(super) mode: Mode,
    pub(super) wakes: W,
}

/// What a call waits for.
#[derive(Debug)]
pub(super) enum Blocker {
    Turn(Current),
    /// One before it, for whom a resource is kept: when its call has ended, and when it [lets go](Lines::let_go).
    Waiting {
        id: u64,
        until: Moment,
        lets_go: Moment,
    },
}

impl<W> Default for Lines<W> {
    fn default() -> Self {
        Self {
            lines: HashMap::new(),
            waiting: HashMap::new(),
            tickets: 0,
            purge_at: PURGE_FLOOR,
            purged: Moment(Duration::ZERO),
        }
    }
}

impl<W> Lines<W> {
    /// Joins the lines of `key`, each of which at most `limit` may wait in. The call has ended by `until`.
    pub(super) fn join(
        &mut self,
        key: &LockKey,
        mode: Mode,
        limit: usize,
        until: Moment,
        now: Moment,
        wakes: impl FnOnce() -> W,
    ) -> Joined {
        self.tickets += 1;
        let id = self.tickets;
        let free = self.free(key, id, mode);
        if free == all(key) {
            self.take(id, key, mode, until, now);
            return Joined::First(id);
        }
        let full = |line: &Line| line.waiting.len() >= limit;
        if key.resources().any(|resource| self.lines.get(resource).is_some_and(full)) {
            return Joined::Full;
        }
        for position in 0..key.resources().len() {
            if let Some(line) = self.line(key, position, now) {
                line.waiting.insert(id);
                if mode == Mode::Exclusive {
                    line.writers.insert(id);
                }
            }
        }
        let (key, wakes) = (key.clone(), wakes());
        self.waiting.insert(id, Waiting { key, mode, wakes, until, free, kept: None, let_go: 0 });
        Joined::Behind(id)
    }

    /// The turn `id` is over. Those that have theirs now.
    pub(super) fn end(&mut self, id: u64, key: &LockKey, now: Moment) -> Vec<Granted<W>> {
        let mut had = false;
        for resource in key.resources() {
            if let Some(line) = self.lines.get_mut(resource)
                && let Some(at) = line.turns.iter().position(|turn| turn.id == id)
            {
                let turn = line.turns.swap_remove(at);
                line.ended = Some(now);
                if turn.had && turn.mode == Mode::Exclusive {
                    line.rivalry.ended(now);
                }
                had = true;
            }
        }
        if had { self.advance(key, now) } else { Vec::new() }
    }

    /// One that waited is gone. Those that have their turn now, and what would have woken it, to drop outside of locks.
    pub(super) fn leave(&mut self, id: u64, now: Moment) -> (Vec<Granted<W>>, Option<W>) {
        let Some(gone) = self.waiting.remove(&id) else { return (Vec::new(), None) };
        for resource in gone.key.resources() {
            if let Some(line) = self.lines.get_mut(resource) {
                line.forget(id);
            }
        }
        (self.advance(&gone.key, now), Some(gone.wakes))
    }

    /// Keeps nothing any more for one that has had it kept for long enough. Those that have their turn now.
    pub(super) fn let_go(&mut self, id: u64, now: Moment) -> Vec<Granted<W>> {
        let Some(waiting) = self.waiting.get_mut(&id) else { return Vec::new() };
        if waiting.lets_go().is_none_or(|lets_go| now <= lets_go) {
            return Vec::new();
        }
        (waiting.kept, waiting.free) = (None, 0);
        waiting.let_go = waiting.let_go.saturating_add(1);
        let key = waiting.key.clone();
        self.each(&key, |_, line| {
            line.keepers.remove(&id);
        });
        self.advance(&key, now)
    }

    /// What keeps `id`, which waits for `key`, from its turn, and what keeps those from theirs that it waits for.
    pub(super) fn blockers(&self, id: u64, key: &LockKey) -> Vec<Blocker> {
        let (mut blockers, mut seen) = (Vec::new(), HashSet::new());
        let mut calls = vec![(id, key)];
        while let Some((id, key)) = calls.pop() {
            for line in key.resources().filter_map(|resource| self.lines.get(resource)) {
                if !line.turns.is_empty() {
                    let unseen = line.turns.iter().filter(|turn| seen.insert(turn.id));
                    blockers.extend(unseen.cloned().map(Blocker::Turn));
                } else if let Some(keeper) = line.keeper(id)
                    && let Some(waiting) = self.waiting.get(&keeper)
                    && seen.insert(keeper)
                {
                    let (until, lets_go) = (waiting.until, waiting.lets_go());
                    let lets_go = lets_go.unwrap_or(until);
                    blockers.push(Blocker::Waiting { id: keeper, until, lets_go });
                    calls.push((keeper, &waiting.key));
                }
            }
        }
        blockers
    }

    /// Lets the turn's lines know that a hold keeps it. Those that have their turn now, since they share it.
    pub(super) fn keep(
        &mut self,
        id: u64,
        key: &LockKey,
        hold: &Weak<dyn Holds>,
        until: Moment,
        now: Moment,
    ) -> Vec<Granted<W>> {
        let mut shares = false;
        for resource in key.resources() {
            let turns = self.lines.get_mut(resource).map(|line| &mut line.turns);
            if let Some(turn) = turns.and_then(|turns| turns.iter_mut().find(|turn| turn.id == id))
            {
                turn.hold = Some(Weak::clone(hold));
                turn.until = until;
                turn.had = true;
                shares |= turn.mode == Mode::Shared;
            }
        }
        if shares { self.advance(key, now) } else { Vec::new() }
    }

    /// The lines of a key, with the position of each resource. One whose turn was skipped may be forgotten.
    pub(super) fn each(&mut self, key: &LockKey, mut look: impl FnMut(usize, &mut Line)) {
        for (position, resource) in key.resources().enumerate() {
            if let Some(line) = self.lines.get_mut(resource) {
                look(position, line);
            }
        }
    }

    /// Whether anybody waits for one of the resources.
    pub(super) fn is_awaited(&self, key: &LockKey) -> bool {
        let mut lines = key.resources().filter_map(|resource| self.lines.get(resource));
        lines.any(|line| !line.waiting.is_empty())
    }

    /// How the last attempt of those whose turn it was failed, if that is also true of `key`: not where another resource
    /// may have been the reason.
    pub(super) fn failure(&self, key: &LockKey) -> Option<LockError> {
        let mut lines = key.resources().filter_map(|resource| self.lines.get(resource));
        lines.find_map(|line| {
            let (asked, error) = line.failure.as_ref()?;
            let of_nodes = matches!(error.kind(), LockErrorKind::Unreachable | LockErrorKind::Late);
            let mut asked = asked.resources();
            let true_too = of_nodes || asked.all(|one| key.resources().any(|own| own == one));
            true_too.then(|| error.clone())
        })
    }

    /// How many resources have a line.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// A bit for each of the key's resources that `id` could have now.
    fn free(&self, key: &LockKey, id: u64, mode: Mode) -> u64 {
        let free =
            |resource: &[u8]| self.lines.get(resource).is_none_or(|line| line.is_open_to(id, mode));
        let bits = key.resources().enumerate().map(|(bit, name)| u64::from(free(name)) << bit);
        bits.fold(0, |bits, bit| bits | bit)
    }

    /// Gives their turns to those whose resources have come free, in the order in which they came.
    fn advance(&mut self, freed: &LockKey, now: Moment) -> Vec<Granted<W>> {
        let mut granted = Vec::new();
        let mut after = 0;
        while let Some(id) = self.next(freed, after) {
            after = id;
            let Some(waiting) = self.waiting.get(&id) else { continue };
            let free = self.free(&waiting.key, id, waiting.mode);
            let is_ready = free == all(&waiting.key);
            if is_ready
                && let Some(Waiting { key, mode, wakes, until, .. }) = self.waiting.remove(&id)
            {
                self.take(id, &key, mode, until, now);
                granted.push(Granted { id, key, mode, wakes });
            } else if let Some(waiting) = self.waiting.get_mut(&id) {
                waiting.free |= free;
                if waiting.free == all(&waiting.key) {
                    waiting.kept.get_or_insert(now);
                    let key = waiting.key.clone();
                    self.each(&key, |_, line| {
                        line.keepers.insert(id);
                    });
                }
            }
        }
        granted
    }

    /// The next one after the ticket `after` that could have one of the resources.
    fn next(&self, key: &LockKey, after: u64) -> Option<u64> {
        let lines = key.resources().filter_map(|resource| self.lines.get(resource));
        let next = lines.filter_map(|line| {
            let next = line.waiting.range(after + 1..).next().copied()?;
            let alone = line.writers.contains(&next);
            let mode = if alone { Mode::Exclusive } else { Mode::Shared };
            line.is_open_to(next, mode).then_some(next)
        });
        next.min()
    }

    fn take(&mut self, id: u64, key: &LockKey, mode: Mode, until: Moment, now: Moment) {
        for position in 0..key.resources().len() {
            let Some(line) = self.line(key, position, now) else { continue };
            line.forget(id);
            if line.turns.is_empty() {
                line.idle = line.ended.map_or(Duration::MAX, |ended| now.since(ended));
                if line.idle > KEPT {
                    (line.rivalry, line.room) = (Rivalry::default(), 0);
                    line.failure = None;
                }
            }
            line.turns.push(Current { id, key: key.clone(), mode, until, hold: None, had: false });
        }
    }

    fn line(&mut self, key: &LockKey, position: usize, now: Moment) -> Option<&mut Line> {
        let resource = key.resources().nth(position)?;
        if !self.lines.contains_key(resource) {
            self.purge(now);
        }
        Some(self.lines.entry(Name(key.clone(), position)).or_default())
    }

    /// Looking again only after the rest has doubled, or a while later, keeps the cost per lock constant.
    fn purge(&mut self, now: Moment) {
        let due = self.lines.len() >= PURGE_FLOOR && now.since(self.purged) > KEPT;
        if !due && self.lines.len() < self.purge_at {
            return;
        }
        self.lines.retain(|_, line| {
            let lately = line.ended.is_some_and(|ended| now.since(ended) <= KEPT);
            lately || !line.turns.is_empty() || !line.waiting.is_empty()
        });
        self.lines.shrink_to(self.lines.len() * 2);
        self.purge_at = PURGE_FLOOR.max(self.lines.len() * 2);
        self.purged = now;
    }
}

/// A bit for each resource.
fn all(key: &LockKey) -> u64 {
    u64::MAX
        >> (u64::BITS as usize - key.resources().len().clamp(1, crate::node::key::MAX_RESOURCES))
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
