//! Waiting for several resources at once, beside those who want one of them.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{NODE_TIMEOUT, TTL, builder, ms, nodes, occupy, pass};
use redlock_core::faults::Misbehaviour;
use redlock_core::{LockErrorKind, LockOptions, Redlock, RetryPolicy};
use tokio::task::JoinHandle;
use tokio::time::Instant;

type Waits = Arc<Mutex<Vec<Duration>>>;

const HOLD: Duration = Duration::from_millis(5);

/// Takes the lock again and again, and notes how long it waited each time.
fn again_and_again(redlock: &Redlock, key: &[&'static str], waits: &Waits) -> JoinHandle<()> {
    let (redlock, key, waits) = (redlock.clone(), key.to_vec(), Arc::clone(waits));
    tokio::spawn(async move {
        loop {
            let began = Instant::now();
            let guard = redlock.lock(&*key).await.unwrap();
            waits.lock().unwrap().push(began.elapsed());
            pass(HOLD).await;
            guard.release().await.unwrap();
        }
    })
}

/// Median, 99th percentile and longest.
fn told(what: &str, waits: &Waits) -> Duration {
    let mut waits = waits.lock().unwrap().clone();
    waits.sort_unstable();
    let at = |part: usize| waits[(waits.len() - 1) * part / 100];
    let longest = at(100);
    println!("{what}: {} turns, p50 {:?}, p99 {:?}, max {longest:?}", waits.len(), at(50), at(99));
    longest
}

/// A crowd for each of two resources and one who wants both, for so long in virtual time; the longest waits of the crowd and
/// of the one. `apart`: the crowd is another process.
async fn beside_crowds(apart: bool, length: Duration) -> (Duration, Duration) {
    let nodes = nodes(5);
    for node in &nodes {
        node.always(Misbehaviour::SlowReply(Duration::from_micros(200)));
    }
    let process = |seed| {
        builder(&nodes).retry_seed(seed).wait_for(Duration::from_secs(3_600)).build().unwrap()
    };
    let ours = process(7);
    let theirs = if apart { process(8) } else { ours.clone() };
    let (singles, pairs) = (Waits::default(), Waits::default());
    let mut all = Vec::new();
    for _ in 0..8 {
        all.push(again_and_again(&theirs, &["x"], &singles));
        all.push(again_and_again(&theirs, &["y"], &singles));
    }
    all.push(again_and_again(&ours, &["x", "y"], &pairs));
    pass(length).await;
    all.iter().for_each(JoinHandle::abort);
    println!("apart: {apart}");
    (told("one resource", &singles), told("both", &pairs))
}

#[tokio::test(start_paused = true)]
async fn who_wants_several_resources_waits_no_longer_than_their_lines() {
    let (single, pair) = beside_crowds(false, Duration::from_secs(20)).await;
    // Eight before it in each line, two more that pass while the second line comes free, and a pause for other processes: now
    // and then as long as a retry delay.
    let bound = (HOLD + ms(1)) * 10 + ms(300);
    assert!(pair <= bound, "{pair:?} of {bound:?}");
    assert!(single <= bound, "{single:?} of {bound:?}");
}

/// They stand in no line of ours, and luck alone finds both free. A line that seems alone pauses in the end.
#[tokio::test(start_paused = true)]
async fn who_wants_several_resources_has_turns_beside_crowds_of_another_process() {
    let (_, pair) = beside_crowds(true, Duration::from_secs(20)).await;
    assert!(pair < Duration::from_secs(20), "{pair:?}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_several_resources_keeps_nobody_from_one_that_is_free() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    let y = redlock.lock("y").await.unwrap();
    let both = tokio::spawn({
        let redlock = redlock.clone();
        async move { redlock.lock(["x", "y"]).await.map(drop) }
    });
    pass(ms(1)).await;
    let began = Instant::now();
    for _ in 0..20 {
        drop(redlock.lock("x").await.unwrap());
    }
    assert!(began.elapsed() < ms(20), "{:?}", began.elapsed());
    drop(y);
    both.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_came_free_is_kept_until_the_other_one_is_free_too() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    let x = redlock.lock("x").await.unwrap();
    let y = redlock.lock("y").await.unwrap();
    let log = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for key in [vec!["x", "y"], vec!["x"], vec!["y"]] {
        let (redlock, log) = (redlock.clone(), Arc::clone(&log));
        tasks.push(tokio::spawn(async move {
            let guard = redlock.lock(&*key).await.unwrap();
            log.lock().unwrap().push(key.concat());
            pass(ms(10)).await;
            guard.release().await.unwrap();
        }));
        pass(ms(1)).await;
    }
    // The first time that it is free somebody else may have it; the second time it is kept.
    drop(x);
    pass(ms(5)).await;
    drop(y);
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(log.lock().unwrap()[..2], ["x", "xy"]);
}

#[tokio::test(start_paused = true)]
async fn crossing_sets_of_resources_all_have_their_turns() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    let waits = Waits::default();
    let sets: [&[&str]; 6] =
        [&["a", "b"], &["b", "c"], &["c", "a"], &["c", "b", "a"], &["b"], &["d", "a"]];
    let all: Vec<_> =
        sets.iter().cycle().take(24).map(|key| again_and_again(&redlock, key, &waits)).collect();
    pass(Duration::from_secs(10)).await;
    assert!(all.iter().all(|task| !task.is_finished()));
    all.iter().for_each(JoinHandle::abort);
    let longest = told("crossing", &waits);
    // Everybody three times one after another, and a pause in two lines.
    assert!(longest < (HOLD + ms(1)) * 24 * 3 + ms(300) * 2, "{longest:?}");
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_on_several_resources_frees_every_line() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    let _y = redlock.lock("y").await.unwrap();
    let x = redlock.lock("x").await.unwrap();
    let both = tokio::spawn({
        let redlock = redlock.clone();
        async move { redlock.lock(["x", "y", "z"]).await.map(drop) }
    });
    pass(ms(1)).await;
    let behind = tokio::spawn({
        let redlock = redlock.clone();
        async move { redlock.lock(["x", "z"]).await.map(drop) }
    });
    pass(ms(1)).await;
    both.abort();
    assert!(both.await.is_err());
    let began = Instant::now();
    drop(x);
    behind.await.unwrap().unwrap();
    assert!(began.elapsed() <= ms(2), "{:?}", began.elapsed());
}

/// A call that waits for `y`, keeps `x`, and is not polled any more.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_polled_no_more_keeps_a_resource_no_longer_than_its_budget() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    let x = redlock.lock("x").await.unwrap();
    let y = redlock.lock("y").await.unwrap();
    let options = LockOptions::new().wait_for(ms(3_000));
    let mut stalled = Box::pin(redlock.lock_with(["x", "y"], &options));
    assert!(tokio::time::timeout(ms(10), &mut stalled).await.is_err());
    // Both were free once: the call has its turn, or one of them is kept for it.
    drop(x);
    pass(ms(1)).await;
    let x = redlock.lock("x").await.unwrap();
    drop(y);
    let y = tokio::spawn({
        let redlock = redlock.clone();
        async move { redlock.lock("y").await }
    });
    let began = Instant::now();
    let _y = y.await.unwrap().unwrap();
    assert!(began.elapsed() < ms(5_000), "{:?}", began.elapsed());
    drop(x);
    let error = stalled.await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::TimedOut);
}

