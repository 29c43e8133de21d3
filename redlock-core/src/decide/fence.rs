//! Pure: fencing tokens over a quorum, and the restart guard's decision.
//!
//! Every node keeps a counter for each resource. A grant lifts it, and the holder's [`Fence`] is the largest number that
//! the granting majority gave, once a majority of **all** nodes stands at it while it holds the holder's token; where
//! that is not so at once, a second, conditional round lifts the rest. Two majorities share a node, a node holds one
//! token at a time and its counters only grow: so of two holders the later one on that node has the larger fence. That
//! needs no assumption about clocks.
//!
//! To spare the second round all nodes are given one number to begin with, a *hint* made of the client's wall clock. A
//! node takes it only as far as it agrees with its own clock, so a counter is never far ahead of the clock, and one that
//! is forgotten long after its last grant is overtaken all the same. Nothing but the saving rests on the client's clock.
//!
//! The argument in full, with what breaks when a rule is left out, is in `docs/SAFETY.md`; `redlock-model` checks these
//! very functions exhaustively.

use std::cmp::Ordering::{Equal, Greater, Less};
use std::fmt;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::decide::quorum::majority;
use crate::node::config_error::ConfigError;

/// How far a node lets a hint be from its own clock.
pub const SLACK: Duration = Duration::from_secs(1);

/// Shortest life of a counter that nobody touches. It exceeds twice the [`SLACK`] and clocks that are almost ten minutes
/// apart.
pub const SHORTEST_LIFE: Duration = Duration::from_secs(600);

/// Largest number a counter may have: above it a server's script would count in steps of two.
pub const LARGEST: u64 = (1 << 53) - 1;

/// A holder's number: larger than that of every earlier holder of the same resource.
///
/// It grows from holder to holder and is neither dense nor a time. Give it to the resource with every write, and have the
/// resource refuse a number that is lower than the highest it has seen; see [`FenceGate`], and `docs/SAFETY.md` for the
/// same in SQL. Unlike a [`Token`](crate::Token) it is no secret.
///
/// With the feature `serde` it is a number, which is checked when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(NonZeroU64);

impl Fence {
    /// The number, from 1 to 2⁵³ − 1: every JSON library and every SQL `BIGINT` keeps it exactly.
    pub fn get(self) -> u64 {
        self.0.get()
    }

    /// The same number for a column of type `BIGINT`, which has a sign. It always fits: no fence is above 2⁵³ − 1.
    ///
    /// ```
    /// use redlock_core::Fence;
    ///
    /// let fence = Fence::try_from(41_i64)?; // from the column
    /// assert_eq!(fence.as_i64(), 41); // into it
    /// let missing: Option<Fence> = None; // of a handle without fencing
    /// assert_eq!(missing.map(i64::from), None); // NULL, and no row has a fence that is at most that
    /// # Ok::<(), redlock_core::ConfigError>(())
    /// ```
    pub fn as_i64(self) -> i64 {
        self.get().cast_signed()
    }
}

const _: () = assert!(LARGEST <= i64::MAX as u64, "a fence fits a number with a sign");

impl From<Fence> for u64 {
    fn from(fence: Fence) -> Self {
        fence.get()
    }
}

impl From<Fence> for i64 {
    fn from(fence: Fence) -> Self {
        fence.as_i64()
    }
}

fn refused(number: &dyn fmt::Display) -> ConfigError {
    ConfigError::new("fence", number.to_string(), "must be from 1 to 2^53 - 1")
}

impl TryFrom<u64> for Fence {
    type Error = ConfigError;

    /// Reads a number that [`Fence::get`] gave out, such as one that came along with a request.
    fn try_from(number: u64) -> Result<Self, ConfigError> {
        let fence = NonZeroU64::new(number).filter(|number| number.get() <= LARGEST).map(Self);
        fence.ok_or_else(|| refused(&number))
    }
}

impl TryFrom<i64> for Fence {
    type Error = ConfigError;

