//! Hears of releases on the nodes, and wakes the heads of lines that wait for them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::fan_out::Background;
use super::members::NodeSet;
use crate::key::LockKey;
use crate::node::{FaultClass, Listener, LockNode};
use crate::quorum::majority;
use crate::telemetry::Standing;

/// Time limit of connecting and subscribing: as long as a connection for commands may take.
const SUBSCRIBING: Duration = Duration::from_secs(2);

/// Failures in a row after which a subscription is spoken of.
const SPOKEN_OF: u32 = 3;

/// First and longest pause before a broken subscription is made again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

type Heads = HashMap<Box<[u8]>, Vec<(usize, Arc<Head>)>>;

/// The waiting heads of a handle, and its subscriptions.
pub(crate) struct Wakes {
    /// By resource, with its position among the head's resources.
    heads: Mutex<Heads>,
    /// How many wait: a release that nobody waits for looks no further.
    waiting: AtomicUsize,
    subscriptions: Mutex<Vec<Subscription>>,
}

#[derive(Default)]
struct Subscription {
    task: Option<AbortHandle>,
    /// The node has said that it tells.
    live: bool,
    /// It never will.
    refused: bool,
}

/// One that waits for a release.
struct Head {
    /// For each resource what each node told.
    told: Mutex<Vec<Box<[Told]>>>,
    heard: Notify,
}

/// What one node told of one resource.
#[derive(Clone, Copy, Default)]
struct Told {
    releases: u32,
    /// Releases by failed attempts of this process, which are nothing to wake up for, that are still to be told.
    own: u32,
}

impl Head {
    fn lock(&self) -> MutexGuard<'_, Vec<Box<[Told]>>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a node's release of the resource at `position`. A majority of nodes that tell of one more is a release of
    /// the lock.
    fn told(&self, position: usize, node: usize) {
        let mut told = self.lock();
        let Some(all) = told.get_mut(position) else { return };
        let before = level(all);
        match &mut all[node] {
            told if told.own > 0 => told.own -= 1,
            told => told.releases = told.releases.saturating_add(1),
        }
        if level(all) > before {
            self.heard.notify_one();
        }
    }

