use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::ConfigError;
use crate::node::{Expiry, Fault, NodeError, Vote};
use crate::quorum::Tally;

/// Why a lock was not had, or not released, with what each node said.
///
/// Nothing is left behind on the nodes: whatever was taken on the way is released, in the background where a
/// node does not answer.
#[derive(Clone)]
pub struct LockError(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: LockErrorKind,
    tally: Tally,
    nodes: Vec<NodeReport>,
    retry_after: Option<Duration>,
    attempts: u32,
    config: Option<ConfigError>,
}

/// Why a lock was not had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LockErrorKind {
    /// Somebody else holds it, or too much of it.
    Contended,
    /// Too many nodes could not be asked, or did not answer.
    Unreachable,
    /// Too many nodes are set up wrongly, or one server is listed twice. Trying again does not help.
    Misconfigured,
    /// A majority granted, but too late for the grant to be worth anything.
    Late,
    /// It was held by somebody else until the wait budget was over.
    TimedOut,
    /// As many calls wait for the key in this process as [may](crate::RedlockBuilder::max_waiters). Nothing was sent.
    TooManyWaiters,
    /// The key or an option breaks a rule; see [`LockError::config`]. Nothing was sent.
    Invalid,
    /// The handle was closed. Nothing was sent.
    Closed,
    /// There is no tokio runtime, or the operating system has no randomness. Nothing was sent.
    Environment,
}

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
    /// Yes: granted, or released.
    Granted,
    /// Another token stands there.
    Held(Expiry),
    /// The resource did not hold the token any more (release only).
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
    /// It had not answered when the verdict was certain.
    Pending,
}

impl LockError {
    pub(crate) fn new(
        kind: LockErrorKind,
        tally: Tally,
        nodes: Vec<NodeReport>,
        retry_after: Option<Duration>,
    ) -> Self {
        Self(Box::new(Inner { kind, tally, nodes, retry_after, attempts: 1, config: None }))
    }

    pub(crate) fn bare(kind: LockErrorKind) -> Self {
        let mut error = Self::new(kind, Tally::default(), Vec::new(), None);
        error.0.attempts = 0;
        error
    }

    /// The same failure at the end of `attempts` attempts, under another kind where time ran out.
    pub(crate) fn after(mut self, attempts: u32, kind: LockErrorKind) -> Self {
        self.0.attempts = attempts;
        self.0.kind = kind;
        self
    }

    /// Why, in a word.
    pub fn kind(&self) -> LockErrorKind {
        self.0.kind
    }

    /// How the nodes answered in the last round; all zero when nothing was sent.
    pub fn tally(&self) -> Tally {
        self.0.tally
    }

    /// What each node answered in the last round, in the set's order; empty when nothing was sent.
    pub fn nodes(&self) -> &[NodeReport] {
        &self.0.nodes
    }

    /// When a majority of the nodes may be free, from the remaining times that refusing nodes reported.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How many rounds were tried.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The rule that the input broke, with kind [`LockErrorKind::Invalid`].
    pub fn config(&self) -> Option<&ConfigError> {
        self.0.config.as_ref()
    }
}

impl From<ConfigError> for LockError {
    fn from(config: ConfigError) -> Self {
        let mut error = Self::bare(LockErrorKind::Invalid);
        error.0.config = Some(config);
        error
    }
}

impl std::error::Error for LockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.config.as_ref().map(|config| config as _)
    }
}

impl fmt::Debug for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockError")
            .field("kind", &self.0.kind)
            .field("tally", &self.0.tally)
            .field("nodes", &self.0.nodes)
            .field("retry_after", &self.0.retry_after)
            .field("attempts", &self.0.attempts)
            .field("config", &self.0.config)
            .finish()
    }
}

/// One line: the kind, the count, and each node that did not grant with its reason.
impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.kind)?;
        if let Some(config) = &self.0.config {
            return write!(f, ": {config}");
        }
        if self.0.nodes.is_empty() {
            return Ok(());
        }
        let tally = self.0.tally;
        write!(f, " ({} of {} granted", tally.granted, self.0.nodes.len())?;
        if self.0.attempts > 1 {
            write!(f, " at attempt {}", self.0.attempts)?;
        }
        f.write_str(")")?;
        let mut separator = ": ";
        for node in self.0.nodes.iter().filter(|node| node.outcome != NodeOutcome::Granted) {
            write!(f, "{separator}{} {}", node.name, node.outcome)?;
            separator = "; ";
        }
        Ok(())
    }
}

impl fmt::Display for LockErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contended => "held by another",
            Self::Unreachable => "no majority of nodes answered",
            Self::Misconfigured => "the node set is misconfigured",
            Self::Late => "granted too late to be used",
            Self::TimedOut => "still held by another when the wait budget was over",
            Self::TooManyWaiters => "as many calls wait for it here as may",
            Self::Invalid => "invalid input",
            Self::Closed => "the handle is closed",
            Self::Environment => "no tokio runtime, or no randomness from the operating system",
        })
    }
}

impl fmt::Display for NodeOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted => f.write_str("granted"),
            Self::Held(Expiry::In(left)) => write!(f, "held for {left:?} more"),
            Self::Held(Expiry::Never) => {
                f.write_str("held by a key without expiry, which never frees itself")
            }
            Self::Held(Expiry::Unknown) => f.write_str("held"),
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
            Ok(Vote::Granted { .. }) => Self::Granted,
            Ok(Vote::AlreadyOurs) => Self::Failed(NodeError::new(
                Fault::Duplicate,
                "it held this attempt's token before it was asked",
            )),
            Ok(Vote::Held { expiry, .. }) => Self::Held(*expiry),
            Ok(Vote::Warming { uptime, remaining }) => {
                Self::Warming { uptime: *uptime, remaining: *remaining }
            }
            Err(error) => Self::Failed(error.clone()),
        }
    }
}
