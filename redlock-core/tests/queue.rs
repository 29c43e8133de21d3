//! Waiting in the line of one process.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

mod common;

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use common::{Log, TTL, builder, calls, holder, ms, nodes, occupy};
use redlock_core::error::Tally;
use redlock_core::faults::{Misbehaviour, Verb};
use redlock_core::{InMemoryNode, LockErrorKind, LockNode, LockOptions, Redlock};
use tokio::time::Instant;

async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_first_is_served_first_and_the_head_alone_asks_the_nodes() {
    let nodes = nodes(5);
    let redlock = builder(&nodes).build().unwrap();
    let log = Log::default();
    let began = Instant::now();
    let mut tasks = Vec::new();
    for name in 0..10 {
        tasks.push(holder(&redlock, &log, name, ms(7)));
        settle().await;
    }
    assert_eq!(calls(&nodes, Verb::Acquire), [1; 5]);
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*log.lock().unwrap(), (0..10).collect::<Vec<_>>());
    assert_eq!(calls(&nodes, Verb::Acquire), [10; 5], "nobody asked in vain");
    // Nine hand-overs take no time of their own, but for one gap that lets other processes in.
    assert!(began.elapsed() < ms(10 * 7 + 8), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_guard_passes_the_lock_on_too() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    let guard = redlock.lock("k").await.unwrap();
    let log = Log::default();
    let next = holder(&redlock, &log, 1, ms(1));
    settle().await;
    let began = Instant::now();
    drop(guard);
    next.await.unwrap();
    assert!(began.elapsed() <= ms(2), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_loses_its_place_and_holds_up_nobody() {
    // At some point between, the first was told of its turn and has not looked yet.
    for steps in 0..12 {
        let nodes = nodes(3);
        let redlock = builder(&nodes).build().unwrap();
        let guard = redlock.lock("k").await.unwrap();
        let log = Log::default();
        let tasks: Vec<_> = (0..4).map(|name| holder(&redlock, &log, name, ms(1))).collect();
        settle().await;
        tasks[2].abort();
        drop(guard);
        for _ in 0..steps {
            tokio::task::yield_now().await;
        }
        tasks[0].abort();
        for (name, task) in tasks.into_iter().enumerate() {
            assert!(task.await.is_ok() || name % 2 == 0);
        }
        assert!(log.lock().unwrap().ends_with(&[1, 3]), "{steps} steps");
        redlock.close().await;
        assert_eq!(common::littered(&nodes), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_line_is_bounded_and_says_so() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).max_waiters(2).build().unwrap();
    let guard = redlock.lock("k").await.unwrap();
    let log = Log::default();
    let waiting: Vec<_> = (0..2).map(|name| holder(&redlock, &log, name, ms(1))).collect();
    settle().await;
    let error = redlock.lock("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::TooManyWaiters);
    assert_eq!((error.attempts(), error.nodes().len()), (0, 0));
    assert!(redlock.lock("another").await.is_ok());
    // A place that was given up is free again.
    waiting[0].abort();
    settle().await;
    let third = holder(&redlock, &log, 2, ms(1));
    settle().await;
    guard.release().await.unwrap();
    third.await.unwrap();
    assert_eq!(*log.lock().unwrap(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_in_the_line_ends_with_its_budget() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    let _guard = redlock.lock("k").await.unwrap();
    let began = Instant::now();
    let options = LockOptions::new().wait_for(ms(2_500));
    let error = redlock.lock_with("k", &options).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (LockErrorKind::TimedOut, 0));
    assert_eq!(began.elapsed(), ms(2_500));
    // No node was asked, so none is spoken of.
    assert_eq!((error.nodes(), error.tally()), (&[][..], Tally::default()));
    let text =
        "still held or asked for by another call of this process when the wait budget was over";
    assert_eq!(error.to_string(), text);
}

#[tokio::test(start_paused = true)]
async fn a_wait_behind_a_call_that_is_refused_ends_with_what_the_nodes_answered_that_one() {
    let nodes = nodes(3);
    nodes.iter().for_each(|node| occupy(node, "k", None));
    let redlock = builder(&nodes).build().unwrap();
    let options = LockOptions::new().wait_for(ms(2_500));
    let long = LockOptions::new().wait_for(ms(5_000));
    let (_, behind) = tokio::join!(redlock.lock_with("k", &long), redlock.lock_with("k", &options));
    let error = behind.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (LockErrorKind::TimedOut, 0));
    assert!(error.nodes().len() == 3 && error.tally().refused > 1, "{error}");
    let text = error.to_string();
    assert!(text.contains("(0 of 3 granted to a call before it in this process): "), "{text}");
}

#[tokio::test(start_paused = true)]
async fn close_ends_the_wait_in_the_line() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    let guard = redlock.lock("k").await.unwrap();
    let waiting = tokio::spawn({
        let redlock = redlock.clone();
        async move { redlock.lock("k").await.map(drop) }
    });
    settle().await;
    drop(guard);
    redlock.close().await;
    let error = waiting.await.unwrap();
    assert!(error.is_ok() || error.unwrap_err().kind() == LockErrorKind::Closed);
}

/// A guard that nobody drops, in the ways there are.
#[tokio::test(start_paused = true)]
async fn a_lock_that_is_not_released_is_passed_on_when_it_expires() {
    for way in ["kept", "forgotten", "leaked"] {
        let nodes = nodes(3);
        let redlock = builder(&nodes).build().unwrap();
        let guard = redlock.lock("k").await.unwrap();
        let began = Instant::now();
        let kept = match way {
            "kept" => Some(guard),
            "forgotten" => {
                std::mem::forget(guard);
                None
            }
            _ => {
                let _ = guard.leak();
                None
            }
        };
        let options = LockOptions::new().wait_for(TTL * 2);
        let _second = redlock.lock_with("k", &options).await.unwrap();
        let waited = began.elapsed();
        assert!(waited >= TTL && waited < TTL + ms(700), "{way}: {waited:?}");
        drop(kept);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_polled_no_more_holds_up_the_line_no_longer_than_its_budget() {
    let nodes = nodes(3);
    nodes.iter().for_each(|node| occupy(node, "k", Some(ms(100))));
    let redlock = builder(&nodes).build().unwrap();
    let options = LockOptions::new().wait_for(ms(3_000));
    let mut stalled = Box::pin(redlock.lock_with("k", &options));
    assert!(tokio::time::timeout(ms(10), &mut stalled).await.is_err());
    let began = Instant::now();
    let _guard = redlock.lock("k").await.unwrap();
    assert!(began.elapsed() < ms(5_000), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_who_stands_in_line_is_told_of_the_outage() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).wait_for(ms(2_000)).build().unwrap();
    redlock.lock("k").await.unwrap().release().await.unwrap();
    nodes.iter().for_each(|node| node.always(Misbehaviour::Refused));
    let (head, behind) = tokio::join!(redlock.lock("k"), redlock.lock("k"));
    for error in [head.unwrap_err(), behind.unwrap_err()] {
        assert_eq!(error.kind(), LockErrorKind::Unreachable, "{error}");
        assert!(error.to_string().contains("no connection"), "{error}");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().unwrap()
}

/// Over nodes that need no runtime.
fn over_memory() -> Redlock {
    let nodes = (0..3).map(|i| Arc::new(InMemoryNode::new(i.to_string())) as Arc<dyn LockNode>);
    Redlock::builder().nodes(nodes).ttl(TTL).build().unwrap()
}

#[test]
fn a_first_contact_on_a_runtime_that_nobody_polls_holds_up_nobody() {
    let (idle, ours) = (runtime(), runtime());
    let redlock = over_memory();
    let mut begun = Box::pin(redlock.lock("another"));
    {
        let _idle = idle.enter();
        let poll = begun.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll.is_pending());
    }
    assert!(ours.block_on(redlock.lock("k")).is_ok());
}

#[test]
fn a_first_contact_on_a_runtime_that_is_shut_down_ends() {
    let idle = runtime();
    let handle = idle.handle().clone();
    drop(idle);
    let had = handle.block_on(async { over_memory().try_lock("k").await.map(drop) });
    assert!(had.is_ok(), "{had:?}");
}

#[test]
fn a_guard_dropped_on_a_runtime_that_nobody_polls_holds_up_the_line_for_its_lease_only() {
    let (idle, ours) = (runtime(), runtime());
    let redlock = over_memory();
    let options = LockOptions::new().wait_for(Duration::from_secs(3_600));
    idle.block_on(async { drop(redlock.lock_with("k", &options).await.unwrap()) });
    ours.block_on(async {
        let began = Instant::now();
        let options = LockOptions::new().wait_for(TTL * 3);
        let had = redlock.lock_with("k", &options).await.map(drop);
        assert!(had.is_ok(), "{had:?}");
        assert!(began.elapsed() < TTL + ms(1_000), "{:?}", began.elapsed());
    });
}

/// What of the first lock is not answered is looked after on its runtime, and what of the second one is goes on at once.
#[test]
fn a_lock_on_another_runtime_than_the_one_before_comes_to_no_dead_end() {
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        // Of one clock, which goes by.
        let runtime =
            || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (one, other) = (runtime(), runtime());
        let hung = nodes(1);
        hung[0].hang();
        let two = ["a", "b"].map(|name| Arc::new(InMemoryNode::new(name)) as Arc<dyn LockNode>);
        let redlock = builder(&hung).nodes(two).build().unwrap();
        let first = one.block_on(redlock.try_lock("a")).unwrap();
        let second = other.block_on(redlock.try_lock("b")).unwrap();
        other.block_on(second.release()).unwrap();
        one.block_on(first.release()).unwrap();
        done.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_secs(60)).expect("neither waits for the other");
}
