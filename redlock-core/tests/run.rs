//! Work that stops when its lock is lost.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::*;
use redlock_core::faults::{Misbehaviour::*, Verb};
use redlock_core::{Lease, LockErrorKind, LostReason, Redlock};
use tokio::time::Instant;

const VALIDITY: Duration = Duration::from_millis(9_898);

/// Tells whether its guard had let go when the work was dropped.
struct Dropped(Lease, Arc<Mutex<Option<Option<LostReason>>>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        *self.1.lock().unwrap() = Some(self.0.lost_reason());
    }
}

/// All tasks of the runtime that have not ended.
fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[tokio::test(start_paused = true)]
async fn work_that_ends_in_time_gives_its_result() {
    let nodes = nodes(3);
    let guard = redlock(&nodes).lock("k").await.unwrap();
    let work = async {
        pass(ms(100)).await;
        7
    };
    assert_eq!(guard.lease().run(work).await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn work_is_dropped_at_the_exact_deadline() {
    let nodes = nodes(3);
    let start = Instant::now();
    let guard = redlock(&nodes).lock("k").await.unwrap();
    let lost = guard.lease().run(pending::<()>()).await.unwrap_err();
    assert_eq!((lost.reason(), start.elapsed()), (LostReason::Expired, VALIDITY));
    assert_eq!(lost.to_string(), "stopped: the lock was lost, it expired");
}

#[tokio::test(start_paused = true)]
async fn work_under_a_lock_that_is_lost_is_not_begun() {
    let nodes = nodes(3);
    let guard = redlock(&nodes).lock("k").await.unwrap();
    pass(VALIDITY).await;
    let lost = guard.lease().run(async { panic!("begun") }).await;
    assert_eq!(lost.map_err(|lost| lost.reason()), Err::<(), _>(LostReason::Expired));
}

#[tokio::test(start_paused = true)]
async fn work_makes_no_step_when_its_process_comes_back_after_the_deadline() {
    let nodes = nodes(3);
    let guard = redlock(&nodes).lock("k").await.unwrap();
    let lease = guard.lease();
    let mut steps = 0;
    {
        let work = poll_fn(|_| {
            steps += 1;
            Poll::<()>::Pending
        });
        let mut run = pin!(lease.run(work));
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(run.as_mut().poll(cx).is_pending());
        tokio::time::advance(VALIDITY).await;
        assert!(run.as_mut().poll(cx).is_ready());
    }
    assert_eq!(steps, 1);
}

#[tokio::test(start_paused = true)]
async fn a_release_by_the_guard_stops_the_work() {
    let nodes = nodes(3);
    let guard = redlock(&nodes).lock("k").await.unwrap();
    let lease = guard.lease();
    let work = tokio::spawn(async move { lease.run(pending::<()>()).await });
    pass(ms(10)).await;
    guard.release().await.unwrap();
    assert_eq!(work.await.unwrap().unwrap_err().reason(), LostReason::Released);
}

async fn stolen(nodes: &[Node]) {
    pass(ms(100)).await;
    nodes[..2].iter().for_each(|node| node.inner().put("k", "a thief", None));
}

#[tokio::test(start_paused = true)]
async fn with_lock_stops_the_work_when_the_lock_is_lost_and_says_so() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let start = Instant::now();
    let (error, ()) =
        tokio::join!(redlock.with_lock("k", async |_| pending::<()>().await), stolen(&nodes));
    let error = error.unwrap_err();
    assert!(start.elapsed() < TTL / 2, "at the first renewal: {:?}", start.elapsed());
    assert_eq!(
        (error.kind(), error.lost_reason()),
        (LockErrorKind::Lost, Some(LostReason::Stolen))
    );
    assert_eq!(
        error.to_string(),
        "stopped: the lock was lost, no majority of nodes holds it any more"
    );
    redlock.close().await;
    assert_eq!(nodes[2].inner().value("k"), None, "what was left of it is released");
}

#[tokio::test(start_paused = true)]
async fn with_lock_in_an_outage_stops_the_work_at_the_deadline() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    nodes.iter().for_each(|node| node.on(Verb::Extend).always(Refused));
    let start = Instant::now();
    let error = redlock.with_lock("k", async |_| pending::<()>().await).await.unwrap_err();
    assert_eq!(error.lost_reason(), Some(LostReason::NoQuorum));
    assert_eq!(start.elapsed(), VALIDITY);
}