/// What keeps the resource is not in the line of the one who waits for it.
#[tokio::test(start_paused = true)]
async fn a_lock_that_is_not_released_is_passed_on_through_a_call_that_is_polled_no_more() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    std::mem::forget(redlock.lock("y").await.unwrap());
    let options = LockOptions::new().wait_for(TTL * 3);
    let x = redlock.lock("x").await.unwrap();
    let mut stalled = Box::pin(redlock.lock_with(["x", "y"], &options));
    assert!(tokio::time::timeout(ms(10), &mut stalled).await.is_err());
    drop(x);
    let began = Instant::now();
    let z = redlock.lock_with(["x", "z"], &options).await.unwrap();
    assert!(began.elapsed() < ms(10), "{:?}", began.elapsed());
    drop(z);
    drop(stalled);
}

#[tokio::test(start_paused = true)]
async fn a_call_counts_in_every_line_that_it_waits_in() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).max_waiters(1).build().unwrap();
    let _y = redlock.lock("y").await.unwrap();
    let both = tokio::spawn({
        let redlock = redlock.clone();
        async move { redlock.lock(["x", "y"]).await.map(drop) }
    });
    pass(ms(1)).await;
    assert_eq!(redlock.lock("y").await.unwrap_err().kind(), LockErrorKind::TooManyWaiters);
    // `x` is free: nobody has to wait for it.
    let x = redlock.lock("x").await.unwrap();
    assert_eq!(redlock.lock("x").await.unwrap_err().kind(), LockErrorKind::TooManyWaiters);
    drop(x);
    both.abort();
}

