//! Locks that are shared, through the handle.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use common::*;
use redlock_core::faults::{Misbehaviour, Verb};
use redlock_core::{
    ExtendErrorKind, LockErrorKind, LockOptions, LockState, LostReason, ReadGuard, Redlock,
    Release, Renewal,
};
use tokio::time::Instant;

fn shares(nodes: &[Node], key: &str) -> Vec<usize> {
    nodes.iter().map(|node| node.inner().shares(key).len()).collect()
}

fn number(guard: &ReadGuard) -> u64 {
    guard.fence().unwrap().get()
}

/// Two handles are as good as two processes.
fn two(nodes: &[Node]) -> [Redlock; 2] {
    [7, 8].map(|seed| builder(nodes).retry_seed(seed).build().unwrap())
}

#[tokio::test(start_paused = true)]
async fn readers_are_beside_readers_and_never_beside_a_writer() {
    let nodes = nodes(5);
    let [ours, theirs] = two(&nodes);
    let one = ours.try_read("k").await.unwrap();
    let other = theirs.try_read("k").await.unwrap();
    let error = theirs.try_lock("k").await.unwrap_err();
    assert!(error.kind() == LockErrorKind::Contended && error.tally().refused >= 3);
    assert_eq!(one.release().await.unwrap(), Release::Released);
    assert_eq!(theirs.try_lock("k").await.unwrap_err().kind(), LockErrorKind::Contended);
    drop(other);
    pass(ms(10)).await;
    assert_eq!(littered(&nodes), 0);
    let writer = ours.try_lock("k").await.unwrap();
    assert_eq!(theirs.try_read("k").await.unwrap_err().kind(), LockErrorKind::Contended);
    writer.release().await.unwrap();
    assert!(theirs.try_read("k").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_share_ends_by_its_own_time_and_is_renewed_by_itself() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    let began = Instant::now();
    let brief = redlock.try_read("k").await.unwrap();
    let renewed = LockOptions::new().renewal(Renewal::Auto);
    let lasting = redlock.try_read_with("k", &renewed).await.unwrap();
    assert_eq!(brief.lease().lost().await, LostReason::Expired);
    assert!(began.elapsed() < TTL);
    pass(TTL).await;
    assert!(!lasting.is_lost());
    assert_eq!(shares(&nodes, "k"), [1; 3]);
    assert_eq!(redlock.try_lock("k").await.unwrap_err().kind(), LockErrorKind::Contended);
    let error = brief.extend(TTL).await.unwrap_err();
    assert!(matches!(error.kind(), ExtendErrorKind::Lost(LostReason::Expired)));
    assert_eq!(brief.release().await.unwrap(), Release::AlreadyGone);
    assert_eq!(lasting.release().await.unwrap(), Release::Released);
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_share_that_a_majority_lost_is_lost() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let guard = redlock.try_read("k").await.unwrap();
    nodes.iter().take(2).for_each(|node| assert!(node.inner().remove("k")));
    let error = guard.extend(TTL).await.unwrap_err();
    assert!(matches!(error.kind(), ExtendErrorKind::Lost(LostReason::Stolen)));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_lost_a_share_is_given_it_back_whoever_waits() {
    let nodes = nodes(3);
    let [ours, theirs] = two(&nodes);
    let guard = ours.try_read("k").await.unwrap();
    let writer = tokio::spawn(async move { theirs.lock("k").await });
    pass(ms(900)).await;
    assert!(nodes.iter().all(|node| node.inner().is_wanted("k")));
    nodes[0].inner().remove("k");
    guard.extend(TTL).await.unwrap();
    pass(ms(10)).await;
    assert_eq!(shares(&nodes, "k"), [1; 3]);
    guard.release().await.unwrap();
    drop(writer.await.unwrap().unwrap());
}

#[tokio::test(start_paused = true)]
async fn several_resources_are_shared_together() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let both = redlock.read(["a", "b"]).await.unwrap();
    let one = redlock.read("b").await.unwrap();
    for key in ["a", "b"] {
        assert_eq!(redlock.try_lock(key).await.unwrap_err().kind(), LockErrorKind::Contended);
    }
    both.release().await.unwrap();
    redlock.try_lock("a").await.unwrap().release().await.unwrap();
    let error = redlock.try_lock(["a", "b"]).await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Contended);
    one.release().await.unwrap();
    let writer = redlock.try_lock("b").await.unwrap();
    assert!(redlock.try_read(["a", "b"]).await.is_err());
    writer.release().await.unwrap();
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_await_leaves_no_share() {
    for polls in 1..12 {
        let nodes = nodes(3);
        for node in &nodes {
            node.always(Misbehaviour::SlowRequest(ms(3)));
            node.always(Misbehaviour::SlowReply(ms(2)));
        }
        let redlock = builder(&nodes).fencing(true).build().unwrap();
        drop(poll_and_drop(redlock.read("k"), polls).await);
        pass(ms(1_000)).await;
        assert_eq!(littered(&nodes), 0, "after {polls} polls");
    }
}

#[tokio::test(start_paused = true)]
async fn a_share_cannot_stay_taken_for_others() {
    let redlock = redlock(&nodes(3));
    let options = LockOptions::new().at_least(ms(100));
    let error = redlock.try_read_with("k", &options).await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Invalid);
    assert_eq!(error.config().unwrap().field(), "at_least");
}

