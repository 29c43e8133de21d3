use std::fmt;

/// Why a lock was not had.
///
/// | kind | what it means | what to do |
/// |---|---|---|
/// | [`Contended`](Self::Contended) | somebody else has it | tell the caller to come back ([`retry_after`](crate::LockError::retry_after)), wait by [`lock`](crate::Redlock::lock), or leave the job to whoever has it |
/// | [`TimedOut`](Self::TimedOut) | somebody else had it all the time | the same; a longer [`wait_for`](crate::RedlockBuilder::wait_for) where callers can wait |
/// | [`TooManyWaiters`](Self::TooManyWaiters) | as many calls wait here as may | the same, without waiting: shed load |
/// | [`Unreachable`](Self::Unreachable) | an outage of the nodes | refuse the work (503) and try again later; see each node's reason in [`nodes`](crate::LockError::nodes) |
/// | [`Late`](Self::Late) | granted, too late to be worth anything | try again; a longer time to live or faster nodes where it happens often |
/// | [`Misconfigured`](Self::Misconfigured) | somebody has to change the nodes | tell who runs the service; `redlock doctor` says more |
/// | [`Invalid`](Self::Invalid) | a key or an option breaks a rule | mend it: [`config`](crate::LockError::config) names field, value and rule |
/// | [`Closed`](Self::Closed) | the service is shutting down | end the work |
/// | [`Environment`](Self::Environment) | no tokio runtime, no randomness | mend the program |
/// | [`Lost`](Self::Lost) | it was had, and lost under the work | the work was stopped, what it did stays done: find out how far it came before it is begun again |
///
/// [`is_contended`](Self::is_contended) is the first three, [`is_retryable`](Self::is_retryable) the first five.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LockErrorKind {
    /// Somebody else holds it, or too much of it.
    Contended,
    /// Too many nodes could not be asked, did not answer, or answered that they cannot vote now.
    Unreachable,
    /// Too many nodes are set up wrongly, or one server is listed twice. Trying again does not help.
    Misconfigured,
    /// A majority granted, but too late for the grant to be worth anything.
    Late,
    /// It was held by somebody else until the wait budget was over: by another process, or by a call of this one, behind
    /// which this call stood in the queue ([`attempts`](crate::LockError::attempts) is 0 then).
    TimedOut,
    /// As many calls wait for the key in this process as [may](crate::RedlockBuilder::max_waiters). Nothing was sent.
    TooManyWaiters,
    /// The key or an option breaks a rule; see [`LockError::config`](crate::LockError::config). Nothing was sent.
    Invalid,
    /// The handle was closed. Nothing was sent, or nothing any more after the [attempts](crate::LockError::attempts) before.
    Closed,
    /// There is no tokio runtime, or the operating system has no randomness. Nothing was sent.
    Environment,
    /// The lock was had, and lost while the work under it ran; see [`LockError::lost_reason`](crate::LockError::lost_reason).
    /// The work was stopped, and what it did stays done.
    Lost,
}

impl LockErrorKind {
    /// Whether others were the reason: somebody has the lock, or as many as may are before this call. The nodes are well,
    /// and nothing needs mending.
    pub fn is_contended(self) -> bool {
        match self {
            Self::Contended | Self::TimedOut | Self::TooManyWaiters => true,
            Self::Unreachable
            | Self::Misconfigured
            | Self::Late
            | Self::Invalid
            | Self::Closed
            | Self::Environment
            | Self::Lost => false,
        }
    }

    /// Whether the same call may have the lock later, with nothing changed by anybody. That the work was not begun is for
    /// [`LockError::is_retryable`](crate::LockError::is_retryable) to tell.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Contended
            | Self::TimedOut
            | Self::TooManyWaiters
            | Self::Unreachable
            | Self::Late => true,
            Self::Misconfigured | Self::Invalid | Self::Closed | Self::Environment | Self::Lost => {
                false
            }
        }
    }
}

impl fmt::Display for LockErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contended => "held by another",
            Self::Unreachable => "no majority of nodes answered with a vote",
            Self::Misconfigured => "the node set is misconfigured",
            Self::Late => "granted too late to be used",
            Self::TimedOut => "still held by another when the wait budget was over",
            Self::TooManyWaiters => "as many calls wait for it here as may",
            Self::Invalid => "invalid input",
            Self::Closed => "the handle is closed",
            Self::Environment => "no tokio runtime, or no randomness from the operating system",
            Self::Lost => "stopped: the lock was lost",
        })
    }
}
