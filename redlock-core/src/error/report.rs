use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::node::label::Label;
use crate::node::{Expiry, Fault, NodeError, Vote};

/// One node's part in a round.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeReport {
    /// The node's name.
    pub name: Arc<str>,
    /// What it answered.
    pub outcome: NodeOutcome,
    /// How long it took; nothing for a node that was not waited for or not asked.
    pub latency: Option<Duration>,
}

/// What one node answered in a round.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeOutcome {
    /// Yes: granted, extended, or released.
    Granted,
    /// Another holder's value stands there.
    Held {
        /// When it frees itself.
        expiry: Expiry,
        /// What its holder calls itself, where that is known.
        label: Option<Label>,
        /// Whether it is held by nobody any more, and kept from everybody until then: its holder asked for that with
        /// [`at_least`](crate::LockOptions::at_least).
        kept: bool,
    },
    /// A resource did not hold the token any more. No answer to an attempt, but to what follows a grant: its second round, an
    /// extension, a release.
    Absent,
    /// The node restarted a short while ago, and the restart guard keeps it out of votes for a while.
    Warming {
        /// How long it has run.
        uptime: Duration,
        /// How long it gives no grants yet.
        remaining: Duration,
    },
    /// It failed.
    Failed(NodeError),
    /// It had not answered when the verdict was certain, or was not asked.
    Pending,
}

impl fmt::Display for NodeOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted => f.write_str("granted"),
            Self::Held { expiry, label, kept } => {
                f.write_str(if *kept { "kept" } else { "held" })?;
                if let Some(label) = label {
                    write!(f, " by {label}")?;
                }
                match expiry {
                    Expiry::In(left) => write!(f, " for {left:?} more"),
                    Expiry::Never if label.is_some() => {
                        f.write_str(" in a key without expiry, which never frees itself")
                    }
                    Expiry::Never => {
                        f.write_str(" by a key without expiry, which never frees itself")
                    }
                    Expiry::Unknown => Ok(()),
                }
            }
            Self::Absent => f.write_str("not held there"),
            Self::Warming { uptime, remaining } => {
                write!(f, "restarted {uptime:.0?} ago, gives no grants for {remaining:?} more")
            }
            Self::Failed(error) => write!(f, "{error}"),
            Self::Pending => f.write_str("not waited for"),
        }
    }
}

impl From<&Result<Vote, NodeError>> for NodeOutcome {
    fn from(answer: &Result<Vote, NodeError>) -> Self {
        match answer {
            Ok(Vote::Granted { .. } | Vote::Swapped { .. }) => Self::Granted,
            Ok(Vote::AlreadyOurs) => Self::Failed(NodeError::new(
                Fault::Duplicate,
                "it held this attempt's token before it was asked",
            )),
            Ok(Vote::Held { expiry, label, kept, .. }) => {
                Self::Held { expiry: *expiry, label: label.clone(), kept: *kept }
            }
            Ok(Vote::Shared { expiry, label, .. }) => {
                Self::Held { expiry: *expiry, label: label.clone(), kept: false }
            }
            Ok(Vote::Warming { uptime, remaining }) => {
                Self::Warming { uptime: *uptime, remaining: *remaining }
            }
            Err(error) => Self::Failed(error.clone()),
        }
    }
}
