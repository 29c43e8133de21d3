//! A node that lives in this process.

mod clock;
mod listeners;
mod store;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use self::clock::Clock;
use self::listeners::Listeners;
use self::store::{Entry, Store};
use crate::fence::{self, SLACK};
use crate::key::LockKey;
use crate::node::{
    Claim, Extension, Features, Holder, Holding, Identity, Listener, LockNode, NodeError, Removal,
    Terms, Vote,
};

/// A [`LockNode`] in this process's memory: for tests, for examples, and for locking within one process.
///
/// It answers every verb at once and ignores time limits. Time is tokio's, so a test that pauses the clock
/// pauses the times to live with it.
///
/// Beside the verbs it has what a test needs to play the part of another program on the same server.
pub struct InMemoryNode {
    name: Box<str>,
    clock: Clock,
    store: Mutex<Store>,
    listeners: Listeners,
}

impl InMemoryNode {
    /// An empty node.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        let store = Mutex::new(Store::new(Duration::ZERO));
        Self { name: name.into(), clock: Clock::new(), store, listeners: Listeners::default() }
    }

    /// Lets the node's clock run faster, or slower when negative, by `ppm` parts in a million. A clock
    /// that would run backwards stands still.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_clock_rate(mut self, ppm: i64) -> Self {
        self.clock.set_rate(ppm);
        self
    }

    /// Sets the node's clock to this time since 1970. Default: what the system says.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_wall_clock(mut self, wall: Duration) -> Self {
        self.clock.set_wall(wall);
        self
    }

    /// Sets the node's clock forward, or back when negative, by so many microseconds. Times to live and uptime follow it,
    /// as a server's do. It cannot be set back to before the node was made.
    #[cfg(feature = "testing")]
    pub fn step_clock(&self, micros: i64) {
        self.clock.step(micros);
    }

    /// The resources that are held, sorted.
    pub fn keys(&self) -> Vec<Vec<u8>> {
        self.lock().locks.keys(self.clock.now())
    }

    /// What stands under a resource; the holder's token in clear, if a lock made it.
    pub fn value(&self, key: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        let now = self.clock.now();
        self.lock().locks.get(key.as_ref(), now).map(|entry| entry.value.to_vec())
    }

    /// The resource's fencing counter.
    pub fn counter(&self, key: impl AsRef<[u8]>) -> Option<u64> {
        let now = self.clock.now();
        self.lock().counters.get(key.as_ref(), now).map(|entry| entry.value)
    }

    /// How many fencing counters are kept.
    pub fn counters(&self) -> usize {
        self.lock().counters.keys(self.clock.now()).len()
    }

    /// How many listeners there are.
    pub fn listeners(&self) -> usize {
        self.listeners.len()
    }

    /// Stores a value whatever was there before, as a program that knows of no locks would. Without a time
    /// to live it stays for ever.
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>, ttl: Option<Duration>) {
        let now = self.clock.now();
        let ends = ttl.map(|ttl| now.saturating_add(ttl));
        self.lock().locks.set(key.as_ref(), value.as_ref().into(), ends, now);
    }

    /// Deletes a resource whoever holds it, but not its counter. Tells whether it was held.
    pub fn remove(&self, key: impl AsRef<[u8]>) -> bool {
        let now = self.clock.now();
        self.lock().locks.entries.remove(key.as_ref()).is_some_and(|entry| entry.lives(now))
    }

    /// Deletes everything, counters too, and goes on with its run.
    pub fn clear(&self) {
        let mut store = self.lock();
        store.locks.entries.clear();
        store.counters.entries.clear();
    }

    /// Forgets everything and begins a new run, as a server without persistence does when it crashes. Its listeners
    /// are cut off.
    pub fn restart(&self) {
        *self.lock() = Store::new(self.clock.now());
        self.listeners.cut();
    }

    /// Begins a new run with all that was stored, as a server with `appendfsync always` does. Its listeners are cut
    /// off.
    pub fn restart_with_memory(&self) {
        let new = Store::new(self.clock.now());
        let mut store = self.lock();
        (store.run_id, store.started) = (new.run_id, new.started);
        drop(store);
        self.listeners.cut();
    }

    /// Frees what the claim holds, and names what had not freed itself before.
    fn free(&self, claim: &Claim) -> (Removal, Vec<Box<[u8]>>) {
        let (now, token) = (self.clock.now(), claim.token().as_bytes());
        let mut store = self.lock();
        let standing = store.standing(claim, now);
        let mut freed = Vec::new();
        for key in claim.key().resources() {
            let ours = |entry: &Entry<Box<[u8]>>| *entry.value == *token || mutant!(BlindDel);
            if store.locks.entries.get(key).is_some_and(ours)
                && let Some((name, entry)) = store.locks.entries.remove_entry(key)
                && entry.lives(now)
            {
                freed.push(name);
            }
        }
        (standing.removal(), freed)
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
        let counter = terms.fencing.and_then(|_| store.counter(&claim, now));
        let standing = claim.key().resources().filter_map(|key| store.locks.get(key, now));
        let over = mutant!(RepairNotNx, crate::mutants::overwrites(&terms), false);
        let foreign = standing.filter(|entry| !over && *entry.value != *token);
        // An end that never comes is later than any other.
        let last = foreign.max_by_key(|entry| (entry.ends.is_none(), entry.ends));
        if let Some(entry) = last {
            return Ok(Vote::Held { expiry: entry.expiry(now), fence: counter });
        }
        let uptime = now.saturating_sub(store.started);
        if let Some(remaining) = terms.guard.and_then(|guard| fence::warming(uptime, guard))
            && !mutant!(NoGuard)
        {
            return Ok(Vote::Warming { uptime, remaining });
        }
        let fence = terms.fencing.map(|fencing| {
            let slack = SLACK.as_micros() as u64;
            let number = fence::next(counter, fencing.hint, self.clock.micros(now), slack);
            for key in claim.key().resources() {
                store.counters.set(key, number, Some(now.saturating_add(fencing.life)), now);
            }
            number
        });
        let mut vote = Vote::Granted { fence };
        for key in claim.key().resources() {
            if over || store.locks.get(key, now).is_none() {
                store.locks.set(key, token.into(), Some(now.saturating_add(terms.ttl)), now);
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
        if let Some(missing) = store.standing(&claim, now).missing() {
            if mutant!(ExtendRecreates) && missing == Extension::Gone {
                let key = claim.key().resources().next().unwrap_or_default();
                store.locks.set(key, claim.token().as_bytes().into(), Some(ends), now);
                return Ok(Extension::Extended);
            }
            return Ok(missing);
        }
        for key in claim.key().resources() {
            if let Some(entry) = store.locks.entries.get_mut(key) {
                // A hold without an end gets one here: a lock must free itself.
                entry.ends = mutant!(ExtendMayShorten, None, entry.ends).max(Some(ends));
            }
        }
        if let Some(fencing) = terms.fencing {
            store.keep_counters(&claim, fencing.life, now);
        }
        Ok(Extension::Extended)
    }

    async fn release(
        self: Arc<Self>,
        claim: Claim,
        _timeout: Duration,
    ) -> Result<Removal, NodeError> {
        Ok(self.free(&claim).0)
    }

    async fn release_and_tell(
        self: Arc<Self>,
        claim: Claim,
        _timeout: Duration,
    ) -> Result<Removal, NodeError> {
        let (removal, freed) = self.free(&claim);
        self.listeners.tell(freed);
        Ok(removal)
    }

    async fn listen(self: Arc<Self>, listener: Arc<dyn Listener>, _timeout: Duration) -> NodeError {
        self.listeners.listen(listener).await
    }

    async fn inspect(
        self: Arc<Self>,
        key: LockKey,
        _timeout: Duration,
    ) -> Result<Vec<Option<Holding>>, NodeError> {
        let now = self.clock.now();
        let store = self.lock();
        let holding = |key| {
            let entry = store.locks.get(key, now)?;
            Some(Holding { holder: Holder::of(&entry.value), expiry: entry.expiry(now) })
        };
        Ok(key.resources().map(holding).collect())
    }

    async fn raise(
        self: Arc<Self>,
        claim: Claim,
        fence: u64,
        life: Duration,
        _timeout: Duration,
    ) -> Result<Extension, NodeError> {
        let now = self.clock.now();
        let mut store = self.lock();
        if let Some(missing) = store.standing(&claim, now).missing()
            && !mutant!(RaiseUnconditional)
        {
            return Ok(missing);
        }
        for key in claim.key().resources() {
            let ends = Some(now.saturating_add(life));
            let (counter, kept) =
                store.counters.get(key, now).map_or((0, ends), |entry| (entry.value, entry.ends));
            store.counters.set(key, counter.max(fence), ends.max(kept), now);
        }
        Ok(Extension::Extended)
    }

    fn features(&self) -> Features {
        Features::all()
    }
}

#[cfg(test)]
mod tests;
