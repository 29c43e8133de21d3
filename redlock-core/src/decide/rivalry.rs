//! Pure: how long the head of a line holds back for the sake of other processes, and of its chances.
//!
//! Processes that wait for one key hear of its release at the same moment. Would all ask at once, they would split the
//! votes; would the last holder's next waiter ask at once, nobody else would ever have a turn. So each counts the turns of
//! others that it has sat through since its own last one, and knows from experience how many these are: whoever has sat
//! through as many asks at once, the others a few milliseconds later, in random order, should the first be gone. With n
//! processes that take turns it is n - 1, and one of them at a time has sat through so many. Experience is trusted a
//! little less than it says, so that whoever had too few turns gets more; and who sat through far more than usual was
//! starved, and does not take that for what is usual.
//!
//! A line that never met others leaves a gap now and then, for one that may be there: it would starve unheard.

use std::time::Duration;

use crate::decide::lease::Moment;

/// The grain of the runtime's timers.
const SLOT: Duration = Duration::from_millis(1);

/// A round that takes longer says more of nodes that fail than of the way to those that answer.
const LONGEST_SLOT: Duration = Duration::from_millis(100);

/// Of those who are due before, so many at most are given a moment each.
const MOST_WAITED_FOR: u32 = 8;

/// Own turns without a sign of others after which a line believes to be alone.
const WARY: u32 = 8;

/// How a line that seems to be alone lets others in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    told: bool,
    /// A pause for those who hear of releases, after so long a time of turns one after another.
    gap: Gaps,
    /// A pause for those who do not.
    rest: Gaps,
}

/// Pauses that grow rarer while nobody uses them.
#[derive(Debug, Clone, Copy)]
struct Gaps {
    length: Duration,
    first: Duration,
    longest: Duration,
}

impl Pace {
    /// Where releases are told: others ask within a few milliseconds. `rest` is a delay of the retry policy, for those
    /// who are not told.
    pub(crate) fn told(rest: Duration) -> Self {
        let ms = Duration::from_millis;
        let gap = Gaps { length: ms(5), first: ms(50), longest: ms(500) };
        Self { told: true, gap, rest: Gaps::rest(rest, 8) }
    }

    /// Where others ask now and then.
    pub(crate) fn untold(rest: Duration) -> Self {
        let none = Gaps { length: Duration::ZERO, first: Duration::MAX, longest: Duration::MAX };
        Self { told: false, gap: none, rest: Gaps::rest(rest, 4) }
    }
}

impl Gaps {
    fn rest(length: Duration, first: u64) -> Self {
        Self { length, first: Duration::from_secs(first), longest: Duration::from_secs(64) }
    }
}

/// A time of turns one after another.
#[derive(Debug, Clone, Default)]
struct Run {
    since: Option<Moment>,
    /// Gaps that nobody used.
    unused: u32,
}

impl Run {
    /// The gap that is due, where nobody was at the head of the line for `idle`.
    fn gap(&mut self, now: Moment, idle: Duration, gaps: Gaps) -> Option<Duration> {
        if idle >= gaps.length {
            self.since = None;
        }
        let limit = gaps.first.saturating_mul(1 << self.unused.min(16)).min(gaps.longest);
        let due = self.since.is_some_and(|since| now.since(since) >= limit);
        due.then(|| {
            self.since = None;
            self.unused = self.unused.saturating_add(1);
            gaps.length
        })
    }

    fn begin(&mut self, now: Moment) {
        self.since.get_or_insert(now);
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
    /// Until when the release of the own last turn may be heard.
    own: Option<Moment>,
    /// How long the attempt took that won the own last turn.
    round: Duration,
    /// Own turns to come until others, who were met, are believed to be gone.
    wary: u32,
    /// Since those who hear of releases had a chance, and since those who do not.
    run: Run,
    long_run: Run,
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
        if let Some(rest) = self.long_run.gap(now, idle, pace.rest) {
            return rest;
        }
        if pace.told && self.is_contested() {
            return self.delay(random);
        }
        self.run.gap(now, idle, pace.gap).unwrap_or_default()
    }

    /// A release was heard; how long to hold back from now. `None` when it was the own one, which changes nothing.
    pub(crate) fn heard(&mut self, now: Moment, random: u64) -> Option<Duration> {
        if let Some(until) = self.own.take() {
            if now <= until {
                return None;
            }
            // Perhaps it is late. Whoever had the last turn asks after the others.
            self.wary = WARY;
            return Some(moment(random));
        }
        self.sat_through = self.sat_through.saturating_add(1);
        self.wary = WARY;
        Some(self.delay(random))
    }

