//! What a handle and a call can be told, and the rules between the settings.

use std::time::Duration;

pub use crate::decide::keep::shortest_ttl;
use crate::decide::lease::Drift;
pub use crate::decide::plan::{MAX_TTL, MIN_TTL, Renewal};
use crate::decide::plan::{Plan, check_ttl, error, within};
use crate::decide::retry::RetryPolicy;
use crate::error::ConfigError;
use crate::node::Mode;
use crate::node::label::Label;

/// Largest error of clocks that can be allowed for.
const MAX_CLOCK_ERROR: Duration = Duration::from_secs(86_400);

/// What one call does differently from its handle. Everything left out is as the handle has it.
///
/// The rules between the settings are checked when the options are used, before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use]
pub struct LockOptions {
    pub(crate) ttl: Option<Duration>,
    pub(crate) wait_for: Option<Duration>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) renewal: Option<Renewal>,
    pub(crate) max_hold: Option<Duration>,
    pub(crate) fencing: Option<bool>,
    /// None of its own, none at all, or what was given, which may break a rule.
    pub(crate) label: Option<Option<Result<Label, ConfigError>>>,
    pub(crate) at_least: Option<Duration>,
    pub(crate) writer_intent: Option<bool>,
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

    /// How long to wait, in the queue of this process and for the nodes, in an outage too; at least one node timeout.
    /// Default: the handle's, 10 s.
    ///
    /// No attempt begins later than this after the call. The last one may take one node timeout on top (two with fencing,
    /// when the nodes' numbers differ), and the first call of a handle another one to meet the nodes.
    pub fn wait_for(mut self, wait_for: Duration) -> Self {
        self.wait_for = Some(wait_for);
        self
    }

    /// The delay between attempts where no release is heard; see [`RedlockBuilder::retry`](crate::RedlockBuilder::retry).
    /// Default: the handle's, 100 to 300 ms.
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

    /// What the holder calls itself; see [`RedlockBuilder::label`](crate::RedlockBuilder::label). Default: the handle's, none.
    pub fn label(mut self, label: impl AsRef<str>) -> Self {
        self.label = Some(Some(Label::new(label)));
        self
    }

    /// No label, though the handle has one.
    pub fn unlabelled(mut self) -> Self {
        self.label = Some(None);
        self
    }

    /// Whether a call that waits for a lock keeps new readers off, where readers and nothing else are in its way. Default: yes.
    ///
    /// Its second attempt leaves an *intent* on the nodes: they give no new shares of the resources for about as long as
    /// until its next attempt (twice the longest [retry delay](Self::retry) and a node timeout), and go on lengthening those
    /// that there are. It goes by itself, and with the lock. Without it a lock may never be had among readers who come
    /// and go; a writer that dies while it waits costs the readers that time. Safety does not rest on it, and
    /// [`try_lock`](crate::Redlock::try_lock) leaves none.
    pub fn writer_intent(mut self, writer_intent: bool) -> Self {
        self.writer_intent = Some(writer_intent);
        self
    }

    /// For how long nobody else is to have the lock, counted from the attempt's start, however early it is released and
    /// also if its holder dies; longer than nothing, and at most the time to live less the drift allowance. Default: not at
    /// all, a release frees. The nodes keep it for the drift allowance longer, 1 % and 2 ms, since their clocks may be fast.
    ///
    /// For work that is due once in a period and started in several places at about the same time: whoever comes late
    /// finds it taken, also when the work was done at once. A release before that time, or a drop, ends the lease as ever
    /// ([`LostReason::Released`](crate::LostReason::Released)) and leaves a mark on the nodes in the place of the token,
    /// which goes by itself. What is held for longer is released as ever.
    ///
    /// Every node must be able to ([`Features::keeping`](crate::node::Features::keeping)).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use redlock_core::{InMemoryNode, LockErrorKind, LockOptions, Redlock, Release};
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// # let nodes = ["a", "b", "c"].map(InMemoryNode::new);
    /// let redlock = Redlock::builder().nodes(nodes).ttl(Duration::from_secs(60)).build()?;
    /// let nightly = LockOptions::new().at_least(Duration::from_secs(50));
    ///
    /// let guard = redlock.try_lock_with("report:nightly", &nightly).await?;
    /// // The report took no time at all.
    /// assert_eq!(guard.release().await?, Release::Kept);
    ///
    /// // The clock of the other machine is a second behind.
    /// let late = redlock.try_lock_with("report:nightly", &nightly).await.unwrap_err();
    /// assert_eq!(late.kind(), LockErrorKind::Contended);
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(run())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn at_least(mut self, at_least: Duration) -> Self {
        self.at_least = Some(at_least);
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

    /// What the holder calls itself in a call with `options`.
    pub(crate) fn label<'a>(
        &'a self,
        options: &'a LockOptions,
    ) -> Result<Option<&'a Label>, ConfigError> {
        match options.label.as_ref().or(self.call.label.as_ref()) {
            Some(Some(label)) => label.as_ref().map(Some).map_err(Clone::clone),
            _ => Ok(None),
        }
    }

    /// The plan for a call with `options`.
    pub(crate) fn plan(&self, options: &LockOptions) -> Result<Plan, ConfigError> {
        let ttl = options.ttl.or(self.call.ttl).ok_or_else(|| {
            ConfigError::new("ttl", "unset", "must be set: there is no time to live that fits all")
        })?;
        if let Some(longest) = self.restart_guard {
            within("restart_guard", longest, MIN_TTL, "must be at least 10 ms")?;
            if longest > MAX_TTL {
                let rule = format!("must be at most the longest ttl, {} ms", MAX_TTL.as_millis());
                return Err(error("restart_guard", longest, rule));
            }
        }
        let clock_error = self.clock_error.unwrap_or_default();
        if clock_error > MAX_CLOCK_ERROR {
            return Err(error("clock_error", clock_error, "must be at most a day"));
        }
        check_ttl(ttl, self.restart_guard)?;
        let wait_for = options.wait_for.or(self.call.wait_for).unwrap_or(WAIT_FOR);
        let node_timeout = self.node_timeout.unwrap_or_else(|| default_node_timeout(ttl, wait_for));
        within("node_timeout", node_timeout, Duration::from_millis(1), "must be at least 1 ms")?;
        let quarter = ttl / 4;
        if node_timeout >= quarter {
            let rule =
                format!("must be below {quarter:?}, a quarter of the time to live of {ttl:?}");
            return Err(error("node_timeout", node_timeout, rule));
        }
        if wait_for < node_timeout {
            let rule = format!(
                "must be at least one node timeout, {node_timeout:?}; to try once use try_lock"
            );
            return Err(error("wait_for", wait_for, rule));
        }
        self.label(options)?;
        let max_hold = options.max_hold.or(self.call.max_hold);
        if let Some(max_hold) = max_hold.filter(|max_hold| *max_hold < ttl) {
            let rule = format!("must be at least the time to live, {ttl:?}");
            return Err(error("max_hold", max_hold, rule));
        }
        let ppm = self.drift_ppm.unwrap_or(Drift::DEFAULT_PPM);
        if ppm > 500_000 {
            return Err(ConfigError::new(
                "drift_ppm",
                ppm.to_string(),
                "must be at most 500000, a half",
            ));
        }
        let drift = Drift::new(ppm);
        let at_least = options.at_least.or(self.call.at_least);
        let validity = drift.validity(ttl);
        if at_least.is_some_and(|at_least| at_least.is_zero()) {
            let rule = "must be longer than nothing: without it a release frees the lock";
            return Err(error("at_least", Duration::ZERO, rule));
        }
        if let Some(at_least) = at_least.filter(|at_least| *at_least > validity) {
            let rule = format!(
                "must be at most {validity:?}, the time to live of {ttl:?} less the drift allowance"
            );
            return Err(error("at_least", at_least, rule));
        }
        Ok(Plan {
            ttl,
            wait_for,
            retry: options.retry.or(self.call.retry).unwrap_or_default(),
            renewal: options.renewal.or(self.call.renewal).unwrap_or_default(),
            max_hold,
            node_timeout,
            drift,
            fencing: options.fencing.or(self.call.fencing).unwrap_or(false),
            restart_guard: self.restart_guard,
            clock_error,
            at_least,
            mode: Mode::Exclusive,
            writer_intent: options.writer_intent.or(self.call.writer_intent).unwrap_or(true),
        })
    }
}

/// A twentieth of the time to live between 50 and 500 ms, but at most a fifth of it, and at most the wait budget where that is
/// 50 ms or more.
fn default_node_timeout(ttl: Duration, wait_for: Duration) -> Duration {
    let (least, most) = (Duration::from_millis(50), Duration::from_millis(500));
    (ttl / 20).clamp(least, most.min(wait_for).max(least)).min(ttl / 5)
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "options_properties.rs"]
mod properties;
