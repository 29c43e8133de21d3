//! Who holds a lock, as a quorum sees it.

use std::sync::Arc;
use std::time::Duration;

use crate::node::{Expiry, Holder, Holding, NodeError};
use crate::quorum::majority;

/// What the nodes say about a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// What a quorum of them comes to.
    pub state: LockState,
    /// What each node said, in the set's order.
    pub nodes: Vec<NodeView>,
}

/// Whether a lock is held, by quorum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockState {
    /// A majority of nodes holds one token, for a resource at least.
    Held {
        /// Whose it is.
        holder: Holder,
        /// When so many of these nodes let go that the rest is no majority, if nobody renews.
        expiry: Expiry,
    },
    /// A majority of nodes holds nothing, for every resource.
    Free,
    /// Neither: nodes do not answer, or hold different tokens.
    Unknown,
}

/// What one node says about a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeView {
    /// The node's name.
    pub name: Arc<str>,
    /// Who holds each resource, in the key's order; or why the node did not say.
    pub holdings: Result<Vec<Option<Holding>>, NodeError>,
}

/// Pure: what the nodes' views of a lock over `resources` resources come to.
pub(crate) fn state(views: &[NodeView], resources: usize) -> LockState {
    let states = (0..resources).map(|resource| resource_state(views, resource));
    states.reduce(worse).unwrap_or(LockState::Unknown)
}

/// Held by anyone beats everything; then what is not known.
fn worse(a: LockState, b: LockState) -> LockState {
    match (a, b) {
        (LockState::Held { expiry: x, .. }, LockState::Held { expiry: y, .. }) => {
            if rank(y) > rank(x) { b } else { a }
        }
        (LockState::Held { .. }, _) => a,
        (_, LockState::Held { .. }) => b,
        (LockState::Free, LockState::Free) => LockState::Free,
        _ => LockState::Unknown,
    }
}

fn resource_state(views: &[NodeView], resource: usize) -> LockState {
    let majority = majority(views.len());
    let answers = || views.iter().filter_map(|view| view.holdings.as_ref().ok()?.get(resource));
    if answers().filter(|holding| holding.is_none()).count() >= majority {
        return LockState::Free;
    }
    for Holding { holder, .. } in answers().flatten() {
        let mut expiries: Vec<Expiry> = answers()
            .flatten()
            .filter(|other| other.holder == *holder)
            .map(|other| other.expiry)
            .collect();
        if expiries.len() >= majority {
            expiries.sort_unstable_by_key(|expiry| std::cmp::Reverse(rank(*expiry)));
            return LockState::Held { holder: *holder, expiry: expiries[majority - 1] };
        }
    }
    LockState::Unknown
}

fn rank(expiry: Expiry) -> Duration {
    match expiry {
        Expiry::In(left) => left,
        Expiry::Never | Expiry::Unknown => Duration::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Fault;

    fn held(value: &str, ms: u64) -> Option<Holding> {
        Some(Holding {
            holder: Holder::of(value.as_bytes()),
            expiry: Expiry::In(Duration::from_millis(ms)),
        })
    }

    fn views(columns: Vec<Option<Vec<Option<Holding>>>>) -> Vec<NodeView> {
        let view = |holdings: Option<Vec<_>>| NodeView {
            name: "n".into(),
            holdings: holdings.ok_or(NodeError::from(Fault::Timeout)),
        };
        columns.into_iter().map(view).collect()
    }

    fn one(columns: Vec<Option<Option<Holding>>>) -> LockState {
        state(&views(columns.into_iter().map(|c| c.map(|h| vec![h])).collect()), 1)
    }

    #[test]
    fn held_free_and_unknown_go_by_quorum() {
        let a = Holder::of(b"a");
        let expiry = |ms| Expiry::In(Duration::from_millis(ms));
        assert_eq!(
            one(vec![
                Some(held("a", 30)),
                Some(held("a", 10)),
                Some(held("a", 20)),
                None,
                Some(None)
            ]),
            LockState::Held { holder: a, expiry: expiry(10) }
        );
        assert_eq!(
            one(vec![
                Some(held("a", 30)),
                Some(held("a", 10)),
                Some(held("a", 20)),
                Some(held("a", 5)),
                None
            ]),
            LockState::Held { holder: a, expiry: expiry(10) },
            "the third largest: then two are left"
        );
        assert_eq!(one(vec![Some(None), Some(None), Some(held("a", 1))]), LockState::Free);
        assert_eq!(one(vec![Some(None), None, Some(held("a", 1))]), LockState::Unknown);
        assert_eq!(
            one(vec![Some(held("a", 9)), Some(held("b", 9)), Some(None)]),
            LockState::Unknown
        );
        assert_eq!(one(vec![None, None, None]), LockState::Unknown);
    }

    #[test]
    fn several_resources_are_held_when_one_is_and_free_when_all_are() {
        let both = |a: Option<Holding>, b: Option<Holding>| Some(vec![a, b]);
        let held_one =
            views(vec![both(None, held("x", 5)), both(None, held("x", 5)), both(None, None)]);
        assert!(matches!(state(&held_one, 2), LockState::Held { .. }));
        let free = views(vec![both(None, None), both(None, None), None]);
        assert_eq!(state(&free, 2), LockState::Free);
        let split =
            views(vec![both(None, held("x", 5)), both(None, held("y", 5)), both(None, None)]);
        assert_eq!(state(&split, 2), LockState::Unknown);
    }
}
