//! What is tried, and what must come of it.

use crate::properties::{MUTEX, ORDER, REAL_TIME, UNIQUE};
use crate::report;
use crate::setting::{Clock, Hints, Rule, Setting, Timing};

/// One world, and what must be found in it.
pub type Case = report::Case<Setting>;

/// Without sound timing nobody promises these two.
const TIMED: &[&str] = &[MUTEX, ORDER];

fn holds(name: &'static str, setting: Setting) -> Case {
    let silent = silent(&setting);
    Case::holds(name, setting).silent(silent)
}

fn breaks(name: &'static str, violated: &'static [&'static str], setting: Setting) -> Case {
    let silent = silent(&setting);
    Case::breaks(name, violated, setting).silent(silent)
}

fn silent(setting: &Setting) -> &'static [&'static str] {
    if setting.timing == Timing::Broken { TIMED } else { &[] }
}

fn rule(rule: Rule) -> Setting {
    Setting { rule, ..Setting::new() }
}

/// Three nodes with a clock, one of which crashes once.
fn crash(hints: Hints, ttl: u8, guard: u8) -> Setting {
    let clock = Clock { ttl, guard, horizon: guard + ttl, forget: None };
    Setting { hints, crashes: 1, counters: &[None], clock: Some(clock), ..Setting::new() }
}

fn wall(error: u8, slack: Option<u8>) -> Hints {
    Hints::Wall { error, slack }
}

/// One that forgets counters instead.
fn forgetful(after: u8) -> Setting {
    let clock = Clock { ttl: 1, guard: 0, horizon: after + 3, forget: Some(after) };
    Setting { crashes: 0, clock: Some(clock), ..crash(wall(1, Some(1)), 1, 0) }
}

/// The product's rule where its assumptions are kept; small.
pub fn sound() -> Vec<Case> {
    let arbitrary = Hints::Arbitrary(&[1, 6]);
    vec![
        holds("final rule", Setting::new()),
        holds("final rule, timing broken", Setting { timing: Timing::Broken, ..Setting::new() }),
        holds("final rule, any hints", Setting { hints: arbitrary, ..Setting::new() }),
        holds(
            "final rule, any hints, timing broken",
            Setting { hints: arbitrary, timing: Timing::Broken, ..Setting::new() },
        ),
        holds("crash, hints within slack 1, TTL 1, guard 2S+1", crash(wall(1, Some(1)), 1, 3)),
        holds("crash, hints by the node's clock, TTL 1, guard TTL", crash(wall(1, Some(0)), 1, 1)),
        holds("crash, hints of any size, TTL 1, guard TTL+2e", crash(wall(1, None), 1, 3)),
        holds("counters forgotten after 2S+1", forgetful(3)),
    ]
}

/// Rules that look as good, and worlds outside the assumptions: each must be caught.
pub fn broken() -> Vec<Case> {
    let broken_timing = Timing::Broken;
    vec![
        breaks("A1 no second phase", &[ORDER, REAL_TIME, UNIQUE], rule(Rule::NoSecondPhase)),
        breaks("A2 written to any majority", &[ORDER], rule(Rule::AnyMajority)),
        breaks(
            "A3b raised unconditionally, timing broken",
            &[UNIQUE],
            Setting { timing: broken_timing, ..rule(Rule::Unconditional) },
        ),
        breaks(
            "A4 a majority of the replies, N=5",
            &[ORDER],
            Setting { nodes: 5, ..rule(Rule::MajorityOfReplies) },
        ),
        breaks(
            "late grant above the fence counts, timing broken",
            &[UNIQUE],
            Setting { timing: broken_timing, ..rule(Rule::LateAbove) },
        ),
        breaks(
            "C1 crash, no guard",
            &[MUTEX, ORDER, REAL_TIME, UNIQUE],
            Setting { crashes: 1, ..Setting::new() },
        ),
        breaks("C2 crash, guard, no hints", &[ORDER, REAL_TIME, UNIQUE], crash(Hints::Off, 1, 1)),
        breaks("C4 crash, guard shorter than TTL", &[MUTEX], crash(wall(0, Some(0)), 2, 1)),
        breaks(
            "T3 crash, hints of any size, guard TTL",
            &[ORDER, REAL_TIME, UNIQUE],
            crash(wall(1, None), 3, 3),
        ),
        breaks(
            "T1b crash, hints of any size, guard TTL+2e-1",
            &[ORDER],
            crash(wall(1, None), 2, 3),
        ),
        breaks("F2 counters forgotten after S", &[ORDER, REAL_TIME, UNIQUE], forgetful(1)),
        breaks("G2 crash, no guard, no hints", &[REAL_TIME], crash(Hints::Off, 1, 0)),
    ]
}

/// More nodes and more attempts: minutes.
pub fn big() -> Vec<Case> {
    let three = |setting: Setting| Setting { attempts: 3, ..setting };
    let broken = |setting: Setting| Setting { timing: Timing::Broken, ..setting };
    vec![
        holds("final rule, N=4", Setting { nodes: 4, ..Setting::new() }),
        holds("final rule, N=5", Setting { nodes: 5, ..Setting::new() }),
        holds("final rule, 3 attempts", three(Setting::new())),
        holds("raised unconditionally, timing sound", rule(Rule::Unconditional)),
        holds("crash, hints within slack 1, TTL 2, guard 2S+1", crash(wall(1, Some(1)), 2, 3)),
        holds("crash, hints by the node's clock, TTL 2, guard TTL", crash(wall(1, Some(0)), 2, 2)),
        holds("crash, hints of any size, TTL 2, guard TTL+2e", crash(wall(1, None), 2, 4)),
        // Last, since it takes longest.
        holds(
            "final rule, 3 attempts, timing broken, counters new",
            broken(Setting { counters: &[None], ..three(Setting::new()) }),
        ),
    ]
}
