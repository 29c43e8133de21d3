//! Holding: extending, renewal, and knowing when it is over.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::*;
use redlock_core::faults::{Misbehaviour::*, Verb};
use redlock_core::{ExtendErrorKind, LockOptions, LostReason, Redlock, Release, Renewal};
use tokio::time::Instant;

const DRIFT: Duration = Duration::from_millis(102);

fn renewing(nodes: &[Node]) -> Redlock {
    builder(nodes).renewal(Renewal::Auto).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn lost_fires_at_the_exact_local_deadline() {
    let nodes = nodes(3);
    let start = Instant::now();
    let guard = redlock(&nodes).lock("k").await.unwrap();
    let reason = guard.lease().lost().await;
    assert_eq!((reason, start.elapsed()), (LostReason::Expired, TTL - DRIFT));
    assert!(guard.is_lost());
    assert_eq!(guard.remaining(), ms(0));
}

#[tokio::test(start_paused = true)]
async fn lost_fires_at_the_deadline_though_renewal_hangs() {
    let nodes = nodes(3);
    let start = Instant::now();
    let guard = renewing(&nodes).lock("k").await.unwrap();
    nodes.iter().for_each(|node| node.hang());
    let reason = guard.lease().lost().await;
    assert_eq!((reason, start.elapsed()), (LostReason::NoQuorum, TTL - DRIFT));
}

#[tokio::test(start_paused = true)]
async fn lost_fires_at_once_when_a_majority_says_not_yours_and_never_for_failures() {
    let nodes = nodes(5);
    let guard = renewing(&nodes).lock("k").await.unwrap();
    // Two nodes forgot, two do not answer: a majority may still hold it.
    nodes[..2].iter().for_each(|node| node.inner().put("k", "a thief", None));
    nodes[2].on(Verb::Extend).next(1, LostReply);
    nodes[3].on(Verb::Extend).next(1, Refused);
    pass(TTL / 3 + NODE_TIMEOUT + ms(1)).await;
    assert!(!guard.is_lost());
    nodes[2].inner().clear();
    let start = Instant::now();
    assert_eq!(guard.lease().lost().await, LostReason::Stolen);
    assert!(start.elapsed() < TTL / 3, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn renewal_holds_the_lock_as_long_as_the_guard_lives_and_no_longer() {
    let nodes = nodes(3);
    let redlock = renewing(&nodes);
    let guard = redlock.lock("k").await.unwrap();
    pass(TTL * 10).await;
    assert!(!guard.is_lost());
    assert_eq!(standing(&nodes, "k"), 3);
    assert_eq!(guard.release().await.unwrap(), Release::Released);
    nodes.iter().for_each(|node| node.clear_log());
    pass(TTL * 3).await;
    assert_eq!(calls(&nodes, Verb::Extend), [0, 0, 0]);
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn renewal_survives_failed_rounds_and_tries_again_before_the_deadline() {
    let nodes = nodes(3);
    let guard = renewing(&nodes).lock("k").await.unwrap();
    nodes.iter().for_each(|node| node.on(Verb::Extend).next(2, LostRequest));
    pass(TTL * 2).await;
    assert!(!guard.is_lost(), "{:?}", guard.lease());
    assert_eq!(calls(&nodes, Verb::Release), [0, 0, 0], "a failed renewal releases nothing");
}

#[tokio::test(start_paused = true)]
async fn renewal_ends_at_the_cap() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).renewal(Renewal::Auto).max_hold(ms(25_000)).build().unwrap();
    let start = Instant::now();
    let guard = redlock.lock("k").await.unwrap();
    let reason = guard.lease().lost().await;
    assert_eq!((reason, start.elapsed()), (LostReason::MaxHold, ms(25_000)));
    nodes.iter().for_each(|node| node.clear_log());
    pass(TTL * 2).await;
    assert_eq!(calls(&nodes, Verb::Extend), [0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_under_way_cannot_bring_a_released_lock_back() {
    let nodes = nodes(3);
    let redlock = renewing(&nodes);
    let guard = redlock.lock("k").await.unwrap();
    nodes.iter().for_each(|node| {
        node.reordering(true);
        node.on(Verb::Extend).next(1, SlowRequest(ms(100)));
    });
    pass(TTL / 3 + ms(10)).await;
    assert_eq!(calls(&nodes, Verb::Extend), [1, 1, 1]);
    guard.release().await.unwrap();
    pass(ms(500)).await;
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_repair_under_way_cannot_bring_a_released_lock_back() {
    let nodes = nodes(3);
    let redlock = renewing(&nodes);
    let guard = redlock.lock("k").await.unwrap();
    nodes[0].inner().clear();
    nodes[0].reordering(true);
    nodes[0].on(Verb::Acquire).always(SlowRequest(ms(100)));
    pass(TTL / 3 + ms(10)).await;
    assert_eq!(nodes[0].calls(Verb::Acquire), 2, "the repair is on its way");
    guard.release().await.unwrap();
    pass(ms(50)).await;
    assert_eq!(littered(&nodes), 0);
    pass(ms(500)).await;
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_lost_the_key_is_given_it_back_while_a_majority_holds_it() {
    let nodes = nodes(3);
    let guard = renewing(&nodes).lock("k").await.unwrap();
    nodes[0].inner().restart();
    pass(TTL / 3 + ms(10)).await;
    assert_eq!(standing(&nodes, "k"), 3);
    // The repaired node now carries the hold when another one goes.
    nodes[1].hang();
    pass(TTL * 2).await;
    assert!(!guard.is_lost());
}

#[tokio::test(start_paused = true)]
async fn a_repair_never_takes_a_node_from_somebody_else() {
    let nodes = nodes(3);
    let guard = renewing(&nodes).lock("k").await.unwrap();
    occupy(&nodes[0], "k", None);
    pass(TTL).await;
    assert_eq!(nodes[0].inner().value("k").unwrap(), b"somebody else");
    assert!(!guard.is_lost());
}

#[tokio::test(start_paused = true)]
async fn an_extension_moves_the_deadline_from_before_its_send() {
    let nodes = nodes(3);
    let guard = redlock(&nodes).lock("k").await.unwrap();
    pass(ms(5_000)).await;
    nodes.iter().for_each(|node| node.on(Verb::Extend).always(SlowReply(ms(100))));
    let before = Instant::now();
    guard.extend(TTL).await.unwrap();
    assert_eq!(before.elapsed(), ms(100));
    assert_eq!(guard.valid_until() - before, TTL - DRIFT);
}

#[tokio::test(start_paused = true)]
async fn an_extension_never_shortens_here_or_on_the_nodes() {
    let nodes = nodes(3);
    let guard = redlock(&nodes).lock("k").await.unwrap();
    let until = guard.valid_until();
    guard.extend(ms(100)).await.unwrap();
    assert_eq!(guard.valid_until(), until);
    pass(TTL - ms(1)).await;
    assert_eq!(standing(&nodes, "k"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_lost_is_valid_until_now() {
    let redlock = redlock(&nodes(3));
    let (expired, released) = (redlock.lock("a").await.unwrap(), redlock.lock("b").await.unwrap());
    let lease = released.lease();
    released.release().await.unwrap();
    assert_eq!(lease.valid_until(), Instant::now());
    pass(TTL).await;
    assert_eq!(expired.valid_until(), Instant::now());
}

#[tokio::test(start_paused = true)]
async fn an_extension_after_the_deadline_is_refused_here_and_sends_nothing() {
    let nodes = nodes(3);
    let guard = redlock(&nodes).lock("k").await.unwrap();
    pass(TTL - DRIFT).await;
    let error = guard.extend(TTL).await.unwrap_err();
    assert_eq!(*error.kind(), ExtendErrorKind::Lost(LostReason::Expired));
    assert_eq!(calls(&nodes, Verb::Extend), [0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_completes_after_the_old_deadline_is_lost_whatever_the_nodes_say() {
    let nodes = nodes(3);
    let guard = redlock(&nodes).lock("k").await.unwrap();
    pass(TTL - DRIFT - ms(50)).await;
    nodes.iter().for_each(|node| node.on(Verb::Extend).always(SlowReply(ms(60))));
    let error = guard.extend(TTL).await.unwrap_err();
    assert_eq!(*error.kind(), ExtendErrorKind::Lost(LostReason::Expired));
    assert!(error.nodes().iter().any(|node| node.outcome == redlock_core::NodeOutcome::Granted));
    assert!(guard.is_lost());
}

#[tokio::test(start_paused = true)]
async fn an_extension_never_brings_back_a_key_that_is_gone() {
    let nodes = nodes(3);
    let guard = redlock(&nodes).lock("k").await.unwrap();
    nodes.iter().for_each(|node| node.inner().clear());
    let error = guard.extend(TTL).await.unwrap_err();
    assert_eq!(*error.kind(), ExtendErrorKind::Lost(LostReason::Stolen));
    pass(ms(1_000)).await;
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn an_extension_without_a_quorum_leaves_lock_and_deadline_as_they_were() {
    let nodes = nodes(3);
    let guard = redlock(&nodes).lock("k").await.unwrap();
    let until = guard.valid_until();
    nodes[..2].iter().for_each(|node| node.on(Verb::Extend).always(LostRequest));
    let start = Instant::now();
    let error = guard.extend(TTL).await.unwrap_err();
    assert_eq!(*error.kind(), ExtendErrorKind::Unanswered);
    assert!(!error.is_lost());
    assert_eq!(start.elapsed(), NODE_TIMEOUT, "every node has a time limit");
    assert_eq!(guard.valid_until(), until);
    assert_eq!(calls(&nodes, Verb::Release), [0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn an_extension_by_a_senseless_time_is_refused_by_rule() {
    let nodes = nodes(3);
    let guard = redlock(&nodes).lock("k").await.unwrap();
    for ttl in [ms(0), ms(9), Duration::MAX] {
        let error = guard.extend(ttl).await.unwrap_err();
        assert!(
            matches!(error.kind(), ExtendErrorKind::Invalid(e) if e.field() == "ttl"),
            "{error}"
        );
    }
    assert!(!guard.is_lost());
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_stopped_past_its_deadline_knows_before_anything_runs() {
    let nodes = nodes(3);
    let guard = renewing(&nodes).lock("k").await.unwrap();
    // `advance` moves the clock and lets no task run in between, as after SIGCONT.
    let stopped = async { tokio::time::advance(TTL * 2).await };
    tokio::pin!(stopped);
    let _ = futures_poll(&mut stopped).await;
    assert!(guard.is_lost());
    assert_eq!(guard.lease().lost().await, LostReason::Expired);
}

async fn futures_poll<F: Future>(future: &mut std::pin::Pin<&mut F>) -> bool {
    std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_ready())).await
}

#[tokio::test(start_paused = true)]
async fn a_host_that_was_suspended_past_its_deadline_has_lost_the_lock() {
    let nodes = nodes(3);
    let suspended = Arc::new(AtomicU64::new(0));
    let source = Arc::clone(&suspended);
    let redlock =
        builder(&nodes).suspended(move || ms(source.load(Ordering::Relaxed))).build().unwrap();
    let guard = redlock.lock("k").await.unwrap();
    let lease = guard.lease();
    let watcher = tokio::spawn(async move { lease.lost().await });
    pass(ms(100)).await;
    assert!(!guard.is_lost());
    suspended.store(60_000, Ordering::Relaxed);
    assert!(guard.is_lost());
    assert!(guard.valid_until() <= Instant::now());
    pass(ms(1_000)).await;
    assert!(watcher.is_finished(), "those who wait hear of it soon after");
}

#[tokio::test(start_paused = true)]
async fn a_lease_owns_nothing_and_sees_the_release() {
    let nodes = nodes(3);
    let guard = redlock(&nodes).lock("k").await.unwrap();
    let (lease, other) = (guard.lease(), guard.lease());
    let watcher = tokio::spawn(async move { other.lost().await });
    drop(lease.clone());
    assert!(!lease.is_lost());
    guard.release().await.unwrap();
    assert_eq!(lease.lost_reason(), Some(LostReason::Released));
    assert_eq!(watcher.await.unwrap(), LostReason::Released);
}

#[tokio::test(start_paused = true)]
async fn with_lock_gives_the_works_result_whatever_becomes_of_the_release() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    nodes.iter().for_each(|node| node.on(Verb::Release).always(Refused));
    let result = redlock.with_lock("k", async |_| 42).await;
    assert_eq!(result.unwrap(), 42);
}

#[tokio::test(start_paused = true)]
async fn with_lock_renews_and_keeps_polling_the_work_meanwhile() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    nodes.iter().for_each(|node| node.on(Verb::Extend).always(SlowReply(ms(150))));
    let ticks = redlock.with_lock("k", async |lease| {
        let mut ticks = 0;
        let start = Instant::now();
        while start.elapsed() < TTL * 3 {
            pass(ms(50)).await;
            assert!(!lease.is_lost());
            ticks += 1;
        }
        ticks
    });
    assert_eq!(ticks.await.unwrap(), 600);
}

#[tokio::test(start_paused = true)]
async fn a_per_call_time_to_live_is_what_the_nodes_and_the_lease_use() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let options = LockOptions::new().ttl(ms(60_000));
    let guard = redlock.lock_with("k", &options).await.unwrap();
    assert_eq!(guard.remaining(), ms(60_000 - 602));
    pass(ms(59_999)).await;
    assert_eq!(standing(&nodes, "k"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_leaked_lock_is_not_given_back_to_a_node_that_lost_it() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let guard = redlock.lock("k").await.unwrap();
    nodes[2].inner().remove("k");
    // What the extension finds out comes after the lock was given away.
    nodes[2].on(Verb::Extend).always(SlowReply(ms(20)));
    guard.extend(TTL).await.unwrap();
    let token = guard.leak();
    redlock.release("k", &token).await.unwrap();
    pass(ms(1_000)).await;
    assert_eq!(standing(&nodes, "k"), 0);
}
