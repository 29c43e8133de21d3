//! How long a call takes when nodes do not answer, and how it ends.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use common::*;
use redlock_core::faults::{Misbehaviour::*, Verb};
use redlock_core::node::Fault;
use redlock_core::{LockErrorKind, LockOptions, RetryPolicy};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn trying_once_is_one_round_and_never_sleeps() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let held = redlock.try_lock("k").await.unwrap();
    nodes.iter().for_each(|node| node.clear_log());
    let start = Instant::now();
    redlock.try_lock("k").await.unwrap_err();
    assert_eq!(start.elapsed(), ms(0));
    assert_eq!(calls(&nodes, Verb::Acquire), [1, 1, 1]);
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_stays_held_times_out_when_the_budget_is_over_and_not_later() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let _held = redlock.try_lock("k").await.unwrap();
    let start = Instant::now();
    let options = LockOptions::new().wait_for(ms(1_000));
    let error = redlock.lock_with("k", &options).await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::TimedOut);
    assert_eq!(
        start.elapsed(),
        ms(1_000),
        "the last attempt is made at the deadline, with no sleep after it"
    );
    assert!((4..=11).contains(&error.attempts()), "{}", error.attempts());
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_had_soon_after_it_expired() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    nodes.iter().for_each(|node| occupy(node, "k", Some(ms(450))));
    let policy = RetryPolicy::uniform(ms(5_000), ms(9_000)).unwrap();
    let start = Instant::now();
    drop(redlock.lock_with("k", &LockOptions::new().retry(policy)).await.unwrap());
    assert!(
        start.elapsed() < ms(4_460),
        "{:?}: the nodes said when they are free",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn the_budget_holds_though_every_node_hangs() {
    let nodes = nodes(5);
    nodes.iter().for_each(|node| node.hang());
    let redlock = redlock(&nodes);
    let start = Instant::now();
    let options = LockOptions::new().wait_for(ms(2_000));
    let error = redlock.lock_with("k", &options).await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Unreachable);
    assert!(start.elapsed() <= ms(2_000) + NODE_TIMEOUT, "{:?}", start.elapsed());
    nodes.iter().for_each(|node| node.resume());
    redlock.close().await;
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_grants_and_then_hangs_delays_a_refusal_by_one_node_timeout_at_most() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    nodes[..2].iter().for_each(|node| occupy(node, "k", Some(TTL)));
    nodes[2].on(Verb::Release).next(1, LostReply);
    let start = Instant::now();
    let error = redlock.try_lock("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Contended);
    assert_eq!(start.elapsed(), NODE_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn nodes_that_are_all_down_are_a_typed_error_with_every_cause() {
    let nodes = nodes(3);
    nodes.iter().for_each(|node| node.always(Refused));
    let redlock = redlock(&nodes);
    let start = Instant::now();
    let error = redlock.try_lock("k").await.unwrap_err();
    assert_eq!(start.elapsed(), ms(0));
    assert_eq!(error.kind(), LockErrorKind::Unreachable);
    assert_eq!(error.to_string().matches("no connection").count(), 3);
    let error = redlock.lock("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Unreachable);
    assert!(start.elapsed() <= ms(10_000), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_had_when_the_nodes_come_back_within_the_budget() {
    let nodes = nodes(3);
    nodes.iter().for_each(|node| node.always(Refused));
    let redlock = redlock(&nodes);
    let back = async {
        pass(ms(3_000)).await;
        nodes[..2].iter().for_each(|node| node.heal());
    };
    let (guard, ()) = tokio::join!(redlock.lock("k"), back);
    drop(guard.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_misconfigured_set_is_not_tried_again() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    nodes[..2].iter().for_each(|node| node.always(Failing(Fault::Authentication.into())));
    let start = Instant::now();
    let error = redlock.lock("k").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (LockErrorKind::Misconfigured, 1));
    assert_eq!(start.elapsed(), ms(0));
}

#[tokio::test(start_paused = true)]
async fn a_misconfigured_node_is_not_asked_again_for_a_second() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    nodes[0].on(Verb::Acquire).always(Failing(Fault::WrongType.into()));
    occupy(&nodes[1], "k", Some(ms(600)));
    nodes.iter().for_each(|node| node.clear_log());
    drop(redlock.lock("k").await.unwrap());
    assert_eq!(nodes[0].calls(Verb::Acquire), 1);
    assert!(nodes[2].calls(Verb::Acquire) > 2);
}

#[tokio::test(start_paused = true)]
async fn a_misconfigured_node_that_is_mended_counts_again_within_the_call() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    nodes[0].on(Verb::Acquire).next(2, Failing(Fault::Permission.into()));
    occupy(&nodes[1], "k", None);
    nodes.iter().for_each(|node| node.clear_log());
    let start = Instant::now();
    drop(redlock.lock("k").await.unwrap());
    assert!(start.elapsed() > ms(2_000) && start.elapsed() < ms(3_000), "{:?}", start.elapsed());
    assert_eq!(nodes[0].calls(Verb::Acquire), 3, "once a second");
}

#[tokio::test(start_paused = true)]
async fn a_first_contact_with_a_hung_node_waits_for_it_a_moment_and_only_once() {
    let nodes = nodes(3);
    nodes[2].hang();
    let redlock = redlock(&nodes);
    let start = Instant::now();
    drop(redlock.try_lock("a").await.unwrap());
    assert_eq!(start.elapsed(), ms(10));
    drop(redlock.try_lock("b").await.unwrap());
    assert_eq!(start.elapsed(), ms(10));
}

#[tokio::test(start_paused = true)]
async fn closing_wakes_those_who_wait_and_refuses_new_calls() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let _held = redlock.try_lock("k").await.unwrap();
    let waiter = redlock.clone();
    let waiting = tokio::spawn(async move { waiter.lock("k").await.map(drop) });
    pass(ms(50)).await;
    redlock.close().await;
    let closed = waiting.await.unwrap().unwrap_err();
    assert_eq!(closed.kind(), LockErrorKind::Closed);
    let tried = nodes[0].calls(Verb::Acquire) - 1;
    assert!(tried > 0);
    assert_eq!(closed.attempts() as usize, tried, "those before do not go untold");
    assert_eq!(redlock.try_lock("other").await.unwrap_err().kind(), LockErrorKind::Closed);
    assert_eq!(redlock.inspect("k").await.unwrap_err().kind(), LockErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn closing_does_not_wait_for_hung_nodes_longer_than_a_few_timeouts() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let guard = redlock.try_lock("k").await.unwrap();
    nodes.iter().for_each(|node| node.hang());
    drop(guard);
    let start = Instant::now();
    redlock.close().await;
    assert!(start.elapsed() <= NODE_TIMEOUT * 4, "{:?}", start.elapsed());
}