#[tokio::test(start_paused = true)]
async fn work_that_reads_stops_when_its_share_is_lost() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let read = redlock.with_read("k", async |lease| lease.is_lost()).await;
    assert!(!read.unwrap());
    assert_eq!(littered(&nodes), 0);
    let work = redlock.with_read("k", async |_| {
        nodes.iter().for_each(|node| assert!(node.inner().remove("k")));
        pass(TTL * 2).await;
    });
    assert_eq!(work.await.unwrap_err().kind(), LockErrorKind::Lost);
}

#[tokio::test(start_paused = true)]
async fn readers_have_one_number_and_writers_a_greater_one_each() {
    let nodes = nodes(5);
    let redlock = builder(&nodes).fencing(true).build().unwrap();
    let mut last = 0;
    for _ in 0..5 {
        let writer = redlock.try_lock("k").await.unwrap();
        let fence = writer.fence().unwrap().get();
        assert!(fence > last && fence % 2 == 0, "{fence} after {last}");
        writer.release().await.unwrap();
        let readers = [(); 3].map(|()| redlock.try_read("k"));
        let mut numbers = Vec::new();
        for reader in readers {
            numbers.push(number(&reader.await.unwrap()));
        }
        assert_eq!(numbers, [fence + 1; 3]);
        pass(ms(10)).await;
        last = fence + 1;
    }
    assert_eq!(calls(&nodes, Verb::Raise), [0; 5], "the nodes agree");
}

#[tokio::test(start_paused = true)]
async fn where_counters_differ_those_who_share_are_raised_as_well() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).fencing(true).build().unwrap();
    meet(&redlock).await;
    // The last writer's majority was of two nodes.
    nodes[0].always(Misbehaviour::Refused);
    let writer = redlock.try_lock("k").await.unwrap();
    let fence = writer.fence().unwrap().get();
    writer.release().await.unwrap();
    nodes[0].heal();
    nodes[2].on(Verb::Acquire).next(1, Misbehaviour::SlowRequest(ms(50)));
    let ahead = number(&redlock.try_read("k").await.unwrap());
    assert!(ahead > fence);
    let counters = nodes.iter().map(|node| node.inner().counter("k"));
    assert!(counters.filter(|counter| *counter >= Some(ahead)).count() >= 2);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_restarted_gives_no_share() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).restart_guard(TTL).build().unwrap();
    pass(TTL * 2).await;
    let reader = redlock.try_read("k").await.unwrap();
    nodes.iter().take(2).for_each(|node| node.inner().restart());
    assert_eq!(redlock.try_lock("k").await.unwrap_err().kind(), LockErrorKind::Unreachable);
    assert_eq!(redlock.try_read("k").await.unwrap_err().kind(), LockErrorKind::Unreachable);
    drop(reader);
}

#[tokio::test(start_paused = true)]
async fn an_inspection_shows_who_shares() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).label("one").build().unwrap();
    let other = LockOptions::new().label("other").ttl(TTL * 2);
    let _guards =
        (redlock.try_read("k").await.unwrap(), redlock.try_read_with("k", &other).await.unwrap());
    match redlock.inspect("k").await.unwrap().state {
        LockState::Shared { holders: 2, label, .. } => assert_eq!(label.unwrap().as_str(), "other"),
        state => panic!("{state:?}"),
    }
    let refused = redlock.try_lock("k").await.unwrap_err();
    assert_eq!(refused.holder().unwrap().as_str(), "other");
}
