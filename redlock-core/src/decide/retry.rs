//! Pure: how long to wait before the next attempt.

use std::time::Duration;

use crate::node::config_error::ConfigError;

/// Shortest and longest delay that makes sense.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(60);

/// The random delay between two attempts to take a lock. Default: 100 to 300 ms.
///
/// Always random: contenders that started together would otherwise collide for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    min: Duration,
    max: Duration,
    doubling: bool,
}

impl Default for RetryPolicy {
    /// 200 ms ± 50 %, what most Redlock libraries wait.
    fn default() -> Self {
        Self { min: Duration::from_millis(100), max: Duration::from_millis(300), doubling: false }
    }
}

impl RetryPolicy {
    /// A delay drawn evenly from `min` to `max`.
    ///
    /// # Errors
    ///
    /// When `min` is below 1 ms, `max` is above 60 s, or `min` is not below `max`.
    pub fn uniform(min: Duration, max: Duration) -> Result<Self, ConfigError> {
        Self { min, max, doubling: false }.checked()
    }

    /// A delay drawn evenly from `base` to a bound that starts at twice `base` and doubles with every attempt up
    /// to `cap`.
    ///
    /// # Errors
    ///
    /// As [`RetryPolicy::uniform`], with `base` for `min` and `cap` for `max`.
    pub fn exponential(base: Duration, cap: Duration) -> Result<Self, ConfigError> {
        Self { min: base, max: cap, doubling: true }.checked()
    }

    fn checked(self) -> Result<Self, ConfigError> {
        let error =
            |value: Duration, rule| Err(ConfigError::new("retry", format!("{value:?}"), rule));
        if self.min < SHORTEST {
            error(self.min, "the shortest delay must be at least 1 ms")
        } else if self.max > LONGEST {
            error(self.max, "the longest delay must be at most 60 s")
        } else if self.min >= self.max {
            error(self.min, "the shortest delay must be below the longest")
        } else {
            Ok(self)
        }
    }

    /// The longest delay.
    pub(crate) fn longest(&self) -> Duration {
        self.max
    }

    /// The delay after the failed attempt number `attempt` (from 0), given a random number and the time after
    /// which the nodes may be free.
    ///
    /// The lock is not slept past: when it frees itself earlier, the delay ends a random while after that.
    #[doc(hidden)] // for the benchmarks
    pub fn delay(&self, attempt: u32, random: u64, free_in: Option<Duration>) -> Duration {
        let max = if self.doubling {
            self.min.saturating_mul(2_u32.saturating_pow(attempt.saturating_add(1))).min(self.max)
        } else {
            self.max
        };
        let spread = u64::try_from((max - self.min).as_micros()).unwrap_or(u64::MAX);
        let delay = self.min + Duration::from_micros(random % spread.max(1));
        match free_in {
            Some(free_in) => {
                delay.min(free_in.saturating_add(delay - self.min).saturating_add(SHORTEST))
            }
            None => delay,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    proptest! {
        #[test]
        fn a_delay_stays_in_its_bounds(
            min in 1_u64..60_000, more in 1_u64..60_000, attempt in 0_u32..=u32::MAX, random in any::<u64>(), doubling: bool,
        ) {
            let (min, max) = (ms(min), ms((min + more).min(60_000)));
            prop_assume!(min < max);
            let policy = if doubling { RetryPolicy::exponential(min, max) } else { RetryPolicy::uniform(min, max) };
            let delay = policy.unwrap().delay(attempt, random, None);
            prop_assert!(min <= delay && delay <= max);
        }

        #[test]
        fn a_lock_that_frees_itself_is_not_slept_past(random in any::<u64>(), free_in in 0_u64..1_000) {
            let policy = RetryPolicy::default();
            let delay = policy.delay(0, random, Some(ms(free_in)));
            prop_assert!(delay <= policy.delay(0, random, None));
            prop_assert!(delay <= ms(free_in) + ms(201));
            prop_assert!(delay > ms(free_in).min(ms(99)));
        }

        #[test]
        fn a_lock_that_is_held_for_ever_so_long_changes_no_bound(
            random in any::<u64>(), attempt in any::<u32>(), secs in any::<u64>(), doubling: bool,
        ) {
            let make = if doubling { RetryPolicy::exponential } else { RetryPolicy::uniform };
            let delay = make(SHORTEST, LONGEST).unwrap().delay(attempt, random, Some(Duration::from_secs(secs)));
            prop_assert!(SHORTEST <= delay && delay <= LONGEST);
        }
    }

    #[test]
    fn delays_differ_between_contenders() {
        let policy = RetryPolicy::default();
        let delays: std::collections::HashSet<_> =
            (0..100).map(|i| policy.delay(0, i * 7_919, None)).collect();
        assert!(delays.len() > 90);
    }

    #[test]
    fn an_exponential_delay_grows_to_its_cap() {
        let policy = RetryPolicy::exponential(ms(10), ms(1_000)).unwrap();
        let longest =
            |attempt| (0..5_000).map(|i| policy.delay(attempt, i * 199, None)).max().unwrap();
        assert!(longest(0) <= ms(20));
        assert!(longest(3) > ms(100) && longest(3) <= ms(160));
        assert!(longest(30) > ms(900) && longest(30) <= ms(1_000));
    }

    #[test]
    fn zero_absurd_and_crossed_delays_are_refused() {
        for (min, max) in [(0, 10), (10, 60_001), (10, 10), (20, 10)] {
            let error = RetryPolicy::uniform(ms(min), ms(max)).unwrap_err();
            assert_eq!(error.field(), "retry", "{error}");
            assert!(RetryPolicy::exponential(ms(min), ms(max)).is_err());
        }
    }
}
