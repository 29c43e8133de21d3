//! Three in-memory nodes. The same for every middleware.

use std::sync::Arc;
use std::time::Duration;

use redlock_core::faults::{Faulty, Misbehaviour, Verb};
use redlock_core::{InMemoryNode, LockNode, Redlock};

/// Three nodes and a handle.
pub(crate) struct Nodes {
    pub(crate) redlock: Redlock,
    nodes: Vec<Arc<Faulty<InMemoryNode>>>,
}

pub(crate) fn nodes() -> Nodes {
    let nodes: Vec<_> =
        ["a", "b", "c"].map(|name| Arc::new(Faulty::new(Arc::new(InMemoryNode::new(name))))).into();
    let redlock = handle(&nodes);
    Nodes { redlock, nodes }
}

fn handle(nodes: &[Arc<Faulty<InMemoryNode>>]) -> Redlock {
    let shared = nodes.iter().map(|node| Arc::clone(node) as Arc<dyn LockNode>);
    Redlock::builder().nodes(shared).ttl(Duration::from_secs(3)).build().unwrap()
}

impl Nodes {
    /// That of another process.
    pub(crate) fn another(&self) -> Redlock {
        handle(&self.nodes)
    }

    /// How many nodes hold anything.
    pub(crate) fn holding(&self) -> usize {
        self.nodes.iter().filter(|node| !node.inner().keys().is_empty()).count()
    }

    /// All keys that stand on the first node.
    pub(crate) fn keys(&self) -> Vec<String> {
        let keys = self.nodes[0].inner().keys();
        keys.into_iter().map(|key| String::from_utf8(key).unwrap()).collect()
    }

    /// From now on a release takes so long on its way to a node.
    pub(crate) fn slow_release(&self, by: Duration) {
        self.slow(Verb::Release, by);
    }

    /// From now on requests of a kind take so long on their way to a node.
    pub(crate) fn slow(&self, verb: Verb, by: Duration) {
        let slow = |node: &Arc<Faulty<_>>| node.on(verb).always(Misbehaviour::SlowRequest(by));
        self.nodes.iter().for_each(slow);
    }

    /// The nodes forget everything.
    pub(crate) fn clear(&self) {
        self.nodes.iter().for_each(|node| node.inner().clear());
    }

    /// The nodes forget one key.
    pub(crate) fn remove(&self, key: &str) {
        for node in &self.nodes {
            node.inner().remove(key);
        }
    }

    /// Waits for what is released in the background, on paused time.
    pub(crate) async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// Nothing is left anywhere.
    pub(crate) async fn assert_clean(&self) {
        self.settle().await;
        assert_eq!(self.holding(), 0, "{:?}", self.keys());
    }
}
