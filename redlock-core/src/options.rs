//! What a handle and a call can be told, and the rules between the settings.

use std::time::Duration;

use crate::error::ConfigError;
use crate::fence;
use crate::lease::Drift;
use crate::node::{FenceTerms, Terms};
use crate::retry::RetryPolicy;

/// Shortest time to live: below it the drift allowance leaves next to nothing.
pub const MIN_TTL: Duration = Duration::from_millis(10);

/// Longest time to live. A server adds it to its wall clock in signed 64-bit milliseconds; ten trillion of them
/// (until the year 2286) are left for the clock.
pub const MAX_TTL: Duration = Duration::from_millis(i64::MAX as u64 - 10_000_000_000_000);

/// Largest error of clocks that can be allowed for.
const MAX_CLOCK_ERROR: Duration = Duration::from_secs(86_400);

/// Whether a hold is renewed while its guard lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Renewal {
    /// The hold ends with its time to live unless [`extend`](crate::LockGuard::extend) is called. The default.
    #[default]
    Off,
    /// A background task renews at a third of the time to live, tries again when that fails, and stops when the
    /// guard goes or [`max_hold`](LockOptions::max_hold) is reached.
    Auto,
}

/// What one call does differently from its handle. Everything left out is as the handle has it.
///
/// The rules between the settings are checked when the options are used, before anything is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use]
pub struct LockOptions {
    pub(crate) ttl: Option<Duration>,
    pub(crate) wait_for: Option<Duration>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) renewal: Option<Renewal>,
    pub(crate) max_hold: Option<Duration>,
    pub(crate) fencing: Option<bool>,
}

impl LockOptions {
    /// Options that change nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the nodes keep the lock without renewal; 10 ms to [`MAX_TTL`]. Default: the handle's.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// How long to try; at least one node timeout. Default: the handle's, 10 s.
    ///
    /// No attempt begins later than this after the call. The last one may take one node timeout on top (two with fencing,
    /// when the nodes' numbers differ), and the first call of a handle another one to meet the nodes.
    pub fn wait_for(mut self, wait_for: Duration) -> Self {
        self.wait_for = Some(wait_for);
        self
    }

    /// The delay between attempts. Default: the handle's, 100 to 300 ms.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Whether to renew while the guard lives. Default: the handle's, [`Renewal::Off`].
    pub fn renewal(mut self, renewal: Renewal) -> Self {
        self.renewal = Some(renewal);
        self
    }

    /// The longest that renewal and extensions may hold the lock, counted from the attempt's start; at least the
    /// time to live. Default: the handle's, which is no limit.
    pub fn max_hold(mut self, max_hold: Duration) -> Self {
        self.max_hold = Some(max_hold);
        self
    }

    /// Whether to give the holder a [`Fence`](crate::Fence). Default: the handle's, off.
    pub fn fencing(mut self, fencing: bool) -> Self {
        self.fencing = Some(fencing);
        self
    }
}

/// A handle's settings, as given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    pub(crate) call: LockOptions,
    pub(crate) node_timeout: Option<Duration>,
    pub(crate) drift_ppm: Option<u32>,
    /// The longest time to live in use, where the restart guard is on.
    pub(crate) restart_guard: Option<Duration>,
    pub(crate) clock_error: Option<Duration>,
    pub(crate) wake_ups: Option<bool>,
    pub(crate) max_waiters: Option<usize>,
}

/// Settings that were found to fit together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) ttl: Duration,
    pub(crate) wait_for: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) renewal: Renewal,
    pub(crate) max_hold: Option<Duration>,
    pub(crate) node_timeout: Duration,
    pub(crate) drift: Drift,
    pub(crate) fencing: bool,
    pub(crate) restart_guard: Option<Duration>,
    /// How far nodes' wall clocks may be apart.
    pub(crate) clock_error: Duration,
}

impl Plan {
    /// What nodes are told of a hold for `ttl`; `hint` where it is fenced.
    pub(crate) fn terms(&self, ttl: Duration, hint: Option<u64>) -> Terms {
        let life = fence::life(ttl, self.clock_error);
        let guard = self
            .restart_guard
            .map(|longest| fence::guard(longest, self.drift.of(longest), self.clock_error));
        let fencing = hint.map(|hint| FenceTerms { hint, life });
        Terms::new(ttl).with_guard(guard).with_fencing(fencing)
    }

    /// Checks a time to live of a lock or of an extension.
    pub(crate) fn check_ttl(&self, ttl: Duration) -> Result<(), ConfigError> {
        check_ttl(ttl, self.restart_guard)
    }
}

/// Without a setting [`Plan::wait_for`] is this.
const WAIT_FOR: Duration = Duration::from_secs(10);

