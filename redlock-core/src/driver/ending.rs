//! What one node is sent at the end of a claim.

use std::sync::Arc;
use std::time::Duration;

use super::background::Job;
use super::claimed::Claimed;
use super::members::NodeSet;
use crate::node::{Claim, Holder, LockNode, NodeError, Removal};

pub(super) type Removed = Result<Removal, NodeError>;

/// The end of a claim on one node: a keep while its lock is to stay taken, else a release. Which of them, and for how
/// long, is found when it is sent.
pub(super) fn on(claimed: &Claimed, index: usize) -> Job<Removed> {
    if !claimed.traced.trace.may_keep() {
        return release_on(claimed, index);
    }
    let own = claimed.clone();
    Box::pin(async move {
        let Claimed { set, traced, node_timeout, .. } = &own;
        match traced.trace.rest(set.clock.now()) {
            Some(rest) => {
                let node = Arc::clone(&set.members[index].node);
                node.keep(traced.claim.clone(), rest, *node_timeout * 2).await
            }
            None => release_on(&own, index).await,
        }
    })
}

/// The release of a claim on one node.
pub(super) fn release_on(claimed: &Claimed, index: usize) -> Job<Removed> {
    let Claimed { set, traced, node_timeout, .. } = claimed;
    let (claim, timeout) = (traced.to_release(), *node_timeout * 2);
    let node = Arc::clone(&set.members[index].node);
    if traced.trace.is_by_token() {
        return Box::pin(by_token(Arc::clone(set), node, claim, timeout));
    }
    release(set, node, claim, timeout)
}

/// Those who listen are told, where anybody may be listening.
fn release(
    set: &NodeSet,
    node: Arc<dyn LockNode>,
    claim: Claim,
    timeout: Duration,
) -> Job<Removed> {
    if set.tells { node.release_and_tell(claim, timeout) } else { node.release(claim, timeout) }
}

/// Where something else stands than the claim's value, it is looked whether that is the same token with another label. A
/// holder's value never changes, so what was seen is what stands there for as long as the token does.
async fn by_token(
    set: Arc<NodeSet>,
    node: Arc<dyn LockNode>,
    claim: Claim,
    timeout: Duration,
) -> Removed {
    let began = set.clock.now();
    let left = || timeout.saturating_sub(set.clock.now().since(began));
    let removal = release(&set, Arc::clone(&node), claim.clone(), timeout).await?;
    if removal != Removal::Foreign {
        return Ok(removal);
    }
    let holdings = Arc::clone(&node).inspect(claim.key().clone(), left()).await?;
    let known = holdings.into_iter().flatten().find_map(|holding| {
        let known = claim.clone().with_label(holding.label);
        (Holder::of(known.value()) == holding.holder).then_some(known)
    });
    match known {
        Some(known) => release(&set, node, known, left()).await,
        None => Ok(removal),
    }
}
