//! What a policy may choose between.

/// What a client is told when somebody else has the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ContendedStatus {
    /// 409 Conflict. The default: the request conflicts with the resource's present state and may be sent again.
    #[default]
    Conflict,
    /// 423 Locked, of WebDAV (RFC 4918).
    Locked,
    /// 429 Too Many Requests (RFC 6585): clients with a retry policy of their own follow it.
    TooManyRequests,
}

impl ContendedStatus {
    pub(super) fn code(self) -> u16 {
        match self {
            Self::Conflict => 409,
            Self::Locked => 423,
            Self::TooManyRequests => 429,
        }
    }
}

/// What becomes of a request when too few nodes answer to decide who has the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum NoQuorum {
    /// It is answered with 503. The default: no handler runs without its lock.
    #[default]
    Deny,
    /// The handler runs **without a lock**, perhaps beside another one. A misconfigured node set is denied all the same.
    Allow,
}

/// What becomes of a request that lacks a part of the key template, such as a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum MissingPart {
    /// It is answered with 400. The default.
    #[default]
    Reject,
    /// The handler runs without a lock. A header that is given twice is rejected all the same.
    Pass,
}

/// When the lock is released if all goes well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum HoldUntil {
    /// When the response's body ends, or is dropped. The default.
    #[default]
    BodyEnd,
    /// When the response's head is there: what streams after it is not under the lock.
    ResponseHead,
}

/// What becomes of a handler whose lock is lost under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum OnLost {
    /// It is dropped where it is, and the client gets 503; a body that streams is broken off. The default.
    #[default]
    Cancel,
    /// It goes on without the lock, and a response whose lock was lost before its head has
    /// [`LostDuringRequest`](super::LostDuringRequest) in its extensions.
    Finish,
}
