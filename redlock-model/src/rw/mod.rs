//! Readers and writers: shares beside shares, and nobody beside a writer.
//!
//! The abstraction is that of [the crate](crate), without clocks. A writer may downgrade; its request to share reaches nodes
//! as late as any other, or never. With a crash a node forgets who had it, but not how far numbers were: its clock is past
//! them (A8 in `docs/SAFETY.md`). Under the guard it then grants nothing while one of those whom it forgot may hold.

mod model;
mod state;

use crate::report::Case;
use crate::setting::{Small, Timing};

/// Most clients of a case.
const CLIENTS: usize = 3;

/// No writer holds beside anybody else.
pub const EXCLUSION: &str = "exclusion";
/// Fences grow from holder to holder, but among those who read.
pub const ORDER: &str = "order";
/// A client that began after a fence was returned gets a larger one, unless both read. Needs no sound timing.
pub const REAL_TIME: &str = "real time";
/// Two held at once, both by a share.
pub const BESIDE: &str = "shared";
/// A reader held after a second round.
pub const RAISED: &str = "second round";
/// A writer downgraded, and somebody else holds beside it.
pub const DOWNGRADED: &str = "downgraded";

/// What a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It does not take part.
    Nobody,
    /// It shares.
    Reader,
    /// It wants the lock alone.
    Writer,
    /// The same, and may share it afterwards.
    Downgrader,
}

/// The world of one case: nodes, and who asks them.
#[derive(Debug, Clone)]
pub struct Setting {
    /// How many nodes there are, at most 5.
    pub nodes: usize,
    /// Who asks them. Those of one kind stand beside each other.
    pub clients: [Kind; CLIENTS],
    /// Counters that nodes may begin with; `None` is no counter.
    pub counters: &'static [Option<Small>],
    /// What they may hint at; taken as it is.
    pub hints: &'static [Small],
    /// How many crashes there are.
    pub crashes: Small,
    /// Whether a node may lose what somebody has there who has not ended.
    pub timing: Timing,
    /// What nodes and clients do.
    pub rule: Rule,
}

/// The product's rule, and those that look as good and are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The product's.
    Final,
    /// Who shares takes the number that most of the nodes gave, and raises nobody.
    NoSecondRound,
    /// A share has the writer's number.
    SameNumber,
    /// A release of one share ends all.
    ReleaseDels,
    /// A downgrade lets go before it shares.
    TwoSteps,
    /// An exclusive grant does not look at shares.
    OverShares,
    /// A node that forgot grants at once.
    Unguarded,
    /// The same, but shares alone.
    SharesUnguarded,
}

use Kind::{Downgrader as D, Nobody, Reader as R, Writer as W};

fn world(clients: [Kind; CLIENTS]) -> Setting {
    Setting {
        nodes: 3,
        clients,
        counters: &[None],
        hints: &[0],
        crashes: 0,
        timing: Timing::Sound,
        rule: Rule::Final,
    }
}

fn crash(clients: [Kind; CLIENTS]) -> Setting {
    Setting { crashes: 1, ..world(clients) }
}

fn of(nodes: usize, clients: [Kind; CLIENTS]) -> Setting {
    Setting { nodes, ..world(clients) }
}

fn broken_timing(clients: [Kind; CLIENTS]) -> Setting {
    Setting { timing: Timing::Broken, ..world(clients) }
}

/// What this world does not promise or reach is left `open`.
fn holds(name: &'static str, setting: Setting, open: &'static [&'static str]) -> Case<Setting> {
    Case::holds(name, setting).silent(open)
}

fn breaks(
    name: &'static str,
    violated: &'static [&'static str],
    rule: Rule,
    setting: Setting,
) -> Case<Setting> {
    Case::breaks(name, violated, Setting { rule, ..setting })
}

/// Nodes that have granted before: a share at last, or a whole lock, or nothing.
fn of_any_age(setting: Setting) -> Setting {
    Setting { counters: &[None, Some(3), Some(4)], ..setting }
}

