//! Who the servers are: one listed twice, a replica, a cluster member.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

#[path = "common/log.rs"]
mod log;

mod common;

use std::sync::Arc;

use common::*;
use redlock_core::faults::{Lie, Misbehaviour::*, Verb};
use redlock_core::node::{Fault, NodeError, Vote};
use redlock_core::{InMemoryNode, LockErrorKind, LockNode, NodeOutcome, Redlock};

#[tokio::test(start_paused = true)]
async fn a_server_listed_twice_is_a_configuration_error_whatever_the_others_say() {
    let shared = Arc::new(InMemoryNode::new("server"));
    let twin = |name: &str| {
        let run = redlock_core::faults::Faulty::new(Arc::clone(&shared));
        Named(name.to_owned(), Arc::new(run))
    };
    let redlock = Redlock::builder()
        .node(twin("a:6379"))
        .node(twin("b:6379"))
        .nodes(nodes(5).into_iter().map(|node| node as Arc<dyn LockNode>))
        .ttl(TTL)
        .build()
        .unwrap();
    for _ in 0..3 {
        let error = redlock.try_lock("k").await.unwrap_err();
        assert_eq!(error.kind(), LockErrorKind::Misconfigured);
        // Whichever of the two answered first is the other's.
        let (one, two) = (
            "node 2 of 7 is the same server as node 1, a:6379",
            "node 1 of 7 is the same server as node 2, b:6379",
        );
        assert!([one, two].iter().any(|said| error.to_string().contains(said)), "{error}");
    }
    assert!(shared.keys().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_server_listed_twice_never_counts_twice_though_it_says_late_who_it_is() {
    let shared = Arc::new(InMemoryNode::new("server"));
    let entry = |name: &str| {
        let node = Arc::new(redlock_core::faults::Faulty::new(Arc::clone(&shared)));
        (Named(name.to_owned(), Arc::clone(&node)), node)
    };
    let [(one, _), (twin, late)] = ["a:6379", "b:6379"].map(entry);
    late.on(Verb::Identity).always(SlowReply(ms(100)));
    let others = nodes(3);
    others[2].hang();
    let others_of_five = others.iter().map(|node| node.clone() as Arc<dyn LockNode>);
    let redlock =
        Redlock::builder().node(one).node(twin).nodes(others_of_five).ttl(TTL).build().unwrap();
    // Three servers are known before the moment is over, and are a majority.
    let start = tokio::time::Instant::now();
    let guard = redlock.try_lock("k").await.unwrap();
    assert!(start.elapsed() < ms(100), "{:?}", start.elapsed());
    assert_eq!(late.calls(Verb::Acquire), 0);
    // Without one of them there is none, however often that server is listed.
    guard.release().await.unwrap();
    others[1].hang();
    pass(ms(1_000)).await;
    for _ in 0..3 {
        let error = redlock.try_lock("k").await.unwrap_err();
        assert_eq!(error.kind(), LockErrorKind::Misconfigured, "{error}");
        assert!(error.to_string().contains("the same server as"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hides_who_it_is_grants_once_however_often_it_is_listed() {
    let shared = Arc::new(InMemoryNode::new("server"));
    let twin = |name: &str| {
        let node = redlock_core::faults::Faulty::new(Arc::clone(&shared));
        node.on(Verb::Identity)
            .always(Lying(Lie::Identity(redlock_core::node::Identity::unknown())));
        Named(name.to_owned(), Arc::new(node))
    };
    let builder =
        Redlock::builder().nodes(nodes(1).into_iter().map(|node| node as Arc<dyn LockNode>));
    let redlock = builder.node(twin("a:6379")).node(twin("b:6379")).ttl(TTL).build().unwrap();
    redlock.try_lock("k").await.expect("two servers of three").release().await.unwrap();

    let builder = Redlock::builder().node(twin("a:6379")).node(twin("b:6379")).node(twin("c:6379"));
    let redlock = builder.ttl(TTL).build().unwrap();
    for _ in 0..3 {
        let error = redlock.try_lock("k").await.unwrap_err();
        assert_eq!(error.kind(), LockErrorKind::Misconfigured, "{error}");
        assert!(error.to_string().contains("one server for two nodes"), "{error}");
    }
    redlock.close().await;
    assert!(shared.keys().is_empty());
}

/// A node under another name.
#[derive(Debug)]
struct Named(String, Node);

macro_rules! forward {
    ($($verb:ident($($arg:ident: $ty:ty),*) -> $out:ty;)*) => {
        #[async_trait::async_trait]
        impl LockNode for Named {
            fn name(&self) -> &str {
                &self.0
            }
            $(async fn $verb(self: Arc<Self>, $($arg: $ty),*) -> Result<$out, NodeError> {
                Arc::clone(&self.1).$verb($($arg),*).await
            })*
        }
    };
}

forward! {
    identity(timeout: std::time::Duration) -> redlock_core::node::Identity;
    acquire(claim: redlock_core::node::Claim, terms: redlock_core::node::Terms, timeout: std::time::Duration) -> Vote;
    extend(claim: redlock_core::node::Claim, terms: redlock_core::node::Terms, timeout: std::time::Duration)
        -> redlock_core::node::Extension;
    release(claim: redlock_core::node::Claim, timeout: std::time::Duration) -> redlock_core::node::Removal;
    inspect(key: redlock_core::LockKey, timeout: std::time::Duration) -> Vec<Option<redlock_core::node::Holding>>;
}

#[tokio::test(start_paused = true)]
async fn a_replica_and_a_cluster_member_are_never_sent_an_acquire() {
    let nodes = nodes(3);
    let identity = |replica: bool, cluster: bool| {
        let mut identity = redlock_core::node::Identity::unknown();
        (identity.replica, identity.cluster) = (replica, cluster);
        Lying(Lie::Identity(identity))
    };
    nodes[0].on(Verb::Identity).always(identity(true, false));
    nodes[1].on(Verb::Identity).always(identity(false, true));
    let error = redlock(&nodes).try_lock("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Misconfigured);
    assert_eq!(calls(&nodes[..2], Verb::Acquire), [0, 0]);
    let outcome = |i: usize| match &error.nodes()[i].outcome {
        NodeOutcome::Failed(error) => error.fault(),
        other => panic!("{other:?}"),
    };
    assert_eq!((outcome(0), outcome(1)), (Fault::Replica, Fault::ClusterMember));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_says_late_who_it_is_is_not_sent_what_was_released_meanwhile() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    // It fails once, so it is asked again who it is, and dawdles over it.
    nodes[2].on(Verb::Release).next(1, LostReply);
    meet(&redlock).await;
    pass(TTL).await;
    nodes[2].on(Verb::Identity).always(SlowReply(ms(100)));
    nodes[2].clear_log();
    redlock.try_lock("k").await.unwrap().release().await.unwrap();
    pass(ms(1_000)).await;
    assert_eq!((nodes[2].calls(Verb::Identity), nodes[2].calls(Verb::Acquire)), (1, 0));
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_is_polled_no_more_holds_up_nobodys_first_contact() {
    let nodes = nodes(3);
    nodes.iter().for_each(|node| node.on(Verb::Identity).always(SlowReply(ms(5))));
    let redlock = redlock(&nodes);
    let mut stalled = std::pin::pin!(redlock.try_lock("a"));
    let poll = stalled.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    assert!(poll.is_pending());
    let _guard = redlock.try_lock("b").await.unwrap();
    assert_eq!(calls(&nodes, Verb::Identity), [1; 3], "both share it");
    assert!(stalled.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn another_server_behind_a_node_is_warned_of_and_a_restart_is_not() {
    let (log, _log) = log::Log::set();
    let nodes = nodes(1);
    let redlock = redlock(&nodes);
    let says = |run_id: &str, uptime: u64| {
        let mut identity = redlock_core::node::Identity::unknown();
        identity.run_id = Some(run_id.to_owned());
        identity.uptime = Some(std::time::Duration::from_secs(uptime));
        nodes[0].on(Verb::Identity).always(Lying(Lie::Identity(identity)));
    };
    let asks_again = async || {
        // A failure whose outcome nobody knows.
        nodes[0].on(Verb::Release).next(1, LostReply);
        let _ = redlock.try_lock("k").await.unwrap().release().await;
        pass(TTL).await;
        redlock.try_lock("k").await.unwrap().release().await.unwrap();
    };
    says("one", 1_000);
    meet(&redlock).await;
    pass(ms(60_000)).await;
    says("one after a restart", 3);
    asks_again().await;
    assert!(log.warnings().is_empty(), "{:?}", log.warnings());
    says("another", 1_000);
    asks_again().await;
    asks_again().await;
    let warnings = log.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("another server answers for this node"), "{warnings:?}");
    let event = &log.events(tracing::Level::WARN)[0];
    assert_eq!((event.get("node"), event.get("redlock.uptime_s")), ("node-0", "1000"));
}
