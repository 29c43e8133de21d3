//! Nodes that cannot do everything.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use redlock_core::node::{
    Claim, Extension, Features, Holding, Identity, NodeError, Removal, Terms, Vote,
};
use redlock_core::{InMemoryNode, LockErrorKind, LockKey, LockNode, LockOptions, Redlock};

const TTL: Duration = Duration::from_secs(10);

/// A node by somebody who has not heard of fencing.
#[derive(Debug)]
struct Plain;

#[async_trait::async_trait]
impl LockNode for Plain {
    fn name(&self) -> &str {
        "plain"
    }
    async fn identity(self: Arc<Self>, _: Duration) -> Result<Identity, NodeError> {
        Ok(Identity::unknown())
    }
    async fn acquire(self: Arc<Self>, _: Claim, _: Terms, _: Duration) -> Result<Vote, NodeError> {
        Ok(Vote::Granted { fence: None })
    }
    async fn extend(
        self: Arc<Self>,
        _: Claim,
        _: Terms,
        _: Duration,
    ) -> Result<Extension, NodeError> {
        Ok(Extension::Extended)
    }
    async fn release(self: Arc<Self>, _: Claim, _: Duration) -> Result<Removal, NodeError> {
        Ok(Removal::Removed)
    }
    async fn inspect(
        self: Arc<Self>,
        key: LockKey,
        _: Duration,
    ) -> Result<Vec<Option<Holding>>, NodeError> {
        Ok(key.resources().map(|_| None).collect())
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_lacks_what_is_asked_for_is_found_at_construction() {
    let set = || {
        let able = Arc::new(InMemoryNode::new("able")) as Arc<dyn LockNode>;
        let plain = Arc::new(Plain) as Arc<dyn LockNode>;
        assert_eq!(plain.features(), Features::default());
        Redlock::builder().nodes([able, plain]).ttl(TTL)
    };
    for (builder, field) in
        [(set().fencing(true), "fencing"), (set().restart_guard(TTL), "restart_guard")]
    {
        let error = builder.build().unwrap_err();
        assert_eq!((error.field(), error.value()), (field, "plain"));
    }
    let redlock = set().build().unwrap();
    let error = redlock.try_lock_with("a", &LockOptions::new().fencing(true)).await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Invalid);
    assert_eq!(error.config().unwrap().field(), "fencing");
    let error = redlock.election("a").unwrap_err();
    assert_eq!((error.field(), error.value()), ("fencing", "plain"), "there would be no terms");
    let error = redlock.semaphore("a", 2).unwrap_err();
    assert_eq!((error.field(), error.value()), ("semaphore", "plain"));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_cannot_swap_refuses_to_take_over_and_can_do_the_rest() {
    let able = Arc::new(InMemoryNode::new("able")) as Arc<dyn LockNode>;
    let redlock = Redlock::builder().nodes([able, Arc::new(Plain)]).ttl(TTL).build().unwrap();
    let handover = redlock.try_lock("a").await.unwrap().hand_over();
    let error = redlock.take_over(&handover).await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Invalid);
    let config = error.config().unwrap();
    assert_eq!((config.field(), config.value()), ("take_over", "plain"));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_cannot_share_refuses_to_read_and_can_do_the_rest() {
    let able = Arc::new(InMemoryNode::new("able")) as Arc<dyn LockNode>;
    let redlock = Redlock::builder().nodes([able, Arc::new(Plain)]).ttl(TTL).build().unwrap();
    for error in [redlock.try_read("a").await.unwrap_err(), redlock.read("a").await.unwrap_err()] {
        assert_eq!(error.kind(), LockErrorKind::Invalid);
        let config = error.config().unwrap();
        assert_eq!((config.field(), config.value()), ("read", "plain"));
    }
    redlock.try_lock("a").await.unwrap().release().await.unwrap();
}

#[cfg(feature = "route")]
#[test]
fn a_route_over_a_node_that_cannot_what_its_policy_needs_is_found_when_it_is_made() {
    use redlock_core::route::LockPolicy;
    use redlock_core::route::middleware::RouteLock;

    let able = Arc::new(InMemoryNode::new("able")) as Arc<dyn LockNode>;
    let nodes = [able, Arc::new(Plain) as Arc<dyn LockNode>];
    let redlock = Redlock::builder().nodes(nodes).ttl(TTL).build().unwrap();
    let new = LockPolicy::new;
    for (policy, said) in [
        (
            new().shared_methods(["GET"]),
            "shared_methods = `plain`: must be able to share, as every node must",
        ),
        (new().permits(2), "permits = `plain`: must be able to give slots, as every node must"),
    ] {
        assert_eq!(RouteLock::new(&redlock, policy).unwrap_err().to_string(), said);
    }
    assert!(RouteLock::new(&redlock, new()).is_ok());
    // A key's slots need room behind it.
    let prefixed = |bytes: usize| {
        let builder = Redlock::builder().node(InMemoryNode::new("able")).ttl(TTL);
        builder.key_prefix("p".repeat(bytes)).build().unwrap()
    };
    assert!(RouteLock::new(&prefixed(312), new()).is_ok());
    let error = RouteLock::new(&prefixed(312), new().permits(2)).unwrap_err();
    assert_eq!((error.field(), error.value()), ("key_prefix", "312 bytes"));
    assert!(RouteLock::new(&prefixed(309), new().permits(2)).is_ok());
}
