use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::node::key::LockKey;
use crate::node::{Fault, Listener, NodeError};

/// Who hears of a node's releases.
#[derive(Default)]
pub(super) struct Listeners {
    all: Mutex<Vec<(u64, Arc<dyn Listener>)>>,
    next: AtomicU64,
    cut: Notify,
}

impl Listeners {
    /// Tells `listener` of releases until the future is dropped or the node [cuts](Self::cut) its listeners off.
    pub(super) async fn listen(&self, listener: Arc<dyn Listener>) -> NodeError {
        // It hears of a cut from here on, polled or not.
        let cut = self.cut.notified();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().push((id, Arc::clone(&listener)));
        let _subscription = Subscription { listeners: self, id };
        listener.listening();
        cut.await;
        NodeError::from(Fault::ConnectionLost)
    }

    /// Tells all that these of the key's resources are free, a bit for each. Nothing may be locked meanwhile: a listener may
    /// ask the node.
    pub(super) fn tell(&self, key: &LockKey, freed: u64) {
        let listeners = self.lock();
        if listeners.is_empty() {
            return;
        }
        let all = listeners.clone();
        drop(listeners);
        let resources = key.resources().enumerate();
        for (_, resource) in resources.filter(|(place, _)| freed & (1 << place) != 0) {
            all.iter().for_each(|(_, listener)| listener.released(resource));
        }
    }

    /// Ends every subscription, as a server does that stops.
    pub(super) fn cut(&self) {
        self.lock().clear();
        self.cut.notify_waiters();
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(u64, Arc<dyn Listener>)>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends when it is dropped.
struct Subscription<'a> {
    listeners: &'a Listeners,
    id: u64,
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        self.listeners.lock().retain(|(id, _)| *id != self.id);
    }
}