/// In another process, so that the call has its turn here, and asks in vain.
#[tokio::test(start_paused = true)]
async fn who_is_refused_one_of_several_resources_keeps_nobody_from_the_others() {
    let nodes = nodes(3);
    nodes.iter().for_each(|node| occupy(node, "y", None));
    let redlock = builder(&nodes).wait_for(Duration::from_secs(60)).build().unwrap();
    let both = tokio::spawn({
        let redlock = redlock.clone();
        async move { redlock.lock(["x", "y"]).await.map(drop) }
    });
    pass(ms(1)).await;
    for _ in 0..20 {
        let began = Instant::now();
        drop(redlock.lock("x").await.unwrap());
        assert!(began.elapsed() < ms(1_000), "{:?}", began.elapsed());
    }
    nodes.iter().for_each(|node| assert!(node.inner().remove("y")));
    let began = Instant::now();
    both.await.unwrap().unwrap();
    assert!(began.elapsed() < ms(1_000), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_waits_behind_a_call_for_more_is_not_told_of_what_that_one_was_refused() {
    let nodes = nodes(3);
    nodes.iter().for_each(|node| occupy(node, "y", None));
    let slow = RetryPolicy::uniform(ms(2_000), ms(3_000)).unwrap();
    let redlock = builder(&nodes).retry(slow).build().unwrap();
    let both = tokio::spawn({
        let redlock = redlock.clone();
        async move { redlock.lock(["x", "y"]).await.map(drop) }
    });
    pass(ms(1)).await;
    let options = LockOptions::new().wait_for(NODE_TIMEOUT);
    let error = redlock.lock_with("x", &options).await.unwrap_err();
    assert_eq!((error.kind(), error.nodes()), (LockErrorKind::TimedOut, &[][..]));
    both.abort();
}

/// A call for more that waits must not stop one for ever that holds what it waits for.
#[tokio::test(start_paused = true)]
async fn a_holder_who_takes_another_resource_is_not_stuck_behind_who_waits_for_both() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).wait_for(Duration::from_secs(60)).build().unwrap();
    let (y, x) = (redlock.lock("a").await.unwrap(), redlock.lock("b").await.unwrap());
    let both = tokio::spawn({
        let redlock = redlock.clone();
        async move { redlock.lock(["a", "b"]).await.map(drop) }
    });
    pass(ms(1)).await;
    let nested = tokio::spawn({
        let redlock = redlock.clone();
        async move {
            let outer = redlock.lock("a").await?;
            pass(ms(20)).await;
            let began = Instant::now();
            drop(redlock.lock("b").await?);
            drop(outer);
            Ok::<_, redlock_core::LockError>(began.elapsed())
        }
    });
    pass(ms(1)).await;
    drop(y);
    pass(ms(10)).await;
    drop(x);
    let waited = nested.await.unwrap().unwrap();
    assert!(waited < ms(3_000), "{waited:?}");
    both.await.unwrap().unwrap();
}

/// One that has been had once by everybody is not kept for long for the sake of what another process holds.
#[tokio::test(start_paused = true)]
async fn what_is_free_is_not_kept_for_who_waits_for_what_another_process_holds() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).wait_for(Duration::from_secs(60)).build().unwrap();
    let x = redlock.lock("b").await.unwrap();
    nodes.iter().for_each(|node| occupy(node, "a", None));
    let wanting = |key: &'static [&'static str]| {
        let redlock = redlock.clone();
        tokio::spawn(async move { redlock.lock(key).await.map(drop) })
    };
    let both = wanting(&["a", "b"]);
    pass(ms(1)).await;
    let one = wanting(&["a"]);
    pass(ms(1)).await;
    drop(x);
    let began = Instant::now();
    drop(redlock.lock("b").await.unwrap());
    assert!(began.elapsed() < ms(3_000), "{:?}", began.elapsed());
    both.abort();
    one.abort();
}
