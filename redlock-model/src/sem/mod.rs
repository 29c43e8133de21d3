//! Permits: so many at a time, each of them a slot that is a lock of its own.
//!
//! The abstraction is that of [the crate](crate), without clocks. A client asks for one of the slots that it knows of. Whichever
//! is looked at first, a node grants one that is free: here it is any of these, and each node's own. Which slot a round gave
//! is decided by [`SlotRound`](redlock_core::decisions::slots::SlotRound). What a holder was given in other slots may go at any time. An
//! acquire may be executed a second time, and a node that crashes is that of [`rw`](crate::rw).

mod model;
mod properties;
mod state;

use crate::report;
use crate::setting::Small;

/// Most clients of a case.
const CLIENTS: usize = 4;

/// Most slots of a case.
const SLOTS: usize = 3;

/// No more hold at a time than the largest number of permits that somebody believes in.
pub const MAX: &str = "at most max";
/// No two hold one slot.
pub const UNIQUE: &str = "one a slot";
/// A slot's fences grow from holder to holder.
pub const ORDER: &str = "order";
/// All permits were out at a time.
pub const FULL: &str = "all out";
/// A client held one slot while a node had it in another one.
pub const EXTRA: &str = "an extra";
/// A client held after a second round.
pub const RAISED: &str = "second round";
/// A client held after its grants were moved.
pub const MOVED: &str = "moved";
/// What was sent twice was granted after its client had ended, beside somebody who held.
pub const AGAIN: &str = "granted again";
/// All permits were out after a crash.
pub const RESTARTED: &str = "after a crash";

/// The world of one case: three nodes, and who asks them.
#[derive(Debug, Clone)]
pub struct Setting {
    /// How many permits each client believes in; 0 does not take part. Those who believe the same stand beside each other.
    pub permits: [Small; CLIENTS],
    /// Whether nodes take the lowest slot that is free, and not any of these.
    pub lowest_first: bool,
    /// Whether there are fences.
    pub fencing: bool,
    /// Whose acquires are sent twice; clients are bits.
    pub resent: u8,
    /// How many crashes there are.
    pub crashes: Small,
    /// What nodes and clients do.
    pub rule: Rule,
}

/// The product's rule, and those that look as good and are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The product's.
    Final,
    /// Nodes count, and a permit is a place on a majority of them.
    CountedOnNodes,
    /// A majority of grants wins whatever slots they are for: the one with the most.
    AnySlot,
    /// Where no slot has a majority the grants are moved to one, once, where that is free. Safe, and of no use.
    Settles,
    /// The same, whether that is free or not.
    MovesBlindly,
    /// A node that forgot grants at once.
    Unguarded,
    /// The largest number of the majority is the fence, and nobody is raised.
    NoSecondRound,
}

/// One world, and what must be found in it.
pub type Case = report::Case<Setting>;

fn world(permits: [Small; CLIENTS]) -> Setting {
    Setting {
        permits,
        lowest_first: false,
        fencing: false,
        resent: 0,
        crashes: 0,
        rule: Rule::Final,
    }
}

fn fenced(permits: [Small; CLIENTS]) -> Setting {
    Setting { fencing: true, ..world(permits) }
}

fn crash(permits: [Small; CLIENTS]) -> Setting {
    Setting { crashes: 1, ..world(permits) }
}

fn resent(permits: [Small; CLIENTS], resent: u8) -> Setting {
    Setting { resent, ..world(permits) }
}

/// Two permits and three clients that want one.
const THREE: [Small; CLIENTS] = [2, 2, 2, 0];

/// The product's rule; small.
pub fn sound() -> Vec<Case> {
    vec![
        Case::holds("sem: 2 permits, 3 clients", world(THREE)),
        Case::holds("sem: 2 permits, 4 clients", world([2, 2, 2, 2])),
        Case::holds("sem: all from slot 0", Setting { lowest_first: true, ..world(THREE) }),
        Case::holds("sem: sent twice", resent(THREE, 0b001)),
        Case::holds("sem: who believes in 1, 2, 2", world([1, 2, 2, 0])),
        Case::holds("sem: who believes in 2, 3, 3", world([2, 3, 3, 0])),
        Case::holds("sem: crash, guard", crash(THREE)),
        Case::holds("sem: 2 permits, 2 clients, fences", fenced([2, 2, 0, 0])),
        Case::holds("sem: settling", Setting { rule: Rule::Settles, ..world(THREE) }),
    ]
}

/// Rules that must be found wrong.
pub fn broken() -> Vec<Case> {
    let rule = |rule, setting| Setting { rule, ..setting };
    let places = rule(Rule::CountedOnNodes, world(THREE));
    vec![
        // A place has no name that two could have.
        Case::breaks("sem: counted on the nodes", &[MAX], places).silent(&[UNIQUE]),
        Case::breaks("sem: any slots", &[MAX, UNIQUE], rule(Rule::AnySlot, world(THREE))),
        Case::breaks("sem: moves blindly", &[UNIQUE], rule(Rule::MovesBlindly, world(THREE))),
        Case::breaks("sem: crash, no guard", &[UNIQUE], rule(Rule::Unguarded, crash(THREE))),
        Case::breaks("sem: no second round", &[ORDER], rule(Rule::NoSecondRound, fenced(THREE))),
    ]
}

/// The product's rule; these take minutes.
pub fn big() -> Vec<Case> {
    vec![
        Case::holds("sem: 3 permits, 4 clients", world([3, 3, 3, 3])),
        Case::holds("sem: all sent twice", resent(THREE, 0b111)),
        Case::holds("sem: crash, guard, 4 clients", crash([2, 2, 2, 2])),
        Case::holds("sem: who believes in 1, 2, 3, 3", world([1, 2, 3, 3])),
        Case::holds("sem: 2 permits, 3 clients, fences", fenced(THREE)),
        Case::holds(
            "sem: settling, 4 clients",
            Setting { rule: Rule::Settles, ..world([2, 2, 2, 2]) },
        ),
    ]
}
