//! What the metrics say.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/recorder.rs"]
mod recorder;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use common::{Node, TTL, builder, meet, ms, nodes, occupy, pass};
use metrics::Unit;
use recorder::{Seen, close, recorder};
use redlock_core::faults::Misbehaviour::{Failing, Refused, SlowReply};
use redlock_core::faults::Verb;
use redlock_core::node::Fault;
use redlock_core::telemetry::{METRICS, MetricKind};
use redlock_core::{InMemoryNode, LockErrorKind, LockNode, LockOptions, Redlock, Renewal};

#[tokio::test(start_paused = true)]
async fn a_call_is_counted_once_by_how_it_ended_and_its_wait_with_the_line() {
    let (seen, _recorder) = recorder();
    let nodes = nodes(3);
    let redlock = builder(&nodes).wait_for(ms(1_000)).max_waiters(1).build().unwrap();
    meet(&redlock).await;
    let guard = redlock.lock("k").await.unwrap();
    assert_eq!(seen.acquired("acquired"), (2, vec![0.0, 0.0]));
    assert_eq!(redlock.try_lock("k").await.unwrap_err().kind(), LockErrorKind::Contended);
    assert_eq!(seen.acquired("contended"), (1, vec![0.0]));
    let error = redlock.lock("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::TimedOut);
    assert_eq!(seen.acquired("timed_out"), (1, vec![1.0]), "in the line");
    let full = tokio::select! {
        biased;
        _ = redlock.lock("k") => panic!("it is held"),
        full = redlock.lock("k") => full.unwrap_err().kind(),
    };
    assert_eq!(full, LockErrorKind::TooManyWaiters);
    assert_eq!(seen.acquired("too_many_waiters").0, 1);
    assert_eq!(seen.acquired("cancelled"), (1, vec![0.0]));
    assert_eq!(redlock.lock("").await.unwrap_err().kind(), LockErrorKind::Invalid);
    assert_eq!(seen.acquired("invalid"), (1, vec![]));
    assert_eq!((seen.attempts("acquired"), seen.attempts("contended")), (2, 1));
    guard.release().await.unwrap();
    nodes[..2].iter().for_each(|node| node.always(Refused));
    assert_eq!(redlock.lock("k").await.unwrap_err().kind(), LockErrorKind::Unreachable);
    assert_eq!(seen.acquired("unreachable"), (1, vec![1.0]));
    assert!(seen.attempts("unreachable") > 3);
    redlock.close().await;
    assert_eq!(redlock.lock("k").await.unwrap_err().kind(), LockErrorKind::Closed);
    assert_eq!(seen.acquired("closed"), (1, vec![]));
    close(redlock, &seen).await;
}

#[tokio::test(start_paused = true)]
async fn calls_that_share_a_lock_are_told_from_others() {
    let (seen, _recorder) = recorder();
    let redlock = builder(&nodes(3)).build().unwrap();
    let reader = redlock.read("k").await.unwrap();
    redlock.try_lock("k").await.unwrap_err();
    assert_eq!(redlock.try_read("").await.unwrap_err().kind(), LockErrorKind::Invalid);
    assert_eq!(seen.acquired_as("acquired", "shared"), (1, vec![0.0]));
    assert_eq!(seen.acquired_as("invalid", "shared"), (1, vec![]));
    assert_eq!(seen.acquired("contended"), (1, vec![0.0]));
    assert_eq!((seen.acquired("acquired").0, seen.acquired("invalid").0), (0, 0));
    drop(reader);
    close(redlock, &seen).await;
}

#[tokio::test(start_paused = true)]
async fn what_an_own_failed_attempt_gives_back_wakes_nobody_here() {
    let (seen, _recorder) = recorder();
    let nodes = nodes(3);
    let redlock = builder(&nodes).wait_for(ms(3_000)).build().unwrap();
    meet(&redlock).await;
    nodes.iter().for_each(|node| occupy(node, "k", None));
    let waiting = tokio::spawn({
        let redlock = redlock.clone();
        async move { redlock.lock("k").await.map(drop) }
    });
    pass(ms(500)).await;
    let before = seen.counter("redlock_wake_ups_total", &[]);
    // Each node in turn grants for a while, and is released: a majority tells of releases, all of them the call's own.
    for node in &nodes {
        node.inner().remove("k");
        let asked = node.calls(Verb::Release);
        pass(ms(301)).await;
        assert!(node.calls(Verb::Release) > asked);
        occupy(node, "k", None);
    }
    assert_eq!(seen.counter("redlock_wake_ups_total", &[]), before);
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), LockErrorKind::TimedOut);
    close(redlock, &seen).await;
}

