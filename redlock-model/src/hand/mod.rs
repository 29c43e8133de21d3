//! A lock that is handed over: who takes over, whoever comes in between, and what is claimed about it.
//!
//! The abstraction is that of [the crate](crate), without clocks and crashes. The giver's requests are under way when a case
//! begins. Takers know its value once it was handed over; each is a client of its own, so that two of them are a message
//! that was delivered twice. Whether a hold is continued is told by
//! [`Succession`](redlock_core::decisions::handover::Succession), from any answers that make a majority.

mod model;
mod state;

use crate::report;
use crate::setting::Small;

/// No two clients hold at a time.
pub const MUTEX: &str = "mutual exclusion";
/// Fences grow in the order in which holders get them.
pub const ORDER: &str = "grant order";
/// Who is told that the hold is continued is the first holder since the giver.
pub const CLAIM: &str = "no false claim";
/// A taker was told so.
pub const CONTINUED: &str = "continued";
/// A taker held and was not told so.
pub const ANEW: &str = "taken anew";

/// The world of one case: three nodes and a giver.
#[derive(Debug, Clone)]
pub struct Setting {
    /// How many take over, at most 2.
    pub takers: usize,
    /// Whether somebody else wants the lock.
    pub stranger: bool,
    /// Whether the giver's keys may go before its hold has ended.
    pub early: bool,
    /// What clients hint at; taken as it is.
    pub hints: &'static [Small],
    /// What clients do.
    pub rule: Rule,
}

/// The product's rule, and those that look as good and are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The product's.
    Final,
    /// Who takes over goes on under the giver's token.
    SameToken,
    /// The giver's hold goes on beside the text.
    GiverGoesOn,
    /// That the giver's value stands on a majority is taken for a hold that is continued.
    ByToken,
}

/// One world, and what must be found in it.
pub type Case = report::Case<Setting>;

fn world(takers: usize, stranger: bool) -> Setting {
    Setting { takers, stranger, early: false, hints: &[0], rule: Rule::Final }
}

fn holds(name: &'static str, setting: Setting) -> Case {
    let silent: &[_] = if setting.early { &[MUTEX, ORDER] } else { &[] };
    Case::holds(name, setting).silent(silent)
}

/// The product's rule; small.
pub fn sound() -> Vec<Case> {
    vec![
        holds("hand: a taker and a stranger", world(1, true)),
        holds("hand: two takers", world(2, false)),
        holds(
            "hand: a taker and a stranger, the giver's keys go early",
            Setting { early: true, ..world(1, true) },
        ),
    ]
}

/// Rules that must be found wrong.
pub fn broken() -> Vec<Case> {
    let rule = |rule, setting| Setting { rule, ..setting };
    vec![
        Case::breaks("hand: the same token", &[MUTEX], rule(Rule::SameToken, world(2, false))),
        Case::breaks("hand: the giver goes on", &[MUTEX], rule(Rule::GiverGoesOn, world(1, false))),
        Case::breaks(
            "hand: continued by the token alone",
            &[CLAIM],
            rule(Rule::ByToken, world(1, true)),
        ),
    ]
}

/// The product's rule; these take minutes.
pub fn big() -> Vec<Case> {
    let any: &[Small] = &[0, 3];
    vec![
        holds("hand: a taker and a stranger, any hints", Setting { hints: any, ..world(1, true) }),
        holds("hand: two takers and a stranger", world(2, true)),
        holds(
            "hand: two takers and a stranger, the giver's keys go early",
            Setting { early: true, ..world(2, true) },
        ),
    ]
}
