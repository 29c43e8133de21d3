use redlock_core::InMemoryNode;
use redlock_core::faults::{Faulty, Misbehaviour, Verb};

use super::super::view::State;
use super::*;

type Node = Arc<Faulty<InMemoryNode>>;

fn nodes(count: usize) -> (Vec<Node>, Looker) {
    let node = |index| Arc::new(Faulty::new(Arc::new(InMemoryNode::new(format!("n{index}")))));
    let nodes: Vec<Node> = (0..count).map(node).collect();
    let all = nodes.iter().map(|node| Arc::clone(node) as Arc<dyn LockNode>).collect();
    (nodes, Looker::over(all, ""))
}

/// What a look came to, and what it took on the paused clock.
async fn looked(looker: &mut Looker) -> (State, Duration, usize) {
    let begun = Instant::now();
    let view = looker.one("k").await.unwrap();
    let failed = view.nodes.iter().filter(|node| node.said.is_err()).count();
    (view.state, begun.elapsed(), failed)
}

#[tokio::test(start_paused = true)]
async fn a_node_that_hangs_costs_one_pause_once_and_is_heard_again_when_it_goes_on() {
    let (nodes, mut looker) = nodes(5);
    nodes[4].hang();
    assert_eq!(looked(&mut looker).await, (State::Free, GRACE, 1));
    for _ in 0..10 {
        assert_eq!(looked(&mut looker).await, (State::Free, Duration::ZERO, 1));
    }
    assert_eq!(nodes[4].calls(Verb::Inspect), 1, "nothing piles up before a hung server");
    tokio::time::sleep(LIMIT).await;
    assert_eq!(looked(&mut looker).await, (State::Free, Duration::ZERO, 1));
    assert_eq!(nodes[4].calls(Verb::Inspect), 2);
    nodes[4].resume();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(looked(&mut looker).await, (State::Free, Duration::ZERO, 0));
}

#[tokio::test(start_paused = true)]
async fn without_a_majority_all_are_waited_for_to_their_limit_once() {
    let (nodes, mut looker) = nodes(3);
    nodes[0].hang();
    nodes[1].hang();
    assert_eq!(looked(&mut looker).await, (State::Unknown, LIMIT, 2));
    assert_eq!(looked(&mut looker).await, (State::Unknown, Duration::ZERO, 2));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_slow_is_waited_for_each_time() {
    let (nodes, mut looker) = nodes(3);
    let slow = GRACE / 2;
    nodes[2].always(Misbehaviour::SlowReply(slow));
    for _ in 0..3 {
        assert_eq!(looked(&mut looker).await, (State::Free, slow, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_not_there_says_so_at_once() {
    let (nodes, mut looker) = nodes(3);
    nodes[2].always(Misbehaviour::Refused);
    for _ in 0..2 {
        assert_eq!(looked(&mut looker).await, (State::Free, Duration::ZERO, 1));
    }
    assert_eq!(nodes[2].calls(Verb::Inspect), 2);
}

#[tokio::test(start_paused = true)]
async fn many_keys_cost_no_more_than_one() {
    let (nodes, mut looker) = nodes(3);
    nodes[1].hang();
    let begun = Instant::now();
    let keys: Vec<_> = (0..20).map(|key| key.to_string()).collect();
    assert_eq!(looker.look(&keys).await.unwrap().len(), 20);
    assert_eq!(begun.elapsed(), GRACE);
}

#[tokio::test(start_paused = true)]
async fn a_counter_is_what_a_majority_has_and_who_was_silent_is_not_asked() {
    let (nodes, mut looker) = nodes(3);
    let builder = redlock_core::Redlock::builder().ttl(Duration::from_secs(10)).fencing(true);
    let all = nodes.iter().map(|node| Arc::clone(node) as Arc<dyn LockNode>);
    let redlock = builder.nodes(all).build().unwrap();
    let keys = ["k".to_owned(), "other".to_owned()];
    let guard = redlock.try_lock("k").await.unwrap();
    let fence = guard.fence().map(|fence| fence.get());
    looker.look(&keys).await.unwrap();
    assert_eq!(looker.counters(&keys).await.unwrap(), [fence, None]);
    // Of two of three that is still so, of one nobody knows.
    nodes[0].hang();
    looker.look(&keys).await.unwrap();
    let begun = Instant::now();
    assert_eq!(looker.counters(&keys).await.unwrap(), [fence, None]);
    assert_eq!((begun.elapsed(), nodes[0].calls(Verb::Counters)), (Duration::ZERO, 2));
    nodes[1].on(Verb::Counters).always(Misbehaviour::Failing(Fault::Permission.into()));
    assert_eq!(looker.counters(&keys).await.unwrap(), [None, None]);
}

/// Nodes of which the last is the server of the first, under another name.
fn with_a_twin() -> (Vec<Node>, Looker) {
    let twin = Arc::new(InMemoryNode::new("n0"));
    let other = Arc::new(InMemoryNode::new("n1"));
    let nodes: Vec<Node> =
        [Arc::clone(&twin), other, twin].map(|node| Arc::new(Faulty::new(node))).into();
    let all = nodes.iter().map(|node| Arc::clone(node) as Arc<dyn LockNode>).collect();
    (nodes, Looker::over(all, ""))
}

#[tokio::test(start_paused = true)]
async fn a_server_of_two_nodes_is_no_two_votes() {
    let said = "n0: one server for two nodes: node 3 of 3 is the same server as node 1, n0";
    let (_, mut looker) = with_a_twin();
    assert_eq!(looker.one("k").await.unwrap_err().to_string(), said);
    let (_, mut looker) = with_a_twin();
    assert_eq!(looker.meet(GRACE).await.unwrap_err().to_string(), said);
}

#[tokio::test(start_paused = true)]
async fn who_comes_too_late_to_say_who_it_is_has_no_vote_and_is_asked_again() {
    let (nodes, mut looker) = with_a_twin();
    nodes[2].hang();
    assert_eq!(looked(&mut looker).await, (State::Free, GRACE, 1));
    nodes[2].resume();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(looker.one("k").await.is_err());
    assert_eq!(nodes[2].calls(Verb::Identity), 2);
}

#[tokio::test(start_paused = true)]
async fn a_node_is_asked_once_who_it_is_and_anew_when_it_was_gone() {
    let (nodes, mut looker) = nodes(3);
    nodes[1].on(Verb::Identity).always(Misbehaviour::Failing(Fault::Loading.into()));
    for _ in 0..3 {
        assert_eq!(looked(&mut looker).await, (State::Free, Duration::ZERO, 0));
    }
    let asked = |node: &Node| node.calls(Verb::Identity);
    assert_eq!([0, 1, 2].map(|at| asked(&nodes[at])), [1, 3, 1]);
    nodes[2].on(Verb::Inspect).next(1, Misbehaviour::Refused);
    assert_eq!(looked(&mut looker).await, (State::Free, Duration::ZERO, 1));
    assert_eq!(looked(&mut looker).await, (State::Free, Duration::ZERO, 0));
    assert_eq!(asked(&nodes[2]), 2);
}

#[tokio::test(start_paused = true)]
async fn a_meeting_waits_for_a_node_that_hangs_once_and_no_longer_than_it_is_told() {
    let (nodes, mut looker) = nodes(3);
    nodes[1].hang();
    for taken in [GRACE, Duration::ZERO] {
        let begun = Instant::now();
        looker.meet(GRACE).await.unwrap();
        assert_eq!(begun.elapsed(), taken);
    }
    tokio::time::sleep(LIMIT).await;
    assert_eq!(looked(&mut looker).await, (State::Free, Duration::ZERO, 1));
}
