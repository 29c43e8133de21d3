use std::collections::hash_map::{self, HashMap};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use foldhash::fast::RandomState;

use crate::decide::keep;
use crate::node::key::LockKey;
use crate::node::{Claim, Expiry, Extension, Found, Page, Removal, fingerprint};

/// Below this many entries nobody looks for expired ones.
pub(super) const PURGE_FLOOR: usize = 64;

/// What a node remembers; times are on its own clock.
pub(super) struct Store {
    pub(super) locks: Table<Value>,
    /// Of a resource that nobody has whole.
    pub(super) shares: Table<Vec<Share>>,
    /// Resources of which no new shares are given.
    pub(super) intents: Table<()>,
    /// The fencing counters.
    pub(super) counters: Table<u64>,
    pub(super) run_id: String,
    pub(super) started: Duration,
}

/// One share of a resource.
pub(super) struct Share {
    pub(super) value: Box<[u8]>,
    pub(super) ends: Duration,
}

/// How a claim stands with the store.
pub(super) enum Standing {
    Ours,
    Gone,
    Foreign,
}

impl Standing {
    /// Where one resource more does not hold the claim's value; others may share it, and then nothing of the claim's can stand.
    fn without(self, shared: bool) -> Self {
        match self {
            Self::Ours | Self::Gone if !shared => Self::Gone,
            _ => Self::Foreign,
        }
    }

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
        Self {
            locks: Table::default(),
            shares: Table::default(),
            intents: Table::default(),
            counters: Table::default(),
            run_id,
            started,
        }
    }

    pub(super) fn standing(&self, claim: &Claim, now: Duration) -> Standing {
        self.standing_or(claim, claim.value(), now)
    }

    /// Where `mark` counts as the claim's value.
    pub(super) fn standing_or(&self, claim: &Claim, mark: &[u8], now: Duration) -> Standing {
        let mut standing = Standing::Ours;
        for key in claim.key().resources() {
            match self.locks.get(key, now) {
                None => standing = standing.without(self.shares.get(key, now).is_some()),
                Some(entry) if !is_of(&entry.value, claim) && *entry.value != *mark => {
                    return Standing::Foreign;
                }
                Some(_) => {}
            }
        }
        standing
    }

    /// Frees what the claim holds, and tells what had not freed itself before: a bit for each resource.
    pub(super) fn free(&mut self, claim: &Claim, now: Duration) -> (Removal, u64) {
        let (mut standing, mut freed) = (Standing::Ours, 0);
        for (place, key) in claim.key().names().iter().enumerate() {
            let mut lives = false;
            if let hash_map::Entry::Occupied(entry) = self.locks.entries.entry(Arc::clone(key)) {
                let ours = is_of(&entry.get().value, claim);
                lives = entry.get().lives(now);
                if lives && !ours {
                    standing = Standing::Foreign;
                }
                if ours || mutant!(BlindDel) {
                    entry.remove();
                    freed |= u64::from(lives) << place;
                }
            }
            if !lives {
                standing = standing.without(self.shares.get(key, now).is_some());
            }
        }
        (standing.removal(), freed)
    }

    /// Puts the claim's mark in the place of its value.
    pub(super) fn mark(&mut self, claim: &Claim, rest: Duration, now: Duration) -> Removal {
        let mark = claim.mark();
        let standing = self.standing_or(claim, &mark, now);
        for key in claim.key().resources() {
            if let Some(entry) = self.locks.get_mut(key, now)
                && *entry.value == *claim.value()
            {
                let left = entry.ends.map(|ends| ends.saturating_sub(now));
                let stay = mutant!(KeepLengthens, rest, keep::stay(left, rest));
                entry.ends = Some(now.saturating_add(stay));
                if !mutant!(KeepTokenStays) {
                    entry.value = Value::Bytes(mark.as_slice().into());
                }
            }
        }
        standing.removal()
    }

    /// The largest counter of the claim's resources.
    pub(super) fn counter(&self, claim: &Claim, now: Duration) -> Option<u64> {
        let counters = claim.key().resources().filter_map(|key| self.counters.get(key, now));
        let looked_at = mutant!(FirstCounterOnly, 1, usize::MAX);
        counters.map(|entry| entry.value).take(looked_at).max()
    }

    /// A page of what lives under these names, in the order of their fingerprints, so that what comes and goes moves no other.
    pub(super) fn page(&self, prefix: &[u8], from: u64, now: Duration) -> Page {
        let is_asked_for = |name: &[u8]| name.starts_with(prefix) && LockKey::new(name).is_ok();
        let whole = self.locks.entries.iter().filter(|(_, entry)| entry.lives(now));
        let whole = whole
            .map(|(name, entry)| (name, Found::of_value(&**name, &entry.value, entry.expiry(now))));
        let shared = self
            .shares
            .entries
            .keys()
            .filter_map(|name| Some((name, Found::new(&**name, Ok(self.shared(name, now)?)))));
        let named = whole.chain(shared).filter(|(name, _)| is_asked_for(&name[..]));
        let printed = named.map(|(name, found)| (fingerprint(name), found));
        let mut rest: Vec<_> = printed.filter(|(print, _)| *print >= from).collect();
        rest.sort_unstable_by_key(|(print, _)| *print);
        // Names with one fingerprint are not parted.
        let last = rest.get(Page::SIZE - 1).map_or(u64::MAX, |(print, _)| *print);
        let more = rest.iter().any(|(print, _)| *print > last);
        rest.retain(|(print, _)| *print <= last);
        let found = rest.into_iter().map(|(_, found)| found);
        Page::new(found.collect(), more.then(|| last + 1))
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

/// What stands under a resource, whole.
pub(super) enum Value {
    /// A claim's, without a copy.
    Of(Claim),
    Bytes(Box<[u8]>),
}

impl Deref for Value {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Of(claim) => claim.value(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// Whether a value is the claim's.
pub(super) fn is_of(value: &[u8], claim: &Claim) -> bool {
    mutant!(LabelNotCompared, value.starts_with(claim.token().as_bytes()), value == claim.value())
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

/// Where an entry is, or comes to be.
pub(super) type Place<'a, V> = hash_map::Entry<'a, Arc<[u8]>, Entry<V>>;

/// Values that free themselves.
pub(super) struct Table<V> {
    pub(super) entries: HashMap<Arc<[u8]>, Entry<V>, RandomState>,
    purge_at: usize,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { entries: HashMap::default(), purge_at: PURGE_FLOOR }
    }
}

impl<V> Table<V> {
    pub(super) fn get(&self, key: &[u8], now: Duration) -> Option<&Entry<V>> {
        self.entries.get(key).filter(|entry| entry.lives(now))
    }

    pub(super) fn get_mut(&mut self, key: &[u8], now: Duration) -> Option<&mut Entry<V>> {
        self.entries.get_mut(key).filter(|entry| entry.lives(now))
    }

    pub(super) fn set(&mut self, key: &Arc<[u8]>, value: V, ends: Option<Duration>, now: Duration) {
        self.entry(key, now).insert_entry(Entry { value, ends });
    }

    /// The place of an entry, living or not.
    pub(super) fn entry(&mut self, key: &Arc<[u8]>, now: Duration) -> Place<'_, V> {
        if self.entries.len() >= self.purge_at {
            self.entries.retain(|_, entry| entry.lives(now));
            // Looking again only after the living have doubled keeps the cost per entry constant.
            self.purge_at = PURGE_FLOOR.max(self.entries.len() * 2);
        }
        self.entries.entry(Arc::clone(key))
    }

    /// The keys that live, sorted.
    pub(super) fn keys(&self, now: Duration) -> Vec<Vec<u8>> {
        let living = self.entries.iter().filter(|(_, entry)| entry.lives(now));
        let mut keys: Vec<_> = living.map(|(key, _)| key.to_vec()).collect();
        keys.sort_unstable();
        keys
    }
}
