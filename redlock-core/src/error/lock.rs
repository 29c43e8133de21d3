use std::fmt;
use std::time::Duration;

use super::kind::LockErrorKind;
use super::lost::{Lost, LostReason};
use super::report::{NodeOutcome, NodeReport};
use super::tally::Tally;
use crate::node::config_error::ConfigError;
use crate::node::label::Label;

/// Why a lock was not had, not extended, not released, or lost under the work, with what each node said.
///
/// Of a lock that was not had nothing stays on the nodes: whatever was taken on the way is released, in the background
/// where a node does not answer.
///
/// All errors on the way from a handle to the end of the work become one, so a function that returns it takes each of them
/// by `?`: of the set-up ([`ConfigError`]), of taking and releasing, of [extending](crate::ExtendError), of work that was
/// [stopped](crate::Lost).
///
/// ```
/// # use std::time::Duration;
/// use redlock_core::{InMemoryNode, LockError, Redlock};
///
/// async fn import(ttl: Duration) -> Result<(), LockError> {
///     let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(ttl).build()?;
///     let guard = redlock.lock("import").await?;
///     guard.extend(2 * ttl).await?;
///     guard.lease().run(async { /* … */ }).await?;
///     guard.release().await?;
///     Ok(())
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), LockError> {
/// #     assert!(import(Duration::ZERO).await.is_err());
/// #     import(Duration::from_secs(10)).await
/// # }
/// ```
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
    about: About,
    lost: Option<LostReason>,
}

/// What was not had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Lock,
    Extension,
    Release,
}

impl LockError {
    pub(crate) fn new(
        kind: LockErrorKind,
        tally: Tally,
        nodes: Vec<NodeReport>,
        retry_after: Option<Duration>,
    ) -> Self {
        let (attempts, config, about, lost) = (1, None, About::Lock, None);
        Self(Box::new(Inner { kind, tally, nodes, retry_after, attempts, config, about, lost }))
    }

    /// No majority of nodes answered to a release.
    pub(crate) fn unreleased(tally: Tally, nodes: Vec<NodeReport>) -> Self {
        let mut error = Self::new(LockErrorKind::Unreachable, tally, nodes, None);
        error.0.about = About::Release;
        error
    }

