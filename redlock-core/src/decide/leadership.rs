//! Who leads, as a quorum sees it.

use crate::decide::inspection::{Inspection, LockState};
use crate::node::label::Label;
use crate::node::{Expiry, Holder};

/// Who leads, by a majority of the nodes.
///
/// Advice, and nothing to act on as a leader: nodes are asked one beside the other, so what a majority says may never have
/// stood on a majority at one moment, and it is over by the time it is read. The term cannot be seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeaderState {
    /// A majority of nodes names one leader.
    Known {
        /// A fingerprint that tells terms apart: a leader that leads again has another one.
        holder: Holder,
        /// What it [calls itself](crate::Election::label).
        label: Option<Label>,
        /// When another can lead if this one does not renew.
        remaining: Expiry,
    },
    /// A majority of nodes knows of no leader.
    None,
    /// Neither: nodes do not answer, or name different leaders, as while one is elected.
    Unknown,
}

impl LeaderState {
    /// Whether both name the same leader, of the same term, or the same lack of one.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known { holder, .. }, Self::Known { holder: other, .. }) => holder == other,
            (Self::None, Self::None) | (Self::Unknown, Self::Unknown) => true,
            _ => false,
        }
    }
}

impl From<&Inspection> for LeaderState {
    fn from(inspection: &Inspection) -> Self {
        match &inspection.state {
            LockState::Held { holder, label, expiry } => {
                Self::Known { holder: *holder, label: label.clone(), remaining: *expiry }
            }
            // Who keeps a lock has let go of it.
            LockState::Free | LockState::Shared { .. } | LockState::Kept { .. } => Self::None,
            LockState::Unknown => Self::Unknown,
        }
    }
}
