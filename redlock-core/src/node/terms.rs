//! What a node is asked for with a grant or an extension.

use std::time::Duration;

/// The terms of a grant or an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Terms {
    /// How long the node keeps the resources for the claim.
    pub ttl: Duration,
    /// Asks for a fencing number, or keeps the counters alive.
    pub fencing: Option<FenceTerms>,
    /// How long a node must have run before it grants.
    pub guard: Option<Duration>,
    /// For how long an exclusive acquire that is refused by shares alone keeps new ones off.
    pub intent: Option<Duration>,
    /// Whether a shared acquire heeds such intents. Default: yes; what is given back to a node that lost it does not.
    pub heeds: bool,
    /// Whether an extension tells listeners of resources that it made shares of. Default: no.
    pub tells: bool,
}

/// What a node needs to give a fencing number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FenceTerms {
    /// What the caller would like the number to be, in microseconds since 1970: for [`next`](crate::backend::next). Extensions
    /// do not look at it.
    pub hint: u64,
    /// How long the counters are to outlive this grant or extension; at least [`SHORTEST_LIFE`](crate::backend::SHORTEST_LIFE).
    pub life: Duration,
}

impl Terms {
    /// Terms with a time to live of `ttl`, without fencing, restart guard and intent.
    pub fn new(ttl: Duration) -> Self {
        Self { ttl, fencing: None, guard: None, intent: None, heeds: true, tells: false }
    }

    /// The same with a fencing number to be given.
    #[must_use]
    pub fn with_fencing(self, fencing: Option<FenceTerms>) -> Self {
        Self { fencing, ..self }
    }

    /// The same with a restart guard.
    #[must_use]
    pub fn with_guard(self, guard: Option<Duration>) -> Self {
        Self { guard, ..self }
    }

    /// The same with an intent to be left.
    #[must_use]
    pub fn with_intent(self, intent: Option<Duration>) -> Self {
        Self { intent, ..self }
    }

    /// The same, heeding intents or not.
    #[must_use]
    pub fn heeding(self, heeds: bool) -> Self {
        Self { heeds, ..self }
    }

    /// The same, telling of shares or not.
    #[must_use]
    pub fn telling(self, tells: bool) -> Self {
        Self { tells, ..self }
    }

    /// The time to live in whole milliseconds, rounded up so that a node never forgets early.
    pub fn ttl_millis(&self) -> u64 {
        millis(self.ttl)
    }
}

/// Whole milliseconds, rounded up: what a backend keeps for a duration, so that it never forgets early.
pub fn millis(duration: Duration) -> u64 {
    let rest = u64::from(duration.subsec_nanos().div_ceil(1_000_000));
    duration.as_secs().saturating_mul(1_000).saturating_add(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_live_is_rounded_up_to_whole_milliseconds() {
        let millis = |ttl| Terms::new(ttl).ttl_millis();
        assert_eq!(millis(Duration::from_millis(10)), 10);
        assert_eq!(millis(Duration::from_nanos(10_000_001)), 11);
        assert_eq!(millis(Duration::from_nanos(1_999_000_001)), 2_000);
        assert_eq!(millis(Duration::from_millis(u64::MAX)), u64::MAX);
        assert_eq!(millis(Duration::MAX), u64::MAX);
    }
}
