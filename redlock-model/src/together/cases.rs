use super::{EXCLUSION, NOTHING_LEFT, ORDER, Rule, Setting};
use crate::report;

/// One world, and what must be found in it.
pub type Case = report::Case<Setting>;

/// One node, which refuses twice.
fn one() -> Setting {
    Setting { nodes: 1, rule: Rule::Final, refusals: 2, limits: 1, stranger: true }
}

/// Three nodes, of which one refuses once, and nobody else wants a lock.
fn three() -> Setting {
    Setting { nodes: 3, rule: Rule::Final, refusals: 1, limits: 0, stranger: false }
}

/// The rule.
pub fn sound() -> Vec<Case> {
    let two = Setting { nodes: 2, refusals: 2, ..three() };
    vec![
        Case::holds("together: final rule, N=1", one()),
        Case::holds("together: final rule, N=2, two refuse", two),
        Case::holds("together: final rule, N=3", three()),
    ]
}

/// The same with more of everything.
pub fn big() -> Vec<Case> {
    let two = Setting { nodes: 2, refusals: 1, limits: 0, ..one() };
    vec![
        Case::holds("together: final rule, N=2, a stranger", two),
        Case::holds("together: final rule, N=3, two refuse", Setting { refusals: 2, ..three() }),
    ]
}

/// Rules that look as good: each must be caught.
pub fn broken() -> Vec<Case> {
    let rule = |rule| Setting { rule, ..one() };
    vec![
        Case::breaks(
            "together: acquires go again while their caller waits",
            &[ORDER],
            rule(Rule::WaitedFor),
        ),
        Case::breaks("together: acquires go again for nobody", &[ORDER], rule(Rule::ForNobody)),
        Case::breaks("together: releases do not go again", &[NOTHING_LEFT], rule(Rule::NoRelease)),
        Case::breaks("together: releases pass their acquires", &[ORDER], rule(Rule::PassesOwn)),
        Case::breaks("together: answers shifted", &[EXCLUSION], rule(Rule::Shifted)),
    ]
}
