//! What a permit is like once it is had, and what a semaphore cannot be.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use std::collections::BTreeSet;

use common::*;
use redlock_core::faults::Misbehaviour::*;
use redlock_core::faults::Verb;
use redlock_core::{
    ExtendErrorKind, LockErrorKind, LockOptions, LostReason, NodeOutcome, Permit, Release, Renewal,
};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn where_processes_give_different_numbers_the_larger_one_is_the_limit() {
    for seed in 0..20 {
        let nodes = nodes(3);
        let small = builder(&nodes).retry_seed(seed).build().unwrap().semaphore("s", 2).unwrap();
        let large = builder(&nodes).retry_seed(!seed).build().unwrap().semaphore("s", 3).unwrap();
        let mut held = Vec::new();
        for i in 0..10_u64 {
            let handle = if (seed >> (i % 5)) & 1 == 0 { &small } else { &large };
            held.extend(handle.try_acquire().await.ok());
            let slots: BTreeSet<_> = held.iter().map(Permit::slot).collect();
            assert_eq!(slots.len(), held.len(), "one holder a slot");
            assert!(held.len() <= 3 && slots.range(..2).count() <= 2);
        }
        held.extend(large.try_acquire().await.ok());
        held.extend(large.try_acquire().await.ok());
        held.extend(large.try_acquire().await.ok());
        assert_eq!(held.len(), 3);
        assert!(small.try_acquire().await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_slots_holders_have_growing_numbers_and_those_of_others_do_not_matter() {
    let nodes = nodes(3);
    let [ours, theirs] = [0, 1].map(|i| {
        let handle = builder(&nodes).retry_seed(i).fencing(true).build().unwrap();
        handle.semaphore("s", 3).unwrap()
    });
    // A node whose counter is ahead, so that there are second rounds.
    let ahead = builder(&nodes[..1]).fencing(true);
    let ahead = ahead.wall_clock(|| std::time::Duration::from_secs(40_000_000_000));
    ahead.build().unwrap().try_lock("s/1").await.unwrap().release().await.unwrap();
    let mut last = [None; 3];
    let mut held: Vec<Permit> = Vec::new();
    for i in 0..60 {
        let semaphore = if i % 2 == 0 { &ours } else { &theirs };
        let permit = semaphore.try_acquire().await.unwrap();
        let slot = usize::from(permit.slot());
        assert!(permit.fence() > last[slot], "slot {slot}");
        last[slot] = permit.fence();
        held.push(permit);
        if held.len() == 3 {
            held.swap_remove(i % 3).release().await.unwrap();
        }
    }
    assert!(last.iter().all(Option::is_some));
    assert!(calls(&nodes, Verb::Raise).iter().sum::<usize>() > 0);
}

#[tokio::test(start_paused = true)]
async fn a_permit_is_renewed_extended_and_lost_as_a_lock_is() {
    let nodes = nodes(3);
    let semaphore = redlock(&nodes).semaphore("s", 2).unwrap();
    let options = LockOptions::new().renewal(Renewal::Auto).max_hold(TTL * 3);
    let began = Instant::now();
    let renewed = semaphore.acquire_with(&options).await.unwrap();
    let brief = semaphore.acquire().await.unwrap();
    assert_eq!(brief.lease().lost().await, LostReason::Expired);
    assert!(began.elapsed() < TTL);
    assert!(brief.is_lost() && brief.remaining().is_zero());
    pass(TTL).await;
    assert!(!renewed.is_lost() && renewed.valid_until() > Instant::now());
    // A node that lost it is given it back.
    let key = format!("s/{}", renewed.slot());
    nodes[0].inner().remove(&key);
    renewed.extend(TTL).await.unwrap();
    pass(ms(10)).await;
    assert_eq!(standing(&nodes, &key), 3);
    assert_eq!(renewed.lease().lost().await, LostReason::MaxHold);
    assert!(began.elapsed() <= TTL * 3);
    assert_eq!(brief.release().await.unwrap(), Release::AlreadyGone);

    let stolen = semaphore.acquire().await.unwrap();
    let key = format!("s/{}", stolen.slot());
    nodes[..2].iter().for_each(|node| assert!(node.inner().remove(&key)));
    let error = stolen.extend(TTL).await.unwrap_err();
    assert!(matches!(error.kind(), ExtendErrorKind::Lost(LostReason::Stolen)));
    assert_eq!(stolen.release().await.unwrap(), Release::AlreadyGone);
}

#[tokio::test(start_paused = true)]
async fn a_permit_can_stay_taken_for_a_while() {
    let nodes = nodes(3);
    let semaphore = redlock(&nodes).semaphore("s", 2).unwrap();
    let options = LockOptions::new().at_least(ms(500));
    let began = Instant::now();
    let kept = semaphore.try_acquire_with(&options).await.unwrap();
    let slot = kept.slot();
    assert_eq!(kept.release().await.unwrap(), Release::Kept);
    let other = semaphore.try_acquire().await.unwrap();
    assert_ne!(other.slot(), slot);
    assert_eq!(semaphore.acquire().await.unwrap().slot(), slot);
    assert!(began.elapsed() >= ms(500));
}

#[tokio::test(start_paused = true)]
async fn work_under_a_permit_stops_when_it_is_lost() {
    let nodes = nodes(3);
    let semaphore = redlock(&nodes).semaphore("s", 2).unwrap();
    assert!(!semaphore.with_permit(async |lease| lease.is_lost()).await.unwrap());
    assert_eq!(littered(&nodes), 0);
    let work = semaphore.with_permit(async |lease| {
        let key = lease.key().clone();
        nodes.iter().for_each(|node| assert!(node.inner().remove(key.single().unwrap())));
        pass(TTL * 2).await;
    });
    assert_eq!(work.await.unwrap_err().kind(), LockErrorKind::Lost);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_restarted_gives_no_slot() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).restart_guard(TTL).build().unwrap();
    let semaphore = redlock.semaphore("s", 2).unwrap();
    pass(TTL * 2).await;
    let permit = semaphore.try_acquire().await.unwrap();
    nodes.iter().take(2).for_each(|node| node.inner().restart());
    let error = semaphore.try_acquire().await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Unreachable);
    let warming = |node: &&_| matches!(node, NodeOutcome::Warming { .. });
    assert_eq!(error.nodes().iter().map(|node| &node.outcome).filter(warming).count(), 2);
    drop(permit);
}

#[tokio::test(start_paused = true)]
async fn a_failing_minority_costs_no_permit() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let semaphore = redlock.semaphore("s", 4).unwrap();
    meet(&redlock).await;
    nodes[0].always(Refused);
    let held = [(); 4].map(|()| semaphore.try_acquire());
    let mut permits = Vec::new();
    for call in held {
        permits.push(call.await.unwrap());
    }
    assert_eq!(semaphore.try_acquire().await.unwrap_err().kind(), LockErrorKind::Contended);
    nodes[1].always(Refused);
    assert_eq!(semaphore.try_acquire().await.unwrap_err().kind(), LockErrorKind::Unreachable);
}

