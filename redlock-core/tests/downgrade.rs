//! Writers that become readers.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod common;

use common::*;
use redlock_core::faults::{Misbehaviour, Verb};
use redlock_core::{LockErrorKind, LockOptions, LostReason, Release, Renewal};

fn shares(nodes: &[Node], key: &str) -> Vec<usize> {
    nodes.iter().map(|node| node.inner().shares(key).len()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_downgrade_shares_without_letting_go() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).fencing(true).build().unwrap();
    let writer = redlock.lock("k").await.unwrap();
    let (lease, until, fence) = (writer.lease(), writer.valid_until(), writer.fence());
    let reader = writer.downgrade();
    assert_eq!(lease.lost_reason(), Some(LostReason::Downgraded));
    assert_eq!((reader.valid_until(), reader.fence()), (until, fence));
    pass(ms(10)).await;
    assert_eq!(reader.valid_until(), until);
    assert_eq!(shares(&nodes, "k"), [1; 3]);
    let beside = redlock.read("k").await.unwrap();
    assert!(beside.fence() > fence);
    assert_eq!(redlock.try_lock("k").await.unwrap_err().kind(), LockErrorKind::Contended);
    beside.release().await.unwrap();
    reader.extend(TTL * 2).await.unwrap();
    assert!(reader.valid_until() > until);
    assert_eq!(reader.release().await.unwrap(), Release::Released);
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_downgrade_that_a_node_missed_arrives_with_the_next_extension() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let writer = redlock.try_lock("k").await.unwrap();
    nodes.iter().for_each(|node| node.on(Verb::Extend).next(1, Misbehaviour::LostRequest));
    let reader = writer.downgrade();
    pass(NODE_TIMEOUT * 2).await;
    assert_eq!((standing(&nodes, "k"), reader.is_lost()), (3, false));
    assert!(redlock.try_read("k").await.is_err(), "it keeps out readers too, as yet");
    reader.extend(TTL).await.unwrap();
    assert_eq!(shares(&nodes, "k"), [1; 3]);
    redlock.try_read("k").await.unwrap().release().await.unwrap();
    reader.release().await.unwrap();
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_release_right_behind_a_downgrade_leaves_nothing() {
    for lost in [false, true] {
        let nodes = nodes(3);
        let redlock = redlock(&nodes);
        meet(&redlock).await;
        if lost {
            nodes.iter().for_each(|node| node.on(Verb::Extend).always(Misbehaviour::LostRequest));
        } else {
            // The third node grants after the downgrade.
            nodes[2].on(Verb::Acquire).next(1, Misbehaviour::SlowRequest(ms(20)));
        }
        let reader = redlock.try_lock("k").await.unwrap().downgrade();
        drop(reader);
        pass(ms(1_000)).await;
        assert_eq!(littered(&nodes), 0, "lost: {lost}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_to_stay_taken_is_given_up_by_a_downgrade() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let options = LockOptions::new().at_least(TTL / 2);
    let reader = redlock.try_lock_with("k", &options).await.unwrap().downgrade();
    assert_eq!(reader.release().await.unwrap(), Release::Released);
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn renewal_goes_on_after_a_downgrade() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let options = LockOptions::new().renewal(Renewal::Auto);
    let reader = redlock.try_lock_with("k", &options).await.unwrap().downgrade();
    pass(TTL * 3).await;
    assert!(!reader.is_lost());
    assert_eq!(shares(&nodes, "k"), [1; 3]);
}
