//! Readers and writers that wait for each other.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::*;
use redlock_core::faults::Verb;
use redlock_core::{LockErrorKind, LockOptions, Redlock};
use tokio::time::Instant;

/// Two handles are as good as two processes.
fn two(nodes: &[Node]) -> [Redlock; 2] {
    [7, 8].map(|seed| builder(nodes).retry_seed(seed).build().unwrap())
}

/// Ten readers that come and go all the time, so that somebody always has a share.
async fn beside_endless_readers(options: &LockOptions) -> (Result<Duration, LockErrorKind>, u64) {
    let nodes = nodes(3);
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..10)
        .map(|i| {
            let redlock = builder(&nodes).retry_seed(i).build().unwrap();
            let stop = Arc::clone(&stop);
            tokio::spawn(async move {
                let mut reads = 0;
                pass(ms(i * 2)).await;
                while !stop.load(Ordering::Relaxed) {
                    let guard = redlock.read("k").await.unwrap();
                    pass(ms(20)).await;
                    guard.release().await.unwrap();
                    reads += 1;
                }
                reads
            })
        })
        .collect();
    pass(ms(200)).await;
    let redlock = builder(&nodes).retry_seed(99).build().unwrap();
    let began = Instant::now();
    let writer = redlock.lock_with("k", options).await;
    let waited = began.elapsed();
    let writer = writer.map(drop).map_err(|error| error.kind());
    pass(ms(500)).await;
    stop.store(true, Ordering::Relaxed);
    let mut reads = 0;
    for reader in readers {
        reads += reader.await.unwrap();
    }
    (writer.map(|()| waited), reads)
}

#[tokio::test(start_paused = true)]
async fn a_writer_among_endless_readers_gets_in_and_they_go_on() {
    let (writer, reads) = beside_endless_readers(&LockOptions::new()).await;
    let waited = writer.expect("the lock");
    assert!(waited < ms(1_000), "{waited:?}");
    assert!(reads > 100, "{reads}");
    let (writer, _) = beside_endless_readers(&LockOptions::new().writer_intent(false)).await;
    assert_eq!(writer, Err(LockErrorKind::TimedOut), "that is what the intent is for");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_wait_keeps_no_reader_off() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let _reader = redlock.try_read("k").await.unwrap();
    for _ in 0..3 {
        redlock.try_lock("k").await.unwrap_err();
    }
    assert!(nodes.iter().all(|node| !node.inner().is_wanted("k")));
    let brief = LockOptions::new().wait_for(ms(1_500));
    redlock.lock_with("k", &brief).await.unwrap_err();
    assert!(nodes.iter().all(|node| node.inner().is_wanted("k")));
    redlock.try_read("k").await.unwrap_err();
    // It goes by itself.
    pass(ms(900)).await;
    drop(redlock.try_read("k").await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_writer_waits_for_writers_without_an_intent() {
    let nodes = nodes(3);
    let [ours, theirs] = two(&nodes);
    let _writer = ours.lock("k").await.unwrap();
    theirs.lock_with("k", &LockOptions::new().wait_for(ms(1_500))).await.unwrap_err();
    assert!(nodes.iter().all(|node| !node.inner().is_wanted("k")));
}

#[tokio::test(start_paused = true)]
async fn the_last_release_wakes_a_writer_and_a_downgrade_wakes_readers() {
    let nodes = nodes(3);
    let [ours, theirs] = two(&nodes);
    let readers = [ours.read("k").await.unwrap(), ours.read("k").await.unwrap()];
    let waiting = tokio::spawn({
        let theirs = theirs.clone();
        async move { theirs.lock("k").await.unwrap() }
    });
    pass(ms(900)).await;
    let [first, last] = readers;
    first.release().await.unwrap();
    pass(ms(5)).await;
    assert!(!waiting.is_finished());
    let began = Instant::now();
    last.release().await.unwrap();
    let writer = waiting.await.unwrap();
    assert!(began.elapsed() <= ms(4), "{:?}", began.elapsed());

    let waiting = tokio::spawn(async move { ours.read("k").await.unwrap() });
    pass(ms(900)).await;
    assert!(!waiting.is_finished());
    let began = Instant::now();
    let reader = writer.downgrade();
    let beside = waiting.await.unwrap();
    assert!(began.elapsed() <= ms(4), "{:?}", began.elapsed());
    drop((reader, beside));
}

#[tokio::test(start_paused = true)]
async fn readers_of_a_process_go_together_and_a_writer_behind_them_has_its_turn() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    let asked = calls(&nodes, Verb::Acquire)[0];
    let began = Instant::now();
    let log = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for (name, reads) in [true, true, true, false, true, true].into_iter().enumerate() {
        let (redlock, log) = (redlock.clone(), Arc::clone(&log));
        tasks.push(tokio::spawn(async move {
            let note = |what| log.lock().unwrap().push((what, name, began.elapsed()));
            if reads {
                let guard = redlock.read("k").await.unwrap();
                note("reads");
                pass(ms(100)).await;
                guard.release().await.unwrap();
            } else {
                let guard = redlock.lock("k").await.unwrap();
                note("writes");
                pass(ms(100)).await;
                guard.release().await.unwrap();
            }
        }));
        pass(ms(1)).await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    let log = log.lock().unwrap();
    let order: Vec<_> = log.iter().map(|(what, name, _)| (*what, *name)).collect();
    let [a, b, c, d, e, f] = ["reads", "reads", "reads", "writes", "reads", "reads"];
    assert_eq!(order, [(a, 0), (b, 1), (c, 2), (d, 3), (e, 4), (f, 5)]);
    assert!(log[2].2 < ms(50), "{log:?}");
    assert!(log[3].2 >= ms(100) && log[5].2 < ms(250), "{log:?}");
    assert_eq!(calls(&nodes, Verb::Acquire)[0] - asked, 6, "nobody asked in vain");
}
