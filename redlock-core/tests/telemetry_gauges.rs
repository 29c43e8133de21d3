//! Gauges go back to where they were, on every path.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/recorder.rs"]
mod recorder;

use common::{TTL, builder, meet, ms, nodes, pass, poll_and_drop};
use metrics::set_default_local_recorder;
use recorder::{Seen, close, recorder};
use redlock_core::Renewal;
use redlock_core::faults::Misbehaviour::SlowReply;

#[tokio::test(start_paused = true)]
async fn a_dropped_attempt_is_cancelled_and_its_clean_up_is_a_background_task() {
    let (seen, _recorder) = recorder();
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    meet(&redlock).await;
    pass(ms(50)).await;
    nodes.iter().for_each(|node| node.always(SlowReply(ms(50))));
    assert!(poll_and_drop(redlock.try_lock("k"), 1).await.is_none());
    assert_eq!((seen.acquired("cancelled").0, seen.attempts("cancelled")), (1, 1));
    assert_eq!(seen.gauge("redlock_waiting", &[]), 0.0);
    assert_eq!(seen.gauge("redlock_background_tasks", &[]), 1.0);
    pass(ms(200)).await;
    assert_eq!(seen.gauge("redlock_background_tasks", &[]), 0.0);
    close(redlock, &seen).await;
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_is_leaked_or_unwound_is_not_held_any_more() {
    let (seen, _recorder) = recorder();
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    let token = redlock.lock("a").await.unwrap().leak();
    assert_eq!(seen.gauge("redlock_held", &[]), 0.0);
    redlock.release("a", &token).await.unwrap();
    // Unwinding, on a thread of its own, which has no runtime and no recorder either.
    let guard = redlock.lock("b").await.unwrap();
    let unwound = std::thread::spawn(move || {
        let _guard = guard;
        panic!("with a lock");
    });
    assert!(unwound.join().is_err());
    assert_eq!(seen.gauge("redlock_held", &[]), 0.0);
    let extending = redlock.lock("c").await.unwrap();
    nodes.iter().for_each(|node| node.always(SlowReply(ms(5))));
    assert!(poll_and_drop(extending.extend(TTL), 1).await.is_none());
    assert_eq!(seen.counter("redlock_extend_total", &["outcome=cancelled"]), 1);
    assert!(poll_and_drop(extending.release(), 1).await.is_none());
    assert_eq!(seen.counter("redlock_release_total", &["outcome=unawaited"]), 1);
    close(redlock, &seen).await;
    assert!(seen.emitted().iter().all(|(_, (name, _))| name != "redlock_lost_total"));
}

#[tokio::test(start_paused = true)]
async fn a_runtime_that_ends_takes_what_it_had_from_the_gauges() {
    let (seen, _recorder) = recorder();
    let nodes = nodes(3);
    let redlock = builder(&nodes).renewal(Renewal::Auto).build().unwrap();
    let other = redlock.clone();
    let recorder: &'static Seen = Box::leak(Box::new(seen.clone()));
    std::thread::spawn(move || {
        let _recorder = set_default_local_recorder(recorder);
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let guard = other.lock("a").await.unwrap();
            tokio::spawn(async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            });
            tokio::task::yield_now().await;
            nodes.iter().for_each(|node| node.always(SlowReply(ms(100))));
            assert!(poll_and_drop(other.lock("b"), 1).await.is_none());
        });
        assert!(recorder.gauge("redlock_background_tasks", &[]) > 0.0);
    })
    .join()
    .unwrap();
    assert_eq!(seen.gauge("redlock_background_tasks", &[]), 0.0);
    close(redlock, &seen).await;
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_comes_after_the_handle_is_found() {
    let redlock = builder(&nodes(3)).build().unwrap();
    let guard = redlock.lock("before").await.unwrap();
    let (seen, _recorder) = recorder();
    drop(guard);
    assert_eq!(seen.gauge("redlock_held", &[]), 0.0, "it was not counted up here either");
    redlock.lock("k").await.unwrap().release().await.unwrap();
    assert_eq!(seen.acquired("acquired").0, 1);
    close(redlock, &seen).await;
}

