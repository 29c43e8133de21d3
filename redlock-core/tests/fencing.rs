//! Fencing numbers through the handle.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Node, TTL, builder, calls, littered, meet, ms, nodes, occupy, pass, poll_and_drop};
use redlock_core::faults::{Lie, Misbehaviour, Verb};
use redlock_core::node::{Extension, Fault, Vote};
use redlock_core::{
    InMemoryNode, LockErrorKind, LockNode, LockOptions, NodeOutcome, Redlock, RedlockBuilder,
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

/// Three nodes whose clocks begin at `wall`.
fn at(wall: Duration) -> Vec<Node> {
    (0..3)
        .map(|i| InMemoryNode::new(format!("node-{i}")).with_wall_clock(wall))
        .map(|node| Arc::new(redlock_core::faults::Faulty::new(Arc::new(node))))
        .collect()
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
async fn a_counter_that_one_node_told_of_is_passed_by_the_next_hint() {
    let nodes = at(EPOCH);
    let ahead = with_one_ahead(&nodes).await;
    let redlock = fenced(&nodes).wall_clock(|| EPOCH + ms(500)).build().unwrap();
    nodes[..2].iter().for_each(|node| occupy(node, "a", Some(ms(100))));
    redlock.try_lock("a").await.unwrap_err();
    pass(ms(100)).await;
    let raised = calls(&nodes, Verb::Raise);
    let guard = redlock.try_lock("a").await.unwrap();
    assert_eq!(number(&guard), ahead + 2, "the next that is even");
    assert_eq!(calls(&nodes, Verb::Raise), raised, "no second round");
}

#[tokio::test(start_paused = true)]
async fn when_too_few_can_be_raised_there_is_no_lock_and_nothing_is_left() {
    for (what, kind) in [
        (Misbehaviour::Refused, LockErrorKind::Unreachable),
        (Misbehaviour::LostRequest, LockErrorKind::Unreachable),
        (Misbehaviour::LostReply, LockErrorKind::Unreachable),
        (Misbehaviour::Failing(Fault::WrongType.into()), LockErrorKind::Misconfigured),
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
async fn a_second_round_that_outlasts_the_lease_gives_no_lock() {
    let nodes = nodes(3);
    with_one_ahead(&nodes).await;
    // Of 100 ms half and 2 ms are left for drift: 48 to be used.
    let timeout = Duration::from_micros(24_900);
    let short = fenced(&nodes).ttl(ms(100)).node_timeout(timeout).drift_ppm(500_000);
    let redlock = short.build().unwrap();
    meet(&redlock).await;
    for node in &nodes {
        node.on(Verb::Acquire).always(Misbehaviour::SlowReply(ms(24)));
    }
    let guard = redlock.try_lock("b").await.unwrap();
    assert!(guard.remaining() <= ms(24), "one round leaves some: {guard:?}");
    for node in &nodes {
        node.on(Verb::Raise).always(Misbehaviour::SlowReply(ms(24)));
    }
    let error = redlock.try_lock("a").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Late, "{error}");
    assert_eq!(calls(&nodes, Verb::Raise), [0, 1, 1]);
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
    pass(Duration::from_secs(3_600)).await;
    nodes[0].inner().step_clock(-60_000_000);
    let redlock = fenced(&nodes).build().unwrap();
    let guard = redlock.lock("a").await.unwrap();
    nodes[0].inner().clear();
    guard.extend(TTL).await.unwrap();
    pass(ms(100)).await;
    assert_eq!(nodes[0].inner().counter("a"), Some(number(&guard)));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_could_not_be_raised_when_it_was_repaired_is_raised_with_the_next_extension() {
    let nodes = nodes(3);
    pass(Duration::from_secs(3_600)).await;
    nodes[0].inner().step_clock(-60_000_000);
    let redlock = fenced(&nodes).build().unwrap();
    let guard = redlock.lock("a").await.unwrap();
    nodes[0].inner().clear();
    nodes[0].on(Verb::Raise).next(1, Misbehaviour::LostRequest);
    guard.extend(TTL).await.unwrap();
    pass(TTL / 20).await;
    assert!(nodes[0].inner().value("a").is_some(), "an extension may have counted it");
    assert!(nodes[0].inner().counter("a").unwrap() < number(&guard));
    guard.extend(TTL).await.unwrap();
    pass(ms(100)).await;
    assert_eq!(nodes[0].inner().counter("a"), Some(number(&guard)));
    let raised = calls(&nodes, Verb::Raise);
    guard.extend(TTL).await.unwrap();
    pass(ms(100)).await;
    assert_eq!(calls(&nodes, Verb::Raise), raised, "once is enough");
}

#[tokio::test(start_paused = true)]
async fn one_node_whose_clock_is_far_ahead_costs_other_resources_no_second_round() {
    let nodes = nodes(3);
    nodes[2].inner().step_clock(900_000_000);
    for node in &nodes[2..] {
        node.on(Verb::Acquire).always(Misbehaviour::SlowReply(ms(1)));
    }
    let redlock = fenced(&nodes).build().unwrap();
    for key in ["a", "b", "c"] {
        redlock.lock(key).await.unwrap().release().await.unwrap();
        pass(ms(10)).await;
    }
    assert_eq!(calls(&nodes, Verb::Raise), [0; 3]);
}

#[tokio::test(start_paused = true)]
async fn clients_and_nodes_whose_clocks_are_wrong_get_growing_fences_all_the_same() {
    let nodes = nodes(3);
    pass(Duration::from_secs(3_600)).await;
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

#[tokio::test(start_paused = true)]
async fn hints_come_from_the_wall_clock_that_nodes_agree_with() {
    let nodes = at(EPOCH);
    let wall = EPOCH + ms(500);
    let redlock = fenced(&nodes).wall_clock(move || wall).build().unwrap();
    let guard = redlock.try_lock("a").await.unwrap();
    assert_eq!(u128::from(number(&guard)), wall.as_micros());
}
