use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::grip::Wish;
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
    /// Those who share do not count among those who want the lock.
    waiters: HashMap<LockKey, [usize; 2]>,
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
        wish: Wish,
        policy: &LockPolicy,
    ) -> Result<Waiting, Rejection> {
        let mut counts = self.counts();
        let shares = wish == Wish::Share;
        let (Bounds { waiters_per_key, sharers_per_key, .. }, mut at_key) =
            (self.bounds, counts.waiters.get(key).copied().unwrap_or_default());
        if at_key[usize::from(shares)] >= if shares { sharers_per_key } else { waiters_per_key } {
            return Err(Rejection::crowded(policy));
        }
        // Whoever waits may come to hold.
        if counts.all_waiters >= self.bounds.waiters || counts.held >= self.bounds.held {
            return Err(Rejection::overloaded());
        }
        at_key[usize::from(shares)] += 1;
        counts.waiters.insert(key.clone(), at_key);
        counts.all_waiters += 1;
        Ok(Waiting { limits: Arc::clone(self), key: key.clone(), shares })
    }
}

/// One request that waits.
pub(super) struct Waiting {
    limits: Arc<Limits>,
    key: LockKey,
    shares: bool,
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
        if let Some(at_key) = counts.waiters.get_mut(&self.key) {
            at_key[usize::from(self.shares)] -= 1;
            if *at_key == [0; 2] {
                counts.waiters.remove(&self.key);
            }
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
