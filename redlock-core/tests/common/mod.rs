//! A set of in-memory nodes behind a misbehaving network.
#![allow(dead_code)]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use redlock_core::faults::{Faulty, Misbehaviour, Verb};
use redlock_core::{InMemoryNode, Redlock, RedlockBuilder};
use tokio::task::JoinHandle;

pub(crate) type Node = Arc<Faulty<InMemoryNode>>;

/// Links of up to `longest` each way, every message anew.
pub(crate) fn link(node: &Arc<InMemoryNode>, longest: Duration, seed: u64) -> Node {
    let mut random = fastrand::Rng::with_seed(seed);
    let longest = u64::try_from(longest.as_micros()).unwrap();
    let node = Arc::new(Faulty::new(Arc::clone(node)));
    node.decide(move |verb| {
        let mut delay = || Duration::from_micros(random.u64(0..=longest));
        match verb {
            Verb::Listen => Vec::new(),
            _ => vec![Misbehaviour::SlowRequest(delay()), Misbehaviour::SlowReply(delay())],
        }
    });
    node
}

/// Who had the lock, in order.
pub(crate) type Log = Arc<Mutex<Vec<usize>>>;

/// What the tests' handles use unless they say otherwise.
pub(crate) const TTL: Duration = Duration::from_secs(10);
pub(crate) const NODE_TIMEOUT: Duration = Duration::from_millis(200);

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// `n` nodes, and a builder of handles over them.
pub(crate) fn nodes(n: usize) -> Vec<Node> {
    (0..n)
        .map(|i| Arc::new(Faulty::new(Arc::new(InMemoryNode::new(format!("node-{i}"))))))
        .collect()
}

pub(crate) fn builder(nodes: &[Node]) -> RedlockBuilder {
    Redlock::builder().nodes(nodes).ttl(TTL).node_timeout(NODE_TIMEOUT).retry_seed(7)
}

pub(crate) fn redlock(nodes: &[Node]) -> Redlock {
    builder(nodes).build().unwrap()
}

/// On how many nodes the resource is held.
pub(crate) fn standing(nodes: &[Node], key: &str) -> usize {
    nodes.iter().filter(|node| node.inner().value(key).is_some()).count()
}

/// How many nodes hold anything at all.
pub(crate) fn littered(nodes: &[Node]) -> usize {
    nodes.iter().filter(|node| !node.inner().keys().is_empty()).count()
}

pub(crate) fn calls(nodes: &[Node], verb: Verb) -> Vec<usize> {
    nodes.iter().map(|node| node.calls(verb)).collect()
}

/// Somebody else's lock on a node.
pub(crate) fn occupy(node: &Node, key: &str, ttl: Option<Duration>) {
    node.inner().put(key, "somebody else", ttl);
}

/// Lets time pass, and every task that is due run.
pub(crate) async fn pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Waits for the lock, notes it, holds it for a while and releases it.
pub(crate) fn holder(redlock: &Redlock, log: &Log, name: usize, hold: Duration) -> JoinHandle<()> {
    let (redlock, log) = (redlock.clone(), Arc::clone(log));
    tokio::spawn(async move {
        let guard = redlock.lock("k").await.unwrap();
        log.lock().unwrap().push(name);
        pass(hold).await;
        guard.release().await.unwrap();
    })
}

/// Polls `future` up to `polls` times, then drops it. Tells whether it was done by then.
///
/// Between two polls everything else runs until it waits, and then time moves to the next timer.
pub(crate) async fn poll_and_drop<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Lets the handle ask its nodes who they are, and forgets what was sent for that.
pub(crate) async fn meet(redlock: &Redlock) {
    redlock.try_lock("first contact").await.unwrap().release().await.unwrap();
    // Not a sleep for time: lets stragglers come home.
    redlock.inspect("first contact").await.unwrap();
}
