//! Hears of releases on the nodes, and wakes the heads of lines that wait for them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::background::Background;
use super::members::NodeSet;
use super::subscription::Record;
use super::wakes::Head;
use crate::node::key::LockKey;
use crate::node::{Listener, LockNode};
use crate::telemetry::Standing;

/// Time limit of connecting and subscribing: as long as a connection for commands may take.
const SUBSCRIBING: Duration = Duration::from_secs(2);

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
        Self::waiting(set, background, key, false, timeout)
    }

    /// The same for who wants any one of the resources.
    pub(crate) fn of_any(
        set: &Arc<NodeSet>,
        background: &Background,
        key: &LockKey,
        timeout: Duration,
    ) -> Self {
        Self::waiting(set, background, key, true, timeout)
    }

    fn waiting(
        set: &Arc<NodeSet>,
        background: &Background,
        key: &LockKey,
        any: bool,
        timeout: Duration,
    ) -> Self {
        let head = Arc::new(Head::new(key.resources().len(), set.len(), any));
        set.wakes.waiting.fetch_add(1, Ordering::SeqCst);
        let mut heads = set.wakes.heads();
        for (position, resource) in key.resources().enumerate() {
            heads.entry(resource.into()).or_default().push((position, Arc::clone(&head)));
        }
        drop(heads);
        subscribe(set, background, timeout);
        Self { set: Arc::clone(set), key: key.clone(), head }
    }

    /// Resolves when releases were heard since the last time. Cancel safe.
    pub(crate) async fn heard(&self) -> Heard {
        self.head.heard.notified().await;
        let resources = self.head.resources.swap(0, Ordering::SeqCst);
        let own = self.head.own.as_ref().map(|own| own.swap(0, Ordering::SeqCst));
        Heard { resources, own: own.unwrap_or_default() }
    }
}

/// Releases that were heard, a bit for each resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    pub(crate) resources: u64,
    /// Those of them that are this process's own, where it waits for any of them.
    pub(crate) own: u64,
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
        if alive || subscription.over || !node.features().wake_ups {
            continue;
        }
        let limit = timeout.max(SUBSCRIBING);
        let listening = listen(Arc::downgrade(set), Arc::clone(node), index, limit);
        let closing = set.closing.clone();
        subscription.live = None;
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
    let mut record = Record::default();
    loop {
        let standing = Standing::default();
        let ear = Arc::new(Ear { set: Weak::clone(&set), index, standing });
        let error = Arc::clone(&node).listen(Arc::clone(&ear) as _, timeout).await;
        ear.standing.ends();
        let Some(set) = set.upgrade() else { return };
        let now = set.clock.now();
        let verdict = {
            let mut subscriptions = set.wakes.subscriptions();
            let subscription = &mut subscriptions[index];
            let stood = subscription.live.take().map(|since| now.since(since));
            let verdict = record.ended(error.fault(), stood);
            (subscription.refused, subscription.over) = (verdict.refused, verdict.again.is_none());
            verdict
        };
        if verdict.speak {
            set.telemetry.unheard(node.name(), &error);
        }
        drop(set);
        let Some(pause) = verdict.again else { return };
        tokio::time::sleep(pause).await;
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
            self.standing.begins(&set.telemetry, self.index);
            set.wakes.live(self.index, set.clock.now());
        }
    }

    fn released(&self, resource: &[u8]) {
        if let Some(set) = self.set.upgrade() {
            set.wakes.told(self.index, resource, set.clock.now());
        }
    }
}
