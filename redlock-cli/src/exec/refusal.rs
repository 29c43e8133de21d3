//! Why there is no lock.

use redlock_core::{LockError, LockState};

/// A lock that was not had.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: LockError,
    /// What the nodes said afterwards, of a job that is due once and that somebody was in the way of.
    pub(super) seen: Option<LockState>,
}

impl From<LockError> for Refusal {
    fn from(error: LockError) -> Self {
        Self { error, seen: None }
    }
}
