//! Pure: how long a lock stays taken after its holder is done with it.
//!
//! With [`at_least`](crate::LockOptions::at_least) an end of a held lock before that time is a *keep*: a mark takes the
//! token's place on each node, for the rest. Later ends are releases, and so is every end of an attempt that was not won.

use std::time::Duration;

use super::lease::{Drift, Moment};

/// How long a lock is still to stay taken, whose attempt began this long ago; `None` where its end is a plain release.
pub fn rest(passed: Duration, at_least: Duration) -> Option<Duration> {
    at_least.checked_sub(passed).filter(|rest| !rest.is_zero())
}

/// How long a mark stands that takes the place of a token with `left` to live (`None`: without end): a keep never
/// lengthens, since what was sent for the lock may have been under way for long.
pub fn stay(left: Option<Duration>, rest: Duration) -> Duration {
    left.map_or(rest, |left| left.min(rest))
}

/// The shortest time to live, in whole milliseconds, of a lock that can promise `at_least` under the default drift
/// allowance.
pub fn shortest_ttl(at_least: Duration) -> Duration {
    let whole = u128::from(1_000_000 - Drift::DEFAULT_PPM);
    let nanos = (at_least + Drift::FIXED).as_nanos() * 1_000_000;
    // The allowance is rounded up to a microsecond.
    let millis = (nanos.div_ceil(whole) + 1_000).div_ceil(1_000_000);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// What a held lock owes those who count on its time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keeping {
    t0: Moment,
    at_least: Duration,
    drift: Drift,
}

impl Keeping {
    /// Of a lock whose attempt began at `t0`.
    pub(crate) fn new(t0: Moment, at_least: Duration, drift: Drift) -> Self {
        Self { t0, at_least, drift }
    }

    /// What a node is asked for that is sent the end of the lock at `now`: by its own clock the mark stands until then.
    pub(crate) fn rest(&self, now: Moment) -> Option<Duration> {
        let rest = rest(now.since(self.t0), self.at_least)?;
        Some(rest.saturating_add(self.drift.of(rest)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn an_end_before_the_time_is_a_keep_of_the_rest_and_a_later_one_a_release() {
        assert_eq!(rest(ms(0), ms(50)), Some(ms(50)));
        assert_eq!(rest(ms(49), ms(50)), Some(ms(1)));
        assert_eq!(rest(ms(50), ms(50)), None);
        assert_eq!(rest(ms(51), ms(50)), None);
        assert_eq!(rest(ms(0), ms(0)), None);
    }

    #[test]
    fn a_mark_never_stands_for_longer_than_the_token_would() {
        assert_eq!(stay(Some(ms(5)), ms(9)), ms(5));
        assert_eq!(stay(Some(ms(9)), ms(5)), ms(5));
        assert_eq!(stay(None, ms(5)), ms(5));
    }

    proptest! {
        #[test]
        fn the_shortest_time_to_live_can_promise_it_and_a_little_less_cannot(
            micros in 0_u64..100_000_000_000,
        ) {
            let at_least = Duration::from_micros(micros);
            let drift = Drift::new(Drift::DEFAULT_PPM);
            let shortest = shortest_ttl(at_least);
            prop_assert!(drift.validity(shortest) >= at_least);
            prop_assert!(drift.validity(shortest - ms(2)) < at_least);
        }

        /// Whenever a keep is sent, and at whatever rate within the drift allowance the node's clock runs.
        #[test]
        fn a_mark_stands_until_the_time_is_over(
            at_least in 1_u64..100_000_000,
            passed in 0_u64..100_000_000,
            ppm in 0_u32..100_000,
        ) {
            let micros = Duration::from_micros;
            let keeping = Keeping::new(Moment(ms(7)), micros(at_least), Drift::new(ppm));
            let now = Moment(ms(7)).plus(micros(passed));
            match keeping.rest(now) {
                None => prop_assert!(passed >= at_least),
                Some(rest) => {
                    // The node's clock is faster by the whole allowance.
                    let fast = rest.as_nanos() * 1_000_000 / (1_000_000 + u128::from(ppm));
                    let stands = u128::from(passed) * 1_000 + fast;
                    prop_assert!(stands >= u128::from(at_least) * 1_000);
                }
            }
        }
    }
}
