//! Taking a lock over nodes that are slow, hung, dead or wrong.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use common::*;
use redlock_core::faults::{Lie, Misbehaviour::*, Verb};
use redlock_core::node::{Expiry, Fault, Vote};
use redlock_core::{LockErrorKind, NodeOutcome, Redlock};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_lock_is_held_on_all_nodes_and_released_from_all() {
    let nodes = nodes(5);
    let redlock = redlock(&nodes);
    let guard = redlock.try_lock("orders:42").await.unwrap();
    assert_eq!(standing(&nodes, "orders:42"), 5);
    assert!(!guard.is_lost());
    guard.release().await.unwrap();
    redlock.close().await;
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_majority_is_needed_for_even_and_odd_sets_and_one_node_works() {
    for (n, occupied, had) in
        [(1, 0, true), (1, 1, false), (2, 0, true), (2, 1, false), (3, 1, true), (3, 2, false)]
            .into_iter()
            .chain([(4, 1, true), (4, 2, false), (5, 2, true), (5, 3, false), (6, 3, false)])
    {
        let nodes = nodes(n);
        nodes[..occupied].iter().for_each(|node| occupy(node, "k", Some(TTL)));
        let result = redlock(&nodes).try_lock("k").await;
        assert_eq!(result.is_ok(), had, "{occupied} of {n} occupied");
    }
}

#[tokio::test(start_paused = true)]
async fn one_nodes_error_neither_aborts_nor_spoils_a_quorum() {
    for fault in [
        Refused,
        CutBefore,
        CutAfter,
        LostRequest,
        LostReply,
        Failing(Fault::Busy.into()),
        Failing(Fault::Replica.into()),
        Lying(Lie::Vote(Vote::Held {
            expiry: Expiry::Never,
            fence: None,
            label: None,
            kept: false,
        })),
    ] {
        let nodes = nodes(3);
        let redlock = redlock(&nodes);
        meet(&redlock).await;
        nodes[0].on(Verb::Acquire).always(fault.clone());
        let guard = redlock.try_lock("k").await.unwrap_or_else(|e| panic!("{fault:?}: {e}"));
        nodes[0].heal();
        guard.release().await.unwrap();
        redlock.close().await;
        assert_eq!(littered(&nodes), 0, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_not_asked_again_has_no_latency() {
    let nodes = nodes(3);
    // It is asked again after a second.
    let redlock = builder(&nodes).wait_for(ms(900)).build().unwrap();
    meet(&redlock).await;
    nodes[0].on(Verb::Acquire).always(Failing(Fault::Permission.into()));
    nodes[1..].iter().for_each(|node| occupy(node, "k", None));
    let asked = nodes[0].calls(Verb::Acquire);
    let error = redlock.lock("k").await.unwrap_err();
    assert!(error.attempts() > 1);
    assert_eq!(nodes[0].calls(Verb::Acquire), asked + 1);
    assert_eq!(error.nodes()[0].outcome, NodeOutcome::Failed(Fault::Permission.into()));
    assert_eq!(error.nodes()[0].latency, None);
    assert!(error.nodes()[1].latency.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_node_that_held_the_fresh_token_before_it_was_asked_gives_no_vote() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    // A client library that sends requests twice looks like one server behind two nodes, and is not told from it.
    nodes[0].on(Verb::Acquire).always(SentTwice);
    redlock.try_lock("k").await.expect("two others granted").release().await.unwrap();
    nodes[1].on(Verb::Acquire).always(SentTwice);
    let error = redlock.try_lock("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Misconfigured, "{error}");
    assert!(error.to_string().contains("one server for two nodes"), "{error}");
    redlock.close().await;
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_hung_minority_costs_no_time() {
    let nodes = nodes(5);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    nodes[0].hang();
    nodes[1].hang();
    let start = Instant::now();
    let guard = redlock.try_lock("k").await.unwrap();
    occupy_check(&redlock).await;
    assert_eq!(start.elapsed(), ms(0));
    guard.release().await.unwrap();
    assert_eq!(start.elapsed(), ms(0));
}

async fn occupy_check(redlock: &Redlock) {
    let error = redlock.try_lock("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Contended);
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_releases_on_every_node_whatever_it_answered() {
    let nodes = nodes(5);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    redlock.inspect("flush").await.unwrap();
    nodes.iter().for_each(|node| node.clear_log());
    occupy(&nodes[0], "k", Some(TTL));
    nodes[1].on(Verb::Acquire).next(1, Refused);
    nodes[2].on(Verb::Acquire).next(1, LostReply);
    nodes[3].on(Verb::Acquire).next(1, CutAfter);
    let error = redlock.try_lock("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Unreachable);
    pass(ms(1)).await;
    let released = calls(&nodes, Verb::Release);
    assert!(released.iter().all(|count| *count >= 1), "{released:?}");
    redlock.close().await;
    assert_eq!(standing(&nodes[1..], "k"), 0);
    assert_eq!(standing(&nodes, "k"), 1, "somebody else's key is left alone");
}

#[tokio::test(start_paused = true)]
async fn a_split_vote_is_released_between_attempts() {
    // One node is ours, one somebody else's, one is down: a leftover would refuse the next attempt.
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    occupy(&nodes[0], "k", Some(ms(150)));
    nodes[1].on(Verb::Acquire).next(1, Refused);
    let guard = redlock.lock("k").await.unwrap();
    assert!(calls(&nodes, Verb::Acquire).iter().all(|count| *count >= 2));
    assert!(!guard.is_lost());
}

#[tokio::test(start_paused = true)]
async fn every_attempt_has_a_token_of_its_own() {
    let nodes = nodes(1);
    let redlock = redlock(&nodes);
    let mut tokens = HashSet::new();
    for _ in 0..50 {
        let guard = redlock.try_lock("k").await.unwrap();
        assert!(tokens.insert(nodes[0].inner().value("k").unwrap()));
        guard.release().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_late_release_of_one_attempt_leaves_the_next_ones_key() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    // Attempt one fails; its release dawdles on a connection of its own and arrives during the second hold.
    nodes.iter().for_each(|node| {
        node.reordering(true);
        node.on(Verb::Acquire).next(1, CutAfter);
        node.on(Verb::Release).next(1, SlowRequest(ms(350)));
    });
    assert!(redlock.try_lock("k").await.is_err());
    nodes.iter().for_each(|node| node.inner().clear());
    let guard = redlock.try_lock("k").await.unwrap();
    pass(ms(1_000)).await;
    assert_eq!(standing(&nodes, "k"), 3);
    assert!(!guard.is_lost());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_arrives_after_its_release_leaves_nothing() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    nodes[0].reordering(true);
    nodes[0].on(Verb::Acquire).next(1, SlowRequest(ms(100)));
    let guard = redlock.try_lock("k").await.unwrap();
    guard.release().await.unwrap();
    assert_eq!(standing(&nodes, "k"), 0, "it has not arrived yet");
    pass(ms(500)).await;
    assert_eq!(standing(&nodes, "k"), 0);
    assert_eq!(nodes[0].calls(Verb::Release), 3, "one before it arrived, one after");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_arrives_long_after_the_caller_gave_up_leaves_nothing() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    for node in &nodes {
        node.reordering(true);
        node.on(Verb::Acquire).next(1, SlowRequest(ms(3_000)));
    }
    let error = redlock.try_lock("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Unreachable);
    pass(ms(5_000)).await;
    assert_eq!(standing(&nodes, "k"), 0, "five seconds before it would have expired");
}

#[tokio::test(start_paused = true)]
async fn a_grant_that_took_longer_than_it_lasts_is_late_and_released() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).ttl(ms(1_000)).build().unwrap();
    meet(&redlock).await;
    // The caller is not polled for as long as the lock would last.
    let acquiring = redlock.try_lock("k");
    let mut acquiring = std::pin::pin!(acquiring);
    nodes.iter().for_each(|node| node.on(Verb::Acquire).always(SlowReply(ms(10))));
    assert!(poll_and_drop(acquiring.as_mut(), 1).await.is_none());
    pass(ms(988)).await;
    let error = acquiring.await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Late);
    assert_eq!(error.tally().granted, 3);
    redlock.close().await;
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn validity_counts_from_before_the_first_request_of_the_attempt_and_leaves_room_for_drift() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    nodes.iter().for_each(|node| node.on(Verb::Acquire).always(SlowReply(ms(100))));
    let before = Instant::now();
    let guard = redlock.try_lock("k").await.unwrap();
    assert_eq!(before.elapsed(), ms(100));
    assert_eq!(guard.valid_until() - before, TTL - TTL / 100 - ms(2));
    assert_eq!(guard.remaining(), TTL - TTL / 100 - ms(102));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_tells_who_said_what_and_when_to_come_back() {
    let nodes = nodes(5);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    for (node, left) in nodes.iter().zip([4_000, 1_000, 3_000]) {
        occupy(node, "k", Some(ms(left)));
    }
    nodes[3].on(Verb::Acquire).always(Refused);
    nodes[4].on(Verb::Acquire).always(SlowReply(ms(5)));
    let error = redlock.try_lock("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Contended);
    assert_eq!(error.retry_after(), Some(ms(4_000)), "three of five must be free; one is down");
    let tally = error.tally();
    assert_eq!((tally.granted, tally.refused, tally.unknown, tally.misconfigured), (0, 3, 2, 0));
    assert_eq!(
        error.nodes()[0].outcome,
        NodeOutcome::Held { expiry: Expiry::In(ms(4_000)), label: None, kept: false }
    );
    assert!(
        matches!(&error.nodes()[3].outcome, NodeOutcome::Failed(e) if e.fault() == Fault::Refused)
    );
    assert_eq!(error.nodes()[4].outcome, NodeOutcome::Pending);
    let text = error.to_string();
    assert!(
        text.contains("node-1 held for 1s more") && text.contains("node-3 no connection"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_foreign_key_without_expiry_is_named_as_one_that_never_frees_itself() {
    let nodes = nodes(1);
    occupy(&nodes[0], "k", None);
    let error = redlock(&nodes).try_lock("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Contended);
    assert_eq!(error.retry_after(), None);
    assert!(error.to_string().contains("never frees itself"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn several_resources_are_taken_together_or_not_at_all() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let both = redlock.try_lock(["b", "a"]).await.unwrap();
    assert_eq!((standing(&nodes, "a"), standing(&nodes, "b")), (3, 3));
    assert!(redlock.try_lock("a").await.is_err());
    assert!(redlock.try_lock(["c", "b"]).await.is_err());
    assert_eq!(standing(&nodes, "c"), 0);
    both.release().await.unwrap();
    drop(redlock.try_lock(["c", "b"]).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn contenders_that_start_together_hold_one_at_a_time_and_all_get_their_turn() {
    let nodes = nodes(5);
    for (i, node) in nodes.iter().enumerate() {
        // Every node is nearest to somebody else.
        node.always(SlowRequest(ms(1 + i as u64)));
    }
    let inside = Arc::new(Mutex::new(0_usize));
    let tasks: Vec<_> = (0..12)
        .map(|i| {
            let redlock = builder(&nodes).retry_seed(i).wait_for(ms(60_000)).build().unwrap();
            let inside = Arc::clone(&inside);
            tokio::spawn(async move {
                let guard = redlock.lock("k").await.unwrap();
                {
                    let mut inside = inside.lock().unwrap();
                    *inside += 1;
                    assert_eq!(*inside, 1);
                }
                pass(ms(20)).await;
                *inside.lock().unwrap() -= 1;
                guard.release().await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}
