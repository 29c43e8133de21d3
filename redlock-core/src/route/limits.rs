use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{LockPolicy, Rejection};
use crate::key::LockKey;

/// How many requests wait and how many locks are held, so that neither grows without bound.
#[derive(Debug, Default)]
pub(super) struct Limits(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    waiters: HashMap<LockKey, usize>,
    all_waiters: usize,
    held: usize,
}

impl Limits {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request in, unless there are too many.
    pub(super) fn wait(
        self: &Arc<Self>,
        key: &LockKey,
        policy: &LockPolicy,
    ) -> Result<Waiting, Rejection> {
        let mut counts = self.counts();
        let at_key = counts.waiters.get(key).copied().unwrap_or(0);
        if at_key >= policy.waiters_per_key {
            return Err(Rejection::crowded(policy));
        }
        // Whoever waits may come to hold.
        if counts.all_waiters >= policy.waiters || counts.held >= policy.held {
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
    pub(super) fn hold(self, policy: &LockPolicy) -> Result<Holding, Rejection> {
        let mut counts = self.limits.counts();
        if counts.held >= policy.held {
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
