//! Pure: how long the head of a line holds back for the sake of other processes, and of its chances.
//!
//! Processes that wait for one key hear of its release at the same moment. Would all ask at once, they would split the
//! votes; would the last holder's next waiter ask at once, nobody else would ever have a turn. So whoever waited longest
//! asks first: each counts the releases it heard since its own last turn, and knows from experience how many there are
//! between two turns. With n processes that take turns it is n - 1, and one of them at a time has heard so many. The
//! others ask a millisecond later for each that is missing: the next in order, should the first be gone.

use std::time::Duration;

use crate::lease::Moment;

/// The grain of the runtime's timers.
const SLOT: Duration = Duration::from_millis(1);

/// Parts of one release that averages are counted in.
const UNIT: u32 = 16;

/// Most releases that are waited for.
const MOST: u32 = 64;

/// How a line that seems to be alone lets others in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// A pause that is long enough for whoever else waits.
    pub(crate) gap: Duration,
    /// Time of turns one after another before the first gap; doubled with each gap that nobody used.
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl Pace {
    /// Where releases are told: others ask within a few milliseconds.
    pub(crate) const TOLD: Self = Self {
        gap: Duration::from_millis(2),
        first: Duration::from_millis(50),
        longest: Duration::from_millis(500),
    };

    /// Where others ask now and then: `gap` is a delay of the retry policy.
    pub(crate) fn untold(gap: Duration) -> Self {
        Self { gap, first: Duration::from_secs(4), longest: Duration::from_secs(60) }
    }
}

/// What a line knows of other processes that want its key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rivalry {
    /// Releases between two own turns, on average, in [`UNIT`]s.
    usual: u32,
    /// Releases heard since the own last turn.
    heard: u32,
    /// Since when the key was held here without others having had a chance.
    run: Option<Moment>,
    /// Gaps that nobody used.
    idle_gaps: u32,
}

impl Rivalry {
    /// Whether others were met lately.
    pub(crate) fn is_contested(&self) -> bool {
        self.usual >= UNIT / 2
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
        if self.is_contested() {
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

    /// A release was heard; how long to hold back from now.
    pub(crate) fn heard(&mut self, random: u64) -> Duration {
        self.heard = self.heard.saturating_add(1).min(MOST);
        self.delay(random)
    }

    /// Others hold the key.
    pub(crate) fn refused(&mut self) {
        self.run = None;
        self.idle_gaps = 0;
    }

    /// The key is held here.
    pub(crate) fn won(&mut self, now: Moment) {
        self.usual = (self.usual * 3 + self.heard * UNIT) / 4;
        self.heard = 0;
        self.run.get_or_insert(now);
    }

    fn delay(&self, random: u64) -> Duration {
        let usual = (self.usual + UNIT / 2) / UNIT;
        let missing = usual.saturating_sub(self.heard);
        let part = Duration::from_micros(random % 1_000);
        (SLOT * missing).saturating_sub(part)
    }
}

/// How long to wait after a vote that nobody can have won: so many nodes granted that the others have no majority. They
/// are free again at once, so the wait is short; it doubles, and is random, that one gets ahead of the others.
pub(crate) fn after_split(splits: u32, random: u64) -> Duration {
    let spread = SLOT * (1 << splits.min(7));
    Duration::from_micros(random % u64::try_from(spread.as_micros()).unwrap_or(1))
}

#[cfg(test)]
#[path = "rivalry_tests.rs"]
mod tests;
