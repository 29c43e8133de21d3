#![allow(clippy::disallowed_methods)]

use std::time::Duration;

use tokio::time::Instant;

/// One time limit over the several commands of a verb. The clock is read once for the verb and its first command, which is
/// sent at once.
pub(crate) struct Limit {
    began: Instant,
    timeout: Duration,
    first: bool,
}

impl Limit {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { began: Instant::now(), timeout, first: true }
    }

    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// When the next command is sent, and how long it may take.
    pub(crate) fn next(&mut self) -> (Instant, Duration) {
        if std::mem::take(&mut self.first) {
            return (self.began, self.timeout);
        }
        let now = Instant::now();
        (now, self.timeout.saturating_sub(now - self.began))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn later_commands_have_what_earlier_ones_left() {
        let (began, second) = (Instant::now(), Duration::from_secs(1));
        let mut limit = Limit::new(second * 3);
        assert_eq!(limit.next(), (began, second * 3));
        tokio::time::advance(second).await;
        assert_eq!(limit.next(), (began + second, second * 2));
        tokio::time::advance(second * 5).await;
        assert_eq!(limit.next().1, Duration::ZERO);
        assert_eq!(limit.began(), began);
    }
}
