//! Those who wait for a permit: in line, and between processes.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use std::sync::{Arc, Mutex};

use common::*;
use redlock_core::faults::Misbehaviour::*;
use redlock_core::faults::Verb;
use redlock_core::{LockErrorKind, LockOptions, Redlock, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Two handles are as good as two processes.
fn two(nodes: &[Node]) -> [Redlock; 2] {
    [7, 8].map(|seed| builder(nodes).retry_seed(seed).build().unwrap())
}

/// Waits for a permit, notes it, and holds it for a while.
fn worker(semaphore: &Semaphore, log: &Log, name: usize, hold: u64) -> JoinHandle<()> {
    let (semaphore, log) = (semaphore.clone(), Arc::clone(log));
    tokio::spawn(async move {
        let permit = semaphore.acquire().await.unwrap();
        log.lock().unwrap().push(name);
        pass(ms(hold)).await;
        permit.release().await.unwrap();
    })
}

#[tokio::test(start_paused = true)]
async fn a_process_waits_in_order_and_the_first_alone_asks() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let semaphore = redlock.semaphore("s", 2).unwrap();
    meet(&redlock).await;
    let asked = calls(&nodes, Verb::Acquire)[0];
    let log = Log::default();
    let mut tasks = Vec::new();
    for name in 0..8 {
        tasks.push(worker(&semaphore, &log, name, 100));
        pass(ms(1)).await;
    }
    assert_eq!(*log.lock().unwrap(), [0, 1]);
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*log.lock().unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
    // Once in vain for each that became the first while none was free, and perhaps once more when it began to listen.
    let asked = calls(&nodes, Verb::Acquire)[0] - asked;
    assert!((8..=20).contains(&asked), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn as_many_ask_at_once_as_permits_are_free() {
    let nodes = nodes(3);
    for node in &nodes {
        node.always(SlowRequest(ms(5)));
        node.always(SlowReply(ms(5)));
    }
    let redlock = redlock(&nodes);
    let semaphore = redlock.semaphore("s", 16).unwrap();
    meet(&redlock).await;
    let log = Log::default();
    let began = Instant::now();
    let tasks: Vec<_> = (0..16).map(|name| worker(&semaphore, &log, name, 1_000)).collect();
    while log.lock().unwrap().len() < 16 {
        pass(ms(1)).await;
    }
    assert!(began.elapsed() <= ms(22), "{:?}: the first, then all others", began.elapsed());
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_release_in_one_process_wakes_a_waiter_in_another_whatever_slot_it_is_of() {
    for slot in [0, 1, 2] {
        let nodes = nodes(3);
        let [ours, theirs] = two(&nodes).map(|handle| handle.semaphore("s", 3).unwrap());
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(ours.acquire().await.unwrap());
        }
        let waiting = tokio::spawn(async move { theirs.acquire().await.unwrap() });
        pass(ms(900)).await;
        assert!(!waiting.is_finished());
        let at = held.iter().position(|permit| permit.slot() == slot).unwrap();
        let began = Instant::now();
        held.swap_remove(at).release().await.unwrap();
        let permit = waiting.await.unwrap();
        assert!(began.elapsed() <= ms(4), "{:?}", began.elapsed());
        assert_eq!(permit.slot(), slot);
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_wakes_the_next_of_its_process_where_nothing_is_told() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).wake_ups(false).build().unwrap();
    let semaphore = redlock.semaphore("s", 2).unwrap();
    let mut held = vec![semaphore.acquire().await.unwrap(), semaphore.acquire().await.unwrap()];
    let waiting = tokio::spawn(async move { semaphore.acquire().await.unwrap() });
    pass(ms(900)).await;
    assert!(!waiting.is_finished());
    let began = Instant::now();
    held.pop().unwrap().release().await.unwrap();
    drop(waiting.await.unwrap());
    assert!(began.elapsed() <= ms(4), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn more_than_may_wait_are_turned_away() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).max_waiters(2).build().unwrap();
    let semaphore = redlock.semaphore("s", 1).unwrap();
    let held = semaphore.acquire().await.unwrap();
    // One asks, two wait behind it; locks of the slots and of the name stand in lines of their own.
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let semaphore = semaphore.clone();
            tokio::spawn(async move { semaphore.acquire().await.map(drop) })
        })
        .collect();
    pass(ms(10)).await;
    let error = semaphore.acquire().await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::TooManyWaiters);
    drop(redlock.lock("s").await.unwrap());
    let brief = LockOptions::new().wait_for(ms(300));
    let error = redlock.lock_with("s/0", &brief).await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::TimedOut);
    drop(held);
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_in_line_ends_with_its_budget_and_tells_why() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let semaphore = redlock.semaphore("s", 1).unwrap();
    let held = semaphore.acquire().await.unwrap();
    let first = tokio::spawn({
        let (semaphore, patient) = (semaphore.clone(), LockOptions::new().wait_for(ms(600)));
        async move { semaphore.acquire_with(&patient).await }
    });
    pass(ms(50)).await;
    let began = Instant::now();
    let brief = LockOptions::new().wait_for(ms(400));
    let error = semaphore.acquire_with(&brief).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (LockErrorKind::TimedOut, 0));
    assert_eq!(error.tally().refused, 3, "what the one before it met: {error}");
    assert_eq!(began.elapsed(), ms(400));
    let error = first.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::TimedOut);
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn who_is_dropped_in_line_is_passed_over() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let semaphore = redlock.semaphore("s", 1).unwrap();
    let held = semaphore.acquire().await.unwrap();
    let log = Log::default();
    let tasks: Vec<_> = (0..3).map(|name| worker(&semaphore, &log, name, 10)).collect();
    pass(ms(50)).await;
    tasks[0].abort();
    tasks[1].abort();
    pass(ms(50)).await;
    held.release().await.unwrap();
    pass(ms(50)).await;
    assert_eq!(*log.lock().unwrap(), [2]);
    assert_eq!(littered(&nodes), 0);
}

