//! The restart guard through the handle.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Node, TTL, builder, ms, nodes, pass};
use redlock_core::{ExtendErrorKind, LockErrorKind, NodeOutcome};

/// Nodes that run since long before.
async fn seasoned(n: usize) -> Vec<Node> {
    let nodes = nodes(n);
    pass(Duration::from_secs(3_600)).await;
    nodes
}

#[tokio::test(start_paused = true)]
async fn a_restarted_node_gives_no_grants_until_the_longest_time_to_live_is_over() {
    let nodes = seasoned(3).await;
    let redlock = builder(&nodes).restart_guard(TTL).build().unwrap();
    let guard = redlock.try_lock("a").await.unwrap();
    // The second majority that a restart makes possible.
    nodes[0].inner().restart();
    nodes[1].inner().restart();
    pass(Duration::from_secs(3)).await;
    let error =
        builder(&nodes).restart_guard(TTL).build().unwrap().try_lock("a").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Unreachable);
    let guard_time = TTL + ms(102) + Duration::from_secs(2);
    let warming = NodeOutcome::Warming {
        uptime: Duration::from_secs(3),
        remaining: guard_time - Duration::from_secs(3),
    };
    assert_eq!(error.nodes()[0].outcome, warming);
    assert!(error.to_string().contains("restarted 3s ago"), "{error}");
    assert_eq!(error.retry_after(), Some(guard_time - Duration::from_secs(3)));
    drop(guard);
    pass(guard_time - Duration::from_secs(3)).await;
    assert!(redlock.try_lock("a").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_the_guard_the_same_restart_makes_two_holders() {
    let nodes = seasoned(3).await;
    let redlock = builder(&nodes).build().unwrap();
    let guard = redlock.try_lock("a").await.unwrap();
    nodes[0].inner().restart();
    nodes[1].inner().restart();
    let second = builder(&nodes).build().unwrap().try_lock("a").await.unwrap();
    assert!(!guard.is_lost() && !second.is_lost(), "which is what the guard is for");
}

#[tokio::test(start_paused = true)]
async fn a_node_is_not_repaired_before_it_has_warmed_up() {
    let nodes = seasoned(3).await;
    let redlock = builder(&nodes).restart_guard(TTL).build().unwrap();
    let guard = redlock.try_lock("a").await.unwrap();
    nodes[0].inner().restart();
    guard.extend(TTL).await.unwrap();
    pass(ms(100)).await;
    assert_eq!(nodes[0].inner().value("a"), None);
}

#[tokio::test(start_paused = true)]
async fn a_held_resource_is_refused_as_held_by_a_node_that_warms_up_too() {
    let nodes = seasoned(3).await;
    let redlock = builder(&nodes).restart_guard(TTL).build().unwrap();
    let _guard = redlock.try_lock("a").await.unwrap();
    nodes.iter().for_each(|node| node.inner().restart_with_memory());
    let error = redlock.try_lock("a").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Contended, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_time_to_live_above_the_guards_is_refused() {
    let nodes = seasoned(3).await;
    let error = builder(&nodes).restart_guard(ms(9_999)).build().unwrap_err();
    assert_eq!((error.field(), error.value()), ("ttl", "10s"));
    let redlock = builder(&nodes).restart_guard(TTL).build().unwrap();
    let guard = redlock.try_lock("a").await.unwrap();
    let error = guard.extend(TTL + ms(1)).await.unwrap_err();
    assert!(matches!(error.kind(), ExtendErrorKind::Invalid(_)), "{error}");
    assert!(format!("{redlock:?}").contains("restart_guard: Some(10s)"), "{redlock:?}");
}
