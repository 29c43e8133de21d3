//! Whether locks can be had, without taking any.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;
#[path = "common/log.rs"]
mod log;

use std::sync::Arc;
use std::time::Duration;

use common::{NODE_TIMEOUT, Node, TTL, builder, calls, littered, ms, nodes, pass, redlock};
use redlock_core::faults::Misbehaviour::{Lying, Refused, SlowReply};
use redlock_core::faults::{Faulty, Lie, Verb};
use redlock_core::node::{Fault, Identity};
use redlock_core::{InMemoryNode, LockErrorKind, Probe, Standing};
use tokio::time::Instant;

fn faults(probe: &Probe) -> Vec<Option<Fault>> {
    probe.nodes.iter().map(|node| node.outcome.as_ref().err().map(|e| e.fault())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_probe_asks_each_node_once_and_takes_and_writes_nothing() {
    let nodes = nodes(3);
    nodes[0].always(SlowReply(ms(3)));
    nodes[1].always(SlowReply(ms(20)));
    let probe = redlock(&nodes).probe().await.unwrap();
    assert!(probe.is_ready());
    assert_eq!((probe.answering(), probe.granting(), probe.needed()), (3, 3, 2));
    let took: Vec<_> = probe.nodes.iter().map(|node| node.round_trip).collect();
    assert_eq!(took, [ms(3), ms(20), ms(0)]);
    assert_eq!(probe.round_trip(), Some(ms(3)));
    assert_eq!(calls(&nodes, Verb::Identity), [1; 3]);
    for node in &nodes {
        assert_eq!(node.log().len(), 1, "{:?}", node.log());
    }
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_hangs_costs_one_node_timeout_and_no_more() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    nodes[1].hang();
    for _ in 0..3 {
        let begun = Instant::now();
        let probe = redlock.probe().await.unwrap();
        assert_eq!(begun.elapsed(), NODE_TIMEOUT);
        assert_eq!(faults(&probe), [None, Some(Fault::Timeout), None]);
        assert_eq!(probe.nodes[1].round_trip, NODE_TIMEOUT);
        assert!(probe.is_ready(), "{probe}");
    }
    nodes[0].hang();
    let begun = Instant::now();
    let probe = redlock.probe().await.unwrap();
    assert_eq!(begun.elapsed(), NODE_TIMEOUT);
    assert!(!probe.is_ready() && probe.round_trip().is_none(), "{probe}");
    assert_eq!(probe.summary(), "1 of 3 nodes answers, and 2 are needed");
    nodes.iter().for_each(|node| node.heal());
    assert!(redlock.probe().await.unwrap().is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_node_that_warms_up_answers_and_gives_no_locks() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).restart_guard(TTL).build().unwrap();
    let probe = redlock.probe().await.unwrap();
    assert_eq!((probe.answering(), probe.granting()), (3, 0), "all are new");
    assert!(!probe.is_ready());
    let guard = match probe.nodes[0].outcome {
        Ok(Standing::Warming { remaining }) => remaining,
        ref other => panic!("{other:?}"),
    };
    // No sooner than locks are given, and no later.
    pass(guard - ms(1)).await;
    assert!(!redlock.probe().await.unwrap().is_ready());
    assert!(redlock.try_lock("k").await.is_err());
    pass(ms(1)).await;
    assert!(redlock.probe().await.unwrap().is_ready());
    redlock.try_lock("k").await.unwrap().release().await.unwrap();
    nodes[2].inner().restart();
    let probe = redlock.probe().await.unwrap();
    assert_eq!((probe.answering(), probe.granting(), probe.is_ready()), (3, 2, true));
    // Without the guard nobody waits for anything.
    assert_eq!(common::redlock(&nodes).probe().await.unwrap().granting(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_must_be_no_lock_node_does_not_count() {
    let nodes = nodes(3);
    let says = |replica: bool, cluster: bool| {
        let mut identity = Identity::unknown();
        (identity.replica, identity.cluster) = (replica, cluster);
        Lying(Lie::Identity(identity))
    };
    nodes[0].on(Verb::Identity).always(says(true, false));
    nodes[1].on(Verb::Identity).always(says(false, true));
    let probe = redlock(&nodes).probe().await.unwrap();
    assert_eq!(faults(&probe), [Some(Fault::Replica), Some(Fault::ClusterMember), None]);
    assert!(!probe.is_ready() && probe.node_set.is_none());

    let twin = Arc::new(Faulty::new(Arc::new(InMemoryNode::new("twin"))));
    let other = nodes[2].clone();
    let same = twice(&twin);
    let probe = redlock(&[twin, same, other]).probe().await.unwrap();
    let duplicates = faults(&probe).iter().filter(|of| **of == Some(Fault::Duplicate)).count();
    assert_eq!(duplicates, 1, "{probe}");
}

/// Another entry for one server.
fn twice(node: &Node) -> Node {
    let entry = Arc::new(Faulty::new(Arc::new(InMemoryNode::new("entry"))));
    let identity = at_once(Arc::clone(node));
    entry.on(Verb::Identity).always(Lying(Lie::Identity(identity)));
    entry
}

fn at_once(node: Node) -> Identity {
    use redlock_core::LockNode;
    let asking = std::pin::pin!(Arc::clone(node.inner()).identity(ms(1)));
    match asking.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(identity) => identity.unwrap(),
        std::task::Poll::Pending => panic!("a node in memory answers at once"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_fingerprint_is_that_of_the_servers_in_whatever_order_and_known_when_all_are() {
    let (log, _log) = log::Log::set();
    let all = nodes(3);
    let one = redlock(&all);
    let mut turned: Vec<Node> = all.clone();
    turned.reverse();
    let other = redlock(&turned);
    all[1].on(Verb::Identity).always(Refused);
    assert_eq!(one.probe().await.unwrap().node_set, None);
    all[1].heal();
    let known = one.probe().await.unwrap().node_set.unwrap();
    // By a lock as well as by a probe.
    other.try_lock("k").await.unwrap().release().await.unwrap();
    assert_eq!(other.probe().await.unwrap().node_set, Some(known));
    // One that is down is still the one it was.
    all[1].on(Verb::Identity).always(Refused);
    assert_eq!(one.probe().await.unwrap().node_set, Some(known));
    all[1].heal();
    all[1].inner().restart();
    let after = one.probe().await.unwrap().node_set.unwrap();
    assert_ne!(after, known, "another run is another server");
    assert_eq!(other.probe().await.unwrap().node_set, Some(after));
    assert_ne!(redlock(&all[..2]).probe().await.unwrap().node_set, Some(after));
    // Each change is told once by each handle.
    let told = log.events(tracing::Level::INFO);
    let told: Vec<_> = told.iter().map(|event| event.get("redlock.node_set")).collect();
    let (known, after) = (known.to_string(), after.to_string());
    assert_eq!(told[..4], [&*known, &*known, &*after, &*after]);
    assert_eq!(told.len(), 5, "of two of them");
    // A server that hides who it is leaves the set unknown.
    let hidden = nodes(1);
    hidden[0].on(Verb::Identity).always(Lying(Lie::Identity(Identity::unknown())));
    let probe = redlock(&hidden).probe().await.unwrap();
    assert_eq!((probe.is_ready(), probe.node_set), (true, None));
}

#[tokio::test(start_paused = true)]
async fn a_closed_handle_is_not_ready() {
    let redlock = redlock(&nodes(1));
    redlock.close().await;
    assert_eq!(redlock.probe().await.unwrap_err().kind(), LockErrorKind::Closed);
}

#[test]
fn outside_of_a_runtime_it_says_so() {
    let redlock = redlock(&nodes(1));
    let mut asking = Box::pin(redlock.probe());
    let waker = std::task::Waker::noop();
    let answer = asking.as_mut().poll(&mut std::task::Context::from_waker(waker));
    let std::task::Poll::Ready(Err(error)) = answer else { panic!("{answer:?}") };
    assert_eq!(error.kind(), LockErrorKind::Environment);
}

const _: fn() = || {
    fn sent<T: Send>(_: T) {}
    let redlock = redlock(&nodes(1));
    sent(redlock.probe());
    sent(redlock.held("", 1, Duration::ZERO));
};