#[tokio::test(start_paused = true)]
async fn a_loss_is_counted_once_by_its_reason_when_it_is_noticed() {
    let (seen, _recorder) = recorder();
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    let lost = |reason| seen.counter("redlock_lost_total", &[&format!("reason={reason}")]);
    let held = || seen.gauge("redlock_held", &[]);
    // Nobody looks before the guard goes.
    let guard = redlock.lock("a").await.unwrap();
    pass(TTL).await;
    assert_eq!((lost("expired"), held()), (0, 1.0));
    drop(guard);
    assert_eq!((lost("expired"), held()), (1, 0.0));
    // Somebody looks.
    let guard = redlock.lock("a").await.unwrap();
    pass(TTL).await;
    assert!(guard.is_lost() && guard.lease().is_lost());
    assert_eq!((lost("expired"), held()), (2, 0.0));
    guard.release().await.unwrap();
    assert_eq!(lost("expired"), 2);
    let gone = seen.counter("redlock_release_total", &["outcome=already_gone"]);
    assert_eq!(gone, 1);
    // Renewal finds out.
    let renewed = LockOptions::new().renewal(Renewal::Auto).max_hold(2 * TTL);
    let stolen = redlock.lock_with("b", &renewed).await.unwrap();
    let limited = redlock.lock_with("c", &renewed).await.unwrap();
    nodes.iter().for_each(|node| assert!(node.inner().remove("b")));
    pass(3 * TTL).await;
    assert_eq!((lost("stolen"), lost("max_hold"), held()), (1, 0, 1.0));
    assert!(limited.is_lost());
    assert_eq!((lost("max_hold"), held()), (1, 0.0));
    let unheard = redlock.lock_with("d", &renewed).await.unwrap();
    nodes.iter().for_each(|node| node.on(Verb::Extend).always(Refused));
    pass(TTL).await;
    assert_eq!((lost("no_quorum"), held()), (1, 0.0));
    let extended = |outcome| seen.counter("redlock_extend_total", &[outcome]);
    assert_eq!(extended("outcome=lost"), 1);
    assert!(extended("outcome=extended") > 2 && extended("outcome=unanswered") > 2);
    drop((stolen, limited, unheard));
    assert_eq!(lost("stolen") + lost("max_hold") + lost("no_quorum") + lost("expired"), 5);
    close(redlock, &seen).await;
}

