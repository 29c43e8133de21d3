//! Scenarios that chance does not lead to.

use std::sync::Arc;
use std::time::Duration;

use redlock_core::faults::{Faulty, Misbehaviour, Verb};
use redlock_core::node::{Claim, Extension, Removal, Terms};
use redlock_core::{
    InMemoryNode, Label, LockKey, LockNode, LockOptions, LostReason, Redlock, RedlockBuilder,
};
use tokio::time::sleep;

pub(crate) type Node = Arc<Faulty<InMemoryNode>>;

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) fn scenario<F: Future<Output = Result<(), String>>>(
    story: impl FnOnce(Vec<Node>, Redlock) -> F,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let nodes: Vec<Node> = (0..3)
            .map(|i| Arc::new(Faulty::new(Arc::new(InMemoryNode::new(format!("n{i}"))))))
            .collect();
        let redlock = Redlock::builder()
            .nodes(nodes.iter().map(|node| Arc::clone(node) as Arc<dyn LockNode>))
            .ttl(ms(10_000))
            .node_timeout(ms(200))
            .build()
            .unwrap();
        redlock.try_lock("first contact").await.unwrap().release().await.unwrap();
        story(nodes, redlock).await
    })
}

fn nothing_stands(nodes: &[Node]) -> Result<(), String> {
    match nodes.iter().position(|node| node.inner().value("k").is_some()) {
        Some(node) => Err(format!("the key stands on n{node}")),
        None => Ok(()),
    }
}

/// The grant of the third node comes back after the lock was released, on a connection where a release can overtake.
pub(crate) fn a_late_grant_is_undone() -> Result<(), String> {
    scenario(async |nodes, redlock| {
        nodes[2].reordering(true);
        nodes[2].on(Verb::Acquire).next(1, Misbehaviour::SlowRequest(ms(100)));
        redlock.try_lock("k").await.unwrap().release().await.unwrap();
        sleep(ms(1_000)).await;
        nothing_stands(&nodes)
    })
}

pub(crate) fn an_unknown_outcome_is_released() -> Result<(), String> {
    scenario(async |nodes, redlock| {
        for node in &nodes {
            node.on(Verb::Acquire).next(1, Misbehaviour::CutAfter);
        }
        redlock.try_lock("k").await.unwrap_err();
        sleep(ms(1_000)).await;
        nothing_stands(&nodes)
    })
}

pub(crate) fn a_call_that_was_left_leaves_nothing() -> Result<(), String> {
    scenario(async |nodes, redlock| {
        nodes
            .iter()
            .for_each(|node| node.on(Verb::Acquire).next(1, Misbehaviour::SlowReply(ms(50))));
        let left = tokio::time::timeout(ms(20), redlock.try_lock("k")).await;
        assert!(left.is_err());
        sleep(ms(1_000)).await;
        nothing_stands(&nodes)
    })
}

pub(crate) fn a_failed_release_is_retried() -> Result<(), String> {
    scenario(async |nodes, redlock| {
        let guard = redlock.try_lock("k").await.unwrap();
        nodes[0].on(Verb::Release).next(1, Misbehaviour::LostRequest);
        guard.release().await.unwrap();
        sleep(ms(2_000)).await;
        nothing_stands(&nodes)
    })
}

