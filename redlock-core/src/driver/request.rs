//! What one node is sent to take a claim.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::background::Job;
use super::members::{NOT_ASKED, NodeSet};
use super::trace::{Answer, Traced};
use crate::node::{Claim, Fault, LockNode, NodeError, Placed, Terms, Vote};

/// A node's answer to who asks for any of several slots.
pub(super) type Placement = Result<Placed, NodeError>;

/// The slot that the claim has on a node that gave this answer.
pub(super) fn given(answer: &Placement) -> Option<usize> {
    match answer {
        Ok(Placed { vote: Vote::Granted { .. } | Vote::AlreadyOurs, slot, .. }) => *slot,
        _ => None,
    }
}

impl NodeSet {
    /// An acquire on one node, behind the question who it is where that is not known.
    pub(super) fn acquire(
        self: &Arc<Self>,
        index: usize,
        traced: &Traced,
        terms: Terms,
        timeout: Duration,
    ) -> Job<Answer> {
        self.ask(index, traced, timeout, move |node, claim, timeout| {
            node.acquire(claim, terms, timeout)
        })
    }

    /// The same for one of the claim's resources, of which the one at `first` is looked at first.
    pub(super) fn acquire_any(
        self: &Arc<Self>,
        index: usize,
        traced: &Traced,
        terms: Terms,
        first: usize,
        timeout: Duration,
    ) -> Job<Placement> {
        self.ask(index, traced, timeout, move |node, claim, timeout| {
            node.acquire_any(claim, terms, first, timeout)
        })
    }

    fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        index: usize,
        traced: &Traced,
        timeout: Duration,
        send: impl FnOnce(Arc<dyn LockNode>, Claim, Duration) -> Job<Result<T, NodeError>>
        + Send
        + 'static,
    ) -> Job<Result<T, NodeError>> {
        let member = &self.members[index];
        if member.known.load(Ordering::Acquire) {
            traced.trace.touch(index);
            return send(Arc::clone(&member.node), traced.claim.clone(), timeout);
        }
        let (set, traced) = (Arc::clone(self), traced.clone());
        Box::pin(async move {
            let asked = set.clock.glance();
            set.identify(index, timeout).await?;
            let left = timeout.saturating_sub(set.clock.glance().since(asked));
            if traced.trace.is_released() {
                // Sent now, it would come after the release that was to follow it.
                return Err(NodeError::new(Fault::Refused, NOT_ASKED));
            }
            traced.trace.touch(index);
            send(Arc::clone(&set.members[index].node), traced.claim, left).await
        })
    }
}