/// Without a setting [`Settings::max_waiters`] is this.
const MAX_WAITERS: usize = 1_024;

impl Settings {
    /// Whether releases are told to others, and heard of.
    pub(crate) fn wake_ups(&self) -> bool {
        self.wake_ups.unwrap_or(true)
    }

    /// Most calls that wait for one key.
    pub(crate) fn max_waiters(&self) -> usize {
        self.max_waiters.unwrap_or(MAX_WAITERS)
    }

    /// The plan for a call with `options`.
    pub(crate) fn plan(&self, options: &LockOptions) -> Result<Plan, ConfigError> {
        let ttl = options.ttl.or(self.call.ttl).ok_or_else(|| {
            ConfigError::new("ttl", "unset", "must be set: there is no time to live that fits all")
        })?;
        if let Some(longest) = self.restart_guard {
            within("restart_guard", longest, MIN_TTL, "must be at least 10 ms")?;
            if longest > MAX_TTL {
                return Err(error("restart_guard", longest, "must be at most the longest ttl"));
            }
        }
        let clock_error = self.clock_error.unwrap_or_default();
        if clock_error > MAX_CLOCK_ERROR {
            return Err(error("clock_error", clock_error, "must be at most a day"));
        }
        check_ttl(ttl, self.restart_guard)?;
        let node_timeout = self.node_timeout.unwrap_or_else(|| default_node_timeout(ttl));
        within("node_timeout", node_timeout, Duration::from_millis(1), "must be at least 1 ms")?;
        if node_timeout >= ttl / 4 {
            return Err(error(
                "node_timeout",
                node_timeout,
                "must be below a quarter of the time to live",
            ));
        }
        let wait_for = options.wait_for.or(self.call.wait_for).unwrap_or(WAIT_FOR);
        within(
            "wait_for",
            wait_for,
            node_timeout,
            "must be at least one node timeout; to try once use try_lock",
        )?;
        let max_hold = options.max_hold.or(self.call.max_hold);
        if let Some(max_hold) = max_hold {
            within("max_hold", max_hold, ttl, "must be at least the time to live")?;
        }
        let ppm = self.drift_ppm.unwrap_or(Drift::DEFAULT_PPM);
        if ppm > 500_000 {
            return Err(ConfigError::new(
                "drift_ppm",
                ppm.to_string(),
                "must be at most 500000, a half",
            ));
        }
        Ok(Plan {
            ttl,
            wait_for,
            retry: options.retry.or(self.call.retry).unwrap_or_default(),
            renewal: options.renewal.or(self.call.renewal).unwrap_or_default(),
            max_hold,
            node_timeout,
            drift: Drift::new(ppm),
            fencing: options.fencing.or(self.call.fencing).unwrap_or(false),
            restart_guard: self.restart_guard,
            clock_error,
        })
    }
}

fn check_ttl(ttl: Duration, longest: Option<Duration>) -> Result<(), ConfigError> {
    within("ttl", ttl, MIN_TTL, "must be at least 10 ms")?;
    if longest.is_some_and(|longest| ttl > longest) {
        return Err(error("ttl", ttl, "must be at most the longest that `restart_guard` was told"));
    }
    if ttl > MAX_TTL {
        return Err(error("ttl", ttl, "must be at most what PX takes: 9223362036854775807 ms"));
    }
    Ok(())
}

/// A twentieth of the time to live between 50 and 200 ms, but at most a fifth of it.
fn default_node_timeout(ttl: Duration) -> Duration {
    (ttl / 20).clamp(Duration::from_millis(50), Duration::from_millis(200)).min(ttl / 5)
}

fn within(
    field: &'static str,
    value: Duration,
    least: Duration,
    rule: &'static str,
) -> Result<(), ConfigError> {
    if value < least { Err(error(field, value, rule)) } else { Ok(()) }
}