    /// The release of one of several permits was heard, of which others come soon: the more of them there are to sit through,
    /// the longer it takes until whoever is due before must be gone.
    pub(crate) fn heard_of_one(&mut self, now: Moment, random: u64) -> Option<Duration> {
        let delay = self.heard(now, random)?;
        Some(delay * self.before())
    }

    /// The same of a permit of this process, which is no turn of others; where none were met, as at the
    /// [head of a line](Self::hold_back) that nobody left.
    pub(crate) fn released_one(&mut self, now: Moment, pace: Pace, random: u64) -> Duration {
        let delay = self.hold_back(now, Duration::ZERO, pace, random);
        if self.is_contested() { delay * self.before() } else { delay }
    }

    /// How many are due before.
    fn before(&self) -> u32 {
        self.enough().saturating_sub(self.sat_through).clamp(1, MOST_WAITED_FOR)
    }

    /// Others hold the key. Only from now on are releases heard, if `deaf`: the own one was before.
    pub(crate) fn refused(&mut self, deaf: bool) {
        if deaf {
            self.own = None;
        }
        self.run = Run::default();
        self.long_run = Run::default();
        self.wary = WARY;
    }

    /// The key is held here, after an attempt that took so long.
    pub(crate) fn won(&mut self, now: Moment, round: Duration) {
        // A crowd that grows is learnt of within a few turns all the same.
        let sat_through = self.sat_through.min(self.enough().min(1_000) * 2 + 1);
        self.usual = (self.usual * 3 + sat_through * UNIT).div_ceil(4);
        self.sat_through = 0;
        self.round = round;
        self.wary = self.wary.saturating_sub(1);
        self.run.begin(now);
        self.long_run.begin(now);
    }

    /// Of permits, others of which are free: whoever else wants one may have it.
    pub(crate) fn leaves_some(&mut self) {
        self.run = Run::default();
        self.long_run = Run::default();
    }

    /// The own turn is over, and its release sent. It is told within about a round; what is heard later may be the release
    /// of somebody else, where nobody listened in time or the own one was lost.
    pub(crate) fn ended(&mut self, now: Moment) {
        self.own = Some(now.plus(self.round.min(LONGEST_SLOT) * 2 + SLOT * 2));
    }

    fn delay(&self, random: u64) -> Duration {
        if self.sat_through >= self.enough() {
            return Duration::ZERO;
        }
        moment(random)
    }

    /// How many others take turns; nothing before there was an own one among theirs.
    pub(crate) fn crowd(&self) -> Option<u32> {
        (self.usual > 0).then(|| self.enough())
    }

    /// So many turns of others are sat through before an own one.
    fn enough(&self) -> u32 {
        ((self.usual * 9 / 10 + UNIT / 2) / UNIT).max(1)
    }
}

/// Some milliseconds, in which whoever asks at once is gone.
fn moment(random: u64) -> Duration {
    SLOT + Duration::from_micros(random % (2 * SLOT.as_micros() as u64))
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
    /// How long the last attempt took: those who ask within such a time of each other collide.
    round: Duration,
}

impl Patience {
    /// An attempt took so long.
    pub(crate) fn took(&mut self, round: Duration) {
        self.round = round;
    }

    /// An attempt right after a release was refused: the more often, the more turns of others are sat through before the
    /// next one, about `most` at most.
    pub(crate) fn lost(&mut self, random: u64, most: u32) {
        self.in_vain = self.in_vain.saturating_add(1);
        let bits = u32::BITS - most.leading_zeros();
        self.turns = (random % (1 << self.in_vain.min(bits).min(6))) as u32;
    }

    /// An attempt was refused that some nodes granted; how long to wait. Those who collided are free again at once, so
    /// the wait is short; it doubles, and is random, that one gets ahead of the others.
    pub(crate) fn collided(&mut self, random: u64) -> Duration {
        self.collisions = self.collisions.saturating_add(1);
        self.moment(self.collisions, random)
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
        self.moment(self.collisions.saturating_sub(2), random)
    }

    /// A moment that others hardly choose as well.
    fn moment(&self, collisions: u32, random: u64) -> Duration {
        let slot = (self.round / 2).clamp(SLOT, LONGEST_SLOT);
        let spread = slot * (2 << collisions.min(8));
        SLOT + Duration::from_micros(random % spread.as_micros() as u64)
    }
}

#[cfg(test)]
#[path = "rivalry_tests.rs"]
mod tests;