/// The nodes extended in time, the answer comes after the old deadline: another may have been in between.
pub(crate) fn a_late_extension_is_worth_nothing() -> Result<(), String> {
    scenario(async |nodes, redlock| {
        let guard = redlock.try_lock("k").await.unwrap();
        nodes
            .iter()
            .for_each(|node| node.on(Verb::Extend).always(Misbehaviour::SlowReply(ms(150))));
        sleep(guard.remaining() - ms(100)).await;
        match guard.extend(ms(10_000)).await {
            Err(error) if error.is_lost() && guard.is_lost() => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
}

pub(crate) fn a_theft_is_noticed() -> Result<(), String> {
    scenario(async |nodes, redlock| {
        let guard = redlock.try_lock("k").await.unwrap();
        nodes.iter().take(2).for_each(|node| node.inner().put("k", "a thief", Some(ms(10_000))));
        let _ = guard.extend(ms(10_000)).await;
        match guard.lease().lost_reason() {
            Some(LostReason::Stolen) => Ok(()),
            other => Err(format!("two of three nodes have a thief: {other:?}")),
        }
    })
}

/// The process stood still past the deadline, and goes on.
pub(crate) fn work_makes_no_step_after_the_loss() -> Result<(), String> {
    scenario(async |_, redlock| {
        let guard = redlock.try_lock("k").await.unwrap();
        let lease = guard.lease();
        let mut steps = 0;
        let mut work = Box::pin(lease.run(std::future::poll_fn(|_| {
            steps += 1;
            std::task::Poll::<()>::Pending
        })));
        let cx = &mut std::task::Context::from_waker(std::task::Waker::noop());
        assert!(work.as_mut().poll(cx).is_pending());
        tokio::time::advance(ms(10_000)).await;
        let end = work.as_mut().poll(cx);
        drop(work);
        match (end.is_ready(), steps) {
            (true, 1) => Ok(()),
            (ended, steps) => Err(format!("{steps} steps, ended: {ended}")),
        }
    })
}

/// The token with another label is not the holder's value: neither extends nor frees it.
pub(crate) fn another_label_is_another_holder() -> Result<(), String> {
    scenario(async |nodes, redlock| {
        let options = LockOptions::new().label("me");
        let token = redlock.try_lock_with("k", &options).await.unwrap().leak();
        let label = Label::new("you").unwrap();
        let other = Claim::new(LockKey::new("k").unwrap(), token).with_label(label);
        for node in nodes {
            let terms = Terms::new(ms(10_000));
            let extension = Arc::clone(&node).extend(other.clone(), terms, ms(200)).await;
            let removal = Arc::clone(&node).release(other.clone(), ms(200)).await;
            if (extension, removal) != (Ok(Extension::Foreign), Ok(Removal::Foreign)) {
                return Err("the token alone was enough".into());
            }
        }
        Ok(())
    })
}

pub(crate) fn fenced(nodes: &[Node]) -> RedlockBuilder {
    Redlock::builder()
        .nodes(nodes.iter().map(|node| Arc::clone(node) as Arc<dyn LockNode>))
        .ttl(ms(10_000))
        .node_timeout(ms(200))
        .fencing(true)
}

/// Three of five nodes grant, two of them with one number; the third cannot be raised to it. Two are most of the answers
/// and not most of the nodes.
pub(crate) fn most_of_the_answers_are_not_most_of_the_nodes() -> Result<(), String> {
    scenario(async |three, _| {
        let mut nodes = three;
        nodes.extend(
            (3..5).map(|i| Arc::new(Faulty::new(Arc::new(InMemoryNode::new(format!("n{i}")))))),
        );
        let ahead = fenced(&nodes[..2]).wall_clock(|| Duration::from_secs(40_000_000_000));
        ahead.build().unwrap().try_lock("k").await.unwrap().release().await.unwrap();
        nodes[2].on(Verb::Raise).always(Misbehaviour::LostRequest);
        nodes[3..].iter().for_each(|node| node.always(Misbehaviour::Refused));
        let first = fenced(&nodes).build().unwrap().try_lock("k").await;
        let Ok(first) = first else { return Ok(()) };
        let fence = first.fence();
        first.release().await.unwrap();
        nodes.iter().for_each(|node| node.heal());
        nodes[..2].iter().for_each(|node| node.always(Misbehaviour::Refused));
        let second = fenced(&nodes).build().unwrap().try_lock("k").await.unwrap();
        if second.fence() > fence {
            return Ok(());
        }
        Err(format!("{:?} was given out after {fence:?}", second.fence()))
    })
}

/// Between the grants and the second round two nodes lose the key, as if it had expired early: whoever comes there next
/// would get a number of its own.
pub(crate) fn a_node_that_lost_the_token_is_not_raised() -> Result<(), String> {
    scenario(async |nodes, _| {
        // The first node's counter is ahead of the others'.
        let ahead = fenced(&nodes[..1]).wall_clock(|| Duration::from_secs(40_000_000_000));
        ahead.build().unwrap().try_lock("k").await.unwrap().release().await.unwrap();
        nodes
            .iter()
            .for_each(|node| node.on(Verb::Raise).always(Misbehaviour::SlowRequest(ms(50))));
        let redlock = fenced(&nodes).build().unwrap();
        let lock = tokio::spawn(async move { redlock.try_lock("k").await.map(drop) });
        sleep(ms(20)).await;
        nodes[1..].iter().for_each(|node| assert!(node.inner().remove("k")));
        match lock.await.unwrap() {
            Err(_) => Ok(()),
            Ok(()) => Err("a fence was given out that one node stands for".into()),
        }
    })
}
