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
    #[cfg_attr(not(feature = "tracing"), allow(dead_code))]
    pub(crate) log_keys: bool,
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
#[path = "options_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "options_properties.rs"]
mod properties;