/// Beside others who ask at the same moment, whoever begins at one slot as they do meets them.
#[tokio::test(start_paused = true)]
async fn attempts_begin_anywhere() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let semaphore = redlock.semaphore("s", 64).unwrap();
    let mut slots = BTreeSet::new();
    for _ in 0..40 {
        let permit = semaphore.try_acquire().await.unwrap();
        slots.insert(permit.slot());
        permit.release().await.unwrap();
    }
    assert!(slots.len() > 20, "{slots:?}");
}

#[test]
fn what_a_semaphore_cannot_be_is_an_error_of_its_field() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).key_prefix("p:").build().unwrap();
    let error = |name: &[u8], permits| {
        let error = redlock.semaphore(name, permits).unwrap_err();
        (error.field(), error.value().to_owned(), error.rule().to_owned())
    };
    for permits in [0, 65, u16::MAX] {
        let (field, value, rule) = error(b"s", permits);
        assert_eq!((field, value, &*rule), ("permits", permits.to_string(), "must be 1 to 64"));
    }
    let (field, value, rule) = error(&[b'x'; 508], 1);
    let most = "must be at most 509 bytes, the prefix included: `/63` stands behind it";
    assert_eq!((field, &*value, &*rule), ("semaphore", "510 bytes", most));
    assert!(redlock.semaphore([b'x'; 507], 64).is_ok());
    assert_eq!(error(b"", 1).0, "key");
    let bare = common::redlock(&nodes);
    assert_eq!(bare.semaphore("redlock:want:s", 1).unwrap_err().field(), "key");
    let semaphore = redlock.semaphore("s", 64).unwrap();
    assert_eq!((semaphore.name(), semaphore.permits()), (&b"s"[..], 64));
    assert_eq!(format!("{semaphore:?}"), "Semaphore { name: s, permits: 64, .. }");
}

#[tokio::test(start_paused = true)]
async fn options_that_break_a_rule_are_errors_before_anything_is_sent() {
    let nodes = nodes(3);
    let semaphore = redlock(&nodes).semaphore("s", 2).unwrap();
    let options = LockOptions::new().ttl(ms(1));
    for error in [
        semaphore.try_acquire_with(&options).await.unwrap_err(),
        semaphore.acquire_with(&options).await.unwrap_err(),
    ] {
        assert_eq!(
            (error.kind(), error.config().unwrap().field()),
            (LockErrorKind::Invalid, "ttl")
        );
    }
    assert_eq!(calls(&nodes, Verb::Identity), [0; 3]);
}
