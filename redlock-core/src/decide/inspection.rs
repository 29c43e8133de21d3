//! Who holds a lock, as a quorum sees it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::decide::quorum::majority;
use crate::node::label::Label;
use crate::node::{Expiry, Holder, Holding, NodeError, Share};

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
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockState {
    /// A majority of nodes holds one holder's value, for a resource at least.
    Held {
        /// Whose it is.
        holder: Holder,
        /// What the holder calls itself.
        label: Option<Label>,
        /// When so many of the nodes that say so let go that the rest of them is no majority, if nobody renews. Nodes that
        /// did not answer may hold it for longer.
        expiry: Expiry,
    },
    /// A majority of nodes has a share of the same holder, for a resource at least: of one holder or of several.
    Shared {
        /// Of how many holders, of those whom the nodes [show](crate::node::Shares::shown).
        holders: usize,
        /// What the holder calls itself whose share ends last.
        label: Option<Label>,
        /// When the last of these shares ends, each as of [`Held`](Self::Held).
        expiry: Expiry,
    },
    /// A majority of nodes holds nothing, for every resource.
    Free,
    /// A resource at least is held by nobody any more and kept from everybody, by a majority of nodes: its holder asked
    /// for that with [`at_least`](crate::LockOptions::at_least).
    Kept {
        /// Whose it was.
        holder: Holder,
        /// When it is free, as of [`Held`](Self::Held).
        expiry: Expiry,
    },
    /// Neither: nodes do not answer, or hold different values.
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

impl Inspection {
    /// What these views of a lock over so many resources come to, for whoever asked the nodes without
    /// [`Redlock::inspect`](crate::Redlock::inspect). All nodes of the set belong in it, also those that did not answer.
    pub fn of(nodes: Vec<NodeView>, resources: usize) -> Self {
        Self { state: state(&nodes, resources), nodes }
    }
}

impl NodeView {
    /// What the node of this name said, a holding for each resource in the key's order.
    pub fn new(
        name: impl Into<Arc<str>>,
        holdings: Result<Vec<Option<Holding>>, NodeError>,
    ) -> Self {
        Self { name: name.into(), holdings }
    }
}

/// Pure: what the nodes' views of a lock over `resources` resources come to.
pub(crate) fn state(views: &[NodeView], resources: usize) -> LockState {
    let states = (0..resources).map(|resource| resource_state(views, resource));
    states.reduce(worse).unwrap_or(LockState::Unknown)
}

/// Held by anyone beats everything, then shared, then kept; then what is not known.
fn worse(a: LockState, b: LockState) -> LockState {
    match (&a, &b) {
        (LockState::Held { expiry: x, .. }, LockState::Held { expiry: y, .. })
        | (LockState::Shared { expiry: x, .. }, LockState::Shared { expiry: y, .. })
        | (LockState::Kept { expiry: x, .. }, LockState::Kept { expiry: y, .. }) => {
            if rank(*y) > rank(*x) { b } else { a }
        }
        (LockState::Held { .. }, _) => a,
        (_, LockState::Held { .. }) => b,
        (LockState::Shared { .. }, _) => a,
        (_, LockState::Shared { .. }) => b,
        (LockState::Kept { .. }, _) => a,
        (_, LockState::Kept { .. }) => b,
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
    let parts: Vec<Part<'_>> = answers().flatten().flat_map(parts).collect();
    let (mut seen, mut sharing) = (HashSet::new(), Vec::new());
    for Part { holder, label, .. } in &parts {
        let holder = holder.holder();
        let of_holder = || parts.iter().filter(|other| other.holder.holder() == holder);
        let mut expiries: Vec<Expiry> = of_holder().map(|other| other.expiry).collect();
        if expiries.len() < majority || !seen.insert(holder) {
            continue;
        }
        expiries.sort_unstable_by_key(|expiry| std::cmp::Reverse(rank(*expiry)));
        let expiry = expiries[majority - 1];
        if of_holder().any(|other| other.shared) {
            // Where it stands whole a downgrade did not arrive.
            sharing.push((rank(expiry), expiry, label));
            continue;
        }
        // A lease is over before the first mark is put: where one stands, tokens are what the keep did not reach.
        let kept = of_holder().any(|other| other.holder.is_kept());
        return if kept {
            LockState::Kept { holder, expiry }
        } else {
            LockState::Held { holder, label: (*label).clone(), expiry }
        };
    }
    let holders = sharing.len();
    match sharing.into_iter().max_by_key(|(rank, ..)| *rank) {
        Some((_, expiry, label)) => {
            LockState::Shared { holders, label: Option::clone(label), expiry }
        }
        None => LockState::Unknown,
    }
}

/// What one holder has of a resource on one node.
struct Part<'a> {
    holder: Holder,
    label: &'a Option<Label>,
    expiry: Expiry,
    shared: bool,
}

fn parts(holding: &Holding) -> Vec<Part<'_>> {
    let Holding { holder, label, expiry, shares } = holding;
    match shares {
        None => vec![Part { holder: *holder, label, expiry: *expiry, shared: false }],
        Some(shares) => shares.shown.iter().map(part).collect(),
    }
}

