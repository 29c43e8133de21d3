use std::time::Duration;

use super::lost::LostReason;

/// A leader whose renewals do not keep up, or that leads no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", match lost {
    Some(reason) => format!("the leadership is lost, {reason}"),
    None => format!("its renewal is overdue by {overdue:?}"),
})]
pub struct Unhealthy {
    overdue: Duration,
    lost: Option<LostReason>,
}

impl Unhealthy {
    pub(crate) fn new(overdue: Duration, lost: Option<LostReason>) -> Self {
        Self { overdue, lost }
    }

    /// For how long renewal has been due.
    pub fn overdue(&self) -> Duration {
        self.overdue
    }

    /// Why the leadership is lost, if it is.
    pub fn lost_reason(&self) -> Option<LostReason> {
        self.lost
    }
}
