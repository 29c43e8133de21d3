//! Locks that stay taken for a while after their end.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use common::*;
use redlock_core::faults::{Misbehaviour::*, Verb};
use redlock_core::node::{
    Claim, Extension, Features, Holding, Identity, NodeError, Removal, Terms, Vote,
};
use redlock_core::{
    InMemoryNode, LockErrorKind, LockKey, LockNode, LockOptions, LockState, LostReason, Redlock,
    Release, Renewal,
};
use tokio::time::{Instant, sleep_until};

const T: Duration = Duration::from_secs(3);

fn at_least(time: Duration) -> LockOptions {
    LockOptions::new().at_least(time)
}

/// Nobody gets the key before `until`, and somebody does a little after it.
async fn taken_until(redlock: &Redlock, until: Instant) {
    let mut at = Instant::now();
    while at < until {
        let error = redlock.try_lock("k").await.unwrap_err();
        assert_eq!(error.kind(), LockErrorKind::Contended);
        at += ms(50);
        sleep_until(at).await;
    }
    sleep_until(until + T / 50 + ms(5)).await;
    redlock.try_lock("k").await.unwrap().release().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_release_ends_the_lease_and_leaves_the_lock_taken_until_the_time_is_over() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    let began = Instant::now();
    let guard = redlock.try_lock_with("k", &at_least(T)).await.unwrap();
    let lease = guard.lease();
    pass(ms(500)).await;
    assert_eq!(guard.release().await.unwrap(), Release::Kept);
    assert_eq!(lease.lost_reason(), Some(LostReason::Released));
    let LockState::Kept { holder, .. } = redlock.inspect("k").await.unwrap().state else {
        panic!("it is not shown as kept")
    };
    for node in &nodes {
        assert_eq!(node.inner().value("k").unwrap(), format!("kept:{holder}").into_bytes());
    }
    taken_until(&redlock, began + T).await;
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_was_held_for_longer_is_released_as_ever() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    let guard = redlock.try_lock_with("k", &at_least(T)).await.unwrap();
    pass(T).await;
    assert_eq!(guard.release().await.unwrap(), Release::Released);
    assert_eq!(littered(&nodes), 0);
    let guard = redlock.try_lock_with("k", &at_least(T).renewal(Renewal::Auto)).await.unwrap();
    pass(TTL * 2).await;
    assert_eq!(guard.release().await.unwrap(), Release::Released);
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_drop_and_a_dead_holder_leave_it_taken_too() {
    for dies in [false, true] {
        let nodes = nodes(3);
        let redlock = redlock(&nodes);
        meet(&redlock).await;
        let began = Instant::now();
        let guard = redlock.try_lock_with("k", &at_least(T)).await.unwrap();
        if dies {
            let all = |n: &Node| n.on(Verb::Release).always(LostRequest);
            nodes.iter().for_each(all);
            drop(guard);
            pass(T).await;
            assert_eq!(standing(&nodes, "k"), 3, "the tokens stand for the time to live");
        } else {
            drop(guard);
            taken_until(&redlock, began + T).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn retries_and_stragglers_keep_until_the_time_is_over_and_release_after_it() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    // The third node's grant comes back after the release, on a connection where that can overtake it.
    nodes[2].reordering(true);
    nodes[2].on(Verb::Acquire).next(1, SlowRequest(ms(150)));
    nodes[1].on(Verb::Release).next(2, LostRequest);
    let began = Instant::now();
    let guard = redlock.try_lock_with("k", &at_least(T)).await.unwrap();
    guard.release().await.unwrap();
    pass(ms(1_500)).await;
    for node in &nodes {
        assert!(node.inner().value("k").unwrap().starts_with(b"kept:"), "{node:?}");
    }
    taken_until(&redlock, began + T).await;
    pass(T).await;
    // A node that comes back after the time is over is released.
    nodes[1].on(Verb::Release).next(20, Refused);
    let guard = redlock.try_lock_with("k", &at_least(ms(200))).await.unwrap();
    assert_eq!(guard.release().await.unwrap(), Release::Kept);
    pass(ms(300)).await;
    nodes[1].on(Verb::Release).heal();
    pass(ms(1_500)).await;
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_keeps_nothing() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    nodes[..2].iter().for_each(|node| occupy(node, "k", Some(ms(100))));
    redlock.try_lock_with("k", &at_least(T)).await.unwrap_err();
    assert_eq!(nodes[2].inner().value("k"), None);
    pass(ms(200)).await;
    // Nor does one that is left before its verdict.
    nodes.iter().for_each(|node| node.on(Verb::Acquire).next(1, SlowReply(ms(50))));
    let left = tokio::time::timeout(ms(20), redlock.try_lock_with("k", &at_least(T))).await;
    assert!(left.is_err());
    pass(ms(500)).await;
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_leaked_is_freed_by_its_token() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let token = redlock.try_lock_with("k", &at_least(T)).await.unwrap().leak();
    assert_eq!(redlock.release("k", &token).await.unwrap(), Release::Released);
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn several_resources_are_kept_together() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let guard = redlock.try_lock_with(["a", "b"], &at_least(T)).await.unwrap();
    assert_eq!(guard.release().await.unwrap(), Release::Kept);
    for key in ["a", "b"] {
        let error = redlock.try_lock(key).await.unwrap_err();
        assert_eq!(error.kind(), LockErrorKind::Contended);
    }
    assert!(matches!(redlock.inspect(["a", "b"]).await.unwrap().state, LockState::Kept { .. }));
}

#[tokio::test(start_paused = true)]
async fn more_than_the_lease_can_promise_is_refused_by_its_rule() {
    let redlock = redlock(&nodes(3));
    // A time to live of 10 s, less a hundredth and 2 ms.
    let longest = ms(9_898);
    drop(redlock.try_lock_with("k", &at_least(longest)).await.unwrap());
    for too_long in [longest + Duration::from_micros(1), Duration::MAX] {
        let error = redlock.try_lock_with("l", &at_least(too_long)).await.unwrap_err();
        assert_eq!(error.kind(), LockErrorKind::Invalid);
        let broken = error.config().unwrap();
        assert_eq!(broken.field(), "at_least");
        assert_eq!(broken.value(), format!("{too_long:?}"));
        let rule = "must be at most 9.898s, the time to live of 10s less the drift allowance";
        assert_eq!(broken.rule(), rule);
    }
    let error = redlock.try_lock_with("l", &at_least(ms(0))).await.unwrap_err();
    let broken = error.config().unwrap();
    assert_eq!((broken.field(), broken.value()), ("at_least", "0ns"));
    assert!(broken.rule().starts_with("must be longer than nothing"), "{broken}");
    let longer = at_least(ms(19_000)).ttl(ms(20_000));
    drop(redlock.try_lock_with("m", &longer).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_cannot_keep_refuses_it_before_anything_is_sent() {
    let plain = |name: &str| Arc::new(Plain(Arc::new(InMemoryNode::new(name))));
    let nodes = [plain("a"), plain("b"), plain("c")];
    let redlock = Redlock::builder()
        .nodes(nodes.iter().map(|node| Arc::clone(node) as Arc<dyn LockNode>))
        .ttl(TTL)
        .build()
        .unwrap();
    let error = redlock.try_lock_with("k", &at_least(T)).await.unwrap_err();
    let broken = error.config().unwrap();
    assert_eq!((broken.field(), broken.value()), ("at_least", "a"));
    assert_eq!(broken.rule(), "must be supported by every node");
    assert_eq!(nodes[0].0.keys().len(), 0);
    assert_eq!(redlock.try_lock("k").await.unwrap().release().await.unwrap(), Release::Released);
}

/// A node of a backend that knows of no keeping.
#[derive(Debug)]
struct Plain(Arc<InMemoryNode>);

#[async_trait]
impl LockNode for Plain {
    fn name(&self) -> &str {
        self.0.name()
    }

    async fn identity(self: Arc<Self>, l: Duration) -> Result<Identity, NodeError> {
        Arc::clone(&self.0).identity(l).await
    }

    async fn acquire(self: Arc<Self>, c: Claim, t: Terms, l: Duration) -> Result<Vote, NodeError> {
        Arc::clone(&self.0).acquire(c, t, l).await
    }

    async fn extend(
        self: Arc<Self>,
        c: Claim,
        t: Terms,
        l: Duration,
    ) -> Result<Extension, NodeError> {
        Arc::clone(&self.0).extend(c, t, l).await
    }

    async fn release(self: Arc<Self>, c: Claim, l: Duration) -> Result<Removal, NodeError> {
        Arc::clone(&self.0).release(c, l).await
    }

    async fn inspect(
        self: Arc<Self>,
        k: LockKey,
        l: Duration,
    ) -> Result<Vec<Option<Holding>>, NodeError> {
        Arc::clone(&self.0).inspect(k, l).await
    }

    fn features(&self) -> Features {
        Features::default()
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_by_a_mark_is_told_that_nobody_holds_it_any_more() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    meet(&redlock).await;
    let guard = redlock.try_lock_with("k", &at_least(T)).await.unwrap();
    let held = redlock.try_lock("k").await.unwrap_err();
    assert!(!held.is_kept() && held.to_string().starts_with("held by another ("), "{held}");
    pass(ms(1_000)).await;
    guard.release().await.unwrap();
    let kept = redlock.try_lock("k").await.unwrap_err();
    assert!(kept.is_kept() && kept.is_contended() && kept.holder().is_none(), "{kept}");
    let text = kept.to_string();
    let said =
        "kept from others, by a holder that is done, free in 2s (0 of 3 granted): node-0 kept for ";
    assert!(text.starts_with(said) && !text.contains("held by"), "{text}");
    let waited = redlock.lock_with("k", &LockOptions::new().wait_for(ms(500))).await.unwrap_err();
    assert_eq!((waited.kind(), waited.is_kept()), (LockErrorKind::TimedOut, true), "{waited}");
    assert!(
        waited.to_string().starts_with("still kept from others, by a holder that is done, when"),
        "{waited}"
    );
    // One node of three still has the token of a holder: the others are more than half.
    nodes[0].on(Verb::Release).always(Refused);
    redlock.try_lock_with("l", &at_least(T)).await.unwrap().release().await.unwrap();
    nodes[2].on(Verb::Acquire).always(SlowReply(ms(100)));
    let unsure = redlock.try_lock("l").await.unwrap_err();
    assert!(!unsure.is_kept(), "of those that answered one has the token: {unsure}");
    assert!(unsure.to_string().contains("node-0 held for"), "{unsure}");
}
