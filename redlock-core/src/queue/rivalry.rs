//! Pure: how long the head of a line holds back for the sake of other processes, and of its chances.
//!
//! Processes that wait for one key hear of its release at the same moment. Would all ask at once, they would split the
//! votes; would the last holder's next waiter ask at once, nobody else would ever have a turn. So each counts the turns of
//! others that it has sat through since its own last one, and knows from experience how many these are: whoever has sat
//! through as many asks at once, the others a few milliseconds later, in random order, should the first be gone. With n
//! processes that take turns it is n - 1, and one of them at a time has sat through so many. Experience is trusted a
//! little less than it says, so that whoever had too few turns gets more.
//!
//! A line that never met others leaves a gap now and then, for one that may be there: it would starve unheard.

use std::time::Duration;

use crate::lease::Moment;

/// The grain of the runtime's timers.
const SLOT: Duration = Duration::from_millis(1);

/// Own turns without a sign of others after which a line believes to be alone.
const WARY: u32 = 8;

/// How a line that seems to be alone lets others in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    told: bool,
    /// A pause that is long enough for whoever else waits.
    pub(crate) gap: Duration,
    /// Time of turns one after another before the first gap; doubled with each gap that nobody used.
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl Pace {
    /// Where releases are told: others ask within a few milliseconds.
    pub(crate) const TOLD: Self = Self {
        told: true,
        gap: Duration::from_millis(5),
        first: Duration::from_millis(50),
        longest: Duration::from_millis(500),
    };

    /// Where others ask now and then: `gap` is a delay of the retry policy.
    pub(crate) fn untold(gap: Duration) -> Self {
        Self { told: false, gap, first: Duration::from_secs(4), longest: Duration::from_secs(60) }
    }
}

/// Parts of a turn that averages are counted in.
const UNIT: u32 = 16;

/// What a line knows of other processes that want its key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rivalry {
    /// Others' releases heard since the own last turn.
    sat_through: u32,
    /// How many these were at own turns, on average, in [`UNIT`]s.
    usual: u32,
    /// The release of the own last turn was not heard yet.
    own: bool,
    /// Own turns to come until others, who were met, are believed to be gone.
    wary: u32,
    /// Since when the key was held here without others having had a chance.
    run: Option<Moment>,
    /// Gaps that nobody used.
    idle_gaps: u32,
}

impl Rivalry {
    /// Whether others were met lately.
    pub(crate) fn is_contested(&self) -> bool {
        self.wary > 0
    }

    /// How long to hold back before asking for the first time at the head of the line, where nobody was for `idle`.
    pub(crate) fn hold_back(
        &mut self,
        now: Moment,
        idle: Duration,
        pace: Pace,
        random: u64,
    ) -> Duration {
        if idle >= pace.gap {
            self.run = None;
        }
        if pace.told && self.is_contested() {
            return self.delay(random);
        }
        let limit = pace.first.saturating_mul(1 << self.idle_gaps.min(16)).min(pace.longest);
        match self.run {
            Some(since) if now.since(since) >= limit => {
                self.run = None;
                self.idle_gaps = self.idle_gaps.saturating_add(1);
                pace.gap
            }
            _ => Duration::ZERO,
        }
    }

    /// A release was heard; how long to hold back from now. `None` when it was the own one, which changes nothing.
    pub(crate) fn heard(&mut self, random: u64) -> Option<Duration> {
        if std::mem::take(&mut self.own) {
            return None;
        }
        self.sat_through = self.sat_through.saturating_add(1);
        self.wary = WARY;
        Some(self.delay(random))
    }

    /// Others hold the key.
    pub(crate) fn refused(&mut self) {
        self.run = None;
        self.idle_gaps = 0;
        self.wary = WARY;
    }

    /// The key is held here.
    pub(crate) fn won(&mut self, now: Moment) {
        let sat_through = self.sat_through.min(1_000);
        self.usual = (self.usual * 3 + sat_through * UNIT).div_ceil(4);
        self.sat_through = 0;
        self.own = true;
        self.wary = self.wary.saturating_sub(1);
        self.run.get_or_insert(now);
    }

    fn delay(&self, random: u64) -> Duration {
        let enough = (self.usual * 9 / 10 + UNIT / 2) / UNIT;
        if self.sat_through >= enough.max(1) {
            return Duration::ZERO;
        }
        SLOT + Duration::from_micros(random % (2 * SLOT.as_micros() as u64))
    }
}

/// How a call holds back whose attempts were refused.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Patience {
    /// Attempts right after a release, all of which were refused: somebody was quicker each time.
    in_vain: u32,
    /// Turns to sit through before the next one.
    turns: u32,
    /// Attempts that some nodes granted: others asked at the same moment, and perhaps nobody won.
    collisions: u32,
}

impl Patience {
    /// An attempt right after a release was refused: the more often, the more turns of others are sat through before the
    /// next one.
    pub(crate) fn lost(&mut self, random: u64) {
        self.in_vain = self.in_vain.saturating_add(1);
        self.turns = (random % (1 << self.in_vain.min(6))) as u32;
    }

    /// An attempt was refused that some nodes granted; how long to wait. Those who collided are free again at once, so
    /// the wait is short; it doubles, and is random, that one gets ahead of the others.
    pub(crate) fn collided(&mut self, random: u64) -> Duration {
        self.collisions = self.collisions.saturating_add(1);
        moment(self.collisions, random)
    }

    /// A release was heard, to which the line would say `pause`.
    pub(crate) fn heard(&mut self, pause: Duration, random: u64) -> Duration {
        if self.turns == 0 && pause.is_zero() {
            return Duration::ZERO;
        }
        self.turns = self.turns.saturating_sub(1);
        // Should nobody else ask.
        self.later(random)
    }

    /// A moment from now, in which nobody else may have asked. Two collisions are bad luck, more of them a crowd.
    pub(crate) fn later(&self, random: u64) -> Duration {
        moment(self.collisions.saturating_sub(2), random)
    }
}

/// A moment that others hardly choose as well.
fn moment(collisions: u32, random: u64) -> Duration {
    let spread = SLOT * (2 << collisions.min(8));
    SLOT + Duration::from_micros(random % spread.as_micros() as u64)
}

#[cfg(test)]
#[path = "rivalry_tests.rs"]
mod tests;
