use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::rules::Bounds;
use super::{LockPolicy, Rejection};
use crate::node::key::LockKey;

/// How many requests wait and how many locks are held, so that neither grows without bound.
#[derive(Debug)]
pub(super) struct Limits {
    bounds: Bounds,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    waiters: HashMap<LockKey, usize>,
    all_waiters: usize,
    held: usize,
}

impl Limits {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, counts: Mutex::default() }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request in, unless there are too many.
    pub(super) fn wait(
        self: &Arc<Self>,
        key: &LockKey,
        policy: &LockPolicy,
    ) -> Result<Waiting, Rejection> {
        let mut counts = self.counts();
        let at_key = counts.waiters.get(key).copied().unwrap_or(0);
        if at_key >= self.bounds.waiters_per_key {
            return Err(Rejection::crowded(policy));
        }
        // Whoever waits may come to hold.
        if counts.all_waiters >= self.bounds.waiters || counts.held >= self.bounds.held {
            return Err(Rejection::overloaded());
        }
        counts.waiters.insert(key.clone(), at_key + 1);
        counts.all_waiters += 1;
        Ok(Waiting { limits: Arc::clone(self), key: key.clone() })
    }
}

/// One request that waits.
pub(super) struct Waiting {
    limits: Arc<Limits>,
    key: LockKey,
}

impl Waiting {
    /// It waits no more and holds a lock, unless too many are held by now.
    pub(super) fn hold(self) -> Result<Holding, Rejection> {
        let mut counts = self.limits.counts();
        if counts.held >= self.limits.bounds.held {
            return Err(Rejection::overloaded());
        }
        counts.held += 1;
        Ok(Holding(Arc::clone(&self.limits)))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut counts = self.limits.counts();
        counts.all_waiters -= 1;
        match counts.waiters.get_mut(&self.key) {
            Some(waiters) if *waiters > 1 => *waiters -= 1,
            _ => drop(counts.waiters.remove(&self.key)),
        }
    }
}

/// One lock that is held.
#[derive(Debug)]
pub(super) struct Holding(Arc<Limits>);

impl Drop for Holding {
    fn drop(&mut self) {
        self.0.counts().held -= 1;
    }
}
