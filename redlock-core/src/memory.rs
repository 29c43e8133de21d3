//! A node that lives in this process.

// A node keeps its own time, apart from the handle's.
#![allow(clippy::disallowed_methods)]

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::key::LockKey;
use crate::node::{
    Claim, Expiry, Extension, Holder, Holding, Identity, LockNode, NodeError, Removal, Terms, Vote,
};

/// Below this many resources nobody looks for expired ones.
const PURGE_FLOOR: usize = 64;

/// A [`LockNode`] in this process's memory: for tests, for examples, and for locking within one process.
///
/// It answers every verb at once and ignores time limits. Time is tokio's, so a test that pauses the clock
/// pauses the times to live with it. It has no fencing counters.
///
/// Beside the verbs it has what a test needs to play the part of another program on the same server.
pub struct InMemoryNode {
    name: Box<str>,
    clock: Clock,
    store: Mutex<Store>,
}

impl InMemoryNode {
    /// An empty node.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        let clock = Clock { origin: Instant::now(), rate: Clock::TRUE };
        Self { name: name.into(), clock, store: Mutex::new(Store::new(Duration::ZERO)) }
    }

    /// Lets the node's clock run faster, or slower when negative, by `ppm` parts in a million. A clock
    /// that would run backwards stands still.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_clock_rate(mut self, ppm: i64) -> Self {
        self.clock.rate = Clock::TRUE.saturating_add_signed(ppm);
        self
    }

    /// The resources that are held, sorted.
    pub fn keys(&self) -> Vec<Vec<u8>> {
        let now = self.clock.now();
        let mut keys: Vec<_> = self
            .lock()
            .entries
            .iter()
            .filter(|(_, entry)| entry.lives(now))
            .map(|(key, _)| key.to_vec())
            .collect();
        keys.sort_unstable();
        keys
    }

    /// What stands under a resource; the holder's token in clear, if a lock made it.
    pub fn value(&self, key: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        let now = self.clock.now();
        self.lock().get(key.as_ref(), now).map(|entry| entry.value.to_vec())
    }

    /// Stores a value whatever was there before, as a program that knows of no locks would. Without a time
    /// to live it stays for ever.
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>, ttl: Option<Duration>) {
        let now = self.clock.now();
        self.lock().set(key.as_ref(), value.as_ref(), ttl.map(|ttl| now.saturating_add(ttl)), now);
    }

    /// Deletes a resource whoever holds it. Tells whether it was held.
    pub fn remove(&self, key: impl AsRef<[u8]>) -> bool {
        let now = self.clock.now();
        self.lock().entries.remove(key.as_ref()).is_some_and(|entry| entry.lives(now))
    }

    /// Deletes everything.
    pub fn clear(&self) {
        self.lock().entries.clear();
    }

    /// Forgets everything and begins a new run, as a server without persistence does when it crashes.
    pub fn restart(&self) {
        *self.lock() = Store::new(self.clock.now());
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        // Nothing panics while the store is locked, and no step leaves it half changed.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows no values: they are the holders' tokens.
impl fmt::Debug for InMemoryNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryNode")
            .field("name", &self.name)
            .field("held", &self.keys().len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl LockNode for InMemoryNode {
    fn name(&self) -> &str {
        &self.name
    }

    async fn identity(self: Arc<Self>, _timeout: Duration) -> Result<Identity, NodeError> {
        let store = self.lock();
        Ok(Identity {
            run_id: Some(store.run_id.clone()),
            uptime: Some(self.clock.now().saturating_sub(store.started)),
            ..Identity::unknown()
        })
    }

    async fn acquire(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        _timeout: Duration,
    ) -> Result<Vote, NodeError> {
        let (now, token) = (self.clock.now(), claim.token().as_bytes());
        let mut store = self.lock();
        let foreign = claim
            .key()
            .resources()
            .filter_map(|key| store.get(key, now))
            .filter(|e| *e.value != *token);
        // An end that never comes is later than any other.
        let last = foreign.map(|entry| entry.ends).max_by_key(|ends| (ends.is_none(), *ends));
        if let Some(ends) = last {
            return Ok(Vote::Held { expiry: expiry(ends, now) });
        }
        let mut vote = Vote::Granted { fence: None };
        for key in claim.key().resources() {
            if store.get(key, now).is_none() {
                store.set(key, token, Some(now.saturating_add(terms.ttl)), now);
            } else {
                vote = Vote::AlreadyOurs;
            }
        }
        Ok(vote)
    }

    async fn extend(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        _timeout: Duration,
    ) -> Result<Extension, NodeError> {
        let now = self.clock.now();
        let ends = now.saturating_add(terms.ttl);
        let mut store = self.lock();
        match store.standing(&claim, now) {
            Standing::Foreign => return Ok(Extension::Foreign),
            Standing::Gone => return Ok(Extension::Gone),
            Standing::Ours => {}
        }
        for key in claim.key().resources() {
            if let Some(entry) = store.entries.get_mut(key) {
                // A hold without an end gets one here: a lock must free itself.
                entry.ends = entry.ends.max(Some(ends));
            }
        }
        Ok(Extension::Extended)
    }

    async fn release(
        self: Arc<Self>,
        claim: Claim,
        _timeout: Duration,
    ) -> Result<Removal, NodeError> {
        let (now, token) = (self.clock.now(), claim.token().as_bytes());
        let mut store = self.lock();
        let standing = store.standing(&claim, now);
        for key in claim.key().resources() {
            if store.entries.get(key).is_some_and(|entry| *entry.value == *token) {
                store.entries.remove(key);
            }
        }
        Ok(match standing {
            Standing::Ours => Removal::Removed,
            Standing::Gone => Removal::Gone,
            Standing::Foreign => Removal::Foreign,
        })
    }

    async fn inspect(
        self: Arc<Self>,
        key: LockKey,
        _timeout: Duration,
    ) -> Result<Vec<Option<Holding>>, NodeError> {
        let now = self.clock.now();
        let store = self.lock();
        let holding = |entry: &Entry| Holding {
            holder: Holder::of(&entry.value),
            expiry: expiry(entry.ends, now),
        };
        Ok(key.resources().map(|key| store.get(key, now).map(holding)).collect())
    }
}

fn expiry(ends: Option<Duration>, now: Duration) -> Expiry {
    ends.map_or(Expiry::Never, |ends| Expiry::In(ends.saturating_sub(now)))
}

/// The node's clock: time since the node was made. As a [`Duration`] every time to live can be added to it;
/// an [`Instant`] would overflow.
#[derive(Clone, Copy)]
struct Clock {
    origin: Instant,
    rate: u64,
}

impl Clock {
    /// The rate of a clock that runs as tokio's does.
    const TRUE: u64 = 1_000_000;

    fn now(self) -> Duration {
        let elapsed = Instant::now().saturating_duration_since(self.origin);
        if self.rate == Self::TRUE {
            return elapsed;
        }
        let nanos =
            elapsed.as_nanos().saturating_mul(u128::from(self.rate)) / u128::from(Self::TRUE);
        let secs = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
        Duration::from_secs(secs)
            .saturating_add(Duration::from_nanos((nanos % 1_000_000_000) as u64))
    }
}

struct Entry {
    value: Box<[u8]>,
    /// On the node's clock; `None` is never.
    ends: Option<Duration>,
}

impl Entry {
    fn lives(&self, now: Duration) -> bool {
        self.ends.is_none_or(|ends| now < ends)
    }
}

/// How a claim stands with the store.
enum Standing {
    Ours,
    Gone,
    Foreign,
}

struct Store {
    entries: HashMap<Box<[u8]>, Entry>,
    run_id: String,
    started: Duration,
    purge_at: usize,
}

impl Store {
    fn new(started: Duration) -> Self {
        // The count keeps the runs of one process apart even when tests seed the generator.
        static RUNS: AtomicU64 = AtomicU64::new(0);
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let run_id = format!("{:016x}{run:016x}", fastrand::u64(..));
        Self { entries: HashMap::new(), run_id, started, purge_at: PURGE_FLOOR }
    }

    fn get(&self, key: &[u8], now: Duration) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| entry.lives(now))
    }

    fn set(&mut self, key: &[u8], value: &[u8], ends: Option<Duration>, now: Duration) {
        if self.entries.len() >= self.purge_at {
            self.entries.retain(|_, entry| entry.lives(now));
            // Looking again only after the living have doubled keeps the cost per entry constant.
            self.purge_at = PURGE_FLOOR.max(self.entries.len() * 2);
        }
        self.entries.insert(key.into(), Entry { value: value.into(), ends });
    }

    fn standing(&self, claim: &Claim, now: Duration) -> Standing {
        let mut gone = false;
        for key in claim.key().resources() {
            match self.get(key, now) {
                None => gone = true,
                Some(entry) if *entry.value != *claim.token().as_bytes() => {
                    return Standing::Foreign;
                }
                Some(_) => {}
            }
        }
        if gone { Standing::Gone } else { Standing::Ours }
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
