//! A node that lives in this process.

mod acquire;
mod clock;
mod listeners;
mod outside;
mod shares;
mod slots;
mod store;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use self::clock::Clock;
use self::listeners::Listeners;
use self::store::{Store, Value};
use crate::node::key::LockKey;
use crate::node::{
    Claim, Extension, Features, Holding, Identity, Listener, LockNode, NodeError, Page, Placed,
    Removal, Terms, Vote,
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

    /// The resources that are held or shared, sorted.
    pub fn keys(&self) -> Vec<Vec<u8>> {
        let (store, now) = (self.lock(), self.clock.now());
        let mut keys = [store.locks.keys(now), store.shares.keys(now)].concat();
        keys.sort_unstable();
        keys
    }

    /// The values of those who share a resource, with each one's holder's token in clear, in the order in which they came.
    pub fn shares(&self, key: impl AsRef<[u8]>) -> Vec<Vec<u8>> {
        let (store, now) = (self.lock(), self.clock.now());
        store.living(key.as_ref(), now).map(|share| share.value.to_vec()).collect()
    }

    /// Whether a writer's intent keeps new shares off a resource.
    pub fn is_wanted(&self, key: impl AsRef<[u8]>) -> bool {
        self.lock().intents.get(key.as_ref(), self.clock.now()).is_some()
    }

    /// What stands under a resource, whole; the holder's token in clear, if a lock made it.
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

    /// Frees what the claim holds, and tells what is free then: a bit for each resource.
    fn free(&self, claim: &Claim) -> (Removal, u64) {
        let (mut store, now) = (self.lock(), self.clock.now());
        if claim.is_shared() { store.leave(claim, now) } else { store.free(claim, now) }
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
        let now = self.clock.now();
        // Counters are all that it is for.
        let micros = if terms.fencing.is_some() { self.clock.micros(now) } else { 0 };
        let mut store = self.lock();
        Ok(if claim.is_shared() {
            store.share(&claim, &terms, micros, now)
        } else {
            store.take(&claim, &terms, micros, now)
        })
    }

    async fn acquire_any(
        self: Arc<Self>,
        slots: Claim,
        terms: Terms,
        first: usize,
        _timeout: Duration,
    ) -> Result<Placed, NodeError> {
        let now = self.clock.now();
        let (mut store, micros) = (self.lock(), self.clock.micros(now));
        Ok(store.place(&slots, &terms, first, micros, now))
    }

    async fn extend(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        _timeout: Duration,
    ) -> Result<Extension, NodeError> {
        let now = self.clock.now();
        if claim.is_shared() {
            let (extension, made) = self.lock().extend_shared(&claim, &terms, now);
            if terms.tells {
                self.listeners.tell(claim.key(), made);
            }
            return Ok(extension);
        }
        let ends = now.saturating_add(terms.ttl);
        let mut store = self.lock();
        if let Some(missing) = store.standing(&claim, now).missing() {
            if mutant!(ExtendRecreates) && missing == Extension::Gone {
                if let Some(key) = claim.key().names().first() {
                    store.locks.set(key, Value::Of(claim.clone()), Some(ends), now);
                }
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
        self.listeners.tell(claim.key(), freed);
        Ok(removal)
    }

    async fn keep(
        self: Arc<Self>,
        claim: Claim,
        rest: Duration,
        _timeout: Duration,
    ) -> Result<Removal, NodeError> {
        Ok(self.lock().mark(&claim, rest, self.clock.now()))
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
        let holding = |key| match store.locks.get(key, now) {
            Some(entry) => Some(Holding::of(&entry.value, entry.expiry(now))),
            None => store.shared(key, now),
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
        let standing = if claim.is_shared() {
            store.sharing(&claim, now)
        } else {
            store.standing(&claim, now)
        };
        if let Some(missing) = standing.missing()
            && !mutant!(RaiseUnconditional)
        {
            return Ok(missing);
        }
        for key in claim.key().names() {
            let ends = Some(now.saturating_add(life));
            let (counter, kept) =
                store.counters.get(key, now).map_or((0, ends), |entry| (entry.value, entry.ends));
            store.counters.set(key, counter.max(fence), ends.max(kept), now);
        }
        Ok(Extension::Extended)
    }

    async fn inspect_counters(
        self: Arc<Self>,
        key: LockKey,
        _timeout: Duration,
    ) -> Result<Vec<Option<u64>>, NodeError> {
        let (now, store) = (self.clock.now(), self.lock());
        let counter = |key| store.counters.get(key, now).map(|entry| entry.value);
        Ok(key.resources().map(counter).collect())
    }

    async fn scan(
        self: Arc<Self>,
        prefix: Arc<[u8]>,
        from: u64,
        _timeout: Duration,
    ) -> Result<Page, NodeError> {
        Ok(self.lock().page(&prefix, from, self.clock.now()))
    }

    fn features(&self) -> Features {
        Features::all()
    }
}

#[cfg(test)]
mod tests;
