use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Handler, PolicyCase, Situation};
use crate::handle::read::ReadGuard;
use crate::handle::redlock::Redlock;
use crate::memory::InMemoryNode;
use crate::node::{Fault, LockNode};
use crate::route::{HeldAs, HeldLocks};
use crate::testing::faults::{Faulty, Misbehaviour};

/// The nodes of a [`PolicyCase`] and what its handler does.
#[derive(Clone)]
pub struct Stage(Arc<Inner>);

struct Inner {
    case: PolicyCase,
    redlock: Redlock,
    nodes: Vec<Arc<Faulty<InMemoryNode>>>,
    begun: AtomicUsize,
    finished: AtomicUsize,
    /// How the handler held its lock, and whether that had a fence.
    held: Mutex<Option<(Option<HeldAs>, bool)>>,
    /// Somebody else's, and what stands on each node for it.
    _shared: Option<ReadGuard>,
    shares: Vec<Vec<u8>>,
}

const SOMEBODY: &[u8] = b"somebody else";
const LEFT: Duration = Duration::from_millis(2_500);
const KEY: &str = "order:42";
const MONTH: Duration = Duration::from_secs(30 * 86_400);

impl PolicyCase {
    /// Sets the stage. Time should be paused, on a runtime of one thread.
    ///
    /// # Panics
    ///
    /// When the handle cannot be built, which is a mistake here.
    #[allow(clippy::expect_used)]
    pub async fn stage(&self) -> Stage {
        let node = |i| Arc::new(Faulty::new(Arc::new(InMemoryNode::new(format!("node-{i}")))));
        let nodes: Vec<_> = (0..3).map(node).collect();
        let handle = |ttl| {
            let nodes = nodes.iter().map(|node| Arc::clone(node) as Arc<dyn LockNode>);
            Redlock::builder().nodes(nodes).ttl(ttl).retry_seed(7).build()
        };
        let redlock = handle(Duration::from_secs(3)).expect("a valid handle");
        for node in &nodes[1..] {
            match self.situation {
                Situation::Held => {
                    node.inner().put(KEY, SOMEBODY, Some(LEFT));
                }
                Situation::Taken(permits) => {
                    (0..permits)
                        .for_each(|slot| node.inner().put(slot_of(slot), SOMEBODY, Some(LEFT)));
                }
                Situation::HeldForAMonth => node.inner().put(KEY, SOMEBODY, Some(MONTH)),
                Situation::HeldForEver => node.inner().put(KEY, SOMEBODY, None),
                Situation::NoQuorum => node.always(Misbehaviour::Refused),
                Situation::Misconfigured => {
                    node.always(Misbehaviour::Failing(Fault::Replica.into()));
                }
                _ => {}
            }
        }
        if self.situation == Situation::HeldInAnOutage {
            nodes[0].inner().put(KEY, SOMEBODY, Some(LEFT));
            nodes[1..].iter().for_each(|node| node.always(Misbehaviour::Refused));
        }
        if self.situation == Situation::Closed {
            redlock.close().await;
        }
        let mut shared = None;
        if self.situation == Situation::Shared {
            let other = handle(LEFT).expect("a valid handle");
            shared = Some(other.try_read(KEY).await.expect("a free lock"));
        }
        let shares = nodes[0].inner().shares(KEY);
        Stage(Arc::new(Inner {
            case: self.clone(),
            redlock,
            nodes,
            begun: AtomicUsize::new(0),
            finished: AtomicUsize::new(0),
            held: Mutex::new(None),
            _shared: shared,
            shares,
        }))
    }
}

impl Stage {
    /// The handle for the middleware.
    pub fn redlock(&self) -> &Redlock {
        &self.0.redlock
    }

    /// The handler: what it answers is the response's body.
    pub async fn handle(&self, held: Option<HeldLocks>) -> &'static str {
        let stage = &self.0;
        stage.begun.fetch_add(1, Ordering::SeqCst);
        let lease = held.as_ref().and_then(HeldLocks::lease);
        let fenced = lease.is_some_and(|lease| lease.fence().is_some());
        let held_as = held.as_ref().and_then(HeldLocks::held_as);
        assert_eq!(held_as.is_some(), lease.is_some());
        *stage.held.lock().unwrap_or_else(PoisonError::into_inner) = Some((held_as, fenced));
        if stage.case.situation == Situation::LostMeanwhile {
            stage.nodes.iter().for_each(|node| node.inner().clear());
        }
        if matches!(stage.case.situation, Situation::LostMeanwhile | Situation::Slow) {
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        stage.finished.fetch_add(1, Ordering::SeqCst);
        "paid"
    }

    /// Looks at the answer, once its body was read, and at what is left on the nodes. `flagged` tells whether
    /// [`LostDuringRequest`](crate::route::LostDuringRequest) was among the response's extensions.
    ///
    /// # Panics
    ///
    /// When it is not as expected.
    pub async fn check(
        &self,
        status: u16,
        retry_after: Option<&str>,
        kind: Option<&str>,
        body: &str,
        flagged: bool,
    ) {
        let Inner { case, redlock, nodes, begun, finished, held, shares, .. } = &*self.0;
        let name = case.name;
        assert_eq!(status, case.status, "{name}: {body}");
        assert_eq!(retry_after, case.retry_after, "{name}");
        match case.reason {
            // Some frameworks take the body away here, and some do it later.
            _ if case.method == "HEAD" && body.is_empty() => {}
            None => assert_eq!(body, "paid", "{name}"),
            Some(reason) => {
                assert_eq!(kind, Some("application/problem+json"), "{name}");
                assert!(body.contains(&format!(r#""reason":"{reason}""#)), "{name}: {body}");
                for secret in ["node-", "order", "replica", "refused"] {
                    assert!(!body.contains(secret), "{name}: {body}");
                }
            }
        }
        let handler = match (begun.load(Ordering::SeqCst), finished.load(Ordering::SeqCst)) {
            (0, 0) => Handler::NotRun,
            (1, 0) => Handler::Stopped,
            (1, 1) => Handler::Finished,
            more => unreachable!("{name}: the handler ran {more:?} times"),
        };
        assert_eq!(handler, case.handler, "{name}");
        let held = *held.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = (case.held, case.fenced);
        assert_eq!(held.unwrap_or(expected), expected, "{name}");
        assert_eq!(flagged, case.flagged, "{name}");
        redlock.close().await;
        for node in nodes {
            for key in [KEY.to_owned()].into_iter().chain((0..64).map(slot_of)) {
                let left = node.inner().value(&key);
                assert!(left.is_none_or(|left| left == SOMEBODY), "{name}: left on a node: {key}");
            }
            let mut left = node.inner().shares(KEY).into_iter();
            assert!(left.all(|left| shares.contains(&left)), "{name}: a share is left on a node");
        }
    }
}

fn slot_of(slot: u16) -> String {
    format!("{KEY}/{slot}")
}
