//! The caller leaves: no key stays behind, wherever it left.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use std::sync::Arc;

use common::*;
use redlock_core::faults::{Faulty, Misbehaviour::*, Verb};
use redlock_core::{InMemoryNode, LockNode, LockOptions, Redlock, Renewal};

/// Nodes that take their time, each its own, so that a call is polled many times.
fn slow_nodes() -> Vec<Node> {
    let nodes = nodes(5);
    for (i, node) in nodes.iter().enumerate() {
        node.always(SlowRequest(ms(3 * i as u64)));
        node.always(SlowReply(ms(1 + 2 * i as u64)));
    }
    nodes
}

/// Drops what `call` gives after the k-th poll, for every k until it is done by itself, and checks the nodes.
async fn dropped_at_every_poll<F, T>(
    prepare: impl Fn(&[Node]),
    call: impl Fn(Redlock) -> F,
) -> usize
where
    F: Future<Output = T>,
{
    for k in 0.. {
        assert!(k < 1_000, "never done");
        let nodes = slow_nodes();
        let redlock = redlock(&nodes);
        prepare(&nodes);
        let done = poll_and_drop(call(redlock.clone()), k).await.map(drop).is_some();
        pass(ms(1_000)).await;
        let ours = nodes.iter().flat_map(|node| {
            let values = node.inner().keys().into_iter().map(|key| node.inner().value(key));
            values.collect::<Vec<_>>()
        });
        let ours = ours.filter(|value| value.as_deref() != Some(b"somebody else")).count();
        assert_eq!(ours, 0, "keys left after dropping at poll {k}");
        redlock.close().await;
        if done {
            return k;
        }
    }
    unreachable!()
}

#[tokio::test(start_paused = true)]
async fn dropping_lock_after_any_poll_leaves_no_key() {
    let polls =
        dropped_at_every_poll(|_| {}, async |redlock| redlock.lock("k").await.map(drop)).await;
    assert!(polls > 4, "{polls}");
}

#[tokio::test(start_paused = true)]
async fn dropping_a_contended_lock_after_any_poll_leaves_no_key() {
    let occupied = |nodes: &[Node]| {
        nodes[..3].iter().for_each(|node| occupy(node, "k", Some(ms(900))));
    };
    let call = async |redlock: Redlock| {
        let options = LockOptions::new().wait_for(ms(800));
        redlock.lock_with("k", &options).await.map(drop)
    };
    let polls = dropped_at_every_poll(occupied, call).await;
    assert!(polls > 20, "{polls}");
}

#[tokio::test(start_paused = true)]
async fn dropping_lock_over_failing_nodes_after_any_poll_leaves_no_key() {
    let broken = |nodes: &[Node]| {
        nodes[0].on(Verb::Acquire).always(LostReply);
        nodes[1].on(Verb::Acquire).always(CutAfter);
        nodes[2].on(Verb::Acquire).next(1, LostReply);
    };
    let call = async |redlock: Redlock| redlock.lock("k").await.map(drop);
    let polls = dropped_at_every_poll(broken, call).await;
    assert!(polls > 10, "{polls}");
}

#[tokio::test(start_paused = true)]
async fn dropping_a_release_after_any_poll_leaves_no_key() {
    let call = async |redlock: Redlock| redlock.lock("k").await.unwrap().release().await.is_ok();
    dropped_at_every_poll(|_| {}, call).await;
}

#[tokio::test(start_paused = true)]
async fn dropping_an_extension_after_any_poll_leaves_no_key() {
    let call = async |redlock: Redlock| {
        let guard = redlock.lock("k").await.unwrap();
        guard.extend(TTL).await.unwrap();
    };
    dropped_at_every_poll(|_| {}, call).await;
}

#[tokio::test(start_paused = true)]
async fn dropping_with_lock_after_any_poll_leaves_no_key() {
    let call = async |redlock: Redlock| {
        redlock.with_lock("k", async |lease| lease.remaining()).await.unwrap();
    };
    dropped_at_every_poll(|_| {}, call).await;
}

#[tokio::test(start_paused = true)]
async fn dropping_a_lock_on_several_resources_after_any_poll_leaves_no_key() {
    let call = async |redlock: Redlock| redlock.lock(["a", "b", "c"]).await.map(drop);
    dropped_at_every_poll(|_| {}, call).await;
}

#[tokio::test(start_paused = true)]
async fn an_outer_timeout_over_hung_nodes_leaves_no_key_when_they_return() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    nodes.iter().for_each(|node| node.hang());
    let result = tokio::time::timeout(ms(50), redlock.lock("k")).await;
    assert!(result.is_err());
    pass(ms(3_000)).await;
    nodes.iter().for_each(|node| node.resume());
    pass(ms(1)).await;
    assert_eq!(littered(&nodes), 0, "the release waited behind the acquire");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_guard_releases_in_the_background() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    drop(redlock.lock("k").await.unwrap());
    redlock.close().await;
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_under_the_lock_releases_it() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let inner = redlock.clone();
    let task = tokio::spawn(async move {
        let _guard = inner.lock("k").await.unwrap();
        panic!("on purpose");
    });
    assert!(task.await.unwrap_err().is_panic());
    pass(ms(1)).await;
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_with_lock_releases_it() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let inner = redlock.clone();
    let task = tokio::spawn(async move {
        let work = async |_| panic!("on purpose");
        inner.with_lock("k", work).await
    });
    assert!(task.await.unwrap_err().is_panic());
    pass(ms(1)).await;
    assert_eq!(littered(&nodes), 0);
}

