//! What spans and events say, and what they never say.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/log.rs"]
mod log;

mod common;

use common::{TTL, builder, meet, ms, nodes, occupy, pass, poll_and_drop};
use log::Log;
use redlock_core::faults::Misbehaviour::{Failing, Refused, SlowReply};
use redlock_core::faults::Verb;
use redlock_core::node::{Fault, NodeError};
use redlock_core::{LockGuard, LockOptions, Redlock, RedlockBuilder, Renewal};
use tracing::Level;

const KEY: &str = "canary-key";

#[tokio::test(start_paused = true)]
async fn a_call_is_a_span_that_tells_how_it_ended() {
    let (log, _log) = Log::set();
    let nodes = nodes(5);
    let redlock = builder(&nodes).wait_for(ms(1_000)).build().unwrap();
    let guard = redlock.try_lock_with(["a", "b"], &LockOptions::new().fencing(true)).await.unwrap();
    let span = log.span();
    for (field, value) in [
        ("redlock.resources", "2"),
        ("redlock.nodes", "5"),
        ("redlock.quorum", "3"),
        ("redlock.mode", "exclusive"),
        ("redlock.outcome", "acquired"),
        ("redlock.attempts", "1"),
        ("redlock.wait_ms", "0"),
        ("redlock.validity_ms", "9898"),
        ("redlock.fence", &guard.fence().unwrap().get().to_string()),
        ("otel.status_code", ""),
    ] {
        assert_eq!(span.get(field), value, "{field}: {span:?}");
    }
    let held = redlock.inspect("a").await.unwrap();
    let holder = held.nodes[0].holdings.as_ref().unwrap()[0].as_ref().unwrap().holder;
    assert_eq!(span.get("redlock.holder"), holder.to_string(), "as in an inspection");
    let ending = |log: &Log| {
        let span = log.span();
        (span.get("redlock.outcome").to_owned(), span.get("otel.status_code").to_owned())
    };
    redlock.try_lock("a").await.unwrap_err();
    assert_eq!(ending(&log), ("contended".into(), String::new()));
    drop(guard);
    occupy(&nodes[0], "c", None);
    occupy(&nodes[1], "c", None);
    occupy(&nodes[2], "c", None);
    redlock.lock("c").await.unwrap_err();
    assert_eq!(ending(&log), ("timed_out".into(), String::new()));
    assert_eq!(log.span().get("redlock.wait_ms"), "1000");
    let attempts: u32 = log.span().get("redlock.attempts").parse().unwrap();
    assert!(attempts > 3, "{attempts}");
    assert!(poll_and_drop(redlock.lock("c"), 2).await.is_none());
    assert_eq!(ending(&log), ("cancelled".into(), String::new()));
    nodes.iter().for_each(|node| node.always(Refused));
    redlock.try_lock("a").await.unwrap_err();
    assert_eq!(ending(&log), ("unreachable".into(), "ERROR".into()));
}

#[tokio::test(start_paused = true)]
async fn a_span_tells_a_share_and_a_permit_from_a_lock() {
    let (log, _log) = Log::set();
    let redlock = builder(&nodes(3)).build().unwrap();
    drop(redlock.read("a").await.unwrap());
    assert_eq!(log.span().get("redlock.mode"), "shared");
    let semaphore = redlock.semaphore("s", 2).unwrap();
    drop(semaphore.try_acquire().await.unwrap());
    assert_eq!(log.span().get("redlock.mode"), "permit");
    drop(semaphore.acquire().await.unwrap());
    assert_eq!(log.span().get("redlock.mode"), "permit");
}

