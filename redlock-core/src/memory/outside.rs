//! What a test does to a node from outside: the part of another program, or of a crash.

use std::sync::Arc;
use std::time::Duration;

use super::InMemoryNode;
use super::store::{Store, Value};

impl InMemoryNode {
    /// Stores a value whatever was there before, as a program that knows of no locks would. Without a time
    /// to live it stays for ever.
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>, ttl: Option<Duration>) {
        let now = self.clock.now();
        let ends = ttl.map(|ttl| now.saturating_add(ttl));
        let mut store = self.lock();
        let key = Arc::from(key.as_ref());
        store.shares.entries.remove(&key);
        store.locks.set(&key, Value::Bytes(value.as_ref().into()), ends, now);
    }

    /// Deletes a resource whoever holds or shares it, but not its counter. Tells whether anybody did.
    pub fn remove(&self, key: impl AsRef<[u8]>) -> bool {
        let (mut store, now) = (self.lock(), self.clock.now());
        let shares = store.shares.entries.remove(key.as_ref());
        let shared = shares.is_some_and(|entry| entry.lives(now));
        shared | store.locks.entries.remove(key.as_ref()).is_some_and(|entry| entry.lives(now))
    }

    /// Deletes everything, counters too, and goes on with its run.
    pub fn clear(&self) {
        let mut store = self.lock();
        store.locks.entries.clear();
        store.shares.entries.clear();
        store.intents.entries.clear();
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
}
