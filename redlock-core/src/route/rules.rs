//! Pure: what a policy comes to over a handle's settings, and the rules between them.

use std::time::Duration;

use super::methods::check_shared;
use super::{LockPolicy, MAX_RETRY_AFTER};
use crate::decide::plan::{check_ttl, error, within};
use crate::error::ConfigError;
use crate::handle::options::{LockOptions, Renewal, Settings};

/// The longest that a request holds a lock, unless the policy or the handle says.
const MAX_HOLD: Duration = Duration::from_secs(60);

/// The least that a node timeout can be, and so the least that a request can wait.
const LEAST_WAIT: Duration = Duration::from_millis(1);

/// The most requests that ask for one key, unless the policy says.
const WAITERS_PER_KEY: usize = 64;

/// How many requests may ask for locks and hold them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) waiters_per_key: usize,
    /// Those who share are not in one another's way.
    pub(super) sharers_per_key: usize,
    pub(super) waiters: usize,
    pub(super) held: usize,
}

impl LockPolicy {
    /// The options of a lock over a handle with these settings.
    pub(super) fn options(&self, handle: &Settings) -> LockOptions {
        let mut options = LockOptions::new().ttl(self.ttl).renewal(self.renewal);
        options = options.fencing(self.fencing.unwrap_or(false));
        if let Some(wait_up_to) = self.wait_up_to {
            options = options.wait_for(wait_up_to);
        }
        match self.max_hold {
            Some(max_hold) => options.max_hold(max_hold),
            None if handle.call.max_hold.is_none() && self.renewal != Renewal::Off => {
                options.max_hold(MAX_HOLD)
            }
            None => options,
        }
    }

    pub(super) fn bounds(&self, handle: &Settings) -> Bounds {
        let Self { waiters, held, .. } = *self;
        let most = waiters.min(handle.max_waiters()).max(1);
        let per_key = |usual: usize| self.waiters_per_key.unwrap_or(usual.min(most));
        Bounds {
            waiters_per_key: per_key(WAITERS_PER_KEY),
            sharers_per_key: per_key(most),
            waiters,
            held,
        }
    }

    /// All rules, over a handle with these settings.
    pub(super) fn check(&self, handle: &Settings) -> Result<(), ConfigError> {
        self.check_alone()?;
        if let Some(per_key) = self.waiters_per_key
            && per_key > handle.max_waiters()
        {
            let rule =
                format!("must be at most the handle's `max_waiters`, {}", handle.max_waiters());
            return Err(ConfigError::new("waiters_per_key", per_key.to_string(), rule));
        }
        if self.fencing.is_none() && handle.call.fencing == Some(true) {
            return Err(ConfigError::new(
                "fencing",
                "unset",
                "must be said in the policy where the handle has it on: `.fencing(true)` or `.fencing(false)`",
            ));
        }
        Ok(())
    }

    /// The rules in which no handle has a say.
    pub(super) fn check_alone(&self) -> Result<(), ConfigError> {
        self.methods.check()?;
        self.shared_methods.as_deref().map_or(Ok(()), check_shared)?;
        self.check_permits()?;
        self.check_bounds()?;
        check_ttl(self.ttl, None)?;
        if let Some(wait_up_to) = self.wait_up_to
            && wait_up_to < LEAST_WAIT
        {
            return Err(error("wait_up_to", wait_up_to, "must be at least one node timeout"));
        }
        if let Some(after) = self.retry_after
            && (after.is_zero() || after > MAX_RETRY_AFTER)
        {
            let rule = "must be above zero and at most an hour";
            return Err(error("retry_after", after, rule));
        }
        if let Some(max_hold) = self.max_hold
            && self.renewal == Renewal::Off
            && max_hold > self.ttl
        {
            let ttl = self.ttl;
            let rule = format!(
                "must be the time to live, {ttl:?}, at which the lock is lost without renewal"
            );
            return Err(error("max_hold", max_hold, rule));
        }
        if let Some(max_hold) = self.max_hold {
            within("max_hold", max_hold, self.ttl, "must be at least the time to live")?;
        }
        Ok(())
    }

    fn check_permits(&self) -> Result<(), ConfigError> {
        let Some(permits) = self.permits else { return Ok(()) };
        let refused = |rule| Err(ConfigError::new("permits", permits.to_string(), rule));
        match permits {
            0 | 65.. => refused("must be 1 to 64"),
            _ if self.shared_methods.is_some() => refused(
                "must not be said together with `shared_methods`: who shares has no permit, and who has a permit no share",
            ),
            _ => Ok(()),
        }
    }

    fn check_bounds(&self) -> Result<(), ConfigError> {
        for (field, value) in [
            ("waiters_per_key", self.waiters_per_key),
            ("waiters", Some(self.waiters)),
            ("held", Some(self.held)),
        ] {
            if value == Some(0) {
                return Err(ConfigError::new(field, "0", "must be at least 1"));
            }
        }
        match self.waiters_per_key {
            Some(per_key) if per_key > self.waiters => {
                let rule = format!("must be at most `waiters`, {}", self.waiters);
                Err(ConfigError::new("waiters_per_key", per_key.to_string(), rule))
            }
            _ => Ok(()),
        }
    }
}
