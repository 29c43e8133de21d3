use std::fmt;
use std::time::Duration;

use super::{KeyError, LockPolicy};
use crate::error::{ConfigError, ExtendError, LockError, LockErrorKind, Lost, LostReason};

/// Why a request was not served, as its client is told, with the cause for those who may know more.
///
/// It is in the extensions of the response that it led to. The response itself says nothing about nodes or keys.
#[derive(Clone)]
pub struct Rejection {
    kind: RejectionKind,
    status: u16,
    retry_after: Option<Duration>,
    cause: Option<Cause>,
    /// Whether the client is told who has the lock.
    names_holder: bool,
}

debug_reads_as_display!(Rejection { kind, status, retry_after, cause, names_holder });

#[derive(Debug, Clone)]
enum Cause {
    Lock(LockError),
    Key(KeyError),
    Lost(LostReason),
}

/// What kind of [`Rejection`] it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// Somebody else has the lock, still when the waiting was over. 409, 423 or 429.
    Contended,
    /// As many requests wait, or locks are held, as are allowed. 503.
    Overloaded,
    /// Too few nodes answered, or too late. 503.
    NoQuorum,
    /// The handler was stopped because its lock was lost; what it did before stays done. 503.
    Lost,
    /// The handle was closed: the service is shutting down. 503.
    Closed,
    /// The request lacks a part of the key, repeats it, or gives a bad one. 400.
    BadRequest,
    /// The nodes, the template or the runtime are set up wrongly. 500.
    Misconfigured,
}

impl RejectionKind {
    /// The kind as one lower-case word, for metrics and for the `reason` member of the body.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contended => "contended",
            Self::Overloaded => "overloaded",
            Self::NoQuorum => "no_quorum",
            Self::Lost => "lost",
            Self::Closed => "closed",
            Self::BadRequest => "bad_request",
            Self::Misconfigured => "misconfigured",
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::Contended => "Another request is working on this resource.",
            Self::Overloaded => "Too many requests are waiting.",
            Self::NoQuorum => "The lock service cannot be reached.",
            Self::Lost => "The request was stopped; what it did before stays done.",
            Self::Closed => "The service is shutting down.",
            Self::BadRequest => "What names the resource is missing, given twice, or invalid.",
            Self::Misconfigured => "The service is not set up correctly.",
        }
    }
}

/// What a client is told to wait where nothing is known.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The longest that a client is told to wait: an hour. A key may be held for much longer, by another program or by a holder
/// with a long time to live, but it may also be given back at any time.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// What the nodes told, as a client is told it: a time of zero says as little as none.
fn hint(told: Option<Duration>) -> Option<Duration> {
    told.filter(|after| !after.is_zero()).map(|after| after.min(MAX_RETRY_AFTER))
}

impl Rejection {
    pub(super) fn overloaded() -> Self {
        Self::unavailable(RejectionKind::Overloaded)
    }

    /// Told without asking the nodes: enough requests of this process are at it.
    pub(super) fn crowded(policy: &LockPolicy) -> Self {
        Self {
            kind: RejectionKind::Contended,
            status: policy.contended_status.code(),
            retry_after: policy.retry_after.or(Some(RETRY_AFTER)),
            cause: None,
            names_holder: false,
        }
    }

    /// Layers around are in the way: the request would wait for itself.
    pub(super) fn entangled(how: &str) -> Self {
        KeyError::Misuse(how.to_owned()).into()
    }

    /// Told by nodes that somebody has the lock, where others did not answer.
    pub(super) fn into_contended(self, policy: &LockPolicy) -> Self {
        Self {
            kind: RejectionKind::Contended,
            status: policy.contended_status.code(),
            retry_after: policy.retry_after.or(self.retry_after),
            cause: self.cause,
            names_holder: policy.names_holder,
        }
    }

    /// The runtime or the handle is shutting down.
    pub fn closed() -> Self {
        Self::unavailable(RejectionKind::Closed)
    }

    pub(super) fn lost(reason: LostReason) -> Self {
        // Sent again, the request might do twice what it did before it was stopped.
        let cause = Some(Cause::Lost(reason));
        let (kind, names_holder) = (RejectionKind::Lost, false);
        Self { kind, status: 503, retry_after: None, cause, names_holder }
    }

    fn unavailable(kind: RejectionKind) -> Self {
        let retry_after = Some(RETRY_AFTER);
        Self { kind, status: 503, retry_after, cause: None, names_holder: false }
    }