/// Three processes with four callers each and three permits: all have turns, and the permits are mostly in use.
#[tokio::test(start_paused = true)]
async fn processes_have_turns_and_permits_do_not_lie_idle() {
    let nodes = nodes(3);
    for node in &nodes {
        node.always(SlowRequest(ms(1)));
    }
    let used = Arc::new(Mutex::new([0_u64; 12]));
    let most = Arc::new(Mutex::new((0_usize, 0_usize)));
    let mut tasks = Vec::new();
    for process in 0..3 {
        let redlock = builder(&nodes).retry_seed(process as u64).build().unwrap();
        let semaphore = redlock.semaphore("s", 3).unwrap();
        for caller in 0..4 {
            let (semaphore, used, most) = (semaphore.clone(), Arc::clone(&used), Arc::clone(&most));
            tasks.push(tokio::spawn(async move {
                loop {
                    let patient = LockOptions::new().wait_for(ms(60_000));
                    let permit = semaphore.acquire_with(&patient).await.unwrap();
                    {
                        let mut most = most.lock().unwrap();
                        most.0 += 1;
                        most.1 = most.1.max(most.0);
                    }
                    pass(ms(20)).await;
                    most.lock().unwrap().0 -= 1;
                    used.lock().unwrap()[process * 4 + caller] += 20;
                    permit.release().await.unwrap();
                }
            }));
        }
    }
    pass(ms(10_000)).await;
    tasks.iter().for_each(JoinHandle::abort);
    let used = *used.lock().unwrap();
    let share = used.iter().sum::<u64>() * 100 / (3 * 10_000);
    assert!(share >= 75, "{share} % in use, {used:?}");
    assert!(used.iter().all(|used| *used * 12 > used_fair() / 4), "{used:?}");
    assert_eq!(most.lock().unwrap().1, 3);
}

/// All time of all permits.
fn used_fair() -> u64 {
    3 * 10_000
}
