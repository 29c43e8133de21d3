//! Values of labels and fields: few, and none that a caller could choose.

use crate::error::LostReason;
use crate::error::{ExtendErrorKind, LockErrorKind};
use crate::node::{Fault, Mode};

/// Where events and spans come from, whatever module they are of.
#[cfg(any(feature = "metrics", feature = "tracing"))]
pub(super) const TARGET: &str = "redlock";

/// A set of words that a label can have.
pub(crate) trait Word: Copy + 'static {
    /// All of them, in the order of [`index`](Self::index).
    const ALL: &'static [Self];

    fn text(self) -> &'static str;

    fn index(self) -> usize;
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($word:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name {
            $($word,)*
        }

        impl Word for $name {
            const ALL: &'static [Self] = &[$(Self::$word,)*];

            fn text(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)*
                }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    )*};
}

words! {
    /// How a call that asked for a lock ended, or one of its attempts.
    Outcome {
        Acquired = "acquired",
        Contended = "contended",
        TimedOut = "timed_out",
        Unreachable = "unreachable",
        Misconfigured = "misconfigured",
        Late = "late",
        TooManyWaiters = "too_many_waiters",
        Invalid = "invalid",
        Closed = "closed",
        Environment = "environment",
        Cancelled = "cancelled",
    }

    /// Whether a lock is shared, or one of several.
    Sharing {
        Exclusive = "exclusive",
        Shared = "shared",
        Permit = "permit",
    }

    /// What a release found.
    Freed {
        Released = "released",
        Kept = "kept",
        AlreadyGone = "already_gone",
        Uncertain = "uncertain",
        Unconfirmed = "unconfirmed",
        Unawaited = "unawaited",
    }

    /// What an extension came to.
    Renewed {
        Extended = "extended",
        Lost = "lost",
        Unanswered = "unanswered",
        Invalid = "invalid",
        Cancelled = "cancelled",
    }

    /// Why a lock was lost under its guard.
    Loss {
        Stolen = "stolen",
        Expired = "expired",
        NoQuorum = "no_quorum",
        MaxHold = "max_hold",
    }

    /// What became of a lock that went from one holder to the next.
    Passage {
        Given = "given",
        Continued = "continued",
        Anew = "anew",
    }

    /// What a node was asked for.
    Verb {
        Acquire = "acquire",
        Extend = "extend",
        Release = "release",
        Raise = "raise",
        Inspect = "inspect",
        Identity = "identity",
    }
}

impl From<Mode> for Sharing {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Exclusive => Self::Exclusive,
            Mode::Shared => Self::Shared,
        }
    }
}

impl From<LockErrorKind> for Outcome {
    fn from(kind: LockErrorKind) -> Self {
        match kind {
            LockErrorKind::Contended => Self::Contended,
            LockErrorKind::Unreachable => Self::Unreachable,
            LockErrorKind::Misconfigured => Self::Misconfigured,
            LockErrorKind::Late => Self::Late,
            LockErrorKind::TimedOut => Self::TimedOut,
            LockErrorKind::TooManyWaiters => Self::TooManyWaiters,
            LockErrorKind::Invalid => Self::Invalid,
            LockErrorKind::Closed => Self::Closed,
            LockErrorKind::Environment => Self::Environment,
            // Of the work under a lock that was had. No call that asks for one ends so.
            LockErrorKind::Lost => Self::Cancelled,
        }
    }
}

impl From<&ExtendErrorKind> for Renewed {
    fn from(kind: &ExtendErrorKind) -> Self {
        match kind {
            ExtendErrorKind::Lost(_) => Self::Lost,
            ExtendErrorKind::Unanswered => Self::Unanswered,
            ExtendErrorKind::Invalid(_) => Self::Invalid,
        }
    }
}

impl Loss {
    /// A release, a hand-over or a downgrade is no loss.
    pub(crate) fn of(reason: LostReason) -> Option<Self> {
        match reason {
            LostReason::Stolen => Some(Self::Stolen),
            LostReason::Expired => Some(Self::Expired),
            LostReason::NoQuorum => Some(Self::NoQuorum),
            LostReason::MaxHold => Some(Self::MaxHold),
            LostReason::Released | LostReason::HandedOver | LostReason::Downgraded => None,
        }
    }
}

/// A node that the restart guard keeps out of votes fails no request, and is counted with those that do.
pub(crate) const WARMING: &str = "warming";

/// A fault in a word.
pub(crate) fn kind(fault: Fault) -> &'static str {
    match fault {
        Fault::Timeout => "timeout",
        Fault::ConnectionLost => "connection_lost",
        Fault::Unexpected => "unexpected",
        Fault::Refused => "refused",
        Fault::Loading => "loading",
        Fault::Busy => "busy",
        Fault::OutOfMemory => "out_of_memory",
        Fault::CannotPersist => "cannot_persist",
        Fault::NoReplicas => "no_replicas",
        Fault::TooManyClients => "too_many_clients",
        Fault::Replica => "replica",
        Fault::ClusterMember => "cluster_member",
        Fault::WrongType => "wrong_type",
        Fault::Authentication => "authentication",
        Fault::Permission => "permission",
        Fault::Unsupported => "unsupported",
        Fault::Duplicate => "duplicate",
        Fault::ProtectedMode => "protected_mode",
        Fault::Tls => "tls",
        Fault::Database => "database",
        Fault::Protocol => "protocol",
    }
}
