use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::node::{Claim, Expiry, Extension, Removal};

/// Below this many entries nobody looks for expired ones.
pub(super) const PURGE_FLOOR: usize = 64;

/// What a node remembers; times are on its own clock.
pub(super) struct Store {
    pub(super) locks: Table<Box<[u8]>>,
    /// The fencing counters.
    pub(super) counters: Table<u64>,
    pub(super) run_id: String,
    pub(super) started: Duration,
}

/// How a claim stands with the store.
pub(super) enum Standing {
    Ours,
    Gone,
    Foreign,
}

impl Standing {
    pub(super) fn removal(self) -> Removal {
        match self {
            Self::Ours => Removal::Removed,
            Self::Gone => Removal::Gone,
            Self::Foreign => Removal::Foreign,
        }
    }

    /// The answer to who would change what the claim holds, unless all of it is there.
    pub(super) fn missing(self) -> Option<Extension> {
        match self {
            Self::Ours => None,
            Self::Gone => Some(Extension::Gone),
            Self::Foreign => Some(Extension::Foreign),
        }
    }
}

impl Store {
    pub(super) fn new(started: Duration) -> Self {
        // The count keeps the runs of one process apart even when tests seed the generator.
        static RUNS: AtomicU64 = AtomicU64::new(0);
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let run_id = format!("{:016x}{run:016x}", fastrand::u64(..));
        Self { locks: Table::default(), counters: Table::default(), run_id, started }
    }

    pub(super) fn standing(&self, claim: &Claim, now: Duration) -> Standing {
        let mut gone = false;
        for key in claim.key().resources() {
            match self.locks.get(key, now) {
                None => gone = true,
                Some(entry) if *entry.value != *claim.token().as_bytes() => {
                    return Standing::Foreign;
                }
                Some(_) => {}
            }
        }
        if gone { Standing::Gone } else { Standing::Ours }
    }

    /// The largest counter of the claim's resources.
    pub(super) fn counter(&self, claim: &Claim, now: Duration) -> Option<u64> {
        let counters = claim.key().resources().filter_map(|key| self.counters.get(key, now));
        let looked_at = mutant!(FirstCounterOnly, 1, usize::MAX);
        counters.map(|entry| entry.value).take(looked_at).max()
    }

    /// Keeps the claim's counters for at least `life` more.
    pub(super) fn keep_counters(&mut self, claim: &Claim, life: Duration, now: Duration) {
        let ends = Some(now.saturating_add(life));
        for key in claim.key().resources() {
            if let Some(entry) = self.counters.entries.get_mut(key) {
                entry.ends = entry.ends.max(ends);
            }
        }
    }
}

pub(super) struct Entry<V> {
    pub(super) value: V,
    /// `None` is never.
    pub(super) ends: Option<Duration>,
}

impl<V> Entry<V> {
    pub(super) fn lives(&self, now: Duration) -> bool {
        self.ends.is_none_or(|ends| now < ends)
    }

    pub(super) fn expiry(&self, now: Duration) -> Expiry {
        self.ends.map_or(Expiry::Never, |ends| Expiry::In(ends.saturating_sub(now)))
    }
}

/// Values that free themselves.
pub(super) struct Table<V> {
    pub(super) entries: HashMap<Box<[u8]>, Entry<V>>,
    purge_at: usize,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), purge_at: PURGE_FLOOR }
    }
}

impl<V> Table<V> {
    pub(super) fn get(&self, key: &[u8], now: Duration) -> Option<&Entry<V>> {
        self.entries.get(key).filter(|entry| entry.lives(now))
    }

    pub(super) fn set(&mut self, key: &[u8], value: V, ends: Option<Duration>, now: Duration) {
        if self.entries.len() >= self.purge_at {
            self.entries.retain(|_, entry| entry.lives(now));
            // Looking again only after the living have doubled keeps the cost per entry constant.
            self.purge_at = PURGE_FLOOR.max(self.entries.len() * 2);
        }
        self.entries.insert(key.into(), Entry { value, ends });
    }

    /// The keys that live, sorted.
    pub(super) fn keys(&self, now: Duration) -> Vec<Vec<u8>> {
        let living = self.entries.iter().filter(|(_, entry)| entry.lives(now));
        let mut keys: Vec<_> = living.map(|(key, _)| key.to_vec()).collect();
        keys.sort_unstable();
        keys
    }
}