#[tokio::test(start_paused = true)]
async fn how_long_nodes_take_is_told_by_node_and_verb_also_of_those_that_nobody_waited_for() {
    let (seen, _recorder) = recorder();
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    meet(&redlock).await;
    nodes[0].always(SlowReply(ms(2)));
    nodes[1].always(SlowReply(ms(3)));
    nodes[2].always(SlowReply(ms(150)));
    let guard = redlock.lock("k").await.unwrap();
    pass(ms(200)).await;
    guard.release().await.unwrap();
    pass(ms(200)).await;
    for verb in ["verb=acquire", "verb=release"] {
        for (node, took) in [("node=node-0", 0.002), ("node=node-1", 0.003), ("node=node-2", 0.15)]
        {
            let all = seen.histogram("redlock_node_request_duration_seconds", &[node, verb]);
            assert_eq!(all.last(), Some(&took), "{node} {verb}: {all:?}");
        }
    }
    close(redlock, &seen).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_looked_for_in_time_counts_as_soon_as_it_may_have_come() {
    let (seen, _recorder) = recorder();
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    meet(&redlock).await;
    for (node, took) in nodes.iter().zip([2, 3, 5]) {
        node.always(SlowReply(ms(took)));
    }
    let guard = redlock.lock("k").await.unwrap();
    pass(ms(50)).await;
    guard.release().await.unwrap();
    pass(ms(50)).await;
    for verb in ["verb=acquire", "verb=release"] {
        let all = seen.histogram("redlock_node_request_duration_seconds", &["node=node-2", verb]);
        assert_eq!(all.last(), Some(&0.003), "with the majority's: {all:?}");
    }
    close(redlock, &seen).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_node_fails_is_counted_by_node_and_kind() {
    let (seen, _recorder) = recorder();
    let nodes = nodes(3);
    pass(Duration::from_secs(3_600)).await;
    let redlock = builder(&nodes).restart_guard(TTL).build().unwrap();
    meet(&redlock).await;
    let failed = |node, kind| {
        let labels = [&*format!("kind={kind}"), &*format!("node=node-{node}")];
        seen.counter("redlock_node_errors_total", &labels)
    };
    nodes[0].on(Verb::Acquire).next(1, Refused);
    redlock.lock("a").await.unwrap().release().await.unwrap();
    let error = redlock_core::node::NodeError::new(Fault::OutOfMemory, "OOM of canary");
    nodes[1].on(Verb::Acquire).next(1, Failing(error));
    nodes[2].inner().restart();
    redlock.try_lock("b").await.unwrap_err();
    assert_eq!((failed(0, "refused"), failed(1, "out_of_memory"), failed(2, "warming")), (1, 1, 1));
    nodes[1].hang();
    redlock.try_lock("c").await.unwrap_err();
    pass(TTL).await;
    assert!(failed(1, "timeout") >= 1);
    nodes[1].resume();
    close(redlock, &seen).await;
}

/// Everything that there is to count happens to `key`.
async fn story(seen: &Seen, key: &str) {
    let nodes: Vec<Node> = nodes(3);
    let behind = Arc::new(InMemoryNode::new("node-0").with_wall_clock(Duration::from_secs(100)));
    let set = [behind as Arc<dyn LockNode>, nodes[1].clone(), nodes[2].clone()];
    let redlock = || Redlock::builder().nodes(set.clone()).ttl(TTL).fencing(true).build().unwrap();
    let (ours, theirs) = (redlock(), redlock());
    let guard = ours.lock(key).await.unwrap();
    guard.extend(TTL).await.unwrap();
    ours.inspect(key).await.unwrap();
    let waiting = theirs.lock(key);
    let ((), waited) = tokio::join!(
        async {
            pass(ms(1_000)).await;
            let listening = seen.gauge("redlock_listening", &["node=node-0"]);
            assert_eq!(listening, 1.0);
            guard.release().await.unwrap();
        },
        waiting
    );
    assert!(seen.counter("redlock_wake_ups_total", &[]) > 0);
    let guard = waited.unwrap();
    pass(TTL).await;
    drop(guard);
    nodes[1].next(1, Refused);
    ours.lock(key).await.unwrap().release().await.unwrap();
    let handover = ours.lock(key).await.unwrap().hand_over();
    drop(ours.take_over(&handover).await.unwrap());
    close(theirs, &Seen::default()).await;
    close(ours, seen).await;
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_handed_over_is_no_loss_and_counted_at_both_ends() {
    let (seen, _recorder) = recorder();
    let nodes = nodes(3);
    let redlock = builder(&nodes).fencing(true).build().unwrap();
    let guard = redlock.lock("k").await.unwrap();
    pass(ms(20)).await;
    let handover = guard.hand_over();
    assert_eq!(seen.gauge("redlock_held", &[]), 0.0);
    let passed = |passage| seen.counter("redlock_handover_total", &[passage]);
    assert_eq!(["passage=given", "passage=continued"].map(passed), [1, 0]);
    redlock.take_over(&handover).await.unwrap().release().await.unwrap();
    redlock.take_over(&handover).await.unwrap().release().await.unwrap();
    assert_eq!(["passage=given", "passage=continued", "passage=anew"].map(passed), [1, 1, 1]);
    assert_eq!(seen.acquired("acquired").0, 3);
    let lost = ["stolen", "expired", "no_quorum", "max_hold"];
    let lost =
        lost.map(|reason| seen.counter("redlock_lost_total", &[&format!("reason={reason}")]));
    assert_eq!(lost, [0; 4]);
}

#[tokio::test(start_paused = true)]
async fn every_metric_of_the_table_is_emitted_and_none_besides_with_its_kind_labels_and_unit() {
    let (seen, _recorder) = recorder();
    story(&seen, "canary-key").await;
    let kind = |kind| match kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge => "gauge",
        MetricKind::Histogram => "histogram",
        _ => panic!("{kind:?}"),
    };
    let table: BTreeMap<_, _> = METRICS
        .iter()
        .map(|metric| {
            (metric.name, (kind(metric.kind), BTreeSet::from_iter(metric.labels.to_vec())))
        })
        .collect();
    let emitted = seen.emitted();
    let label = |label: &'static str| label.split_once('=').unwrap().0;
    let emitted: BTreeMap<_, _> = emitted
        .iter()
        .map(|(kind, (name, labels))| {
            let labels: BTreeSet<_> = labels.iter().map(|l| label(l.clone().leak())).collect();
            (&**name, (*kind, labels))
        })
        .collect();
    assert_eq!(emitted, table);
    let described = seen.described();
    for metric in METRICS {
        let (unit, help) = &described[metric.name];
        assert_eq!(help, metric.help);
        let seconds = metric.kind == MetricKind::Histogram;
        assert_eq!(*unit, Some(if seconds { Unit::Seconds } else { Unit::Count }));
        assert_eq!(metric.name.ends_with("_seconds"), seconds, "{}", metric.name);
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_keys_make_no_series_and_none_of_them_is_in_a_label() {
    let (seen, _recorder) = recorder();
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    occupy(&nodes[0], "taken", None);
    occupy(&nodes[1], "taken", None);
    let before = async |key: &str| {
        redlock.lock(key).await.unwrap().release().await.unwrap();
        redlock.try_lock("taken").await.unwrap_err();
        redlock.lock(key).await.unwrap().leak().expose().to_owned()
    };
    before("canary-first").await;
    pass(ms(20)).await;
    let few = seen.series();
    let mut tokens = Vec::new();
    for i in 0..1_000 {
        tokens.push(before(&format!("canary-{i}")).await);
    }
    pass(ms(20)).await;
    assert_eq!(seen.series(), few);
    let text = format!("{few:?}{:?}", seen.described());
    assert!(!text.contains("canary") && tokens.iter().all(|token| !text.contains(token)), "{text}");
}
