//! What is held on all nodes, asked for page by page.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::background::Background;
use super::fan_out::FanOut;
use super::members::NodeSet;
use crate::decide::lease::Moment;
use crate::decide::listing::{Gathering, Listing, NodeListing};
use crate::node::{Fault, FaultClass, NodeError};

/// Said of a node that was not done in time.
const TOO_MUCH: &str = "it holds more than it could tell in time";

/// How to ask.
pub(crate) struct Question {
    /// What the names begin with, the handle's own prefix included.
    pub(crate) prefix: Arc<[u8]>,
    /// Of that, the handle's own.
    pub(crate) hidden: usize,
    /// For how many names there is room.
    pub(crate) most: usize,
    /// For each page.
    pub(crate) node_timeout: Duration,
    /// For all of them.
    pub(crate) within: Duration,
}

/// Asks all nodes side by side for what they hold, each page by page.
pub(crate) async fn held(
    set: &Arc<NodeSet>,
    background: &Background,
    question: Question,
) -> Listing {
    let Question { prefix, hidden, most, node_timeout, within } = question;
    let gathering = Gathering::new(Arc::clone(&prefix), hidden, most, set.len());
    let gathering = Arc::new(Mutex::new(gathering));
    let over = set.clock.now().plus(within);
    let mut fan = FanOut::new(background, set.len());
    for index in 0..set.len() {
        let scan = Scan {
            set: Arc::clone(set),
            index,
            prefix: Arc::clone(&prefix),
            into: Arc::downgrade(&gathering),
            node_timeout,
            over,
        };
        fan.push(index, Box::pin(scan.run()));
    }
    let mut outcomes = vec![Err(Fault::Timeout.into()); set.len()];
    while let Some((index, outcome)) = fan.next().await {
        // Neither a right that lacks for this alone nor a lot that it holds makes a bad node.
        if let Err(error) = &outcome
            && error.class() != FaultClass::Misconfigured
            && error.detail() != TOO_MUCH
        {
            set.note_error(index, error);
        }
        outcomes[index] = outcome;
    }
    let nodes = set
        .members
        .iter()
        .zip(outcomes)
        .map(|(member, outcome)| NodeListing { name: Arc::clone(&member.name), outcome });
    let mut gathering = gathering.lock().unwrap_or_else(PoisonError::into_inner);
    gathering.listing(nodes.collect(), set.clock.now())
}

/// One node's part.
struct Scan {
    set: Arc<NodeSet>,
    index: usize,
    prefix: Arc<[u8]>,
    /// Gone when nobody waits any more.
    into: Weak<Mutex<Gathering>>,
    node_timeout: Duration,
    over: Moment,
}

impl Scan {
    async fn run(self) -> Result<(), NodeError> {
        let mut from = 0;
        loop {
            let left = self.over.since(self.set.clock.now());
            let limit = self.node_timeout.min(left);
            let node = Arc::clone(&self.set.members[self.index].node);
            let page = match left.is_zero() {
                true => Err(Fault::Timeout.into()),
                false => node.scan(Arc::clone(&self.prefix), from, limit).await,
            };
            let page = page.map_err(|error| match error.fault() {
                Fault::Timeout if limit < self.node_timeout => {
                    NodeError::new(Fault::Timeout, TOO_MUCH)
                }
                _ => error,
            })?;
            let at = self.set.clock.now();
            let Some(into) = self.into.upgrade() else { return Ok(()) };
            into.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .all_found(self.index, at, page.found);
            let Some(next) = page.next else { return Ok(()) };
            from = next;
            // A node that answers at once must not keep the thread for itself.
            tokio::task::yield_now().await;
        }
    }
}
