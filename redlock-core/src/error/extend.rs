use super::lock::LockError;
use super::lost::LostReason;
use super::report::NodeReport;
use crate::node::config_error::ConfigError;

/// Why a hold was not extended. A failed extension releases nothing.
///
/// By `?` it becomes a [`LockError`], as everything does that a lock may say.
#[derive(Clone, thiserror::Error)]
#[error("not extended: {kind}")]
pub struct ExtendError {
    kind: ExtendErrorKind,
    nodes: Vec<NodeReport>,
}

/// Why a hold was not extended.
///
/// | kind | what to do |
/// |---|---|
/// | [`Lost`](Self::Lost) | stop the work: another may hold the lock |
/// | [`Unanswered`](Self::Unanswered) | go on until the old deadline, and extend again before it |
/// | [`Invalid`](Self::Invalid) | mend the time to live |
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtendErrorKind {
    /// The lock is lost; work under it must stop.
    #[error("the lock is lost, {0}")]
    Lost(LostReason),
    /// Too few nodes answered, or too few of them alike. The lock is held until its old deadline, and extending can be tried again.
    #[error("no majority of nodes answered alike, the old deadline stays")]
    Unanswered,
    /// The time to live breaks a rule. Nothing was sent.
    #[error("{0}")]
    Invalid(ConfigError),
}

debug_reads_as_display!(ExtendError { kind, nodes });

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

    /// Whether extending again may help: too few nodes answered, and the lock is held until its old deadline.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ExtendErrorKind::Unanswered)
    }
}

/// [`Lost`](crate::LockErrorKind::Lost), [`Unreachable`](crate::LockErrorKind::Unreachable) or
/// [`Invalid`](crate::LockErrorKind::Invalid), with what each node answered.
impl From<ExtendError> for LockError {
    fn from(error: ExtendError) -> Self {
        match error.kind {
            ExtendErrorKind::Lost(reason) => Self::unextended(Some(reason), error.nodes),
            ExtendErrorKind::Unanswered => Self::unextended(None, error.nodes),
            ExtendErrorKind::Invalid(rule) => rule.into(),
        }
    }
}
