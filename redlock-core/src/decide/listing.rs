//! What is held on the nodes, put together from what each of them tells, page by page.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::decide::inspection::{Inspection, LockState, NodeView};
use crate::decide::lease::Moment;
use crate::decide::quorum::majority;
use crate::node::key::LockKey;
use crate::node::{Expiry, Found, Holding, NodeError};

/// The locks that the nodes tell of, for [`Redlock::held`](crate::Redlock::held).
///
/// It is put together from looks at each node, one page after the other: a look, not a snapshot. A lock that was held all the
/// while is in it; one that was taken, released or passed on meanwhile may be, in whatever state the nodes were in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// The locks that a majority of nodes holds or keeps, and those of which none is sure, sorted by name.
    pub locks: Vec<Listed>,
    /// What there is besides, where more names were found than were asked for.
    pub cut: Option<Cut>,
    /// What became of each node, in the set's order.
    pub nodes: Vec<NodeListing>,
}

/// One lock of a [`Listing`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Its name, without the handle's [key prefix](crate::RedlockBuilder::key_prefix).
    pub resource: Box<[u8]>,
    /// Who holds it: what [`Redlock::inspect`](crate::Redlock::inspect) tells of it, with one view of each node. The state is
    /// never [`Free`](LockState::Free). A node that told only a part of what it holds, and not this, has its fault here.
    pub inspection: Inspection,
}

/// Where a [`Listing`] ends before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cut {
    /// The last name that was looked at. The listing says nothing of those behind it.
    pub last: Box<[u8]>,
    /// How many names behind it one of the nodes told of at least; a name that it told of twice counts twice.
    pub more: usize,
}

/// What became of one node in a [`Listing`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeListing {
    /// The node's name.
    pub name: Arc<str>,
    /// Why it did not tell all.
    pub outcome: Result<(), NodeError>,
}

impl Listing {
    /// Whether a majority of nodes told all. Where it is not so, a lock that is held may be missing.
    pub fn is_answered(&self) -> bool {
        let told = self.nodes.iter().filter(|node| node.outcome.is_ok()).count();
        told >= majority(self.nodes.len())
    }
}

/// What the nodes told so far. Of all names the first ones are kept, and so no more than were asked for: whatever is among them
/// in the end was never left out.
#[derive(Debug)]
pub(crate) struct Gathering {
    prefix: Arc<[u8]>,
    /// So many bytes of each name are the handle's own prefix.
    hidden: usize,
    most: usize,
    names: BTreeMap<Box<[u8]>, Vec<Sighting>>,
    /// How many names behind the last each node told.
    left_out: Vec<usize>,
}

/// What one node told of a name, and when.
#[derive(Debug)]
struct Sighting {
    node: usize,
    at: Moment,
    holding: Result<Holding, NodeError>,
}

impl Gathering {
    /// Of at most `most` names with this prefix, of which `hidden` bytes are the handle's own, on so many nodes.
    pub(crate) fn new(prefix: Arc<[u8]>, hidden: usize, most: usize, nodes: usize) -> Self {
        Self { prefix, hidden, most, names: BTreeMap::new(), left_out: vec![0; nodes] }
    }

    /// The node told a page, at this moment.
    pub(crate) fn all_found(&mut self, node: usize, at: Moment, page: Vec<Found>) {
        page.into_iter().for_each(|found| self.found(node, at, found));
    }

    fn found(&mut self, node: usize, at: Moment, found: Found) {
        let Found { resource: name, holding } = found;
        let own =
            |name: &[u8]| LockKey::new(name).is_ok() && LockKey::new(&name[self.hidden..]).is_ok();
        if !name.starts_with(&self.prefix) || !own(&name) {
            return;
        }
        if !self.names.contains_key(&name) && self.names.len() >= self.most {
            let last = self.names.last_key_value().map(|(last, _)| last);
            if last.is_none_or(|last| *last < name) {
                self.left_out[node] += 1;
                return;
            }
            for sighting in self.names.pop_last().into_iter().flat_map(|(_, sightings)| sightings) {
                self.left_out[sighting.node] += 1;
            }
        }
        let sightings = self.names.entry(name).or_default();
        // What it told first may have changed since.
        sightings.retain(|sighting| sighting.node != node);
        sightings.push(Sighting { node, at, holding });
    }

    /// What it comes to at `now`, with what became of each node.
    pub(crate) fn listing(&mut self, nodes: Vec<NodeListing>, now: Moment) -> Listing {
        let name = |full: &[u8]| Box::from(&full[self.hidden..]);
        let more = self.left_out.iter().copied().max().unwrap_or(0);
        let last = self.names.last_key_value().map(|(last, _)| name(last));
        let cut = last.filter(|_| more > 0).map(|last| Cut { last, more });
        let names = std::mem::take(&mut self.names);
        let listed = names.into_iter().map(|(full, sightings)| Listed {
            resource: name(&full),
            inspection: Inspection::of(views(&nodes, sightings, now), 1),
        });
        let locks = listed.filter(|listed| listed.inspection.state != LockState::Free).collect();
        Listing { locks, cut, nodes }
    }
}

/// What each node says of one name.
fn views(nodes: &[NodeListing], sightings: Vec<Sighting>, now: Moment) -> Vec<NodeView> {
    let unseen = |node: &NodeListing| {
        let holdings = node.outcome.clone().map(|()| vec![None]);
        NodeView { name: Arc::clone(&node.name), holdings }
    };
    let mut views: Vec<NodeView> = nodes.iter().map(unseen).collect();
    for Sighting { node, at, holding } in sightings {
        let holding = holding.map(|mut holding| {
            holding.expiry = later(holding.expiry, now.since(at));
            vec![Some(holding)]
        });
        views[node].holdings = holding;
    }
    views
}

/// What is left of a time after this.
fn later(expiry: Expiry, passed: Duration) -> Expiry {
    match expiry {
        Expiry::In(left) => Expiry::In(left.saturating_sub(passed)),
        other => other,
    }
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
