use std::sync::Arc;
use std::time::Duration;

use redlock_core::faults::{Faulty, Misbehaviour};
use redlock_core::route::LockPolicy;
use redlock_core::{InMemoryNode, LockNode, Redlock};
use tokio::time::{sleep, timeout};

/// Long enough for a machine that is busy with other tests; nothing waits for it when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Five nodes, and the times that suit a test.
pub(crate) struct Backend {
    pub(crate) nodes: Vec<Arc<Faulty<InMemoryNode>>>,
    ttl: Duration,
    node_timeout: Duration,
}

impl Backend {
    /// For locks that are not to be lost.
    pub(crate) fn new() -> Self {
        Self::with(Duration::from_secs(60), Duration::from_secs(5))
    }

    /// For locks that are to be lost.
    pub(crate) fn short_lived() -> Self {
        Self::with(Duration::from_secs(10), Duration::from_secs(2))
    }

    fn with(ttl: Duration, node_timeout: Duration) -> Self {
        let node = |name| Arc::new(Faulty::new(Arc::new(InMemoryNode::new(name))));
        Self { nodes: ["a", "b", "c", "d", "e"].map(node).into(), ttl, node_timeout }
    }

    /// A handle of its own, as another process would have.
    pub(crate) fn redlock(&self) -> Redlock {
        let nodes = self.nodes.iter().map(|node| Arc::clone(node) as Arc<dyn LockNode>);
        Redlock::builder()
            .nodes(nodes)
            .ttl(self.ttl)
            .node_timeout(self.node_timeout)
            .build()
            .unwrap()
    }

    /// The defaults, with the time to live of this backend.
    pub(crate) fn policy(&self) -> LockPolicy {
        LockPolicy::new().ttl(self.ttl)
    }

    /// Every key that any node stores, once.
    pub(crate) fn keys(&self) -> Vec<String> {
        let keys = self.nodes.iter().flat_map(|node| node.inner().keys());
        let mut keys: Vec<_> = keys.map(|key| String::from_utf8(key).unwrap()).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Forgets all locks under their holders.
    pub(crate) fn clear(&self) {
        self.nodes.iter().for_each(|node| node.inner().clear());
    }

    pub(crate) fn refuse(&self, nodes: usize) {
        self.nodes[..nodes].iter().for_each(|node| node.always(Misbehaviour::Refused));
    }

    pub(crate) fn heal(&self) {
        self.nodes.iter().for_each(|node| node.heal());
    }

    pub(crate) async fn until_nothing_is_left(&self) {
        until("no node stores a key", || self.keys().is_empty()).await;
    }
}

/// Waits for what is to come, however long it takes, within reason.
pub(crate) async fn until(what: &str, mut is: impl FnMut() -> bool) {
    patiently(what, async {
        while !is() {
            sleep(Duration::from_millis(3)).await;
        }
    })
    .await;
}

pub(crate) async fn patiently<T>(what: &str, work: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => panic!("waited in vain for this: {what}"),
    }
}