/// The product's rule; small.
pub fn sound() -> Vec<Case<Setting>> {
    vec![
        holds("rw: R R", world([R, R, Nobody]), &[RAISED, DOWNGRADED]),
        holds("rw: R W", of_any_age(world([R, W, Nobody])), &[BESIDE, DOWNGRADED]),
        holds("rw: R D", of_any_age(world([R, D, Nobody])), &[]),
        holds("rw: R W, N=4", of_any_age(of(4, [R, W, Nobody])), &[BESIDE, DOWNGRADED]),
        holds("rw: R D, N=4", of_any_age(of(4, [R, D, Nobody])), &[]),
        holds("rw: R R W", world([R, R, W]), &[DOWNGRADED]),
        holds("rw: R W W", world([R, W, W]), &[BESIDE, DOWNGRADED]),
        holds("rw: R D W", world([R, D, W]), &[]),
        holds("rw: R D, crash, guard", crash([R, D, Nobody]), &[]),
        holds("rw: R R W, crash, guard", crash([R, R, W]), &[DOWNGRADED]),
        holds(
            "rw: R W, timing broken",
            of_any_age(broken_timing([R, W, Nobody])),
            &[EXCLUSION, ORDER, BESIDE, DOWNGRADED],
        ),
    ]
}

/// Rules that must be found wrong.
pub fn broken() -> Vec<Case<Setting>> {
    vec![
        breaks("rw: no second round", &[ORDER], Rule::NoSecondRound, world([R, W, W])),
        breaks("rw: the writer's number", &[ORDER], Rule::SameNumber, world([R, W, Nobody])),
        breaks("rw: a release ends all shares", &[EXCLUSION], Rule::ReleaseDels, world([R, R, W])),
        breaks("rw: downgrade in two steps", &[EXCLUSION], Rule::TwoSteps, world([D, W, Nobody])),
        breaks("rw: exclusive over shares", &[EXCLUSION], Rule::OverShares, world([R, W, Nobody])),
        breaks("rw: crash, no guard", &[EXCLUSION], Rule::Unguarded, crash([R, W, Nobody])),
        breaks(
            "rw: crash, shares unguarded",
            &[EXCLUSION],
            Rule::SharesUnguarded,
            crash([R, W, Nobody]),
        ),
        breaks(
            "rw: timing broken",
            &[EXCLUSION, ORDER],
            Rule::Final,
            broken_timing([R, W, Nobody]),
        ),
        breaks(
            "rw: no second round, timing broken",
            &[REAL_TIME],
            Rule::NoSecondRound,
            broken_timing([R, W, W]),
        ),
    ]
}

/// The product's rule; these take minutes.
pub fn big() -> Vec<Case<Setting>> {
    let hints = |setting| Setting { hints: &[0, 5], ..setting };
    vec![
        holds("rw: R R W, nodes of any age", of_any_age(world([R, R, W])), &[DOWNGRADED]),
        holds("rw: R W W, nodes of any age", of_any_age(world([R, W, W])), &[BESIDE, DOWNGRADED]),
        holds("rw: R D W, nodes of any age", of_any_age(world([R, D, W])), &[]),
        holds("rw: R R W, any hints", hints(world([R, R, W])), &[DOWNGRADED]),
        holds("rw: R R W, N=4", of(4, [R, R, W]), &[DOWNGRADED]),
        holds("rw: R W, N=5", hints(of_any_age(of(5, [R, W, Nobody]))), &[BESIDE, DOWNGRADED]),
        holds("rw: R D, N=5", of_any_age(of(5, [R, D, Nobody])), &[]),
        // Last, since it takes longest.
        holds(
            "rw: R R W, timing broken",
            broken_timing([R, R, W]),
            &[EXCLUSION, ORDER, DOWNGRADED],
        ),
    ]
}