    /// Reads a number that [`Fence::as_i64`] gave out, such as that of a `BIGINT` column. A column that was never written,
    /// and has 0, has no fence.
    fn try_from(number: i64) -> Result<Self, ConfigError> {
        u64::try_from(number).map_err(|_| refused(&number))?.try_into()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Fence {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.get())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Fence {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(u64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a resource in this process checks its writers with; one for each resource.
///
/// Between the check and the write no other check may pass: hold the lock that guards the data over both, as a database
/// does within one statement.
///
/// ```
/// use redlock_core::{Fence, FenceGate};
///
/// let gate = FenceGate::new();
/// let (older, newer) = (Fence::try_from(41_u64)?, Fence::try_from(42_u64)?);
/// assert!(gate.admit(older).is_ok());
/// assert!(gate.admit(newer).is_ok());
/// assert!(gate.admit(newer).is_ok()); // the same holder again
/// assert_eq!(gate.admit(older).unwrap_err().highest(), newer); // paused, and too late
/// # Ok::<(), redlock_core::ConfigError>(())
/// ```
#[derive(Debug, Default)]
pub struct FenceGate(AtomicU64);

impl FenceGate {
    /// A gate that has seen nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets a holder pass unless a later one was there before.
    ///
    /// # Errors
    ///
    /// When a larger fence was admitted: the lock of this one is over.
    pub fn admit(&self, fence: Fence) -> Result<(), StaleFence> {
        let highest = self.0.fetch_max(fence.get(), Ordering::SeqCst);
        match NonZeroU64::new(highest).map(Fence) {
            Some(highest) if highest > fence => Err(StaleFence { fence, highest }),
            _ => Ok(()),
        }
    }
}

/// A later holder was there before.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the fence {fence} is stale, {highest} was here before")]
pub struct StaleFence {
    fence: Fence,
    highest: Fence,
}

debug_reads_as_display!(StaleFence { fence, highest });

impl StaleFence {
    pub(super) fn new(fence: Fence, highest: Fence) -> Self {
        Self { fence, highest }
    }

    /// The fence that was refused.
    pub fn fence(&self) -> Fence {
        self.fence
    }

    /// The highest one that was admitted.
    pub fn highest(&self) -> Fence {
        self.highest
    }
}

/// The number a node gives with an exclusive grant, in microseconds since 1970 as its clock has it: above its counter, and
/// the hint as far as the clock agrees within `slack`, rounded up to an even one.
///
/// For a claim on several resources `counter` is the largest of theirs.
pub fn next(counter: Option<u64>, hint: u64, clock: u64, slack: u64) -> u64 {
    let counter = mutant!(CounterNotKept, None, counter);
    even(counter.unwrap_or(0).saturating_add(1).max(near(hint, clock, slack)))
}

/// The number a node gives with a share: odd, and above that of the last exclusive grant. Those who share one after
/// another are given the same one.
pub fn next_shared(counter: Option<u64>, hint: u64, clock: u64, slack: u64) -> u64 {
    let counter = mutant!(CounterNotKept, None, counter).filter(|counter| *counter > 0);
    let number = counter.unwrap_or_else(|| near(hint, clock, slack));
    mutant!(ShareSameNumber, number, odd(number))
}

/// A hint as far as a node's clock agrees with it.
fn near(hint: u64, clock: u64, slack: u64) -> u64 {
    mutant!(
        HintNotClamped,
        hint,
        hint.clamp(clock.saturating_sub(slack), clock.saturating_add(slack))
    )
}

fn even(number: u64) -> u64 {
    number.saturating_add(number % 2)
}

fn odd(number: u64) -> u64 {
    number.saturating_add(1 - number % 2)
}

/// The hint of an attempt: the client's wall clock, but above `floor`, which is the largest of its earlier hints and of
/// the counters that it was told of; an even number, as nodes give with exclusive grants. A floor that is further ahead
/// than the [`SLACK`] comes of a clock that is wrong, and counts for nothing: nodes whose clocks are right would not take it.
pub fn hint(wall: u64, floor: u64) -> u64 {
    let near = floor <= wall.saturating_add(SLACK.as_micros() as u64);
    even(if near { wall.max(floor.saturating_add(1)) } else { wall })
}

/// How long a counter outlives its last grant or extension.
///
/// Forgetting one is harmless once the node's clock is more than twice the slack past it. It may have been copied from a
/// node whose clock is ahead by `clock_error`.
pub fn life(ttl: Duration, clock_error: Duration) -> Duration {
    let overtaken = clock_error.saturating_add(SLACK * 2);
    let life = ttl.saturating_mul(2).max(SHORTEST_LIFE).max(overtaken);
    mutant!(CounterForgotten, Duration::ZERO, life)
}

/// Collects what makes a [`Fence`] of a won round: which of the granting nodes must be raised, and when so many stand at
/// the number that it is safe to give out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FenceRound {
    nodes: usize,
    fence: u64,
    /// Nodes that granted no more than `fence` and had a counter of at least that while they held the claim's token.
    standing: usize,
    /// Nodes that will not.
    failed: usize,
}

impl FenceRound {
    /// Begins with the numbers of the nodes that granted, `other` nodes having answered otherwise; `None` while the
    /// grants are no majority.
    pub fn new(nodes: usize, grants: &[u64], other: usize) -> Option<Self> {
        if grants.len() < majority(nodes) {
            return None;
        }
        let numbers = grants.iter().copied();
        let fence = mutant!(LowestFence, numbers.min(), numbers.max()).unwrap_or(0);
        let level = |grant: &&u64| **grant == fence || mutant!(NoWriteBack);
        let standing = grants.iter().filter(level).count();
        let nodes = mutant!(SkipOnReplies, grants.len(), nodes);
        Some(Self { nodes, fence, standing, failed: other })
    }

    /// The number. It is given to nobody before [`verdict`](Self::verdict) says yes.
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// Whether a node that granted this number must be raised to [`fence`](Self::fence).
    pub fn must_raise(&self, granted: u64) -> bool {
        granted < self.fence
    }

    /// A further node granted. If it [must be raised](Self::must_raise) it counts when it was. One above the fence does
    /// not count: an earlier holder on that node has less than its number, but perhaps no less than the fence.
    pub fn granted(&mut self, number: u64) {
        match number.cmp(&self.fence) {
            Less => {}
            Equal => self.standing += 1,
            Greater => self.failed += 1,
        }
    }

    /// A further node did not grant.
    pub fn refused(&mut self) {
        self.failed += 1;
    }

    /// A node answered to being raised: it still held the token and is at the fence now, or not.
    pub fn raised(&mut self, ok: bool) {
        if ok { self.standing += 1 } else { self.failed += 1 }
    }

    /// Whether a majority of all nodes stands at the fence, once nothing can change it.
    pub fn verdict(&self) -> Option<bool> {
        let majority = majority(self.nodes);
        if self.standing >= majority {
            Some(true)
        } else if self.nodes.saturating_sub(self.failed) < majority {
            Some(false)
        } else {
            None
        }
    }
}

/// The number that a majority of all nodes has at least, by each node's counter; `None` for one that has none, or did not
/// tell.
///
/// It is no smaller than any holder's [`Fence`], if all nodes told and none forgot; and may be greater, for attempts that
/// fail lift counters too.
pub fn of_majority(counters: impl IntoIterator<Item = Option<u64>>) -> Option<u64> {
    let mut counters: Vec<Option<u64>> = counters.into_iter().collect();
    counters.sort_unstable_by(|a, b| b.cmp(a));
    counters.get(majority(counters.len()) - 1).copied().flatten()
}

/// How long a node that has run for `uptime` gives no grants yet; `None` when it does.
///
/// A node that restarted may have forgotten what it granted. When every grant it may have forgotten has expired, it
/// cannot matter any more.
pub fn warming(uptime: Duration, guard: Duration) -> Option<Duration> {
    guard.checked_sub(uptime).filter(|left| !left.is_zero())
}

/// How long a restarted node must wait: the longest time to live in use on its own, perhaps fast, clock; and twice the
/// [`SLACK`] and what clocks may be apart, after which a forgotten counter is overtaken.
pub(crate) fn guard(longest_ttl: Duration, drift: Duration, clock_error: Duration) -> Duration {
    let whole =
        longest_ttl.saturating_add(drift).saturating_add(SLACK * 2).saturating_add(clock_error);
    mutant!(GuardShort, longest_ttl / 4, whole)
}

#[cfg(test)]
#[path = "fence_tests.rs"]
mod tests;