#[tokio::test(start_paused = true)]
async fn a_handle_tells_how_it_is_set_up_for_as_long_as_it_exists() {
    let (seen, _recorder) = recorder();
    let handle = |guard: bool| {
        let builder = builder(&nodes(5)).fencing(true).wake_ups(false);
        if guard { builder.restart_guard(TTL) } else { builder }.build().unwrap()
    };
    let labels = |guard| ["fencing=true", "nodes=5", guard, "wake_ups=false"];
    let handles = (handle(true), handle(true), handle(false));
    let count = |guard| seen.gauge("redlock_handles", &labels(guard));
    assert_eq!((count("restart_guard=true"), count("restart_guard=false")), (2.0, 1.0));
    drop(handles);
    assert_eq!(seen.up(), []);
    // A rate sees no step in a counter that begins at one.
    let lost: Vec<_> =
        seen.series().into_iter().filter(|(name, _)| name == "redlock_lost_total").collect();
    assert_eq!(lost.len(), 4, "{lost:?}");
}

#[tokio::test(start_paused = true)]
async fn handles_are_counted_by_the_servers_that_they_lock_on_and_follow_a_restart() {
    let (seen, _recorder) = recorder();
    let all = nodes(3);
    let turned: Vec<_> = all.iter().rev().cloned().collect();
    let handles = [builder(&all), builder(&turned), builder(&all[..2])].map(|b| b.build().unwrap());
    let counted = || seen.series().iter().filter(|(name, _)| name == "redlock_node_set").count();
    assert_eq!(counted(), 0, "nobody knows them yet");
    for handle in &handles {
        meet(handle).await;
    }
    let known = async |handle: &redlock_core::Redlock| {
        handle.probe().await.unwrap().node_set.unwrap().to_string()
    };
    let of = |print: &String| seen.gauge("redlock_node_set", &[&format!("fingerprint={print}")]);
    let (whole, less) = (known(&handles[0]).await, known(&handles[2]).await);
    assert_eq!((of(&whole), of(&less), counted()), (2.0, 1.0, 2));
    all[2].inner().restart();
    let after = known(&handles[0]).await;
    assert_eq!((of(&whole), of(&after)), (1.0, 1.0), "one has heard of it");
    known(&handles[1]).await;
    assert_eq!((of(&whole), of(&after), of(&less)), (0.0, 2.0, 1.0));
    for handle in &handles {
        handle.close().await;
    }
    drop(handles);
    pass(ms(20)).await;
    assert_eq!(seen.up(), []);
}

#[tokio::test(start_paused = true)]
async fn calls_wait_until_they_have_their_lock_and_then_it_is_held() {
    let (seen, _recorder) = recorder();
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    let now = || (seen.gauge("redlock_waiting", &[]), seen.gauge("redlock_held", &[]));
    let guard = redlock.lock("k").await.unwrap();
    assert_eq!(now(), (0.0, 1.0));
    let second = redlock.clone();
    let waiting = tokio::spawn(async move { second.lock("k").await.unwrap() });
    pass(ms(500)).await;
    assert_eq!(now(), (1.0, 1.0));
    drop(guard);
    let guard = waiting.await.unwrap();
    assert_eq!(now(), (0.0, 1.0));
    assert_eq!(seen.acquired("acquired"), (2, vec![0.0, 0.505]), "with a gap for others");
    pass(ms(250)).await;
    guard.release().await.unwrap();
    assert_eq!(now(), (0.0, 0.0));
    assert_eq!(seen.histogram("redlock_hold_duration_seconds", &[]), [0.5, 0.25]);
    let released = |outcome| seen.counter("redlock_release_total", &[outcome]);
    assert_eq!((released("outcome=unawaited"), released("outcome=released")), (1, 1));
    close(redlock, &seen).await;
}
