use std::time::Duration;

use redlock_protocol::connection::{LONGEST_PAUSE, pause};

/// The wait before the first attempt to connect again, at most. It is short because commands wait with it.
const FIRST: Duration = Duration::from_millis(5);

/// How long to wait between two attempts to connect.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    /// Attempts, and connections that did not last, since one lasted.
    failures: u32,
}

impl Backoff {
    /// The wait after an attempt that failed, or after a connection of which no use could be made for long; `luck` is
    /// from 0 to 1.
    pub(crate) fn wait(&mut self, lived: Option<Duration>, luck: f64) -> Duration {
        if lived.is_some_and(|lived| lived >= LONGEST_PAUSE) {
            self.failures = 0;
        }
        let wait = pause(FIRST, self.failures, luck);
        self.failures = self.failures.saturating_add(1);
        wait
    }

    /// Whether the wait told last was the short one, which commands may wait for.
    pub(crate) fn is_first(&self) -> bool {
        self.failures == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wait_is_short_and_the_later_ones_grow_to_the_longest() {
        let mut backoff = Backoff::default();
        let mut most = FIRST;
        for failure in 0..100 {
            let wait = Backoff { failures: failure }.wait(None, 1.0);
            assert!(wait >= most / 2 && wait <= most, "{failure}: {wait:?}");
            assert_eq!(Backoff { failures: failure }.wait(None, 0.0), most / 2);
            most = (most * 2).min(LONGEST_PAUSE);
        }
        backoff.wait(None, 0.0);
        assert!(backoff.is_first());
        backoff.wait(None, 0.0);
        assert!(!backoff.is_first());
    }

    #[test]
    fn only_a_connection_that_lasted_makes_the_next_wait_short_again() {
        let mut backoff = Backoff { failures: 9 };
        assert!(backoff.wait(Some(LONGEST_PAUSE - Duration::from_millis(1)), 0.0) > FIRST);
        assert!(backoff.wait(None, 0.0) > FIRST);
        assert!(backoff.wait(Some(LONGEST_PAUSE), 0.0) <= FIRST);
        assert!(backoff.is_first());
    }
}
