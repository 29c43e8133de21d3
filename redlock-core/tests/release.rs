//! Releasing: what it finds, where nodes fail, and how long it takes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use common::*;
use redlock_core::faults::{Misbehaviour::*, Verb};
use redlock_core::node::{Fault, NodeError};
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
    assert_eq!(error.to_string().matches("no connection").count(), 3, "{error}");
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
    // Two removed it, two never had it, one hangs: it was held by that one or by no majority.
    assert_eq!(guard.release().await.unwrap(), Release::Uncertain);
}

#[tokio::test(start_paused = true)]
async fn a_release_claims_no_majority_that_is_not_known() {
    for removed in [false, true] {
        let nodes = nodes(3);
        let redlock = redlock(&nodes);
        let guard = redlock.lock("k").await.unwrap();
        pass(ms(10)).await;
        nodes[0].always(Refused);
        if removed {
            nodes[1].inner().remove("k");
        }
        let found = if removed { Release::Uncertain } else { Release::Released };
        assert_eq!(guard.release().await.unwrap(), found);
        assert_eq!((standing(&nodes[1..], "k"), standing(&nodes[..1], "k")), (0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_that_fails_speaks_of_releases() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let guard = redlock.lock("k").await.unwrap();
    nodes[1..].iter().for_each(|node| node.on(Verb::Release).always(LostRequest));
    let error = guard.release().await.unwrap_err().to_string();
    let told = "no majority of nodes answered (1 of 3 released): node-1 no answer in time; node-2 ";
    assert!(error.starts_with(told), "{error}");
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

#[tokio::test(start_paused = true)]
async fn a_release_that_lacks_a_right_for_a_moment_is_tried_again_until_it_is_there() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    let forbidden = || Failing(NodeError::new(Fault::Permission, "NOPERM del"));
    let guard = redlock.lock("k").await.unwrap();
    nodes[0].on(Verb::Release).always(forbidden());
    assert_eq!(guard.release().await.unwrap(), Release::Released);
    pass(TTL / 2).await;
    assert_eq!(standing(&nodes, "k"), 1);
    nodes[0].heal();
    pass(ms(1_100)).await;
    assert_eq!(littered(&nodes), 0, "not left to expire");

    // By the token, where nobody here knows what stands.
    let token = redlock.lock("k").await.unwrap().leak();
    nodes[0].on(Verb::Release).next(3, forbidden());
    redlock.release("k", &token).await.unwrap();
    pass(ms(1_000)).await;
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn where_the_right_to_take_is_missing_too_nothing_is_tried_again() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    nodes[0].always(Failing(NodeError::new(Fault::Permission, "NOPERM set")));
    nodes[0].clear_log();
    redlock.lock("k").await.unwrap().release().await.unwrap();
    pass(TTL).await;
    assert_eq!(nodes[0].calls(Verb::Release), 1, "nothing can stand there");
}

#[tokio::test(start_paused = true)]
async fn a_release_by_its_token_has_the_prefix_of_its_handle() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).key_prefix("app:").build().unwrap();
    let token = redlock.lock(["a", "b"]).await.unwrap().leak();
    assert_eq!(standing(&nodes, "app:b"), 3);
    assert_eq!(redlock.release(["a", "b"], &token).await.unwrap(), Release::Released);
    pass(ms(10)).await;
    assert_eq!(littered(&nodes), 0);
}