#[tokio::test(start_paused = true)]
async fn with_lock_unguarded_lets_the_work_finish() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let work = async |lease: Lease| {
        pass(TTL).await;
        lease.lost_reason()
    };
    let (result, ()) = tokio::join!(redlock.with_lock_unguarded("k", work), stolen(&nodes));
    assert_eq!(result.unwrap(), Some(LostReason::Stolen));
}

/// How a call of `with_lock` ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    Left,
    Stopped,
}

#[tokio::test(start_paused = true)]
async fn the_work_is_dropped_before_its_lock_is_released() {
    for (end, lost) in
        [(End::Done, None), (End::Left, None), (End::Stopped, Some(LostReason::NoQuorum))]
    {
        let nodes = nodes(3);
        let redlock = redlock(&nodes);
        if end == End::Stopped {
            nodes.iter().for_each(|node| node.on(Verb::Extend).always(Refused));
        }
        let at_drop = Arc::default();
        let told = Arc::clone(&at_drop);
        let call = redlock.with_lock("k", async move |lease| {
            let _dropped = Dropped(lease, told);
            pass(if end == End::Done { ms(10) } else { TTL * 3 }).await;
        });
        let limit = if end == End::Left { ms(50) } else { TTL * 2 };
        assert_eq!(tokio::time::timeout(limit, call).await.is_err(), end == End::Left);
        assert_eq!(*at_drop.lock().unwrap(), Some(lost), "{end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_cancelled_at_the_loss() {
    let nodes = nodes(3);
    let start = Instant::now();
    let guard = redlock(&nodes).lock("k").await.unwrap();
    let token = guard.lease().cancellation_token();
    assert!(!token.is_cancelled());
    token.cancelled().await;
    assert_eq!(start.elapsed(), VALIDITY);
    assert!(guard.is_lost());
    assert!(guard.lease().cancellation_token().is_cancelled(), "one that comes later, too");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_cancelled_by_the_release_and_by_the_guards_drop() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    for release in [true, false] {
        let guard = redlock.lock("k").await.unwrap();
        let token = guard.lease().cancellation_token();
        let start = Instant::now();
        if release {
            guard.release().await.unwrap();
        } else {
            drop(guard);
        }
        token.cancelled().await;
        assert!(start.elapsed() < ms(1));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_cancels_a_token_stops_nobody_elses_work() {
    let nodes = nodes(3);
    let guard = redlock(&nodes).lock("k").await.unwrap();
    let (one, other) = (guard.lease().cancellation_token(), guard.lease().cancellation_token());
    one.cancel();
    pass(ms(1)).await;
    assert!(!other.is_cancelled() && !guard.is_lost());
}

async fn ended_in(what: impl AsyncFnOnce(redlock_core::LockGuard), redlock: &Redlock) {
    let guard = redlock.lock("k").await.unwrap();
    let before = tasks();
    let tokens: Vec<_> = (0..10).map(|_| guard.lease().cancellation_token()).collect();
    pass(ms(1)).await;
    assert_eq!(tasks(), before + 1, "one task for all tokens of a hold");
    what(guard).await;
    pass(ms(1)).await;
    assert!(tasks() <= before, "the task outlives the hold");
    assert!(tokens.iter().all(|token| token.is_cancelled()));
}

#[tokio::test(start_paused = true)]
async fn the_task_behind_a_token_ends_with_the_hold() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    ended_in(async |guard| assert!(guard.release().await.is_ok()), &redlock).await;
    ended_in(async |guard| drop(guard), &redlock).await;
    let leaked = async |guard: redlock_core::LockGuard| {
        let token = guard.leak();
        pass(VALIDITY).await;
        redlock.release("k", &token).await.unwrap();
    };
    ended_in(leaked, &redlock).await;
}

#[test]
fn a_token_is_cancelled_when_the_runtime_of_its_lock_ends() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let guard = runtime.block_on(redlock.lock("k")).unwrap();
    let token = guard.lease().cancellation_token();
    assert!(!token.is_cancelled());
    drop(runtime);
    assert!(token.is_cancelled());
    assert!(guard.lease().cancellation_token().is_cancelled(), "nobody watches any more");
}