    /// A hold was not extended: it is lost, or too few nodes answered alike.
    pub(super) fn unextended(lost: Option<LostReason>, nodes: Vec<NodeReport>) -> Self {
        let kind = lost.map_or(LockErrorKind::Unreachable, |_| LockErrorKind::Lost);
        let attempts = u32::from(!nodes.is_empty());
        let mut error = Self::new(kind, Tally::of(&nodes), nodes, None).after(attempts, kind);
        (error.0.about, error.0.lost) = (About::Extension, lost);
        error
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

    /// Whether somebody else was the reason: [`LockErrorKind::is_contended`].
    pub fn is_contended(&self) -> bool {
        self.0.kind.is_contended()
    }

    /// Whether the same call may have the lock later: its kind [is retryable](LockErrorKind::is_retryable), and it was the lock
    /// that was not had. After an extension or a release that failed the work was under way or done, and is for its author to
    /// judge.
    pub fn is_retryable(&self) -> bool {
        self.0.kind.is_retryable() && self.0.about == About::Lock
    }

    /// Whether the lock was had: the error is of its extension, its release or its loss.
    #[cfg(feature = "route")]
    pub(crate) fn is_of_a_hold(&self) -> bool {
        self.0.about != About::Lock || self.0.kind == LockErrorKind::Lost
    }

    /// How the nodes answered in the last round; all zero when nothing was sent. Of a release `granted` are the nodes that
    /// released, of an extension those that extended, and `refused` those that did not hold the lock.
    pub fn tally(&self) -> Tally {
        self.0.tally
    }

    /// What each node answered in the last round, in the set's order; empty when nothing was sent.
    ///
    /// A call whose time was over before its turn came in the queue of its process made no round of its own. It has what
    /// the nodes answered last to the call whose turn it was, if they refused that one or failed, and nothing if that one
    /// has the lock.
    pub fn nodes(&self) -> &[NodeReport] {
        &self.0.nodes
    }

    /// When a majority of the nodes may be free, from the remaining times that refusing nodes reported.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What the other holder calls itself, of a lock that is [`Contended`](LockErrorKind::Contended) or
    /// [`TimedOut`](LockErrorKind::TimedOut): the [label](crate::RedlockBuilder::label) that more than half of the nodes
    /// that refused read behind its token. `None` where it has none, and where they read different ones.
    pub fn holder(&self) -> Option<&Label> {
        if !matches!(self.0.kind, LockErrorKind::Contended | LockErrorKind::TimedOut) {
            return None;
        }
        let read = || {
            self.0.nodes.iter().filter_map(|node| match &node.outcome {
                NodeOutcome::Held { label, .. } => Some(label.as_ref()),
                _ => None,
            })
        };
        let alike = |label| read().filter(|other| *other == Some(label)).count();
        read().flatten().find(|label| 2 * alike(label) > read().count())
    }

    /// Whether nobody holds it any more, of a lock that is [`Contended`](LockErrorKind::Contended) or
    /// [`TimedOut`](LockErrorKind::TimedOut): more than half of the nodes that refused say that it is kept from everybody for
    /// the rest of the time that its last holder [asked for](crate::LockOptions::at_least). It is free
    /// [then](Self::retry_after): nobody renews it.
    pub fn is_kept(&self) -> bool {
        if !matches!(self.0.kind, LockErrorKind::Contended | LockErrorKind::TimedOut) {
            return false;
        }
        let refused = self.0.nodes.iter().filter_map(|node| match &node.outcome {
            NodeOutcome::Held { kept, .. } => Some(*kept),
            _ => None,
        });
        let (all, kept) = refused.fold((0, 0), |(all, of), kept| (all + 1, of + u32::from(kept)));
        2 * kept > all
    }

    /// How many rounds were tried; 0 when nothing was sent for this call.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The rule that the input broke, with kind [`LockErrorKind::Invalid`].
    pub fn config(&self) -> Option<&ConfigError> {
        self.0.config.as_ref()
    }

    /// Why the lock was lost under the work, with kind [`LockErrorKind::Lost`].
    pub fn lost_reason(&self) -> Option<LostReason> {
        self.0.lost
    }
}

impl From<Lost> for LockError {
    fn from(lost: Lost) -> Self {
        let mut error = Self::bare(LockErrorKind::Lost);
        error.0.lost = Some(lost.reason());
        error
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

/// Reads as `Display` does; all there is, with `{:#?}`.
impl fmt::Debug for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        f.debug_struct("LockError")
            .field("kind", &self.0.kind)
            .field("tally", &self.0.tally)
            .field("nodes", &self.0.nodes)
            .field("retry_after", &self.0.retry_after)
            .field("attempts", &self.0.attempts)
            .field("config", &self.0.config)
            .field("about", &self.0.about)
            .field("lost", &self.0.lost)
            .finish()
    }
}

/// One line: the kind, the count, and each node that did not grant with its reason.
impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queued = self.0.kind == LockErrorKind::TimedOut && self.0.attempts == 0;
        if queued && self.0.nodes.is_empty() {
            return f.write_str(
                "still held or asked for by another call of this process when the wait budget was over",
            );
        }
        if self.0.about == About::Release {
            f.write_str("no majority of nodes answered")?;
        } else if self.0.about == About::Extension {
            f.write_str(match self.0.lost {
                Some(_) => "not extended: the lock is lost",
                None => "not extended: no majority of nodes answered alike, the old deadline stays",
            })?;
        } else if self.is_kept() {
            match self.0.kind {
                LockErrorKind::TimedOut => f.write_str(
                    "still kept from others, by a holder that is done, when the wait budget was over",
                )?,
                _ => f.write_str("kept from others, by a holder that is done")?,
            }
            if let Some(left) = self.0.retry_after {
                write!(f, ", free in {left:.0?}")?;
            }
        } else if let Some(holder) = self.holder() {
            match self.0.kind {
                LockErrorKind::TimedOut => {
                    write!(f, "still held by {holder} when the wait budget was over")?;
                }
                _ => write!(f, "held by {holder}")?,
            }
            if let Some(left) = self.0.retry_after {
                write!(f, ", free in {left:.0?}")?;
            }
        } else {
            write!(f, "{}", self.0.kind)?;
        }
        if let Some(config) = &self.0.config {
            return write!(f, ": {config}");
        }
        if let Some(reason) = self.0.lost {
            return write!(f, ", {reason}");
        }
        if self.0.nodes.is_empty() {
            return Ok(());
        }
        let tally = self.0.tally;
        let done = match self.0.about {
            About::Lock => "granted",
            About::Extension => "extended",
            About::Release => "released",
        };
        write!(f, " ({} of {} {done}", tally.granted, self.0.nodes.len())?;
        if self.0.attempts > 1 {
            write!(f, " at attempt {}", self.0.attempts)?;
        } else if self.0.attempts == 0 && self.0.about == About::Lock {
            f.write_str(" to a call before it in this process")?;
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
