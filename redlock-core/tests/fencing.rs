//! Fencing numbers and the restart guard through the handle.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Node, TTL, builder, calls, littered, meet, ms, nodes, pass, poll_and_drop};
use redlock_core::faults::{Lie, Misbehaviour, Verb};
use redlock_core::node::{Extension, Features, Vote};
use redlock_core::{
    ExtendErrorKind, InMemoryNode, LockErrorKind, LockNode, LockOptions, NodeOutcome, Redlock,
    RedlockBuilder,
};

/// Where the nodes' clocks begin.
const EPOCH: Duration = Duration::from_secs(1_700_000_000);

fn fenced(nodes: &[Node]) -> RedlockBuilder {
    builder(nodes).fencing(true)
}

fn number(guard: &redlock_core::LockGuard) -> u64 {
    guard.fence().unwrap().get()
}

fn counters(nodes: &[Node], key: &str) -> Vec<Option<u64>> {
    nodes.iter().map(|node| node.inner().counter(key)).collect()
}

#[tokio::test(start_paused = true)]
async fn every_holder_has_a_larger_fence_than_the_one_before() {
    let nodes = nodes(5);
    let handles = [fenced(&nodes).build().unwrap(), fenced(&nodes).build().unwrap()];
    let mut last = 0;
    for i in 0..20 {
        let guard = handles[i % 2].try_lock("a").await.unwrap();
        assert!(number(&guard) > last);
        last = number(&guard);
        guard.release().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn without_fencing_there_is_none_and_no_counter_either() {
    let nodes = nodes(3);
    let redlock = builder(&nodes).build().unwrap();
    let guard = redlock.try_lock("a").await.unwrap();
    assert_eq!((guard.fence(), counters(&nodes, "a")), (None, vec![None; 3]));
    drop(guard);
    pass(ms(10)).await;
    let options = LockOptions::new().fencing(true);
    let guard = redlock.try_lock_with("a", &options).await.unwrap();
    assert_eq!(guard.lease().fence(), guard.fence());
    assert!(guard.fence().is_some());
}

#[tokio::test(start_paused = true)]
async fn nodes_that_agree_are_asked_once() {
    let nodes = nodes(5);
    let redlock = fenced(&nodes).build().unwrap();
    for _ in 0..3 {
        redlock.lock("a").await.unwrap().release().await.unwrap();
    }
    assert_eq!(calls(&nodes, Verb::Raise), [0; 5]);
    assert_eq!(calls(&nodes, Verb::Acquire), [3; 5]);
}

/// One node has a counter that is ahead of the others'.
async fn with_one_ahead(nodes: &[Node]) -> u64 {
    for node in nodes {
        node.always(Misbehaviour::Refused);
    }
    nodes[0].heal();
    // Of a resource of its own set, so that the counter moves and nothing else.
    let one = Arc::clone(&nodes[0]) as Arc<dyn LockNode>;
    let ahead = Redlock::builder().nodes([one]).ttl(TTL).fencing(true);
    let ahead = ahead.wall_clock(|| Duration::from_secs(40_000_000_000)).build().unwrap();
    ahead.try_lock("a").await.unwrap().release().await.unwrap();
    nodes.iter().for_each(|node| node.heal());
    nodes[0].inner().counter("a").unwrap()
}

#[tokio::test(start_paused = true)]
async fn nodes_that_disagree_are_raised_to_the_largest_number() {
    let nodes = nodes(3);
    let ahead = with_one_ahead(&nodes).await;
    let guard = fenced(&nodes).build().unwrap().try_lock("a").await.unwrap();
    assert!(number(&guard) > ahead);
    assert_eq!(calls(&nodes, Verb::Raise), [0, 1, 1]);
    assert_eq!(counters(&nodes, "a"), [guard.fence().map(|fence| fence.get()); 3]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_tells_the_counter_so_that_the_next_attempt_needs_no_second_round() {
    let nodes = nodes(3);
    let ahead = with_one_ahead(&nodes).await;
    let holder = fenced(&nodes).build().unwrap().try_lock("a").await.unwrap();
    let waiting = fenced(&nodes).build().unwrap();
    assert_eq!(waiting.try_lock("a").await.unwrap_err().kind(), LockErrorKind::Contended);
    holder.release().await.unwrap();
    let raised = calls(&nodes, Verb::Raise);
    let guard = waiting.try_lock("a").await.unwrap();
    assert!(number(&guard) > ahead + 1);
    assert_eq!(calls(&nodes, Verb::Raise), raised);
}

#[tokio::test(start_paused = true)]
async fn when_too_few_can_be_raised_there_is_no_lock_and_nothing_is_left() {
    for (what, kind) in [
        (Misbehaviour::Refused, LockErrorKind::Unreachable),
        (Misbehaviour::LostRequest, LockErrorKind::Unreachable),
        (Misbehaviour::LostReply, LockErrorKind::Unreachable),
        (Misbehaviour::Lying(Lie::Extension(Extension::Gone)), LockErrorKind::Late),
        (Misbehaviour::Lying(Lie::Extension(Extension::Foreign)), LockErrorKind::Contended),
    ] {
        let nodes = nodes(3);
        with_one_ahead(&nodes).await;
        for node in &nodes {
            node.on(Verb::Raise).always(what.clone());
        }
        let redlock = fenced(&nodes).build().unwrap();
        let error = redlock.try_lock("a").await.unwrap_err();
        assert_eq!(error.kind(), kind, "{what:?}: {error}");
        assert_ne!(error.nodes()[1].outcome, NodeOutcome::Granted, "{what:?}");
        redlock.close().await;
        assert_eq!(littered(&nodes), 0, "{what:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_raise_that_takes_the_lease_with_it_gives_no_lock() {
    let nodes = nodes(3);
    with_one_ahead(&nodes).await;
    let redlock = fenced(&nodes).ttl(ms(500)).node_timeout(ms(100)).build().unwrap();
    meet(&redlock).await;
    for node in &nodes {
        node.on(Verb::Raise).always(Misbehaviour::SlowReply(ms(90)));
    }
    assert!(redlock.try_lock("a").await.is_ok(), "in time");
    let late = fenced(&nodes).ttl(ms(100)).node_timeout(ms(24)).drift_ppm(500_000).build().unwrap();
    for node in &nodes {
        node.on(Verb::Acquire).always(Misbehaviour::SlowReply(ms(23)));
        node.on(Verb::Raise).always(Misbehaviour::SlowReply(ms(23)));
    }
    pass(ms(600)).await;
    with_one_ahead(&nodes).await;
    let _ = late.try_lock("first contact").await;
    for node in &nodes {
        node.on(Verb::Acquire).always(Misbehaviour::SlowReply(ms(23)));
        node.on(Verb::Raise).always(Misbehaviour::SlowReply(ms(23)));
    }
    // 46 ms are gone, of 100 less half for drift and 2 ms: 2 are left.
    let guard = late.try_lock("a").await.unwrap();
    assert!(guard.remaining() <= ms(2), "it counts from before the first round: {guard:?}");
}

#[tokio::test(start_paused = true)]
async fn dropped_at_any_await_of_the_second_round_nothing_is_left() {
    let mut polls = 0;
    loop {
        let nodes = nodes(3);
        with_one_ahead(&nodes).await;
        for node in &nodes {
            node.always(Misbehaviour::SlowReply(ms(3)));
        }
        let redlock = fenced(&nodes).build().unwrap();
        let done = poll_and_drop(redlock.try_lock("a"), polls).await;
        let finished = done.is_some();
        drop(done);
        redlock.close().await;
        assert_eq!(littered(&nodes), 0, "dropped after {polls} polls");
        if finished {
            assert!(polls > 3, "there was a second round");
            return;
        }
        polls += 1;
    }
}

#[tokio::test(start_paused = true)]
async fn several_resources_have_one_fence_above_all_of_their_counters() {
    let nodes = nodes(3);
    let redlock = fenced(&nodes).build().unwrap();
    let ahead = with_one_ahead(&nodes).await;
    let both = redlock.try_lock(["a", "b"]).await.unwrap();
    assert!(number(&both) > ahead);
    for key in ["a", "b"] {
        assert_eq!(counters(&nodes, key), [Some(number(&both)); 3]);
    }
    let fence = number(&both);
    both.release().await.unwrap();
    assert!(number(&redlock.try_lock("b").await.unwrap()) > fence);
}

#[tokio::test(start_paused = true)]
async fn counters_outlive_the_lock_and_are_forgotten_in_the_end() {
    let nodes = nodes(3);
    let redlock = fenced(&nodes).build().unwrap();
    redlock.lock("a").await.unwrap().release().await.unwrap();
    pass(Duration::from_secs(590)).await;
    assert_eq!(nodes[0].inner().counters(), 1);
    pass(Duration::from_secs(20)).await;
    assert_eq!(nodes[0].inner().counters(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_extension_keeps_the_counters_as_long_as_the_lock() {
    let nodes = nodes(3);
    let redlock = fenced(&nodes).build().unwrap();
    let guard = redlock.lock("a").await.unwrap();
    guard.extend(Duration::from_secs(3_600)).await.unwrap();
    pass(Duration::from_secs(3_500)).await;
    assert!(!guard.is_lost());
    assert_eq!(counters(&nodes, "a"), [guard.fence().map(|fence| fence.get()); 3]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_lost_everything_gets_the_fence_back_with_the_lock() {
    let nodes = nodes(3);
    let redlock = fenced(&nodes).build().unwrap();
    let guard = redlock.lock("a").await.unwrap();
    nodes[0].inner().clear();
    pass(ms(100)).await;
    guard.extend(TTL).await.unwrap();
    pass(ms(100)).await;
    assert!(nodes[0].inner().value("a").is_some());
    assert!(nodes[0].inner().counter("a").unwrap() >= number(&guard));
}

#[tokio::test(start_paused = true)]
async fn a_node_whose_clock_is_behind_is_raised_when_it_is_repaired() {
    let nodes = nodes(3);
    nodes[0].inner().step_clock(-60_000_000);
    let redlock = fenced(&nodes).build().unwrap();
    let guard = redlock.lock("a").await.unwrap();
    nodes[0].inner().clear();
    guard.extend(TTL).await.unwrap();
    pass(ms(100)).await;
    assert_eq!(nodes[0].inner().counter("a"), Some(number(&guard)));
}

#[tokio::test(start_paused = true)]
async fn clients_and_nodes_whose_clocks_are_wrong_get_growing_fences_all_the_same() {
    let nodes = nodes(3);
    for (node, seconds) in nodes.iter().zip([-300, 0, 300]) {
        node.inner().step_clock(seconds * 1_000_000);
    }
    let mut last = 0;
    for year in [1970_u64, 2255, 2000, 1970, 2100] {
        let wall = Duration::from_secs((year - 1970) * 31_556_952);
        let redlock = fenced(&nodes).wall_clock(move || wall).build().unwrap();
        let guard = redlock.try_lock("a").await.unwrap();
        assert!(number(&guard) > last, "{year}");
        last = number(&guard);
        guard.release().await.unwrap();
    }
}

#[derive(Debug)]
struct Plain(InMemoryNode);

#[async_trait::async_trait]
impl LockNode for Plain {
    fn name(&self) -> &str {
        self.0.name()
    }
    async fn identity(
        self: Arc<Self>,
        _: Duration,
    ) -> Result<redlock_core::node::Identity, redlock_core::node::NodeError> {
        Ok(redlock_core::node::Identity::unknown())
    }
    async fn acquire(
        self: Arc<Self>,
        _: redlock_core::node::Claim,
        _: redlock_core::node::Terms,
        _: Duration,
    ) -> Result<Vote, redlock_core::node::NodeError> {
        Ok(Vote::Granted { fence: None })
    }
    async fn extend(
        self: Arc<Self>,
        _: redlock_core::node::Claim,
        _: redlock_core::node::Terms,
        _: Duration,
    ) -> Result<Extension, redlock_core::node::NodeError> {
        Ok(Extension::Extended)
    }
    async fn release(
        self: Arc<Self>,
        _: redlock_core::node::Claim,
        _: Duration,
    ) -> Result<redlock_core::node::Removal, redlock_core::node::NodeError> {
        Ok(redlock_core::node::Removal::Removed)
    }
    async fn inspect(
        self: Arc<Self>,
        key: redlock_core::LockKey,
        _: Duration,
    ) -> Result<Vec<Option<redlock_core::node::Holding>>, redlock_core::node::NodeError> {
        Ok(key.resources().map(|_| None).collect())
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_lacks_what_is_asked_for_is_found_at_construction() {
    let set = || {
        let able = Arc::new(InMemoryNode::new("able")) as Arc<dyn LockNode>;
        let plain = Arc::new(Plain(InMemoryNode::new("plain"))) as Arc<dyn LockNode>;
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
}

#[tokio::test(start_paused = true)]
async fn a_node_that_grants_without_a_number_is_misconfigured() {
    let nodes = nodes(3);
    for node in &nodes[..2] {
        node.always(Misbehaviour::Lying(Lie::Vote(Vote::Granted { fence: None })));
    }
    let error = fenced(&nodes).build().unwrap().try_lock("a").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Misconfigured, "{error}");
    assert!(error.to_string().contains("without a fencing number"), "{error}");
}

/// Nodes that run since long before.
async fn seasoned(n: usize) -> Vec<Node> {
    let nodes = nodes(n);
    pass(Duration::from_secs(3_600)).await;
    nodes
}

#[tokio::test(start_paused = true)]
async fn a_restarted_node_gives_no_grants_until_the_longest_time_to_live_is_over() {
    let nodes = seasoned(3).await;
    let redlock = builder(&nodes).restart_guard(TTL).build().unwrap();
    let guard = redlock.try_lock("a").await.unwrap();
    // The second majority that a restart makes possible.
    nodes[0].inner().restart();
    nodes[1].inner().restart();
    pass(Duration::from_secs(3)).await;
    let error =
        builder(&nodes).restart_guard(TTL).build().unwrap().try_lock("a").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Unreachable);
    let guard_time = TTL + ms(102) + Duration::from_secs(2);
    let warming = NodeOutcome::Warming {
        uptime: Duration::from_secs(3),
        remaining: guard_time - Duration::from_secs(3),
    };
    assert_eq!(error.nodes()[0].outcome, warming);
    assert!(error.to_string().contains("restarted 3s ago"), "{error}");
    assert_eq!(error.retry_after(), Some(guard_time - Duration::from_secs(3)));
    drop(guard);
    pass(guard_time - Duration::from_secs(3)).await;
    assert!(redlock.try_lock("a").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_the_guard_the_same_restart_makes_two_holders() {
    let nodes = seasoned(3).await;
    let redlock = builder(&nodes).build().unwrap();
    let guard = redlock.try_lock("a").await.unwrap();
    nodes[0].inner().restart();
    nodes[1].inner().restart();
    let second = builder(&nodes).build().unwrap().try_lock("a").await.unwrap();
    assert!(!guard.is_lost() && !second.is_lost(), "which is what the guard is for");
}

#[tokio::test(start_paused = true)]
async fn a_node_is_not_repaired_before_it_has_warmed_up() {
    let nodes = seasoned(3).await;
    let redlock = builder(&nodes).restart_guard(TTL).build().unwrap();
    let guard = redlock.try_lock("a").await.unwrap();
    nodes[0].inner().restart();
    guard.extend(TTL).await.unwrap();
    pass(ms(100)).await;
    assert_eq!(nodes[0].inner().value("a"), None);
}

#[tokio::test(start_paused = true)]
async fn a_held_resource_is_refused_as_held_by_a_node_that_warms_up_too() {
    let nodes = seasoned(3).await;
    let redlock = builder(&nodes).restart_guard(TTL).build().unwrap();
    let _guard = redlock.try_lock("a").await.unwrap();
    nodes.iter().for_each(|node| node.inner().restart_with_memory());
    let error = redlock.try_lock("a").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Contended, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_time_to_live_above_the_guards_is_refused() {
    let nodes = seasoned(3).await;
    let error = builder(&nodes).restart_guard(ms(9_999)).build().unwrap_err();
    assert_eq!((error.field(), error.value()), ("ttl", "10s"));
    let redlock = builder(&nodes).restart_guard(TTL).build().unwrap();
    let guard = redlock.try_lock("a").await.unwrap();
    let error = guard.extend(TTL + ms(1)).await.unwrap_err();
    assert!(matches!(error.kind(), ExtendErrorKind::Invalid(_)), "{error}");
    assert!(format!("{redlock:?}").contains("restart_guard: Some(10s)"), "{redlock:?}");
}

#[tokio::test(start_paused = true)]
async fn hints_come_from_the_wall_clock_that_nodes_agree_with() {
    let nodes: Vec<Node> = (0..3)
        .map(|i| InMemoryNode::new(format!("node-{i}")).with_wall_clock(EPOCH))
        .map(|node| Arc::new(redlock_core::faults::Faulty::new(Arc::new(node))))
        .collect();
    let wall = EPOCH + ms(500);
    let redlock = fenced(&nodes).wall_clock(move || wall).build().unwrap();
    let guard = redlock.try_lock("a").await.unwrap();
    assert_eq!(u128::from(number(&guard)), wall.as_micros());
}
