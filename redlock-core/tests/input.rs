//! Bad input is a typed error that names field, value and rule; no secret is ever shown.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::*;
use redlock_core::{
    ConfigError, InMemoryNode, IntoLockKey, LockError, LockErrorKind, LockNode, LockOptions,
    LockState, Redlock, RedlockBuilder, RetryPolicy,
};

fn refused(builder: RedlockBuilder) -> ConfigError {
    builder.build().unwrap_err()
}

#[test]
fn a_handle_that_cannot_work_is_refused_when_it_is_built() {
    let three = || builder(&nodes(3));
    let twins = Redlock::builder().ttl(TTL).node(InMemoryNode::new("a"));
    let many = (0..65).map(|i| Arc::new(InMemoryNode::new(format!("n{i}"))) as Arc<dyn LockNode>);
    let cases = [
        (Redlock::builder().ttl(TTL), "nodes", "none", "must be at least one"),
        (
            twins.node(InMemoryNode::new("b")).node(InMemoryNode::new("a")),
            "nodes",
            "a",
            "is the name of node 1 and of node 3, which must be different servers",
        ),
        (Redlock::builder().ttl(TTL).node(InMemoryNode::new(" ")), "nodes", "", "with names"),
        (Redlock::builder().ttl(TTL).nodes(many), "nodes", "65", "at most 64"),
        (Redlock::builder().node(InMemoryNode::new("a")), "ttl", "unset", "must be set"),
        (three().ttl(ms(9)).node_timeout(ms(1)), "ttl", "9ms", "at least 10 ms"),
        (three().ttl(Duration::MAX), "ttl", "18446744073709551615.999999999s", "what PX takes"),
        (
            three().ttl(ms(800)),
            "node_timeout",
            "200ms",
            "below 200ms, a quarter of the time to live of 800ms",
        ),
        (three().node_timeout(ms(0)), "node_timeout", "0ns", "at least 1 ms"),
        (three().wait_for(ms(199)), "wait_for", "199ms", "at least one node timeout, 200ms"),
        (three().max_hold(ms(9_999)), "max_hold", "9.999s", "at least the time to live, 10s"),
        (three().drift_ppm(500_001), "drift_ppm", "500001", "at most 500000"),
        (three().key_prefix("x".repeat(512)), "key_prefix", "512 bytes", "below 512 bytes"),
    ];
    for (builder, field, value, rule) in cases {
        let error = refused(builder);
        assert_eq!((error.field(), error.value()), (field, value));
        assert!(error.rule().contains(rule), "{error}");
        assert!(error.to_string().contains(field) && error.to_string().contains(value), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_key_or_option_is_refused_before_anything_is_sent() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    fn invalid(error: LockError, field: &str) {
        assert_eq!(error.kind(), LockErrorKind::Invalid);
        assert_eq!(error.config().unwrap().field(), field);
        assert!(error.nodes().is_empty());
    }
    invalid(redlock.lock("").await.unwrap_err(), "key");
    invalid(redlock.lock("x".repeat(513)).await.unwrap_err(), "key");
    invalid(redlock.lock(["a", "a"]).await.unwrap_err(), "key");
    invalid(redlock.lock(Vec::<String>::new()).await.unwrap_err(), "key");
    invalid(redlock.try_lock("").await.unwrap_err(), "key");
    invalid(redlock.inspect("").await.unwrap_err(), "key");
    let with = |options: LockOptions| {
        let redlock = redlock.clone();
        async move { redlock.lock_with("k", &options).await.unwrap_err() }
    };
    invalid(with(LockOptions::new().ttl(ms(0))).await, "ttl");
    invalid(with(LockOptions::new().ttl(ms(800))).await, "node_timeout");
    invalid(with(LockOptions::new().wait_for(ms(0))).await, "wait_for");
    invalid(with(LockOptions::new().max_hold(ms(1))).await, "max_hold");
    assert!(nodes.iter().all(|node| node.log().is_empty()));
    assert!(RetryPolicy::uniform(ms(0), ms(1)).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_prefix_goes_before_every_resource() {
    let nodes = nodes(1);
    let redlock = builder(&nodes).key_prefix("app:").build().unwrap();
    let guard = redlock.lock(["a", "b"]).await.unwrap();
    assert_eq!(nodes[0].inner().keys(), [b"app:a", b"app:b"]);
    assert_eq!(guard.key().to_string(), "app:a, app:b");
    assert!(matches!(redlock.inspect("a").await.unwrap().state, LockState::Held { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_shortest_and_a_longest_time_to_live_work() {
    let nodes = nodes(3);
    let redlock =
        Redlock::builder().nodes(nodes.iter().map(|n| Arc::clone(n) as Arc<dyn LockNode>));
    let redlock = redlock.ttl(ms(10)).build().unwrap();
    let guard = redlock.lock("short").await.unwrap();
    assert!(guard.remaining() > ms(7) && guard.remaining() < ms(8));
    let options = LockOptions::new().ttl(redlock_core::options::MAX_TTL);
    let guard = redlock.lock_with("long", &options).await.unwrap();
    assert!(!guard.is_lost());
    assert!(guard.valid_until() > tokio::time::Instant::now());
    let lease = guard.lease();
    assert!(tokio::time::timeout(ms(100_000), lease.lost()).await.is_err());
    guard.release().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_token_shows_in_anything_printed() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let guard = redlock.lock("k").await.unwrap();
    let token = String::from_utf8(nodes[0].inner().value("k").unwrap()).unwrap();
    let key = "k".into_lock_key().unwrap();
    let claim = redlock_core::node::Claim::new(key, redlock_core::Token::parse(&token).unwrap());
    let error = redlock.try_lock("k").await.unwrap_err();
    let inspection = redlock.inspect("k").await.unwrap();
    let extend = guard.extend(ms(0)).await.unwrap_err();
    let printed = format!(
        "{guard:?} {:?} {redlock:?} {error:?} {error} {inspection:?} {extend:?} {claim:?} {nodes:?}",
        guard.lease()
    );
    assert!(!printed.contains(&token[..8]), "{printed}");
}

#[tokio::test(start_paused = true)]
async fn who_holds_a_lock_is_a_quorums_answer() {
    let nodes = nodes(5);
    let redlock = redlock(&nodes);
    assert_eq!(redlock.inspect("k").await.unwrap().state, LockState::Free);
    let token = redlock.lock("k").await.unwrap().leak();
    nodes[0].hang();
    nodes[1].inner().clear();
    let inspection = redlock.inspect("k").await.unwrap();
    match inspection.state {
        LockState::Held { holder, .. } => assert!(holder.is(&token)),
        other => panic!("{other:?}"),
    }
    assert!(inspection.nodes[0].holdings.is_err());
    assert_eq!(inspection.nodes[1].holdings, Ok(vec![None]));
    nodes[2].inner().clear();
    assert_eq!(redlock.inspect("k").await.unwrap().state, LockState::Unknown);
}
