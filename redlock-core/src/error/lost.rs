use std::fmt;

/// Why a lease is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LostReason {
    /// So many nodes hold another token, or none, that the rest is no majority.
    Stolen,
    /// The deadline passed and nobody renewed.
    Expired,
    /// The deadline passed, and renewal found no majority that answered alike.
    NoQuorum,
    /// The longest time that renewal may hold the lock has passed.
    MaxHold,
    /// The guard released the lock or was dropped.
    Released,
    /// The guard [handed the lock over](crate::LockGuard::hand_over).
    HandedOver,
    /// The guard [became one that shares](crate::LockGuard::downgrade). What it shares is held still, but by others as well.
    Downgraded,
}

impl fmt::Display for LostReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stolen => "no majority of nodes holds it any more",
            Self::Expired => "it expired",
            Self::NoQuorum => "it expired while no majority of nodes answered alike",
            Self::MaxHold => "the longest hold time has passed",
            Self::Released => "it was released",
            Self::HandedOver => "it was handed over",
            Self::Downgraded => "it is shared by now",
        })
    }
}

/// The work under a lock was stopped, or not begun, because the lock was lost. What it did before stays done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped: the lock was lost, {reason}")]
pub struct Lost {
    reason: LostReason,
}

impl Lost {
    pub(crate) fn new(reason: LostReason) -> Self {
        Self { reason }
    }

    /// Why.
    pub fn reason(&self) -> LostReason {
        self.reason
    }
}
