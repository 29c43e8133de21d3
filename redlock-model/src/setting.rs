//! What a case is made of.

use redlock_core::decisions::fence;

/// A number of a counter, and a moment; small, because there are many states.
pub type Small = u8;

/// Where the clocks stand when a case begins: no slack or error in use goes below zero.
pub const BEGINNING: Small = 10;

/// The step from one exclusive grant's number to the next. Cases without shares count in such steps, clocks too.
const EXCLUSIVE: u64 = 2;

/// The world of one case.
#[derive(Debug, Clone)]
pub struct Setting {
    /// How many nodes there are, at most 5.
    pub nodes: usize,
    /// How many attempts are made, at most [`ATTEMPTS`](crate::state::ATTEMPTS).
    pub attempts: usize,
    /// What clients do.
    pub rule: Rule,
    /// Whether a node may lose a lock whose attempt has not ended.
    pub timing: Timing,
    /// What the clients hint at.
    pub hints: Hints,
    /// How often a node forgets everything.
    pub crashes: Small,
    /// Counters that nodes may begin with; `None` is no counter.
    pub counters: &'static [Option<Small>],
    /// Time, where it matters.
    pub clock: Option<Clock>,
}

/// The product's rule, and those that look as good and are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The product's.
    Final,
    /// The largest number of the granting majority is returned as it is.
    NoSecondPhase,
    /// The largest number is written to any majority, whatever token stands there; not at all where the replies agree.
    AnyMajority,
    /// Granting nodes are raised, whatever token stands there by then.
    Unconditional,
    /// The second phase is left out where a majority of the *replies* is equal.
    MajorityOfReplies,
    /// A grant that comes after the decision and is above the fence counts as standing at it.
    LateAbove,
}

/// Whether leases and nodes agree about time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// A lock stands on its node until its attempt has ended.
    Sound,
    /// It may go before.
    Broken,
}

/// Where hints come from.
#[derive(Debug, Clone, Copy)]
pub enum Hints {
    /// There are none: counters count.
    Off,
    /// Any of these, taken by the nodes as they are.
    Arbitrary(&'static [Small]),
    /// The client's wall clock.
    Wall {
        /// How far it may be off, either way.
        error: Small,
        /// How far from its own clock a node takes it; `None` for any distance.
        slack: Option<Small>,
    },
}

/// Time in ticks.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// How long a lock lives.
    pub ttl: Small,
    /// How long a node must have run before it grants.
    pub guard: Small,
    /// When the case ends.
    pub horizon: Small,
    /// A counter may be forgotten when the clock is so far past it; `None` for never.
    pub forget: Option<Small>,
}

impl Setting {
    /// Three nodes, two attempts, the product's rule, sound timing, counters that count and differ, and no clock.
    pub fn new() -> Self {
        Self {
            nodes: 3,
            attempts: 2,
            rule: Rule::Final,
            timing: Timing::Sound,
            hints: Hints::Off,
            crashes: 0,
            counters: &[None, Some(4)],
            clock: None,
        }
    }

    /// The hints that a client may make at `now`.
    pub(crate) fn hints(&self, now: Small) -> Vec<Small> {
        match self.hints {
            Hints::Off => vec![0],
            Hints::Arbitrary(hints) => hints.to_vec(),
            Hints::Wall { error, .. } => {
                let wall = BEGINNING + now;
                let hint = |wall| small(fence::hint(u64::from(wall) * EXCLUSIVE, 0) / EXCLUSIVE);
                (wall - error..=wall + error).map(hint).collect()
            }
        }
    }

    /// How far from its own clock a node takes a hint.
    pub(crate) fn slack(&self) -> u64 {
        match self.hints {
            Hints::Wall { slack: Some(slack), .. } => u64::from(slack),
            _ => u64::MAX,
        }
    }
}

impl Default for Setting {
    fn default() -> Self {
        Self::new()
    }
}

/// The number of an exclusive grant.
pub(crate) fn next(counter: Option<Small>, hint: Small, clock: u64, slack: u64) -> Small {
    let steps = |number: Small| u64::from(number) * EXCLUSIVE;
    let (clock, slack) = (clock * EXCLUSIVE, slack.saturating_mul(EXCLUSIVE));
    small(fence::next(counter.map(steps), steps(hint), clock, slack) / EXCLUSIVE)
}

/// Numbers of these cases are small; one that is not stays the largest there is, and shows as not unique.
pub(crate) fn small(number: u64) -> Small {
    Small::try_from(number).unwrap_or(Small::MAX)
}

/// Every way in which so many nodes can begin, whose order does not matter.
pub(crate) fn beginnings(nodes: usize, counters: &[Option<Small>]) -> Vec<Vec<Option<Small>>> {
    let mut sets = vec![Vec::new()];
    for _ in 0..nodes {
        let longer = |set: &Vec<_>| -> Vec<Vec<_>> {
            let least = set.last().copied().flatten();
            let add = |counter| [set.as_slice(), &[counter]].concat();
            counters.iter().copied().filter(|counter| *counter >= least).map(add).collect()
        };
        sets = sets.iter().flat_map(longer).collect();
    }
    sets
}
