//! What is held on a majority, put together from what each node tells.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use std::time::Duration;

use common::{NODE_TIMEOUT, TTL, builder, calls, ms, nodes, occupy, poll_and_drop, redlock};
use redlock_core::faults::Misbehaviour::{Failing, Lying, Refused, SlowReply};
use redlock_core::faults::{Lie, Verb};
use redlock_core::node::{Expiry, Fault, Found, NodeError, Page};
use redlock_core::{Label, Listing, LockErrorKind, LockOptions, LockState, MAX_LISTED};
use tokio::time::Instant;

const WITHIN: Duration = Duration::from_secs(10);

fn names(listing: &Listing) -> Vec<String> {
    let name = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    listing.locks.iter().map(|listed| name(&listed.resource)).collect()
}

fn faults(listing: &Listing) -> Vec<Option<Fault>> {
    let fault = |outcome: &Result<(), NodeError>| outcome.as_ref().err().map(NodeError::fault);
    listing.nodes.iter().map(|node| fault(&node.outcome)).collect()
}

#[tokio::test(start_paused = true)]
async fn what_a_majority_holds_is_listed_by_the_rules_of_an_inspection() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let label = Label::new("orders@pod-7").unwrap();
    let options = LockOptions::new().label(label.as_str());
    let _held = redlock.try_lock_with("b", &options).await.unwrap();
    let kept = redlock.try_lock_with("a", &LockOptions::new().at_least(TTL / 2)).await.unwrap();
    kept.release().await.unwrap();
    occupy(&nodes[1], "left behind", None);
    redlock.try_lock("gone").await.unwrap().release().await.unwrap();
    let listing = redlock.held("", 100, WITHIN).await.unwrap();
    assert_eq!((names(&listing), listing.cut.as_ref()), (vec!["a".into(), "b".into()], None));
    for listed in &listing.locks {
        assert_eq!(listed.inspection, redlock.inspect(&*listed.resource).await.unwrap());
    }
    assert!(matches!(listing.locks[0].inspection.state, LockState::Kept { .. }));
    match &listing.locks[1].inspection.state {
        LockState::Held { label: told, expiry: Expiry::In(left), .. } => {
            assert_eq!((told.as_ref(), *left), (Some(&label), TTL));
        }
        other => panic!("{other:?}"),
    }
    assert!(listing.is_answered());
    assert_eq!(calls(&nodes, Verb::Scan), [1; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_key_prefix_comes_before_the_prefix_and_is_left_out_of_the_names() {
    let nodes = nodes(3);
    let services = builder(&nodes).key_prefix("shop:").build().unwrap();
    let _guards = [
        services.try_lock("orders:1").await.unwrap(),
        services.try_lock("stock:1").await.unwrap(),
        redlock(&nodes).try_lock("orders:1").await.unwrap(),
    ];
    let held = async |prefix: &str| names(&services.held(prefix, 9, WITHIN).await.unwrap());
    assert_eq!(held("").await, ["orders:1", "stock:1"]);
    assert_eq!(held("orders:").await, ["orders:1"]);
    assert_eq!(held("shop:").await, [""; 0]);
    let all = redlock(&nodes).held("", 9, WITHIN).await.unwrap();
    assert_eq!(names(&all), ["orders:1", "shop:orders:1", "shop:stock:1"]);
}

#[tokio::test(start_paused = true)]
async fn counters_are_no_locks() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).fencing(true).build().unwrap();
    let _guard = redlock.try_lock("a").await.unwrap();
    // As it stands on a server.
    nodes.iter().for_each(|node| occupy(node, "redlock:fence:a", None));
    assert_eq!(names(&redlock.held("", 9, WITHIN).await.unwrap()), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn of_many_the_first_are_listed_and_the_rest_is_counted() {
    let nodes = nodes(3);
    for node in &nodes {
        (0..1_000).for_each(|number| occupy(node, &format!("{number:04}"), Some(TTL)));
    }
    let redlock = redlock(&nodes);
    let listing = redlock.held("", 10, WITHIN).await.unwrap();
    let wanted: Vec<_> = (0..10).map(|number| format!("{number:04}")).collect();
    assert_eq!(names(&listing), wanted);
    let cut = listing.cut.unwrap();
    assert_eq!((&*cut.last, cut.more), (&b"0009"[..], 990));
    assert!(listing.locks.iter().all(|listed| {
        matches!(listed.inspection.state, LockState::Held { .. })
            && listed.inspection.nodes.iter().all(|node| node.holdings.is_ok())
    }));
    assert_eq!(calls(&nodes, Verb::Scan), [10; 3], "in pages");
    assert!(redlock.held("", 1_000, WITHIN).await.unwrap().cut.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_node_that_hangs_or_refuses_is_told_and_the_others_go_on() {
    let nodes = nodes(5);
    let redlock = redlock(&nodes);
    let _guard = redlock.try_lock("a").await.unwrap();
    nodes[1].hang();
    let missing = NodeError::new(Fault::Permission, "no permissions to run the 'scan' command");
    nodes[3].on(Verb::Scan).always(Failing(missing));
    let begun = Instant::now();
    let listing = redlock.held("", 9, WITHIN).await.unwrap();
    assert_eq!(begun.elapsed(), NODE_TIMEOUT);
    assert_eq!(names(&listing), ["a"]);
    assert_eq!(faults(&listing), [None, Some(Fault::Timeout), None, Some(Fault::Permission), None]);
    assert!(listing.is_answered());
    nodes[0].on(Verb::Scan).always(Refused);
    let listing = redlock.held("", 9, WITHIN).await.unwrap();
    assert!(!listing.is_answered());
    // It is on two nodes, and three do not say.
    assert_eq!(listing.locks[0].inspection.state, LockState::Unknown);
}

#[tokio::test(start_paused = true)]
async fn all_pages_together_have_one_time_limit() {
    let nodes = nodes(3);
    for node in &nodes {
        (0..1_000).for_each(|number| occupy(node, &format!("{number:04}"), None));
    }
    nodes[2].on(Verb::Scan).always(SlowReply(NODE_TIMEOUT - ms(1)));
    // There is no end of what this one tells.
    let found = vec![Found::new(*b"x", Err(Fault::WrongType.into()))];
    nodes[1].on(Verb::Scan).always(SlowReply(ms(1)));
    nodes[1].on(Verb::Scan).always(Lying(Lie::Page(Page::new(found, Some(7)))));
    let begun = Instant::now();
    let listing = redlock(&nodes).held("", 1_000, ms(500)).await.unwrap();
    assert_eq!(begun.elapsed(), ms(500));
    assert_eq!(faults(&listing), [None, Some(Fault::Timeout), Some(Fault::Timeout)]);
    let error = listing.nodes[1].outcome.as_ref().unwrap_err();
    assert_eq!(error.detail(), "it holds more than it could tell in time");
    // What the slow one told meanwhile counts.
    let seen = |at: usize| listing.locks.iter().any(|of| of.inspection.nodes[at].holdings.is_ok());
    assert!(seen(0) && seen(2));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_asks_for_no_further_page() {
    let nodes = nodes(1);
    (0..1_000).for_each(|number| occupy(&nodes[0], &format!("{number:04}"), None));
    nodes[0].on(Verb::Scan).always(SlowReply(ms(10)));
    let redlock = redlock(&nodes);
    assert!(poll_and_drop(redlock.held("", 9, WITHIN), 1).await.is_none());
    common::pass(ms(500)).await;
    assert_eq!(calls(&nodes, Verb::Scan), [1]);
    redlock.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_to_list_is_no_fault_of_the_node() {
    let nodes = nodes(1);
    let redlock = redlock(&nodes);
    redlock.try_lock("a").await.unwrap().release().await.unwrap();
    nodes[0].on(Verb::Scan).next(1, Failing(Fault::Permission.into()));
    redlock.held("", 9, WITHIN).await.unwrap();
    redlock.try_lock("a").await.unwrap().release().await.unwrap();
    assert_eq!(calls(&nodes, Verb::Identity), [1], "it is not asked again who it is");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_for_names_field_value_and_rule() {
    let nodes = nodes(1);
    let redlock = builder(&nodes).key_prefix("12").build().unwrap();
    let long = "x".repeat(511);
    let fence = "must not begin with `redlock:fence:`, where fencing counters stand";
    let plain = common::redlock(&nodes);
    for (redlock, prefix, most, field, value, rule) in [
        (
            &redlock,
            &*long,
            1,
            "prefix",
            "513 bytes",
            "must be at most 512 bytes, the key prefix included",
        ),
        (&plain, "redlock:fence:a\n", 1, "prefix", "redlock:fence:a\\n", fence),
        (&redlock, "", 0, "most", "0", "must be from 1 to 100000"),
        (&redlock, "", MAX_LISTED + 1, "most", "100001", "must be from 1 to 100000"),
    ] {
        let error = redlock.held(prefix, most, WITHIN).await.unwrap_err();
        assert_eq!(error.kind(), LockErrorKind::Invalid);
        let config = error.config().unwrap();
        assert_eq!((config.field(), config.value(), config.rule()), (field, value, rule));
    }
    assert!(redlock.held(&long[1..], MAX_LISTED, WITHIN).await.is_ok());
    redlock.close().await;
    let error = redlock.held("", 1, WITHIN).await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Closed);
}