    /// A node tells from now on; what it told before is not known.
    fn joined(&self, node: usize) {
        for all in &mut *self.lock() {
            let releases = level(all).max(all[node].releases);
            all[node] = Told { releases, own: 0 };
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

    fn heads(&self) -> MutexGuard<'_, Heads> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subscriptions(&self) -> MutexGuard<'_, Vec<Subscription>> {
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

    /// A lock of this process was released, on all nodes.
    pub(super) fn released_here(&self, key: &LockKey) {
        if !self.is_awaited() {
            return;
        }
        let heads = self.heads();
        for resource in key.resources() {
            heads.get(resource).into_iter().flatten().for_each(|(_, head)| head.heard.notify_one());
        }
    }

    /// A failed attempt of this process is about to release what the node granted.
    pub(super) fn own(&self, node: usize, key: &LockKey) {
        if !self.is_awaited() {
            return;
        }
        let heads = self.heads();
        for resource in key.resources() {
            for (position, head) in heads.get(resource).into_iter().flatten() {
                if let Some(all) = head.lock().get_mut(*position) {
                    all[node].own = all[node].own.saturating_add(1);
                }
            }
        }
    }

    /// The release of a resource on one node.
    fn told(&self, node: usize, resource: &[u8]) {
        if !self.is_awaited() {
            return;
        }
        for (position, head) in self.heads().get(resource).into_iter().flatten() {
            head.told(*position, node);
        }
    }

    fn live(&self, node: usize) {
        self.subscriptions()[node].live = true;
        for (_, head) in self.heads().values().flatten() {
            head.joined(node);
            // It may have missed a release that was told before.
            head.heard.notify_one();
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

/// A head that hears of releases for as long as this lives.
pub(crate) struct Waiter {
    set: Arc<NodeSet>,
    key: LockKey,
    head: Arc<Head>,
}

impl Waiter {
    /// Waits for releases of the key's resources, and subscribes to those nodes that tell. A release before this was
    /// perhaps missed.
    pub(crate) fn new(
        set: &Arc<NodeSet>,
        background: &Background,
        key: &LockKey,
        timeout: Duration,
    ) -> Self {
        let counts = || vec![Told::default(); set.len()].into_boxed_slice();
        let told = Mutex::new(key.resources().map(|_| counts()).collect());
        let head = Arc::new(Head { told, heard: Notify::new() });
        set.wakes.waiting.fetch_add(1, Ordering::SeqCst);
        let mut heads = set.wakes.heads();
        for (position, resource) in key.resources().enumerate() {
            heads.entry(resource.into()).or_default().push((position, Arc::clone(&head)));
        }
        drop(heads);
        subscribe(set, background, timeout);
        Self { set: Arc::clone(set), key: key.clone(), head }
    }

    /// Resolves when a release was heard since the last time. Cancel safe.
    pub(crate) async fn heard(&self) {
        self.head.heard.notified().await;
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.set.wakes.waiting.fetch_sub(1, Ordering::SeqCst);
        let mut heads = self.set.wakes.heads();
        for resource in self.key.resources() {
            if let Some(waiting) = heads.get_mut(resource) {
                waiting.retain(|(_, head)| !Arc::ptr_eq(head, &self.head));
                if waiting.is_empty() {
                    heads.remove(resource);
                }
            }
        }
    }
}

/// Sees to it that every node that tells is listened to, with one subscription for all keys.
fn subscribe(set: &Arc<NodeSet>, background: &Background, timeout: Duration) {
    if !set.hears {
        return;
    }
    let mut subscriptions = set.wakes.subscriptions();
    for (index, subscription) in subscriptions.iter_mut().enumerate() {
        let alive = subscription.task.as_ref().is_some_and(|task| !task.is_finished());
        let node = &set.members[index].node;
        if alive || subscription.refused || !node.features().wake_ups {
            continue;
        }
        let limit = timeout.max(SUBSCRIBING);
        let listening = listen(Arc::downgrade(set), Arc::clone(node), index, limit);
        let closing = set.closing.clone();
        subscription.live = false;
        subscription.task = Some(background.spawn_untracked(async move {
            tokio::select! {
                () = closing.cancelled() => {}
                () = listening => {}
            }
        }));
    }
}

/// Listens to one node for as long as the handle lives, again after a pause when the subscription broke.
async fn listen(set: Weak<NodeSet>, node: Arc<dyn LockNode>, index: usize, timeout: Duration) {
    let (mut pause, mut failures) = (FIRST_PAUSE, 0_u32);
    loop {
        let standing = Standing::default();
        let ear = Arc::new(Ear { set: Weak::clone(&set), index, standing });
        let error = Arc::clone(&node).listen(Arc::clone(&ear) as _, timeout).await;
        ear.standing.ends();
        let Some(set) = set.upgrade() else { return };
        let refused = error.class() == FaultClass::Misconfigured;
        {
            let mut subscriptions = set.wakes.subscriptions();
            let subscription = &mut subscriptions[index];
            if std::mem::take(&mut subscription.live) {
                (pause, failures) = (FIRST_PAUSE, 0);
            }
            subscription.refused = refused;
        }
        failures = failures.saturating_add(1);
        // Once for each node and handle, if it is not to be tried again; else once for each time it is away.
        if refused || failures == SPOKEN_OF {
            set.telemetry.unheard(node.name(), &error);
        }
        if refused {
            return;
        }
        drop(set);
        tokio::time::sleep(pause).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// Hears for all who wait on one node.
struct Ear {
    set: Weak<NodeSet>,
    index: usize,
    standing: Standing,
}

impl Listener for Ear {
    fn listening(&self) {
        if let Some(set) = self.set.upgrade() {
            self.standing.begins(&set, self.index);
            set.wakes.live(self.index);
        }
    }

    fn released(&self, resource: &[u8]) {
        if let Some(set) = self.set.upgrade() {
            set.wakes.told(self.index, resource);
        }
    }
}