fn error(field: &'static str, value: Duration, rule: &'static str) -> ConfigError {
    ConfigError::new(field, format!("{value:?}"), rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn with_ttl(ttl: Duration) -> Settings {
        Settings { call: LockOptions::new().ttl(ttl), ..Settings::default() }
    }

    #[test]
    fn defaults_fit_every_time_to_live() {
        for ttl in [MIN_TTL, ms(50), ms(100), ms(1_000), ms(10_000), MAX_TTL] {
            let plan = with_ttl(ttl).plan(&LockOptions::new()).unwrap();
            assert!(plan.node_timeout < ttl / 4);
            assert!(!plan.drift.validity(ttl).is_zero());
        }
        let timeout = |ttl| with_ttl(ttl).plan(&LockOptions::new()).unwrap().node_timeout;
        assert_eq!(timeout(ms(10)), ms(2));
        assert_eq!(timeout(ms(500)), ms(50));
        assert_eq!(timeout(ms(2_000)), ms(100));
        assert_eq!(timeout(ms(60_000)), ms(200));
    }

    #[test]
    fn every_broken_rule_names_field_value_and_rule() {
        let base = with_ttl(ms(1_000));
        let cases: Vec<(Settings, LockOptions, &str, &str, &str)> = vec![
            (Settings::default(), LockOptions::new(), "ttl", "unset", "must be set"),
            (with_ttl(ms(9)), LockOptions::new(), "ttl", "9ms", "at least 10 ms"),
            (
                with_ttl(MAX_TTL + ms(1)),
                LockOptions::new(),
                "ttl",
                "9223362036854775.808s",
                "what PX takes",
            ),
            (
                with_ttl(Duration::MAX),
                LockOptions::new(),
                "ttl",
                "18446744073709551615.999999999s",
                "PX takes",
            ),
            (
                Settings { node_timeout: Some(ms(250)), ..base.clone() },
                LockOptions::new(),
                "node_timeout",
                "250ms",
                "below a quarter",
            ),
            (
                Settings { node_timeout: Some(ms(200)), ..base.clone() },
                LockOptions::new().ttl(ms(800)),
                "node_timeout",
                "200ms",
                "below a quarter",
            ),
            (
                Settings { node_timeout: Some(ms(0)), ..base.clone() },
                LockOptions::new(),
                "node_timeout",
                "0ns",
                "at least 1 ms",
            ),
            (
                base.clone(),
                LockOptions::new().wait_for(ms(49)),
                "wait_for",
                "49ms",
                "at least one node timeout",
            ),
            (base.clone(), LockOptions::new().wait_for(ms(0)), "wait_for", "0ns", "use try_lock"),
            (
                base.clone(),
                LockOptions::new().max_hold(ms(999)),
                "max_hold",
                "999ms",
                "at least the time to live",
            ),
            (
                Settings { restart_guard: Some(ms(9)), ..base.clone() },
                LockOptions::new(),
                "restart_guard",
                "9ms",
                "at least 10 ms",
            ),
            (
                Settings { restart_guard: Some(ms(2_000)), ..base.clone() },
                LockOptions::new().ttl(ms(2_001)),
                "ttl",
                "2.001s",
                "`restart_guard` was told",
            ),
            (
                Settings { restart_guard: Some(MAX_TTL + ms(1)), ..base.clone() },
                LockOptions::new(),
                "restart_guard",
                "9223362036854775.808s",
                "the longest ttl",
            ),
            (
                Settings { clock_error: Some(ms(86_400_001)), ..base.clone() },
                LockOptions::new(),
                "clock_error",
                "86400.001s",
                "at most a day",
            ),
            (
                Settings { drift_ppm: Some(500_001), ..base },
                LockOptions::new(),
                "drift_ppm",
                "500001",
                "at most",
            ),
        ];
        for (settings, options, field, value, rule) in cases {
            let error = settings.plan(&options).unwrap_err();
            assert_eq!((error.field(), error.value()), (field, value));
            assert!(error.rule().contains(rule), "{error}");
        }
    }

    #[test]
    fn the_guard_is_made_of_the_longest_time_to_live_and_not_of_this_ones() {
        let settings = Settings { restart_guard: Some(ms(10_000)), ..with_ttl(ms(1_000)) };
        let plan = settings.plan(&LockOptions::new()).unwrap();
        // 1 % and 2 ms of drift, and twice a second of slack.
        assert_eq!(plan.terms(ms(1_000), None).guard, Some(ms(10_000 + 100 + 2 + 2_000)));
        assert_eq!(plan.terms(ms(1_000), None).fencing, None);
        assert_eq!(plan.terms(ms(1_000), Some(7)).fencing.map(|terms| terms.hint), Some(7));
        assert!(plan.check_ttl(ms(10_001)).is_err());
        assert_eq!(with_ttl(ms(1_000)).plan(&LockOptions::new()).unwrap().restart_guard, None);
    }

    #[test]
    fn a_call_overrides_its_handle() {
        let settings = Settings {
            call: LockOptions::new().ttl(ms(1_000)).wait_for(ms(5_000)).renewal(Renewal::Auto),
            ..Settings::default()
        };
        let plan = settings.plan(&LockOptions::new().ttl(ms(2_000)).renewal(Renewal::Off)).unwrap();
        assert_eq!((plan.ttl, plan.wait_for, plan.renewal), (ms(2_000), ms(5_000), Renewal::Off));
    }
}

#[cfg(test)]
#[path = "options_properties.rs"]
mod properties;
