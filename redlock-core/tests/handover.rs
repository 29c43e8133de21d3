//! A lock goes from one holder to the next.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::time::Duration;

use common::*;
use redlock_core::faults::{Misbehaviour, Verb};
use redlock_core::{
    Handover, LockErrorKind, LockOptions, LostReason, Redlock, RedlockBuilder, Release, Renewal,
};
use tokio::time::sleep;

fn over(nodes: &[Node]) -> RedlockBuilder {
    builder(nodes).fencing(true)
}

fn handle(nodes: &[Node]) -> Redlock {
    over(nodes).build().unwrap()
}

fn values(nodes: &[Node], key: &str) -> Vec<Option<Vec<u8>>> {
    nodes.iter().map(|node| node.inner().value(key)).collect()
}

/// As it comes out at the other end.
fn sent(handover: &Handover) -> Handover {
    Handover::parse(&handover.expose()).unwrap()
}

/// Of a lock that stands on all nodes.
async fn handed_over(nodes: &[Node]) -> Handover {
    let guard = handle(nodes).try_lock("k").await.unwrap();
    sleep(ms(50)).await;
    guard.hand_over()
}

#[tokio::test(start_paused = true)]
async fn the_taker_holds_with_a_larger_fence_a_time_of_its_own_and_another_token() {
    let nodes = nodes(3);
    let (giver, taker) = (handle(&nodes), handle(&nodes));
    let guard = giver.try_lock(["a", "b"]).await.unwrap();
    let (fence, before) = (guard.fence(), values(&nodes, "a"));
    sleep(TTL / 2).await;
    let handover = sent(&guard.hand_over());
    assert_eq!(values(&nodes, "a"), before, "nothing is released");
    sleep(TTL / 4).await;

    let taken = taker.take_over(&handover).await.unwrap();
    assert!(taken.continued() && taken.fence() > fence);
    assert_eq!(handover.fence(), fence);
    assert!(taken.remaining() > TTL - ms(200), "{:?}", taken.remaining());
    assert!(std::iter::zip(values(&nodes, "a"), before).all(|(now, before)| now != before));
    let other = giver.try_lock("a").await.unwrap_err();
    assert_eq!(other.kind(), LockErrorKind::Contended);
    assert_eq!(taken.release().await.unwrap(), Release::Released);
    assert_eq!(values(&nodes, "b"), [const { None }; 3]);
}

#[tokio::test(start_paused = true)]
async fn the_givers_lease_ends_before_the_text_exists_and_renewal_with_it() {
    let nodes = nodes(3);
    let redlock = handle(&nodes);
    let options = LockOptions::new().renewal(Renewal::Auto);
    let guard = redlock.try_lock_with("k", &options).await.unwrap();
    let lease = guard.lease();
    sleep(TTL / 2).await;
    let handover = guard.hand_over();
    assert_eq!(lease.lost_reason(), Some(LostReason::HandedOver));
    assert_eq!(lease.lost().await, LostReason::HandedOver);
    assert!(handover.remaining() > TTL / 2 && handover.remaining() < TTL);
    assert_eq!(handover.ttl(), TTL);
    nodes.iter().for_each(|node| node.clear_log());
    sleep(TTL * 2).await;
    assert!(nodes.iter().all(|node| node.log().is_empty()), "nothing is sent any more");
    assert_eq!(values(&nodes, "k"), [const { None }; 3], "it freed itself");
}

#[tokio::test(start_paused = true)]
async fn of_two_takers_the_first_one_wins() {
    let nodes = nodes(3);
    let redlock = handle(&nodes);
    let handover = redlock.try_lock("k").await.unwrap().hand_over();
    let first = handle(&nodes).take_over(&handover).await.unwrap();
    let second = handle(&nodes).take_over(&handover).await.unwrap_err();
    assert_eq!(second.kind(), LockErrorKind::Contended);
    assert!(first.continued() && !first.is_lost());
    assert_eq!(first.release().await.unwrap(), Release::Released);
    // Free by now: taken anew, and somebody held in between.
    let third = redlock.take_over(&handover).await.unwrap();
    assert!(!third.continued());
}

