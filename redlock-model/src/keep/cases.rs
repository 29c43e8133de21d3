use super::{EXCLUSION, NOT_LONG, NOT_SHORT, Rule, Setting};
use crate::report;

/// One world, and what must be found in it.
pub type Case = report::Case<Setting>;

fn rule(rule: Rule) -> Setting {
    Setting { rule, ..Setting::new() }
}

/// The product's rule.
pub fn sound() -> Vec<Case> {
    let small = Setting { ttl: 2, at_least: 1, horizon: 2, ..Setting::new() };
    let plain = Setting { extends: false, resends: false, ..small.clone() };
    vec![
        Case::holds("keep: extended", Setting { resends: false, ..small.clone() }),
        Case::holds("keep: sent twice", Setting { extends: false, ..small }),
        Case::holds("keep: for the whole time to live", Setting { at_least: 2, ..plain.clone() }),
        Case::holds("keep: crash, guard", Setting { crashes: 1, guard: 2, horizon: 3, ..plain }),
    ]
}

/// The same with both at once, and where there is more time.
pub fn big() -> Vec<Case> {
    let small = Setting { ttl: 2, at_least: 1, horizon: 3, ..Setting::new() };
    vec![
        Case::holds("keep: final rule", small.clone()),
        Case::holds(
            "keep: final rule, for the whole time to live",
            Setting { at_least: 2, ..small },
        ),
    ]
}

/// Rules that look as good, and worlds outside the assumptions: each must be caught.
pub fn broken() -> Vec<Case> {
    vec![
        Case::breaks("keep: the token stays", &[NOT_LONG], rule(Rule::TokenStays)),
        Case::breaks("keep: the lease goes on", &[EXCLUSION], rule(Rule::LeaseGoesOn)),
        Case::breaks("keep: a retry by plain release", &[NOT_SHORT], rule(Rule::RetriedPlainly)),
        Case::breaks("keep: delete and set", &[NOT_SHORT], rule(Rule::DeleteAndSet)),
        Case::breaks("keep: may lengthen", &[NOT_LONG], rule(Rule::Lengthens)),
        Case::breaks(
            "keep: longer than ttl",
            &[NOT_SHORT],
            Setting { at_least: 4, ..Setting::new() },
        ),
        Case::breaks(
            "keep: crash, no guard",
            &[EXCLUSION],
            Setting { crashes: 1, ..Setting::new() },
        ),
    ]
}
