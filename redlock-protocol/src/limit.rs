#![allow(clippy::disallowed_methods)]

use std::time::Duration;

use tokio::time::Instant;

/// One time limit over the several commands of a verb.
#[derive(Clone, Copy)]
pub(crate) struct Limit(Instant, Duration);

impl Limit {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self(Instant::now(), timeout)
    }

    pub(crate) fn left(self) -> Duration {
        self.1.saturating_sub(self.0.elapsed())
    }
}
