//! Releasing: what it finds, where nodes fail, and how long it takes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use common::*;
use redlock_core::faults::{Misbehaviour::*, Verb};
use redlock_core::{LockErrorKind, Release};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn releasing_a_lock_that_expired_is_no_error_and_leaves_the_next_holder_alone() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let stale = redlock.lock("k").await.unwrap();
    pass(TTL).await;
    let next = redlock.lock("k").await.unwrap();
    assert_eq!(stale.release().await.unwrap(), Release::AlreadyGone);
    assert_eq!(standing(&nodes, "k"), 3);
    assert!(!next.is_lost());
}

#[tokio::test(start_paused = true)]
async fn a_release_goes_on_where_nodes_fail_and_says_which() {
    let nodes = nodes(5);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    let guard = redlock.lock("k").await.unwrap();
    nodes[0].on(Verb::Release).next(1, Refused);
    nodes[1].on(Verb::Release).next(1, LostReply);
    assert_eq!(guard.release().await.unwrap(), Release::Released);
    pass(ms(1_000)).await;
    assert_eq!(littered(&nodes), 0, "tried again in the background");

    let guard = redlock.lock("k").await.unwrap();
    nodes[..3].iter().for_each(|node| node.on(Verb::Release).next(1, Refused));
    let error = guard.release().await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Unreachable);
    assert_eq!(error.to_string().matches("connection refused").count(), 3, "{error}");
    pass(ms(1_000)).await;
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_release_is_confirmed_when_a_majority_is_known_to_be_free_of_it() {
    let nodes = nodes(5);
    nodes[..2].iter().for_each(|node| node.on(Verb::Acquire).always(Refused));
    let redlock = redlock(&nodes);
    let guard = redlock.lock("k").await.unwrap();
    assert_eq!(standing(&nodes, "k"), 3);
    nodes[2].hang();
    // Two removed it, two never had it, one hangs.
    assert_eq!(guard.release().await.unwrap(), Release::Released);
}

#[tokio::test(start_paused = true)]
async fn a_release_over_hung_nodes_ends_in_bounded_time() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let guard = redlock.lock("k").await.unwrap();
    nodes.iter().for_each(|node| node.hang());
    let start = Instant::now();
    guard.release().await.unwrap_err();
    assert_eq!(start.elapsed(), NODE_TIMEOUT * 2);
}
