//! What nodes told of releases, and who waits to hear of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::decide::lease::Moment;
use crate::decide::quorum::majority;
use crate::driver::clock::Clock;
use crate::node::key::LockKey;

/// In the names' order, in which they are told too: a run of the simulator has to be the same each time.
pub(super) type Heads = BTreeMap<Box<[u8]>, Vec<(usize, Arc<Head>)>>;

/// The waiting heads of a handle, and its subscriptions.
pub(crate) struct Wakes {
    /// By resource, with its position among the head's resources.
    heads: Mutex<Heads>,
    /// How many wait: a release that nobody waits for looks no further.
    pub(super) waiting: AtomicUsize,
    subscriptions: Mutex<Vec<Subscription>>,
}

#[derive(Default)]
pub(super) struct Subscription {
    pub(super) task: Option<AbortHandle>,
    /// Since when the node tells.
    pub(super) live: Option<Moment>,
    /// It will not before something is changed.
    pub(super) refused: bool,
    /// It never will.
    pub(super) over: bool,
}

/// One that waits for a release.
pub(super) struct Head {
    /// For each resource what each node told.
    told: Mutex<Vec<Box<[Told]>>>,
    pub(super) heard: Notify,
    /// A bit for each resource whose release was heard since the last time.
    pub(super) resources: AtomicU64,
    /// The same of those that this process released, where it waits for any one of several.
    pub(super) own: Option<AtomicU64>,
}

/// What one node told of one resource.
#[derive(Clone, Default)]
struct Told {
    releases: u32,
    /// Releases by failed attempts of this process, which are nothing to wake up for, that are still to be told: until
    /// when each of them may be. One that is not told shall not stand for the release of somebody else for ever.
    own: VecDeque<Moment>,
}

impl Told {
    /// Expects a release of this process's own to be told by `until`.
    fn expect(&mut self, until: Moment, now: Moment) {
        self.forget(now);
        self.own.push_back(until);
    }

    /// Counts a release that the node told.
    fn release(&mut self, now: Moment) {
        self.forget(now);
        if self.own.pop_front().is_none() {
            self.releases = self.releases.saturating_add(1);
        }
    }

    /// What was not told in time is not told any more. Those that are expected later may end sooner.
    fn forget(&mut self, now: Moment) {
        self.own.retain(|until| *until >= now);
    }
}

impl Head {
    fn lock(&self) -> MutexGuard<'_, Vec<Box<[Told]>>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that waits for all of the resources, or for any of them.
    pub(super) fn new(resources: usize, nodes: usize, any: bool) -> Self {
        let told = vec![vec![Told::default(); nodes].into_boxed_slice(); resources];
        Self {
            told: Mutex::new(told),
            heard: Notify::new(),
            resources: AtomicU64::new(0),
            own: any.then(|| AtomicU64::new(0)),
        }
    }

    /// Counts a node's release of the resource at `position`. A majority of nodes that tell of one more is a release of
    /// the lock.
    fn told(&self, position: usize, node: usize, now: Moment) {
        let released = {
            let mut told = self.lock();
            let Some(all) = told.get_mut(position) else { return };
            let before = level(all);
            all[node].release(now);
            level(all) > before
        };
        if released {
            self.hear(1 << position);
        }
    }

    /// This process released the resource at `position`. Others may do so before all nodes have told of it, each of which
    /// does by `until`.
    fn released_here(&self, position: usize, until: Moment, now: Moment) {
        if let Some(own) = &self.own {
            own.fetch_or(1 << position, Ordering::SeqCst);
            if let Some(all) = self.lock().get_mut(position) {
                all.iter_mut().for_each(|told| told.expect(until, now));
            }
        }
        self.hear(1 << position);
    }

    fn hear(&self, resources: u64) {
        self.resources.fetch_or(resources, Ordering::SeqCst);
        self.heard.notify_one();
    }

    /// A node tells from now on; what it told before is not known.
    fn joined(&self, node: usize) {
        for all in &mut *self.lock() {
            let releases = level(all).max(all[node].releases);
            all[node] = Told { releases, own: VecDeque::new() };
        }
    }
}

/// So many releases a majority of nodes told.
fn level(all: &[Told]) -> u32 {
    let mut sorted: Vec<u32> = all.iter().map(|told| told.releases).collect();
    sorted.sort_unstable_by_key(|releases| std::cmp::Reverse(*releases));
    sorted.get(majority(all.len()) - 1).copied().unwrap_or(0)
}

impl Wakes {
    pub(crate) fn new(nodes: usize) -> Self {
        Self {
            heads: Mutex::default(),
            waiting: AtomicUsize::new(0),
            subscriptions: Mutex::new((0..nodes).map(|_| Subscription::default()).collect()),
        }
    }

    pub(super) fn heads(&self) -> MutexGuard<'_, Heads> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn subscriptions(&self) -> MutexGuard<'_, Vec<Subscription>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether so many nodes refused to tell that no majority is left.
    pub(crate) fn are_refused(&self) -> bool {
        let subscriptions = self.subscriptions();
        let refused = subscriptions.iter().filter(|one| one.refused).count();
        subscriptions.len() - refused < majority(subscriptions.len())
    }

    fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    /// A lock of this process was released, on all nodes, which take no longer than `limit` to tell.
    pub(super) fn released_here(&self, key: &LockKey, limit: Duration, clock: &Clock) {
        if !self.is_awaited() {
            return;
        }
        let now = clock.now();
        let heads = self.heads();
        for resource in key.resources() {
            for (position, head) in heads.get(resource).into_iter().flatten() {
                head.released_here(*position, now.plus(limit), now);
            }
        }
    }

    /// A failed attempt of this process is about to release what the node granted, which the node tells by `until`.
    pub(super) fn own(&self, node: usize, key: &LockKey, until: Moment, now: Moment) {
        if !self.is_awaited() {
            return;
        }
        let heads = self.heads();
        for resource in key.resources() {
            for (position, head) in heads.get(resource).into_iter().flatten() {
                if let Some(all) = head.lock().get_mut(*position) {
                    all[node].expect(until, now);
                }
            }
        }
    }

    /// The release of a resource on one node.
    pub(super) fn told(&self, node: usize, resource: &[u8], now: Moment) {
        if !self.is_awaited() {
            return;
        }
        for (position, head) in self.heads().get(resource).into_iter().flatten() {
            head.told(*position, node, now);
        }
    }

    pub(super) fn live(&self, node: usize, now: Moment) {
        {
            let subscription = &mut self.subscriptions()[node];
            (subscription.live, subscription.refused) = (Some(now), false);
        }
        for (_, head) in self.heads().values().flatten() {
            head.joined(node);
            // It may have missed a release that was told before.
            head.hear(u64::MAX);
        }
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        for subscription in self.subscriptions().iter() {
            if let Some(task) = &subscription.task {
                task.abort();
            }
        }
    }
}

#[cfg(test)]
#[path = "wakes_tests.rs"]
mod tests;
