//! Pure: how long a lock is held, and when to renew it.
//!
//! Validity is `ttl − elapsed − drift`, counted from before the first request was sent, as in the Redlock
//! algorithm. The drift allowance `ttl × factor + 2 ms` with a factor of 0.01 is not in the published text: it
//! is the constant of the reference implementation in Ruby and of most others since. Servers expire keys
//! with a precision of 1 ms; 2 ms is twice that.
//!
//! All time is integer. [`Moment`] is a point on the handle's own time line, which counts the time that the
//! host was suspended.

use std::time::Duration;

use crate::error::LostReason;

/// A point in time: how long after the clock's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) Duration);

impl Moment {
    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    pub(crate) fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// The allowance for clocks that run at different rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drift {
    ppm: u32,
}

impl Drift {
    /// The reference implementations' factor of 0.01.
    pub(crate) const DEFAULT_PPM: u32 = 10_000;
    /// The reference implementations' constant part.
    pub(crate) const FIXED: Duration = Duration::from_millis(2);

    pub(crate) fn new(ppm: u32) -> Self {
        Self { ppm }
    }

    /// `ttl × factor + 2 ms`, rounded up to a microsecond.
    pub(crate) fn of(self, ttl: Duration) -> Duration {
        const MILLION: u64 = 1_000_000;
        let (ppm, secs) = (u64::from(self.ppm), ttl.as_secs());
        // A second makes as many microseconds as there are parts.
        let micros =
            (secs % MILLION) * ppm + (u64::from(ttl.subsec_micros()) * ppm).div_ceil(MILLION);
        Duration::from_secs((secs / MILLION).saturating_mul(ppm))
            .saturating_add(Duration::from_micros(micros))
            .saturating_add(Self::FIXED)
    }

    /// How long a grant of `ttl` may be used, from before it was asked for.
    pub(crate) fn validity(self, ttl: Duration) -> Duration {
        ttl.saturating_sub(mutant!(NoDrift, Duration::ZERO, self.of(ttl)))
    }
}

/// The state of one hold: until when it is valid, and why it ended.
#[derive(Debug, Clone)]
pub(crate) struct Term {
    drift: Drift,
    until: Moment,
    hold_end: Option<Moment>,
    no_quorum: bool,
    ended: Option<LostReason>,
}

impl Term {
    /// A hold granted for `ttl`; `t0` was read before the first request was sent.
    pub(crate) fn new(t0: Moment, ttl: Duration, drift: Drift, max_hold: Option<Duration>) -> Self {
        let hold_end = max_hold.map(|max| t0.plus(max));
        let until = t0.plus(drift.validity(ttl));
        Self {
            drift,
            until: hold_end.map_or(until, |end| until.min(end)),
            hold_end,
            no_quorum: false,
            ended: None,
        }
    }

    pub(crate) fn until(&self) -> Moment {
        self.until
    }

    /// Why the hold is over at `now`, if it is.
    pub(crate) fn lost(&self, now: Moment) -> Option<LostReason> {
        self.ended.or_else(|| {
            (now >= self.until).then(|| {
                if self.hold_end == Some(self.until) {
                    LostReason::MaxHold
                } else if self.no_quorum {
                    LostReason::NoQuorum
                } else {
                    LostReason::Expired
                }
            })
        })
    }

    /// A majority extended to `ttl` in a round that began at `t1` and was complete at `now`.
    ///
    /// Nothing is gained when the old deadline had passed by then, whatever the nodes say: another holder may
    /// have been in between. An extension never shortens.
    pub(crate) fn extended(
        &mut self,
        t1: Moment,
        now: Moment,
        ttl: Duration,
    ) -> Result<(), LostReason> {
        if let Some(reason) = self.lost(now).filter(|_| !mutant!(LateExtension)) {
            return Err(reason);
        }
        let t1 = mutant!(ExtendFromEnd, now, t1);
        let until = self.until.max(t1.plus(self.drift.validity(ttl)));
        self.until = self.hold_end.map_or(until, |end| until.min(end));
        self.no_quorum = false;
        Ok(())
    }

    /// A round of extending ended without a majority either way. The deadline stays as it was.
    pub(crate) fn unanswered(&mut self, now: Moment) {
        if self.lost(now).is_none() {
            self.no_quorum = true;
        }
    }

    /// Ends the hold. The first reason stays.
    pub(crate) fn end(&mut self, now: Moment, reason: LostReason) {
        self.ended = Some(self.lost(now).unwrap_or(reason));
    }

    /// For how long renewal of a hold of `ttl` has been due at `now`; nothing where it can lengthen nothing.
    pub(crate) fn overdue(&self, now: Moment, ttl: Duration) -> Duration {
        if !self.renewable() {
            return Duration::ZERO;
        }
        let renewed = Moment(self.until.since(Moment(self.drift.validity(ttl))));
        now.since(renewed.plus(ttl / 3))
    }

    /// Whether renewal can still lengthen the hold.
    pub(crate) fn renewable(&self) -> bool {
        self.ended.is_none() && self.hold_end != Some(self.until)
    }
}

/// When to renew a hold that was last renewed at `renewed`: a third of its time to live later, or up to an eighth of that
/// earlier. The microseconds of `renewed` decide, so that locks that were taken together are not renewed together for
/// ever.
///
/// After a failed try at `failed` it is a twelfth, so that with a node timeout below a quarter of the time to
/// live at least one more try is over before the deadline.
pub(crate) fn renew_at(renewed: Moment, failed: Option<Moment>, ttl: Duration) -> Moment {
    match failed {
        None => {
            let third = ttl / 3;
            renewed.plus(third - third / 8_000 * (renewed.0.subsec_micros() % 1_000))
        }
        Some(failed) => failed.plus((ttl / 12).max(Duration::from_millis(1))),
    }
}

#[cfg(test)]
#[path = "lease_tests.rs"]
mod tests;
