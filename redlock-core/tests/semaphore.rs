//! Permits of a semaphore, through the handle.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use std::collections::BTreeSet;

use common::*;
use redlock_core::faults::Misbehaviour::*;
use redlock_core::faults::Verb;
use redlock_core::{LockErrorKind, LockOptions, Permit, Redlock, Release};

/// Two handles are as good as two processes.
fn two(nodes: &[Node]) -> [Redlock; 2] {
    [7, 8].map(|seed| builder(nodes).retry_seed(seed).build().unwrap())
}

/// What stands on each node of those who are not somebody else.
fn ours(nodes: &[Node]) -> Vec<Vec<String>> {
    let of = |node: &Node| {
        let keys = node.inner().keys().into_iter();
        let keys = keys.filter(|key| node.inner().value(key).unwrap() != b"somebody else");
        keys.map(|key| String::from_utf8(key).unwrap()).collect()
    };
    nodes.iter().map(of).collect()
}

/// Others have all slots of `s` on the node but these, of as many as `permits`.
fn leave(node: &Node, permits: u16, free: &[u16]) {
    for slot in (0..permits).filter(|slot| !free.contains(slot)) {
        occupy(node, &format!("s/{slot}"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn so_many_have_a_permit_at_once_and_no_more() {
    for permits in [1, 2, 3, 10, 64] {
        let nodes = nodes(5);
        let [ours, theirs] = two(&nodes).map(|handle| handle.semaphore("s", permits).unwrap());
        let mut held = Vec::new();
        for i in 0..permits {
            let handle = if i % 2 == 0 { &ours } else { &theirs };
            held.push(handle.try_acquire().await.unwrap());
        }
        let slots: BTreeSet<_> = held.iter().map(Permit::slot).collect();
        assert_eq!(slots, (0..permits).collect());
        for permit in &held {
            let key = format!("s/{}", permit.slot());
            assert_eq!(permit.key().single(), Some(key.as_bytes()));
            assert_eq!(standing(&nodes, &key), 5);
        }
        for handle in [&ours, &theirs] {
            let error = handle.try_acquire().await.unwrap_err();
            assert_eq!(error.kind(), LockErrorKind::Contended);
            assert!(error.tally().granted == 0 && error.tally().refused >= 3, "{error}");
            assert!(error.retry_after().unwrap() <= TTL);
        }
        let released = held.swap_remove(usize::from(permits / 2));
        let slot = released.slot();
        assert_eq!(released.release().await.unwrap(), Release::Released);
        let again = theirs.try_acquire().await.unwrap();
        assert_eq!(again.slot(), slot);
        drop((again, held));
        pass(ms(10)).await;
        assert_eq!(littered(&nodes), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slot_is_a_lock_and_the_name_alone_is_another_one() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).key_prefix("p:").build().unwrap();
    let semaphore = redlock.semaphore("s", 2).unwrap();
    let name = redlock.try_lock("s").await.unwrap();
    let slot = redlock.try_lock("s/0").await.unwrap();
    let permit = semaphore.try_acquire().await.unwrap();
    assert_eq!(permit.slot(), 1);
    assert_eq!(permit.key().to_string(), "p:s/1");
    assert_eq!(redlock.try_lock("s/1").await.unwrap_err().kind(), LockErrorKind::Contended);
    assert_eq!(semaphore.try_acquire().await.unwrap_err().kind(), LockErrorKind::Contended);
    drop((name, slot, permit));
}

#[tokio::test(start_paused = true)]
async fn whatever_stands_under_a_slot_takes_it() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let semaphore = redlock.semaphore("s", 2).unwrap();
    let reader = redlock.try_read("s/0").await.unwrap();
    for _ in 0..10 {
        let permit = semaphore.try_acquire().await.unwrap();
        assert_eq!(permit.slot(), 1);
        assert!(semaphore.try_acquire().await.is_err());
        permit.release().await.unwrap();
    }
    reader.extend(TTL).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn three_nodes_that_give_a_slot_each_give_nothing_and_nothing_stays() {
    let nodes = nodes(3);
    for (free, node) in nodes.iter().enumerate() {
        leave(node, 3, &[free as u16]);
    }
    let semaphore = redlock(&nodes).semaphore("s", 3).unwrap();
    let error = semaphore.try_acquire().await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Contended);
    let tally = error.tally();
    assert_eq!((tally.granted, tally.refused, tally.unknown), (1, 2, 0));
    assert!(error.retry_after().unwrap().is_zero(), "what was given is free again at once");
    assert_eq!(ours(&nodes), [[""; 0]; 3], "before the call returns");
}

#[tokio::test(start_paused = true)]
async fn other_slots_that_nodes_gave_go_back_and_the_permit_stays() {
    let nodes = nodes(5);
    leave(&nodes[0], 3, &[0]);
    leave(&nodes[1], 3, &[2]);
    nodes[2..].iter().for_each(|node| leave(node, 3, &[1]));
    let semaphore = redlock(&nodes).semaphore("s", 3).unwrap();
    let permit = semaphore.try_acquire().await.unwrap();
    assert_eq!(permit.slot(), 1);
    pass(ms(1)).await;
    let none = Vec::new();
    let one = vec!["s/1".to_owned()];
    assert_eq!(ours(&nodes), [&none, &none, &one, &one, &one].map(Clone::clone));
    permit.extend(TTL).await.unwrap();
    assert_eq!(permit.release().await.unwrap(), Release::Released);
    assert_eq!(ours(&nodes), [[""; 0]; 5]);
}

#[tokio::test(start_paused = true)]
async fn who_answers_later_gives_the_permit_or_gives_it_back() {
    let nodes = nodes(5);
    leave(&nodes[3], 3, &[0]);
    nodes[..3].iter().chain([&nodes[4]]).for_each(|node| leave(node, 3, &[1]));
    let redlock = redlock(&nodes);
    let semaphore = redlock.semaphore("s", 3).unwrap();
    meet(&redlock).await;
    nodes[3..].iter().for_each(|node| node.on(Verb::Acquire).next(1, SlowRequest(ms(100))));
    let permit = semaphore.try_acquire().await.unwrap();
    let (none, one) = (Vec::new(), vec!["s/1".to_owned()]);
    assert_eq!(ours(&nodes)[3..], [none.clone(), none.clone()]);
    pass(ms(150)).await;
    assert_eq!(ours(&nodes)[3..], [none, one]);
    permit.extend(TTL).await.unwrap();
    assert_eq!(permit.release().await.unwrap(), Release::Released);
    assert_eq!(ours(&nodes), [[""; 0]; 5]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_the_release_goes_back_whatever_slot_it_is_of() {
    for late in [0, 1] {
        let nodes = nodes(3);
        leave(&nodes[2], 2, &[late]);
        nodes[..2].iter().for_each(|node| leave(node, 2, &[1]));
        let redlock = redlock(&nodes);
        let semaphore = redlock.semaphore("s", 2).unwrap();
        meet(&redlock).await;
        nodes[2].reordering(true);
        nodes[2].on(Verb::Acquire).next(1, SlowRequest(ms(100)));
        let permit = semaphore.try_acquire().await.unwrap();
        assert_eq!(permit.release().await.unwrap(), Release::Released);
        pass(ms(1_000)).await;
        assert_eq!(ours(&nodes), [[""; 0]; 3], "slot {late}");
        redlock.close().await;
    }
}

/// The answer is lost, or the request itself comes only after its caller gave it up, also after the first release.
#[tokio::test(start_paused = true)]
async fn what_a_node_may_have_given_goes_back_whatever_slot_it_is_of() {
    for (what, late) in [LostReply, CutAfter, SlowRequest(ms(1_000))]
        .into_iter()
        .flat_map(|what| [(what.clone(), 0), (what, 1)])
    {
        let nodes = nodes(3);
        leave(&nodes[2], 2, &[late]);
        nodes[..2].iter().for_each(|node| leave(node, 2, &[1]));
        let redlock = redlock(&nodes);
        let semaphore = redlock.semaphore("s", 2).unwrap();
        meet(&redlock).await;
        nodes[2].reordering(true);
        nodes[2].on(Verb::Acquire).next(1, what.clone());
        let permit = semaphore.try_acquire().await.unwrap();
        pass(ms(3_000)).await;
        let left: &[&str] = if late == 1 { &["s/1"] } else { &[] };
        assert_eq!(ours(&nodes)[2], left, "{what:?}");
        assert_eq!(permit.release().await.unwrap(), Release::Released, "{what:?}");
        pass(ms(3_000)).await;
        assert_eq!(ours(&nodes), [[""; 0]; 3], "{what:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_nodes_may_have_given_to_an_attempt_that_failed_goes_back() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let semaphore = redlock.semaphore("s", 3).unwrap();
    meet(&redlock).await;
    nodes.iter().for_each(|node| node.reordering(true));
    nodes[0].on(Verb::Acquire).next(1, LostReply);
    nodes[1].on(Verb::Acquire).next(1, CutAfter);
    nodes[2].on(Verb::Acquire).next(1, SlowRequest(ms(1_000)));
    let error = semaphore.try_acquire().await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Unreachable);
    pass(ms(3_000)).await;
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_await_leaves_no_slot() {
    for waits in [false, true] {
        for polls in 1.. {
            let nodes = nodes(5);
            for (i, node) in nodes.iter().enumerate() {
                node.always(SlowRequest(ms(3 * i as u64)));
                node.always(SlowReply(ms(1 + 2 * i as u64)));
            }
            // Two give one slot, two another one; and their numbers differ.
            leave(&nodes[0], 4, &[0]);
            leave(&nodes[1], 4, &[0, 1]);
            leave(&nodes[2], 4, &[1]);
            let ahead = builder(&nodes[3..4]).fencing(true);
            let ahead = ahead.wall_clock(|| std::time::Duration::from_secs(40_000_000_000));
            let ahead = ahead.build().unwrap();
            ahead.try_lock("s/1").await.unwrap().release().await.unwrap();
            let redlock = builder(&nodes).fencing(true).build().unwrap();
            let semaphore = redlock.semaphore("s", 4).unwrap();
            let brief = LockOptions::new().wait_for(ms(800));
            let done = if waits {
                poll_and_drop(semaphore.acquire_with(&brief), polls).await.map(drop).is_some()
            } else {
                poll_and_drop(semaphore.try_acquire(), polls).await.map(drop).is_some()
            };
            pass(ms(1_000)).await;
            assert_eq!(ours(&nodes), [[""; 0]; 5], "after {polls} polls");
            redlock.close().await;
            if done {
                assert!(polls > 4, "{polls}");
                break;
            }
            assert!(polls < 1_000, "never done");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_leaked_is_freed_by_its_token_under_its_slots_name() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).key_prefix("app:").build().unwrap();
    let options = LockOptions::new().at_least(TTL / 2);
    let permit = redlock.semaphore("s", 2).unwrap().try_acquire_with(&options).await.unwrap();
    let (slot, token) = (format!("s/{}", permit.slot()), permit.leak());
    pass(TTL / 4).await;
    assert_eq!(standing(&nodes, &format!("app:{slot}")), 3);
    assert_eq!(redlock.release(slot, &token).await.unwrap(), Release::Released);
    assert_eq!(littered(&nodes), 0);
}