#[tokio::test(start_paused = true)]
async fn labels_are_fields_and_the_other_holders_is_another_field() {
    let (log, _log) = Log::set();
    let nodes = nodes(3);
    let redlock = builder(&nodes).label("me@here").build().unwrap();
    let guard = redlock.try_lock("a").await.unwrap();
    let span = log.span();
    assert_eq!((span.get("redlock.label"), span.get("redlock.held_by")), ("me@here", ""));
    let other = builder(&nodes).build().unwrap();
    other.try_lock("a").await.unwrap_err();
    let span = log.span();
    assert_eq!((span.get("redlock.label"), span.get("redlock.held_by")), ("", "me@here"));
    let attempt = log.events(Level::DEBUG).pop().unwrap();
    assert!(attempt.get("redlock.votes").contains("node-0 held by me@here for"), "{attempt:?}");
    pass(TTL).await;
    assert!(guard.is_lost());
    let lost = log.events(Level::WARN).pop().unwrap();
    assert_eq!((lost.get("message"), lost.get("redlock.label")), ("a lock was lost", "me@here"));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_an_event_that_tells_each_nodes_vote() {
    let (log, _log) = Log::set();
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    nodes[1].on(Verb::Acquire).next(1, SlowReply(ms(7)));
    occupy(&nodes[2], "k", Some(ms(3_000)));
    let _guard = redlock.try_lock("k").await.unwrap();
    let events = log.events(Level::DEBUG);
    let attempt = &events[0];
    assert_eq!((attempt.get("message"), attempt.get("target")), ("attempt", "redlock"));
    assert_eq!((attempt.get("redlock.attempt"), attempt.get("redlock.outcome")), ("1", "acquired"));
    assert_eq!(
        attempt.get("redlock.votes"),
        "node-0 granted after 0.0ns; node-1 granted after 7.0ms; node-2 held for 3s more after 0.0ns"
    );
}

async fn lose(redlock: &Redlock) -> LockGuard {
    let guard = redlock.lock(KEY).await.unwrap();
    pass(TTL).await;
    assert!(guard.is_lost());
    guard
}

#[tokio::test(start_paused = true)]
async fn a_lost_lock_is_one_warning_and_a_released_one_is_none() {
    let (log, _log) = Log::set();
    let redlock = builder(&nodes(3)).build().unwrap();
    redlock.lock(KEY).await.unwrap().release().await.unwrap();
    assert_eq!(log.warnings(), [""; 0]);
    let lost = lose(&redlock).await;
    drop(lost);
    assert_eq!(log.warnings(), ["a lock was lost"]);
    let warning = &log.events(Level::WARN)[0];
    assert_eq!(warning.get("redlock.reason"), "expired");
    assert_eq!(warning.get("redlock.held_ms"), "10000");
    assert_eq!(warning.get("redlock.holder"), log.span().get("redlock.holder"));
}

#[tokio::test(start_paused = true)]
async fn renewals_that_fail_are_one_warning_for_all_locks_until_they_were_well_for_a_while() {
    let (log, _log) = Log::set();
    let nodes = nodes(3);
    let builder = builder(&nodes).renewal(Renewal::Auto).fencing(true).label("orders@pod-7");
    let redlock = builder.build().unwrap();
    let mut guards = Vec::new();
    for i in 0..20 {
        guards.push(redlock.lock(format!("{i}")).await.unwrap());
    }
    let fail = |on: bool| {
        for node in &nodes {
            if on { node.on(Verb::Extend).always(Refused) } else { node.heal() }
        }
    };
    fail(true);
    pass(ms(4_500)).await;
    fail(false);
    pass(ms(6_000)).await;
    fail(true);
    pass(ms(4_500)).await;
    let warnings = log.warnings();
    assert_eq!(warnings, ["locks are not extended: no majority of nodes answers alike"]);
    // Of the lock that was the first: by what inspections and its own span name it.
    let warning = &log.events(Level::WARN)[0];
    let holders = nodes[0].inner().keys().into_iter().map(|key| {
        let value = nodes[0].inner().value(std::str::from_utf8(&key).unwrap()).unwrap();
        redlock_core::node::Holder::of(&value).to_string()
    });
    assert!(holders.collect::<Vec<_>>().contains(&warning.get("redlock.holder").to_owned()));
    assert_eq!(warning.get("redlock.label"), "orders@pod-7");
    let fences = guards.iter().map(|guard| guard.fence().unwrap().to_string());
    assert!(fences.collect::<Vec<_>>().contains(&warning.get("redlock.fence").to_owned()));
    assert!(warning.get("redlock.votes").contains("node-1 no connection"));
    fail(false);
    pass(ms(60_000)).await;
    fail(true);
    pass(ms(4_500)).await;
    assert_eq!(log.warnings().len(), 2);
    assert!(guards.iter().all(|guard| !guard.is_lost()));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_set_up_wrongly_and_late_grants_are_warned_of_once() {
    let (log, _log) = Log::set();
    let nodes = nodes(3);
    let redlock = builder(&nodes).ttl(ms(1_000)).build().unwrap();
    meet(&redlock).await;
    nodes[2].on(Verb::Acquire).always(Failing(NodeError::new(Fault::Permission, "NOPERM set")));
    for _ in 0..10 {
        redlock.lock(KEY).await.unwrap().release().await.unwrap();
    }
    assert_eq!(log.warnings(), ["the node is set up wrongly"], "and locks are had all the same");
    let warning = &log.events(Level::WARN)[0];
    assert_eq!(
        (warning.get("node"), warning.get("error")),
        ("node-2", "missing right: NOPERM set")
    );
    for _ in 0..2 {
        nodes.iter().for_each(|node| node.on(Verb::Acquire).always(SlowReply(ms(10))));
        let mut acquiring = std::pin::pin!(redlock.try_lock("k"));
        assert!(poll_and_drop(acquiring.as_mut(), 1).await.is_none());
        pass(ms(988)).await;
        acquiring.await.unwrap_err();
    }
    assert_eq!(log.warnings().len(), 2);
    assert!(log.warnings()[1].contains("too late"), "{:?}", log.warnings());
}

/// All that can be said of a key.
async fn everything(set_up: impl Fn(RedlockBuilder) -> RedlockBuilder) -> (String, Vec<String>) {
    let (log, _log) = Log::set();
    let nodes = nodes(3);
    let redlock = set_up(builder(&nodes).fencing(true)).build().unwrap();
    let mut tokens = vec![redlock.lock(KEY).await.unwrap().leak().expose().to_owned()];
    redlock.try_lock(KEY).await.unwrap_err();
    pass(TTL).await;
    drop(lose(&redlock).await);
    let options = LockOptions::new().renewal(Renewal::Auto);
    let guard = redlock.lock_with(KEY, &options).await.unwrap();
    let standing = nodes[0].inner().value(KEY).unwrap();
    tokens.push(String::from_utf8(standing).unwrap());
    nodes.iter().for_each(|node| node.always(Refused));
    pass(TTL).await;
    guard.release().await.unwrap_err();
    redlock.try_lock(KEY).await.unwrap_err();
    redlock.close().await;
    (log.text(), tokens)
}

#[tokio::test(start_paused = true)]
async fn keys_are_told_only_where_asked_for_and_tokens_never() {
    let (silent, tokens) = everything(|builder| builder).await;
    assert!(silent.contains("no_quorum") && silent.contains("redlock.fence"), "{silent}");
    assert!(!silent.contains(KEY), "{silent}");
    let (open, more) = everything(|builder| builder.log_keys(true)).await;
    let named = open.matches(&format!("\"redlock.key\": \"{KEY}\"")).count();
    assert_eq!(named, open.matches(KEY).count(), "in that field alone: {open}");
    assert!(named > 5, "{open}");
    for token in tokens.iter().chain(&more) {
        assert!(!silent.contains(token) && !open.contains(token));
    }
}