#[test]
fn a_guard_may_be_dropped_on_a_thread_without_a_runtime() {
    let nodes = nodes(3);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let redlock = redlock(&nodes);
    let guard = runtime.block_on(redlock.lock("k")).unwrap();
    std::thread::spawn(move || drop(guard)).join().unwrap();
    runtime.block_on(redlock.close());
    assert_eq!(littered(&nodes), 0);
}

#[test]
fn a_guard_dropped_in_a_current_thread_runtime_does_not_block_it() {
    let nodes = nodes(3);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let redlock = redlock(&nodes);
    runtime.block_on(async {
        drop(redlock.lock("k").await.unwrap());
        redlock.close().await;
    });
    assert_eq!(littered(&nodes), 0);
}

#[test]
fn a_guard_may_outlive_its_runtime() {
    for multi in [false, true] {
        let nodes = nodes(3);
        let redlock = builder(&nodes).renewal(Renewal::Auto).build().unwrap();
        let mut builder = if multi {
            tokio::runtime::Builder::new_multi_thread()
        } else {
            tokio::runtime::Builder::new_current_thread()
        };
        let runtime = builder.worker_threads(1).enable_time().build().unwrap();
        let guard = runtime.block_on(redlock.lock("k")).unwrap();
        let lease = guard.lease();
        drop(runtime);
        drop(guard);
        assert!(lease.is_lost());
        assert!(standing(&nodes, "k") >= 2, "nobody was there to release it: it expires");
    }
}

#[test]
fn a_guard_may_be_dropped_by_a_runtime_that_shuts_down() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let (held, is_held) = std::sync::mpsc::channel();
    let task = runtime.spawn(async move {
        let _guard = redlock.lock("k").await.unwrap();
        held.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    is_held.recv().unwrap();
    drop(runtime);
    assert!(task.is_finished());
}

#[test]
fn a_call_outside_a_runtime_is_an_error_and_no_panic() {
    let nodes = nodes(1);
    let redlock = redlock(&nodes);
    let mut call = Box::pin(redlock.lock("k"));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match call.as_mut().poll(&mut cx) {
        std::task::Poll::Ready(Err(error)) => {
            assert_eq!(error.kind(), redlock_core::LockErrorKind::Environment);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_guard_leaves_the_lock_to_expire() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    std::mem::forget(redlock.lock("k").await.unwrap());
    pass(TTL - ms(1)).await;
    assert_eq!(standing(&nodes, "k"), 3);
    pass(ms(2)).await;
    assert_eq!(standing(&nodes, "k"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_leaked_lock_stays_and_is_released_by_whoever_has_the_token() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).renewal(Renewal::Auto).build().unwrap();
    let token = redlock.lock("k").await.unwrap().leak();
    pass(TTL / 2).await;
    assert_eq!(standing(&nodes, "k"), 3);
    // Another process.
    let other =
        Redlock::builder().nodes(nodes.iter().map(|n| Arc::clone(n) as Arc<dyn LockNode>)).ttl(TTL);
    let other = other.build().unwrap();
    let token = redlock_core::Token::parse(token.expose()).unwrap();
    assert_eq!(other.release("k", &token).await.unwrap(), redlock_core::Release::Released);
    assert_eq!(other.release("k", &token).await.unwrap(), redlock_core::Release::AlreadyGone);
    assert_eq!(standing(&nodes, "k"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_leaked_lock_is_not_renewed() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).renewal(Renewal::Auto).build().unwrap();
    let _token = redlock.lock("k").await.unwrap().leak();
    pass(TTL + ms(1)).await;
    assert_eq!(standing(&nodes, "k"), 0);
}

#[tokio::test(start_paused = true)]
async fn hung_nodes_do_not_pile_up_clean_ups_without_bound() {
    let nodes: Vec<Node> = (0..3)
        .map(|i| Arc::new(Faulty::new(Arc::new(InMemoryNode::new(format!("node-{i}"))))))
        .collect();
    let redlock = redlock(&nodes);
    // Every claim reached the node; then it hangs for good.
    let guards: Vec<_> = futures(&redlock, 1_000).await;
    nodes[0].hang();
    drop(guards);
    pass(ms(1_000)).await;
    nodes[0].clear_log();
    pass(ms(5_000)).await;
    let tries = nodes[0].calls(Verb::Release);
    assert!(tries > 256, "{tries}: those that are tried again are tried until they expire");
    // One that waits a second and times out after 400 ms begins at most four times in five.
    assert!(tries <= 256 * 4, "{tries}: no more than 256 at a time");
}

async fn futures(redlock: &Redlock, n: usize) -> Vec<redlock_core::LockGuard> {
    let mut guards = Vec::new();
    for i in 0..n {
        guards.push(redlock.lock(format!("held{i}")).await.unwrap());
    }
    guards
}
