//! Readers and writers whose time goes by: shares that end, and shares that are extended.
//!
//! Time goes by in ticks, as for locks that are [kept](crate::keep): what was sent is executed at any time after it, or never, and
//! nodes' clocks are right. A share ends at its own time, and all of them with the key. There are no fences here; these are
//! in [`rw`](crate::rw).

mod model;
mod state;

use crate::report;
use crate::setting::Small;

/// Most clients of a case.
const CLIENTS: usize = 3;

/// How often one of them may ask for more time.
const LONGER: usize = 2;

/// No writer holds beside anybody else.
pub const EXCLUSION: &str = "exclusion";
/// Two read at once.
pub const BESIDE: &str = "shared";
/// A writer held after a reader.
pub const WRITTEN: &str = "written";
/// A reader held for longer than it had asked for at first.
pub const EXTENDED: &str = "extended";
/// A writer held after a crash.
pub const RESTARTED: &str = "after a crash";

/// What a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    /// Whether it shares.
    pub kind: Kind,
    /// How long what it asks for lives.
    pub ttl: Small,
    /// How long each of its extensions is, at most two.
    pub longer: &'static [Small],
}

/// Whether it shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It shares.
    Reader,
    /// It wants the lock alone.
    Writer,
}

/// The world of one case: three nodes, and who asks them.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Who. Those who are alike stand beside each other.
    pub clients: [Option<Who>; CLIENTS],
    /// How many crashes there are.
    pub crashes: Small,
    /// How long a node must have run before it grants.
    pub guard: Small,
    /// When the case ends.
    pub horizon: Small,
    /// What nodes and clients do.
    pub rule: Rule,
}

/// The product's rule, and those that look as good and are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The product's.
    Final,
    /// The key expires with the share that joined or was extended last.
    KeyLivesAsTheLast,
    /// A release of one share ends all.
    ReleaseDels,
    /// An extension sets a time, also a shorter one.
    ExtensionShortens,
}

/// One world, and what must be found in it.
pub type Case = report::Case<Setting>;

const fn reader(ttl: Small, longer: &'static [Small]) -> Option<Who> {
    Some(Who { kind: Kind::Reader, ttl, longer })
}

const fn writer(ttl: Small) -> Option<Who> {
    Some(Who { kind: Kind::Writer, ttl, longer: &[] })
}

fn world(clients: [Option<Who>; CLIENTS], horizon: Small) -> Setting {
    Setting { clients, crashes: 0, guard: 0, horizon, rule: Rule::Final }
}

fn crash(clients: [Option<Who>; CLIENTS], guard: Small, horizon: Small) -> Setting {
    Setting { crashes: 1, guard, ..world(clients, horizon) }
}

/// One reader alone.
fn alone(name: &'static str, setting: Setting) -> Case {
    Case::holds(name, setting).silent(&[BESIDE])
}

/// The product's rule; small.
pub fn sound() -> Vec<Case> {
    let short = [reader(2, &[]), reader(1, &[]), writer(1)];
    vec![
        alone("timed: R+ W", world([reader(2, &[2]), writer(2), None], 4)),
        alone("timed: R++ W", world([reader(2, &[2, 1]), writer(1), None], 4)),
        Case::holds("timed: R R W", world(short, 3)),
        Case::holds("timed: R+ R W", world([reader(2, &[2]), reader(1, &[]), writer(1)], 3)),
        alone("timed: R W, crash, guard", crash([reader(2, &[]), writer(2), None], 2, 4)),
        Case::holds("timed: R R W, crash, guard", crash(short, 2, 4)),
    ]
}

/// Rules that must be found wrong.
pub fn broken() -> Vec<Case> {
    let rule = |rule, setting| Setting { rule, ..setting };
    let two = world([reader(3, &[]), reader(1, &[]), writer(2)], 4);
    let longer = world([reader(3, &[1]), writer(2), None], 4);
    let unguarded = crash([reader(2, &[]), writer(2), None], 0, 4);
    let warmed = crash([reader(3, &[]), writer(2), None], 2, 4);
    vec![
        Case::breaks(
            "timed: the key lives as the last",
            &[EXCLUSION],
            rule(Rule::KeyLivesAsTheLast, two.clone()),
        ),
        Case::breaks(
            "timed: a release ends all shares",
            &[EXCLUSION],
            rule(Rule::ReleaseDels, two),
        ),
        Case::breaks(
            "timed: an extension shortens",
            &[EXCLUSION],
            rule(Rule::ExtensionShortens, longer),
        ),
        Case::breaks("timed: crash, no guard", &[EXCLUSION], unguarded),
        Case::breaks("timed: crash, guard shorter than ttl", &[EXCLUSION], warmed),
    ]
}

/// The product's rule; these take minutes.
pub fn big() -> Vec<Case> {
    let (longer, twice) = (reader(2, &[2]), reader(2, &[2, 1]));
    vec![
        alone("timed: R++ W, ttl 3", world([reader(3, &[1, 3]), writer(2), None], 7)),
        alone("timed: R+ W, crash, guard", crash([longer, writer(2), None], 2, 5)),
        Case::holds("timed: R+ R W, ttl 3", world([longer, reader(3, &[]), writer(2)], 5)),
        Case::holds("timed: R++ R W", world([twice, reader(1, &[]), writer(2)], 5)),
        Case::holds(
            "timed: R+ R W, crash, guard",
            crash([longer, reader(1, &[]), writer(1)], 2, 4),
        ),
    ]
}
