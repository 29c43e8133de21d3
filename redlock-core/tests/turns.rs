//! Waiting for the releases of other processes, and taking turns with them.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Log, Node, builder, calls, holder, ms, nodes, pass};
use redlock_core::Redlock;
use redlock_core::faults::{Misbehaviour, Verb};
use redlock_core::node::Fault;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Two handles are as good as two processes: they share the nodes and nothing else.
fn two(nodes: &[Node]) -> [Redlock; 2] {
    [7, 8].map(|seed| builder(nodes).retry_seed(seed).build().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_release_wakes_who_waits_in_another_process() {
    let nodes = nodes(5);
    let [ours, theirs] = two(&nodes);
    let guard = ours.lock("k").await.unwrap();
    let log = Log::default();
    let waiting = holder(&theirs, &log, 1, ms(1));
    // Past the first attempts.
    pass(ms(1_000)).await;
    let began = Instant::now();
    guard.release().await.unwrap();
    waiting.await.unwrap();
    assert!(began.elapsed() <= ms(4), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_release_wakes_also_who_had_the_last_turn_itself() {
    let nodes = nodes(5);
    let [ours, theirs] = two(&nodes);
    // Nobody there listens while this one is told.
    theirs.lock("k").await.unwrap().release().await.unwrap();
    let guard = ours.lock("k").await.unwrap();
    let waiting = holder(&theirs, &Log::default(), 1, ms(1));
    pass(ms(500)).await;
    let began = Instant::now();
    guard.release().await.unwrap();
    waiting.await.unwrap();
    assert!(began.elapsed() <= ms(4), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn without_wake_ups_the_wait_goes_by_time() {
    let nodes = nodes(5);
    let ours = builder(&nodes).build().unwrap();
    let theirs = builder(&nodes).wake_ups(false).build().unwrap();
    let guard = ours.lock("k").await.unwrap();
    let waiting = holder(&theirs, &Log::default(), 1, ms(1));
    pass(ms(1_000)).await;
    let asked = calls(&nodes, Verb::Acquire)[0];
    let began = Instant::now();
    guard.release().await.unwrap();
    waiting.await.unwrap();
    assert!(began.elapsed() > ms(4) && began.elapsed() < ms(302), "{:?}", began.elapsed());
    assert_eq!(calls(&nodes, Verb::Acquire)[0], asked + 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_notification_costs_one_timed_retry() {
    let nodes = nodes(5);
    let [ours, theirs] = two(&nodes);
    let guard = ours.lock("k").await.unwrap();
    let waiting = holder(&theirs, &Log::default(), 1, ms(1));
    pass(ms(1_000)).await;
    // Another program frees it, which tells nobody.
    for node in &nodes {
        assert!(node.inner().remove("k"));
    }
    let began = Instant::now();
    waiting.await.unwrap();
    assert!(began.elapsed() < ms(302), "{:?}", began.elapsed());
    drop(guard);
}

#[tokio::test(start_paused = true)]
async fn a_minority_that_tells_wakes_nobody() {
    let nodes = nodes(5);
    let [ours, theirs] = two(&nodes);
    let guard = ours.lock("k").await.unwrap();
    let waiting = holder(&theirs, &Log::default(), 1, ms(1));
    pass(ms(1_000)).await;
    for node in &nodes[2..] {
        node.on(Verb::Release).always(Misbehaviour::SlowRequest(ms(50)));
    }
    let asked = calls(&nodes, Verb::Acquire)[0];
    let releasing = tokio::spawn(guard.release());
    pass(ms(45)).await;
    let polled = calls(&nodes, Verb::Acquire)[0] - asked;
    assert!(polled <= 1, "two of five told, and it asked {polled} times");
    releasing.await.unwrap().unwrap();
    waiting.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nodes_that_refuse_to_tell_are_asked_to_once() {
    let nodes = nodes(3);
    nodes.iter().for_each(|node| {
        node.on(Verb::Listen).always(Misbehaviour::Failing(Fault::Permission.into()));
    });
    let [ours, theirs] = two(&nodes);
    let guard = ours.lock("k").await.unwrap();
    let waiting = holder(&theirs, &Log::default(), 1, ms(1));
    pass(ms(3_000)).await;
    guard.release().await.unwrap();
    waiting.await.unwrap();
    let guard = ours.lock("k").await.unwrap();
    let waiting = holder(&theirs, &Log::default(), 1, ms(1));
    pass(ms(3_000)).await;
    drop(guard);
    waiting.await.unwrap();
    assert_eq!(calls(&nodes, Verb::Listen), [1; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_refused_to_tell_is_asked_again_unless_it_never_can() {
    let faults = [
        (Fault::Tls, 2),
        (Fault::Database, 2),
        (Fault::ProtectedMode, 2),
        (Fault::Replica, 2),
        (Fault::Authentication, 2),
        (Fault::Permission, 2),
        (Fault::Unsupported, 1),
    ];
    for (fault, listens) in faults {
        let nodes = nodes(3);
        nodes.iter().for_each(|node| {
            node.on(Verb::Listen).next(1, Misbehaviour::Failing(fault.into()));
        });
        let [ours, theirs] = two(&nodes);
        let guard = ours.lock("k").await.unwrap();
        let waiting = holder(&theirs, &Log::default(), 1, ms(1));
        pass(ms(1)).await;
        guard.release().await.unwrap();
        waiting.await.unwrap();
        pass(ms(61_000)).await;
        assert_eq!(calls(&nodes, Verb::Listen), [listens; 3], "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_subscription_for_each_node_serves_all_keys() {
    let nodes = nodes(3);
    let [ours, theirs] = two(&nodes);
    let keys: Vec<String> = (0..20).map(|i| format!("k{i}")).collect();
    let mut guards = Vec::new();
    for key in &keys {
        guards.push(ours.lock(key).await.unwrap());
    }
    let waiting: Vec<_> = keys
        .iter()
        .map(|key| {
            let (theirs, key) = (theirs.clone(), key.clone());
            tokio::spawn(async move { theirs.lock(key).await.map(drop) })
        })
        .collect();
    pass(ms(500)).await;
    assert_eq!(calls(&nodes, Verb::Listen), [1; 3]);
    drop(guards);
    for task in waiting {
        task.await.unwrap().unwrap();
    }
}

/// Turns that each of the processes had, with so many tasks that take the lock again and again.
async fn shares(tasks: [usize; 3], hold: Duration) -> Vec<usize> {
    let nodes = nodes(5);
    for node in &nodes {
        node.always(Misbehaviour::SlowReply(Duration::from_micros(200)));
    }
    let log = Log::default();
    let mut all = Vec::new();
    for (name, tasks) in tasks.into_iter().enumerate() {
        let redlock = builder(&nodes).retry_seed(name as u64).build().unwrap();
        for _ in 0..tasks {
            let (redlock, log) = (redlock.clone(), Arc::clone(&log));
            all.push(tokio::spawn(async move {
                loop {
                    let guard = redlock.lock("k").await.unwrap();
                    log.lock().unwrap().push(name);
                    pass(hold).await;
                    guard.release().await.unwrap();
                }
            }));
        }
    }
    pass(Duration::from_secs(6)).await;
    all.iter().for_each(JoinHandle::abort);
    let log = log.lock().unwrap();
    (0..3).map(|name| log.iter().filter(|who| **who == name).count()).collect()
}

#[tokio::test(start_paused = true)]
async fn no_process_starves_whatever_the_others_do() {
    for (tasks, hold) in [([4, 4, 4], ms(1)), ([8, 1, 1], ms(1)), ([4, 1, 4], ms(20))] {
        let turns = shares(tasks, hold).await;
        let (least, most) = (*turns.iter().min().unwrap(), *turns.iter().max().unwrap());
        assert!(most <= least * 2, "{tasks:?} tasks, held for {hold:?}: {turns:?}");
        let all: usize = turns.iter().sum();
        let possible = 6_000 / (hold.as_millis() as usize + 2);
        assert!(all * 2 > possible, "{all} of {possible} turns: {turns:?}");
    }
}
