//! What a call does, once its settings were found to fit together.

use std::borrow::Cow;
use std::time::Duration;

use super::fence;
use super::lease::Drift;
use super::retry::RetryPolicy;
use crate::node::config_error::ConfigError;
use crate::node::{FenceTerms, Mode, Terms};

/// Shortest time to live: below it the drift allowance leaves next to nothing.
pub const MIN_TTL: Duration = Duration::from_millis(10);

/// Longest time to live. A server adds it to its wall clock in signed 64-bit milliseconds; ten trillion of them
/// (until the year 2286) are left for the clock.
pub const MAX_TTL: Duration = Duration::from_millis(i64::MAX as u64 - 10_000_000_000_000);

/// Whether a hold is renewed while its guard lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Renewal {
    /// The hold ends with its time to live unless [`extend`](crate::LockGuard::extend) is called. The default.
    #[default]
    Off,
    /// A background task renews at a third of the time to live, tries again when that fails, and stops when the
    /// guard goes or [`max_hold`](crate::LockOptions::max_hold) is reached.
    Auto,
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
    /// For how long nobody else is to have the lock.
    pub(crate) at_least: Option<Duration>,
    /// Who else may have it beside.
    pub(crate) mode: Mode,
    /// Whether a call that waits keeps new shares off.
    pub(crate) writer_intent: bool,
}

impl Plan {
    /// What nodes are told of a hold for `ttl`; `hint` where it is fenced.
    pub(crate) fn terms(&self, ttl: Duration, hint: Option<u64>) -> Terms {
        let guard = self
            .restart_guard
            .map(|longest| fence::guard(longest, self.drift.of(longest), self.clock_error));
        let life = |hint| FenceTerms { hint, life: fence::life(ttl, self.clock_error) };
        let fencing = hint.map(life);
        Terms::new(ttl).with_guard(guard).with_fencing(fencing)
    }

    /// For how long an attempt keeps new shares off that met shares and nothing else: until the next one of its call, if
    /// nothing delays that unduly.
    pub(crate) fn intent(&self) -> Option<Duration> {
        let exclusive = self.mode == Mode::Exclusive && self.writer_intent;
        let longest = self.retry.longest().saturating_mul(2);
        exclusive.then(|| longest.saturating_add(self.node_timeout))
    }

    /// Checks a time to live of a lock or of an extension.
    pub(crate) fn check_ttl(&self, ttl: Duration) -> Result<(), ConfigError> {
        check_ttl(ttl, self.restart_guard)
    }
}

/// The rules for a time to live, which is at most `longest` where there is a restart guard.
pub(crate) fn check_ttl(ttl: Duration, longest: Option<Duration>) -> Result<(), ConfigError> {
    within("ttl", ttl, MIN_TTL, "must be at least 10 ms")?;
    if let Some(longest) = longest.filter(|longest| ttl > *longest) {
        let rule =
            format!("must be at most {longest:?}, the longest that `restart_guard` was told");
        return Err(error("ttl", ttl, rule));
    }
    if ttl > MAX_TTL {
        return Err(error("ttl", ttl, "must be at most what PX takes: 9223362036854775807 ms"));
    }
    Ok(())
}

/// Refuses a value below `least`.
pub(crate) fn within(
    field: &'static str,
    value: Duration,
    least: Duration,
    rule: impl Into<Cow<'static, str>>,
) -> Result<(), ConfigError> {
    if value < least { Err(error(field, value, rule)) } else { Ok(()) }
}

/// A value that breaks `rule`.
pub(crate) fn error(
    field: &'static str,
    value: Duration,
    rule: impl Into<Cow<'static, str>>,
) -> ConfigError {
    ConfigError::new(field, format!("{value:?}"), rule)
}
