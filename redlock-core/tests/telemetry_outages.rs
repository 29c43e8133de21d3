//! What a service's log says of an outage: a line when it begins, and one when it is over.
#![allow(clippy::unwrap_used)]

#[path = "common/log.rs"]
mod log;

mod common;

use common::*;
use log::Log;
use redlock_core::faults::Misbehaviour::{Failing, LostRequest, Refused};
use redlock_core::faults::Verb;
use redlock_core::node::{Fault, NodeError};
use redlock_core::{LockErrorKind, Redlock};
use tracing::Level;

const KEY: &str = "canary-key";
const BEGAN: &str = "an outage began: no majority of nodes gives locks";
const OVER: &str = "the outage is over: a majority of nodes votes again";

async fn set() -> (Log, tracing::subscriber::DefaultGuard, Vec<Node>, Redlock) {
    let (log, guard) = Log::set();
    let nodes = nodes(3);
    let redlock = builder(&nodes).wait_for(ms(1_000)).build().unwrap();
    meet(&redlock).await;
    (log, guard, nodes, redlock)
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_one_warning_when_it_begins_and_one_when_it_is_over() {
    let (log, _log, nodes, redlock) = set().await;
    nodes[0].always(Refused);
    nodes[2].always(LostRequest);
    for _ in 0..20 {
        let error = redlock.try_lock(KEY).await.unwrap_err();
        assert_eq!(error.kind(), LockErrorKind::Unreachable);
        redlock.lock(KEY).await.unwrap_err();
    }
    assert_eq!(log.warnings(), [BEGAN]);
    let began = &log.events(Level::WARN)[0];
    assert_eq!(
        (began.get("target"), began.get("redlock.outcome"), began.get("redlock.votes")),
        (
            "redlock",
            "unreachable",
            "node-0 no connection after 0.0ns; node-1 granted after 0.0ns; node-2 no answer in time after 200.0ms"
        )
    );
    nodes[2].heal();
    // Somebody else's lock ends it too: a majority answers.
    nodes[1..].iter().for_each(|node| occupy(node, KEY, None));
    for _ in 0..20 {
        redlock.try_lock(KEY).await.unwrap_err();
        redlock.try_lock("another").await.unwrap().release().await.unwrap();
    }
    assert_eq!(log.warnings(), [BEGAN, OVER]);
    let over = &log.events(Level::WARN)[1];
    let votes = over.get("redlock.votes");
    assert!(votes.starts_with("node-0 no connection after"), "{votes}");
    assert!(!over.get("redlock.outage_ms").is_empty());
    assert!(!log.text().contains(KEY));
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_a_lock_ends_names_the_nodes_too() {
    let (log, _log, nodes, redlock) = set().await;
    nodes.iter().for_each(|node| node.always(Failing(NodeError::new(Fault::Permission, KEY))));
    assert_eq!(redlock.try_lock("k").await.unwrap_err().kind(), LockErrorKind::Misconfigured);
    nodes[1..].iter().for_each(|node| node.heal());
    redlock.try_lock("k").await.unwrap().release().await.unwrap();
    let said: Vec<_> = log.events(Level::WARN).into_iter().rev().take(2).collect();
    assert_eq!((said[0].get("message"), said[1].get("message")), (OVER, BEGAN));
    assert_eq!(said[1].get("redlock.outcome"), "misconfigured");
    for event in &said {
        let votes = event.get("redlock.votes");
        assert!(votes.starts_with("node-0 missing right after") && !votes.contains(KEY), "{votes}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_though_every_call_is_dropped_before_it_ends() {
    let (log, _log, nodes, redlock) = set().await;
    nodes.iter().for_each(|node| node.always(Refused));
    for _ in 0..3 {
        tokio::time::timeout(ms(500), redlock.lock(KEY)).await.unwrap_err();
    }
    assert_eq!(log.warnings(), [BEGAN]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_in_a_call_that_has_its_lock_is_no_outage() {
    let (log, _log, nodes, redlock) = set().await;
    nodes.iter().for_each(|node| node.on(Verb::Acquire).next(1, Refused));
    redlock.lock(KEY).await.unwrap().release().await.unwrap();
    assert_eq!(log.warnings(), [""; 0]);
}
