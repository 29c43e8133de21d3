//! Time, where it goes by in ticks, and requests whose time matters.

use std::time::Duration;

use crate::setting::Small;

/// What is under way between a client and a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) enum Request {
    /// Nothing that could still matter.
    #[default]
    None,
    /// It is sent.
    Sent,
    /// The reply, which grants it.
    Done,
}

pub(crate) fn ticks(ticks: Small) -> Duration {
    Duration::from_secs(ticks.into())
}

pub(crate) fn whole(duration: Duration) -> Small {
    Small::try_from(duration.as_secs()).unwrap_or(Small::MAX)
}
