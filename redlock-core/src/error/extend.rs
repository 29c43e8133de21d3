use super::{ConfigError, NodeReport};
use crate::lease::LostReason;

/// Why a hold was not extended. A failed extension releases nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[error("not extended: {kind}")]
pub struct ExtendError {
    kind: ExtendErrorKind,
    nodes: Vec<NodeReport>,
}

/// Why a hold was not extended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtendErrorKind {
    /// The lock is lost; work under it must stop.
    #[error("the lock is lost, {0}")]
    Lost(LostReason),
    /// Too few nodes answered. The lock is held until its old deadline, and extending can be tried again.
    #[error("no majority of nodes answered, the old deadline stays")]
    Unanswered,
    /// The time to live breaks a rule. Nothing was sent.
    #[error("{0}")]
    Invalid(ConfigError),
}

impl ExtendError {
    pub(crate) fn new(kind: ExtendErrorKind, nodes: Vec<NodeReport>) -> Self {
        Self { kind, nodes }
    }

    /// Why.
    pub fn kind(&self) -> &ExtendErrorKind {
        &self.kind
    }

    /// What each node answered; empty when nothing was sent.
    pub fn nodes(&self) -> &[NodeReport] {
        &self.nodes
    }

    /// Whether the lock is lost.
    pub fn is_lost(&self) -> bool {
        matches!(self.kind, ExtendErrorKind::Lost(_))
    }
}