    /// What a lock that was not had means for a client. So `From` has it under the policy's defaults.
    ///
    /// A key that breaks its rule is the request's fault, any other rule the developer's. Of a lock that was had, and not
    /// extended, not released or lost, no time is told to try again: what was done stays done.
    pub fn of_lock_error(error: LockError, policy: &LockPolicy) -> Self {
        let of_the_key = |rule: &ConfigError| matches!(rule.field(), "key" | "path parameter");
        let kind = match error.kind() {
            LockErrorKind::Contended | LockErrorKind::TimedOut | LockErrorKind::TooManyWaiters => {
                RejectionKind::Contended
            }
            LockErrorKind::Unreachable | LockErrorKind::Late => RejectionKind::NoQuorum,
            LockErrorKind::Closed => RejectionKind::Closed,
            LockErrorKind::Invalid if error.config().is_some_and(of_the_key) => {
                RejectionKind::BadRequest
            }
            LockErrorKind::Misconfigured | LockErrorKind::Invalid | LockErrorKind::Environment => {
                RejectionKind::Misconfigured
            }
            LockErrorKind::Lost => RejectionKind::Lost,
        };
        let told = policy.retry_after.or(hint(error.retry_after()));
        let (status, retry_after) = match kind {
            RejectionKind::Contended => {
                (policy.contended_status.code(), told.or(Some(RETRY_AFTER)))
            }
            RejectionKind::BadRequest => (400, None),
            RejectionKind::Misconfigured => (500, None),
            _ if error.is_of_a_hold() => (503, None),
            _ => (503, Some(RETRY_AFTER)),
        };
        let names_holder = policy.names_holder && kind == RejectionKind::Contended;
        Self { kind, status, retry_after, cause: Some(Cause::Lock(error)), names_holder }
    }

    /// What kind it is.
    pub fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// When it is worth trying again: what the policy says, or else when a majority of nodes may be free if the holder does
    /// nothing, but at most [`MAX_RETRY_AFTER`]; 1 s where that is unknown or now, and `None` where trying again is no remedy.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The value of the `Retry-After` header: whole seconds, rounded up, at least 1 (RFC 9110, section 10.2.3).
    pub fn retry_after_seconds(&self) -> Option<u64> {
        let seconds =
            |after: Duration| after.as_secs().saturating_add(u64::from(after.subsec_nanos() > 0));
        self.retry_after.map(|after| seconds(after).max(1))
    }

    /// Why the lock was not had, where it was asked for.
    pub fn lock_error(&self) -> Option<&LockError> {
        match &self.cause {
            Some(Cause::Lock(error)) => Some(error),
            _ => None,
        }
    }

    /// Why the request has no key, where that is the reason.
    pub fn key_error(&self) -> Option<&KeyError> {
        match &self.cause {
            Some(Cause::Key(error)) => Some(error),
            _ => None,
        }
    }

    /// Why the lock was lost, where that is the reason.
    pub fn lost_reason(&self) -> Option<LostReason> {
        match &self.cause {
            Some(Cause::Lost(reason)) => Some(*reason),
            _ => None,
        }
    }

    /// A sentence for the client. It is the same for all rejections of a kind.
    pub fn detail(&self) -> &'static str {
        self.kind.detail()
    }

    /// The body: a problem of RFC 9457 (`application/problem+json`) with `reason` as its extension member, and `holder`
    /// where the policy [names the holder](LockPolicy::names_holder).
    pub fn problem_json(&self) -> String {
        let title = match self.status {
            400 => "Bad Request",
            409 => "Conflict",
            423 => "Locked",
            429 => "Too Many Requests",
            503 => "Service Unavailable",
            _ => "Internal Server Error",
        };
        let named = self.lock_error().filter(|_| self.names_holder).and_then(LockError::holder);
        let holder = named.map(|label| {
            // Of what JSON escapes no more than these two can be printed.
            let text = label.as_str().replace('\\', r"\\").replace('"', r#"\""#);
            format!(r#","holder":"{text}""#)
        });
        let holder = holder.unwrap_or_default();
        format!(
            r#"{{"type":"about:blank","title":"{title}","status":{},"detail":"{}","reason":"{}"{holder}}}"#,
            self.status,
            self.detail(),
            self.kind.as_str(),
        )
    }
}

/// As a route answers whose policy says nothing; with another policy: [`of_lock_error`](Rejection::of_lock_error).
impl From<LockError> for Rejection {
    fn from(error: LockError) -> Self {
        Self::of_lock_error(error, &LockPolicy::new())
    }
}

impl From<ExtendError> for Rejection {
    fn from(error: ExtendError) -> Self {
        LockError::from(error).into()
    }
}

impl From<ConfigError> for Rejection {
    fn from(error: ConfigError) -> Self {
        LockError::from(error).into()
    }
}

impl From<Lost> for Rejection {
    fn from(lost: Lost) -> Self {
        Self::lost(lost.reason())
    }
}

impl From<KeyError> for Rejection {
    fn from(error: KeyError) -> Self {
        let (kind, status) = match error.is_misuse() {
            true => (RejectionKind::Misconfigured, 500),
            false => (RejectionKind::BadRequest, 400),
        };
        Self {
            kind,
            status,
            retry_after: None,
            cause: Some(Cause::Key(error)),
            names_holder: false,
        }
    }
}

/// Shows the cause, for logs; a client is told [`detail`](Self::detail).
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Some(Cause::Lock(error)) => write!(f, "{error}"),
            Some(Cause::Key(error)) => write!(f, "{error}"),
            Some(Cause::Lost(reason)) => write!(f, "the lock was lost: {reason}"),
            None if self.kind == RejectionKind::Contended => {
                f.write_str("enough requests of this process wait for the key")
            }
            None if self.kind == RejectionKind::Closed => {
                f.write_str("the runtime is shutting down")
            }
            None => f.write_str("enough requests wait, or locks are held, in this process"),
        }
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Some(Cause::Lock(error)) => Some(error),
            Some(Cause::Key(error)) => Some(error),
            Some(Cause::Lost(_)) | None => None,
        }
    }
}

#[cfg(test)]
#[path = "rejection_tests.rs"]
mod tests;
