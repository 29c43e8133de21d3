use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_util::task::TaskTracker;

use super::*;

fn background() -> (TaskTracker, Background) {
    let tracker = TaskTracker::new();
    let background = Background::current(&tracker, None).unwrap();
    (tracker, background)
}

#[tokio::test(start_paused = true)]
async fn answers_come_as_they_are_ready_and_every_job_starts_at_once() {
    let (_, background) = background();
    let started = Arc::new(AtomicUsize::new(0));
    let mut fan = FanOut::new(&background, 3);
    for (index, ms) in [(0, 0), (1, 20), (2, 10)] {
        let started = Arc::clone(&started);
        fan.push(
            index,
            Box::pin(async move {
                started.fetch_add(1, Ordering::Relaxed);
                if ms > 0 {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                }
                ms
            }),
        );
    }
    assert_eq!(fan.next().await, Some((0, 0)));
    assert_eq!(started.load(Ordering::Relaxed), 3);
    assert_eq!(fan.next().await, Some((2, 10)));
    assert!(!fan.is_empty());
    assert_eq!(fan.next().await, Some((1, 20)));
    assert!(fan.is_empty());
    assert_eq!(fan.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn what_runs_when_the_caller_leaves_is_driven_to_completion() {
    let (tracker, background) = background();
    let done = Arc::new(AtomicUsize::new(0));
    let mut fan = FanOut::new(&background, 2);
    for index in 0..2 {
        let done = Arc::clone(&done);
        fan.push(
            index,
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                done.fetch_add(1, Ordering::Relaxed);
            }),
        );
    }
    assert!(tokio::time::timeout(Duration::from_millis(1), fan.next()).await.is_err());
    drop(fan);
    tracker.close();
    tracker.wait().await;
    assert_eq!(done.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn answers_are_made_something_else_of_also_those_that_nobody_asks_for() {
    let (tracker, background) = background();
    let mut fan = FanOut::new(&background, 3);
    for (index, ms) in [(0, 0), (1, 0), (2, 10)] {
        fan.push(
            index,
            Box::pin(async move {
                if ms > 0 {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                }
                ms
            }),
        );
    }
    assert_eq!(fan.next().await, Some((0, 0)));
    let made = Arc::new(AtomicUsize::new(0));
    let mut fan = fan.map(|index| {
        let made = Arc::clone(&made);
        move |ms| {
            made.fetch_add(1, Ordering::Relaxed);
            format!("{index}: {ms}")
        }
    });
    assert_eq!(made.load(Ordering::Relaxed), 1, "what was there, and not what was given out");
    assert_eq!(fan.pending().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(fan.next().await, Some((1, "1: 0".to_owned())));
    drop(fan);
    tracker.close();
    tracker.wait().await;
    assert_eq!(made.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_kept_stand_in_the_nodes_order_and_one_look_reads_the_clock_once() {
    let (_, background) = background();
    let mut fan = FanOut::new(&background, 3);
    for (index, ms) in [(0, 0), (2, 0), (3, 10)] {
        let sleep = Duration::from_millis(ms);
        fan.push(index, Box::pin(async move { tokio::time::sleep(sleep).await }));
    }
    fan.put(1, (), None);
    let (clock, mut reads) = (Moment(Duration::from_millis(5)), 0);
    for expected in [0, 2] {
        let place = fan.next_place().await.unwrap();
        let now = || {
            reads += 1;
            clock
        };
        assert_eq!(fan.keep(place, now).map(|(index, ())| index), Some(expected));
    }
    assert_eq!(reads, 1);
    let kept: Vec<_> = fan.kept().map(|(index, (), came)| (index, came)).collect();
    assert_eq!(kept, [(0, Some(clock)), (1, None), (2, Some(clock))]);
    assert!(!fan.are_there(|_, ()| true), "one still runs");
    let place = fan.next_place().await.unwrap();
    assert!(fan.are_there(|index, ()| index == 3) && !fan.are_there(|_, ()| false));
    assert!(!fan.is_empty());
    fan.keep(place, || clock);
    assert!(fan.are_there(|_, ()| false) && fan.is_empty());
}
