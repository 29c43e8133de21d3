//! The acceptance suite on the nodes of this crate, and on nodes that are broken on purpose: a suite that
//! cannot fail would prove nothing.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used)]

mod caught;
mod caught_fencing;
mod caught_keeping;
mod caught_scan;
mod caught_shared;
mod caught_slots;
mod caught_swaps;
mod caught_wake_ups;
mod flaw;
mod flawed;
mod flawed_fencing;
mod flawed_keeping;
mod flawed_labels;
mod flawed_look;
mod flawed_scan;
mod flawed_shared;
mod flawed_slots;
mod flawed_swaps;
mod flawed_votes;
mod flawed_wake_ups;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redlock_core::InMemoryNode;
use redlock_core::conformance::Fixture;
use redlock_core::faults::{Faulty, Misbehaviour};
use redlock_core::node::LockNode;

use flaw::Flaw;
use flawed::{Flawed, LIST};

/// A node that is an [`InMemoryNode`] in the end, and another like it.
struct Memory {
    stores: [Arc<InMemoryNode>; 2],
    nodes: [Arc<dyn LockNode>; 2],
}

impl Memory {
    fn new<N: LockNode>(over: impl Fn(Arc<InMemoryNode>) -> N) -> Self {
        let stores = ["a", "b"].map(|name| Arc::new(InMemoryNode::new(name)));
        let nodes =
            stores.each_ref().map(|store| Arc::new(over(store.clone())) as Arc<dyn LockNode>);
        Self { stores, nodes }
    }

    async fn plain() -> Self {
        let stores = ["a", "b"].map(|name| Arc::new(InMemoryNode::new(name)));
        let nodes = stores.each_ref().map(|store| store.clone() as Arc<dyn LockNode>);
        Self { stores, nodes }
    }

    async fn behind_a_network() -> Self {
        Self::new(Faulty::new)
    }

    async fn behind_a_slow_network() -> Self {
        Self::new(|store| {
            let node = Faulty::new(store);
            node.always(Misbehaviour::SlowRequest(Duration::from_millis(3)));
            node.always(Misbehaviour::SlowReply(Duration::from_millis(2)));
            node
        })
    }

    async fn with(flaw: Flaw) -> Self {
        let mut memory = Self::new(|store| Flawed::new(store, flaw));
        if flaw == Flaw::OneServerTwice {
            memory.nodes[1] = memory.nodes[0].clone();
        }
        memory
    }
}

#[async_trait]
impl Fixture for Memory {
    fn node(&self) -> Arc<dyn LockNode> {
        self.nodes[0].clone()
    }

    fn second_node(&self) -> Arc<dyn LockNode> {
        self.nodes[1].clone()
    }

    async fn put(&self, key: &[u8], value: &[u8], ttl: Option<Duration>) {
        self.stores[0].put(key, value, ttl);
    }

    async fn value(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.stores[0].value(key)
    }

    async fn counter(&self, key: &[u8]) -> Option<u64> {
        self.stores[0].counter(key)
    }

    async fn put_list(&self, key: &[u8], ttl: Duration) {
        self.stores[0].put(key, LIST, Some(ttl));
    }

    async fn is_list(&self, key: &[u8]) -> bool {
        self.stores[0].value(key).as_deref() == Some(LIST)
    }
}

mod in_memory {
    redlock_core::conformance!(
        paused,
        super::Memory::plain(),
        second_node,
        fencing,
        restart_guard,
        wake_ups,
        swapping,
        keeping,
        shared,
        slots,
        scanning
    );
}

mod in_memory_in_real_time {
    redlock_core::conformance!(
        super::Memory::plain(),
        second_node,
        fencing,
        restart_guard,
        wake_ups,
        swapping,
        keeping,
        shared,
        slots,
        scanning
    );
}

mod network {
    redlock_core::conformance!(
        paused,
        super::Memory::behind_a_network(),
        second_node,
        fencing,
        restart_guard,
        wake_ups,
        swapping,
        keeping,
        shared,
        slots,
        scanning
    );
}

mod slow_network {
    redlock_core::conformance!(
        paused,
        super::Memory::behind_a_slow_network(),
        second_node,
        fencing,
        restart_guard,
        wake_ups,
        swapping,
        keeping,
        shared,
        slots,
        scanning
    );
}

mod without_flaw {
    redlock_core::conformance!(
        paused,
        super::Memory::with(super::Flaw::None),
        types,
        second_node,
        fencing,
        counter_types,
        restart_guard,
        wake_ups,
        swapping,
        keeping,
        shared,
        slots,
        slots_types,
        scanning,
        scan_types
    );
}
