use super::report::{NodeOutcome, NodeReport};
use crate::node::FaultClass;

/// How the nodes of one round answered so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Tally {
    /// Nodes that granted.
    pub granted: usize,
    /// Healthy nodes that refused.
    pub refused: usize,
    /// Nodes of which nothing is known or that gave no vote, not answering ones included.
    pub unknown: usize,
    /// Nodes that are set up wrongly.
    pub misconfigured: usize,
}

impl Tally {
    /// Of the reports of an extension.
    pub(super) fn of(nodes: &[NodeReport]) -> Self {
        let mut tally = Self::default();
        for node in nodes {
            *match &node.outcome {
                NodeOutcome::Granted => &mut tally.granted,
                NodeOutcome::Held { .. } | NodeOutcome::Absent => &mut tally.refused,
                NodeOutcome::Failed(error) if error.class() == FaultClass::Misconfigured => {
                    &mut tally.misconfigured
                }
                NodeOutcome::Failed(_) | NodeOutcome::Warming { .. } | NodeOutcome::Pending => {
                    &mut tally.unknown
                }
            } += 1;
        }
        tally
    }
}