#[tokio::test(start_paused = true)]
async fn a_lost_message_costs_no_more_than_the_time_to_live_and_the_giver_may_take_over_itself() {
    let nodes = nodes(3);
    let redlock = handle(&nodes);
    let handover = redlock.try_lock("k").await.unwrap().hand_over();
    // Whatever the giver might still send in the background has come.
    sleep(TTL / 2).await;
    assert!(redlock.take_over(&handover).await.unwrap().continued());
    redlock.close().await;
    let redlock = handle(&nodes);
    let _lost = redlock.try_lock("k").await.unwrap().hand_over();
    sleep(TTL / 2).await;
    assert_eq!(redlock.try_lock("k").await.unwrap_err().kind(), LockErrorKind::Contended);
    sleep(TTL / 2 + ms(100)).await;
    assert!(redlock.try_lock("k").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_expired_on_the_way_is_taken_anew_and_not_continued() {
    let nodes = nodes(3);
    let redlock = handle(&nodes);
    let handover = redlock.try_lock("k").await.unwrap().hand_over();
    sleep(TTL + ms(100)).await;
    let taken = redlock.take_over(&handover).await.unwrap();
    assert!(!taken.continued() && taken.fence() > handover.fence());
}

#[tokio::test(start_paused = true)]
async fn a_text_of_a_lost_lock_has_nothing_remaining() {
    let nodes = nodes(3);
    let guard = handle(&nodes).try_lock("k").await.unwrap();
    let lease = guard.lease();
    sleep(TTL).await;
    assert_eq!(guard.hand_over().remaining(), Duration::ZERO);
    assert_eq!(lease.lost_reason(), Some(LostReason::Expired), "the first reason stays");
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_over_can_be_handed_over_again() {
    let nodes = nodes(3);
    let redlock = handle(&nodes);
    let mut handover = redlock.try_lock("k").await.unwrap().hand_over();
    for _ in 0..3 {
        let taken = redlock.take_over(&handover).await.unwrap();
        assert!(taken.continued());
        handover = sent(&taken.hand_over());
    }
}

#[tokio::test(start_paused = true)]
async fn without_fencing_of_both_a_lock_is_taken_over_and_it_is_not_known_whether_it_is_continued()
{
    let nodes = nodes(3);
    for (giver, taker) in [(false, true), (true, false), (false, false)] {
        let redlock = handle(&nodes);
        let fencing = |on| LockOptions::new().fencing(on);
        let guard = redlock.try_lock_with("k", &fencing(giver)).await.unwrap();
        let handover = sent(&guard.hand_over());
        assert_eq!(handover.fence().is_some(), giver);
        let taken = redlock.take_over_with(&handover, &fencing(taker)).await.unwrap();
        assert!(!taken.continued());
        taken.release().await.unwrap();
        assert_eq!(values(&nodes, "k"), [const { None }; 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_node_down_a_majority_that_swapped_continues() {
    let nodes = nodes(3);
    let handover = handed_over(&nodes).await;
    nodes[1].always(Misbehaviour::Refused);
    assert!(handle(&nodes).take_over(&handover).await.unwrap().continued());
}

#[tokio::test(start_paused = true)]
async fn a_slow_node_is_waited_for_where_it_decides_whether_the_hold_is_continued() {
    let nodes = nodes(3);
    let handover = handed_over(&nodes).await;
    let taker = handle(&nodes);
    taker.try_lock("first contact").await.unwrap().release().await.unwrap();
    nodes[0].inner().remove("k");
    nodes[2].on(Verb::Acquire).always(Misbehaviour::SlowReply(ms(100)));
    assert!(taker.take_over(&handover).await.unwrap().continued());
}

#[tokio::test(start_paused = true)]
async fn an_acquire_of_the_giver_that_comes_back_later_is_undone() {
    let nodes = nodes(3);
    let redlock = handle(&nodes);
    redlock.try_lock("first contact").await.unwrap().release().await.unwrap();
    nodes[2].on(Verb::Acquire).next(1, Misbehaviour::SlowRequest(ms(100)));
    let handover = redlock.try_lock("k").await.unwrap().hand_over();
    assert_eq!(nodes[2].inner().value("k"), None);
    sleep(ms(150)).await;
    assert_eq!(nodes[2].inner().value("k"), None);
    assert!(nodes[2].calls(Verb::Release) > 0);
    assert!(nodes[0].inner().value("k").is_some());
    assert!(redlock.take_over(&handover).await.unwrap().continued());
}

/// What is left of the giver's time is the taker's: nothing of the giver's is kept from it.
#[tokio::test(start_paused = true)]
async fn an_acquire_of_the_giver_that_comes_back_later_is_not_kept_from_the_taker() {
    let nodes = nodes(3);
    let redlock = handle(&nodes);
    redlock.try_lock("first contact").await.unwrap().release().await.unwrap();
    nodes[2].on(Verb::Acquire).next(1, Misbehaviour::SlowRequest(ms(100)));
    let options = LockOptions::new().at_least(TTL / 2);
    let handover = redlock.try_lock_with("k", &options).await.unwrap().hand_over();
    sleep(ms(150)).await;
    assert_eq!(nodes[2].inner().value("k"), None);
    nodes[1].always(Misbehaviour::Refused);
    let taken = redlock.take_over(&handover).await.unwrap();
    assert_eq!(taken.release().await.unwrap(), Release::Released);
}

#[tokio::test(start_paused = true)]
async fn a_take_over_that_fails_leaves_nothing_of_its_own() {
    let nodes = nodes(3);
    let handover = handed_over(&nodes).await;
    let taker = handle(&nodes);
    nodes[1..].iter().for_each(|node| node.on(Verb::Acquire).next(1, Misbehaviour::Refused));
    let error = taker.take_over(&handover).await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Unreachable);
    assert_eq!(nodes[0].inner().value("k"), None);
    // The two others still hold the giver's.
    assert!(taker.take_over(&handover).await.unwrap().continued());
}

#[tokio::test(start_paused = true)]
async fn a_take_over_that_is_left_leaves_nothing() {
    let nodes = nodes(3);
    let redlock = handle(&nodes);
    let handover = redlock.try_lock("k").await.unwrap().hand_over();
    nodes.iter().for_each(|node| node.on(Verb::Acquire).next(1, Misbehaviour::SlowReply(ms(50))));
    let left = tokio::time::timeout(ms(20), redlock.take_over(&handover)).await;
    assert!(left.is_err());
    sleep(ms(500)).await;
    assert_eq!(values(&nodes, "k"), [const { None }; 3]);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_in_the_givers_process_do_not_hold_up_the_taker() {
    let nodes = nodes(3);
    let redlock = handle(&nodes);
    let guard = redlock.lock("k").await.unwrap();
    let _watched = guard.lease();
    let waiter = redlock.clone();
    let waiter = tokio::spawn(async move { waiter.lock("k").await });
    sleep(ms(10)).await;
    let handover = guard.hand_over();
    let taken = handle(&nodes).take_over(&handover).await.unwrap();
    assert!(taken.continued());
    taken.release().await.unwrap();
    assert!(waiter.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn other_nodes_or_another_prefix_are_refused_before_anything_is_sent() {
    let (nodes, others) = (nodes(3), nodes(5));
    let giver = over(&nodes).key_prefix("app:").build().unwrap();
    let handover = giver.try_lock("k").await.unwrap().hand_over();
    assert_eq!(handover.key().to_string(), "app:k");
    let wrong = [
        (over(&others).key_prefix("app:"), "handover.nodes"),
        (over(&nodes[..2]).key_prefix("app:"), "handover.nodes"),
        (over(&nodes).key_prefix("other:"), "handover.key"),
    ];
    nodes.iter().for_each(|node| node.clear_log());
    for (builder, field) in wrong {
        let error = builder.build().unwrap().take_over(&handover).await.unwrap_err();
        assert_eq!(error.kind(), LockErrorKind::Invalid);
        let config = error.config().unwrap();
        assert_eq!(config.field(), field);
        assert!(!config.value().is_empty() && !config.rule().is_empty());
    }
    assert!(nodes.iter().chain(&others).all(|node| node.log().is_empty()));
    let reversed: Vec<_> = nodes.iter().rev().cloned().collect();
    let taker = over(&reversed).key_prefix("app:").build().unwrap();
    let taken = taker.take_over(&handover).await.unwrap();
    assert!(taken.continued(), "the order in which nodes are listed does not matter");
    assert_eq!(taken.key(), handover.key());
}

#[tokio::test(start_paused = true)]
async fn the_text_of_a_guard_is_a_secret() {
    let nodes = nodes(1);
    let guard = handle(&nodes).try_lock("k").await.unwrap();
    let token = String::from_utf8(nodes[0].inner().value("k").unwrap()).unwrap();
    let handover = guard.hand_over();
    assert!(!format!("{handover:?}").contains(&token));
}

#[cfg(feature = "serde")]
#[tokio::test(start_paused = true)]
async fn serde_carries_the_text() {
    let handover = handle(&nodes(3)).try_lock("k").await.unwrap().hand_over();
    let json = serde_json::to_string(&handover).unwrap();
    assert_eq!(json, format!("\"{}\"", handover.expose()));
    assert_eq!(serde_json::from_str::<Handover>(&json).unwrap(), handover);
    let error = serde_json::from_str::<Handover>(&json[..90]).unwrap_err();
    assert!(!error.to_string().contains(&json[50..80]), "{error}");
    let changed = json.replacen(":10000000:", ":20000000:", 1);
    let error = serde_json::from_str::<Handover>(&changed).unwrap_err();
    assert!(error.to_string().contains("must be whole"), "{error}");
}

#[cfg(feature = "serde")]
#[test]
fn serde_has_a_fence_as_its_number_and_reads_no_other() {
    use redlock_core::Fence;
    let fence = Fence::try_from(redlock_core::backend::LARGEST).unwrap();
    let text = serde_json::to_string(&Some(fence)).unwrap();
    assert_eq!(text, fence.to_string());
    assert_eq!(serde_json::from_str::<Option<Fence>>(&text).unwrap(), Some(fence));
    assert_eq!(serde_json::from_str::<Option<Fence>>("null").unwrap(), None);
    for bad in ["0", "9007199254740992"] {
        let error = serde_json::from_str::<Fence>(bad).unwrap_err().to_string();
        assert!(error.starts_with(&format!("fence = `{bad}`: must be from 1")), "{error}");
    }
    for bad in ["-1", "1.5", "\"41\""] {
        assert!(serde_json::from_str::<Fence>(bad).is_err(), "{bad}");
    }
}