fn part(share: &Share) -> Part<'_> {
    let Share { holder, label, expiry } = share;
    Part { holder: *holder, label, expiry: *expiry, shared: true }
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
        Some(Holding::of(value.as_bytes(), Expiry::In(Duration::from_millis(ms))))
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
            LockState::Held { holder: a, label: None, expiry: expiry(10) }
        );
        assert_eq!(
            one(vec![
                Some(held("a", 30)),
                Some(held("a", 10)),
                Some(held("a", 20)),
                Some(held("a", 5)),
                None
            ]),
            LockState::Held { holder: a, label: None, expiry: expiry(10) },
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
    fn a_lock_is_kept_where_a_mark_stands_with_the_tokens_that_it_did_not_reach() {
        let holder = Holder::of(b"a");
        let mark = String::from_utf8(holder.mark()).unwrap();
        let expiry = Expiry::In(Duration::from_millis(10));
        let kept = LockState::Kept { holder, expiry };
        assert_eq!(one(vec![Some(held(&mark, 30)), Some(held(&mark, 10)), Some(None)]), kept);
        assert_eq!(one(vec![Some(held(&mark, 30)), Some(held("a", 10)), None]), kept);
        assert_eq!(one(vec![Some(held(&mark, 9)), Some(held("b", 9)), None]), LockState::Unknown);
        let mark = held(&mark, 10);
        let beside = |other: Option<Holding>| {
            state(
                &views(vec![
                    Some(vec![mark.clone(), other.clone()]),
                    Some(vec![mark.clone(), other]),
                ]),
                2,
            )
        };
        assert_eq!(beside(None), kept);
        assert!(matches!(beside(held("b", 1)), LockState::Held { .. }));
    }

    fn shared(values: &[(&str, u64)]) -> Option<Holding> {
        let expiry = |ms| Expiry::In(Duration::from_millis(ms));
        let shares = values.iter().map(|(value, ms)| (value.as_bytes().to_vec(), expiry(*ms)));
        Holding::of_shares(values.len(), shares)
    }

    #[test]
    fn it_is_shared_by_those_who_have_a_share_on_a_majority() {
        let state = |holders, ms| LockState::Shared {
            holders,
            label: None,
            expiry: Expiry::In(Duration::from_millis(ms)),
        };
        let columns = vec![
            Some(shared(&[("b", 40), ("a", 30)])),
            Some(shared(&[("a", 20), ("c", 9)])),
            Some(shared(&[("b", 50)])),
        ];
        assert_eq!(one(columns), state(2, 40));
        assert_eq!(
            one(vec![Some(shared(&[("a", 3)])), Some(shared(&[("b", 3)])), None]),
            LockState::Unknown
        );
        let half_way = vec![Some(shared(&[("a", 30)])), Some(held("a", 20)), Some(None)];
        assert_eq!(one(half_way), state(1, 20));
        let two = |a: Option<Holding>, b: Option<Holding>| {
            super::state(&views(vec![Some(vec![a.clone(), b.clone()]), Some(vec![a, b])]), 2)
        };
        assert_eq!(two(shared(&[("a", 5)]), None), state(1, 5));
        assert!(matches!(two(shared(&[("a", 5)]), held("b", 1)), LockState::Held { .. }));
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
