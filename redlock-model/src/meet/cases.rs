use super::{EXCLUSION, Rule, Setting};
use crate::report;

/// One world, and what must be found in it.
pub type Case = report::Case<Setting>;

/// The product's rule.
pub fn sound() -> Vec<Case> {
    vec![
        Case::holds("meet: final rule", Setting { failures: 0, ..Setting::new() }),
        Case::holds("meet: final rule, nodes fail", Setting { failures: 2, ..Setting::new() }),
    ]
}

/// The same with more nodes.
pub fn big() -> Vec<Case> {
    let five = Setting { listed: &[2, 1, 1, 1, 0], ..Setting::new() };
    vec![
        Case::holds("meet: final rule, N=5", Setting { failures: 0, ..five.clone() }),
        Case::holds("meet: final rule, N=5, a node fails", five),
    ]
}

/// Rules that look as good: each must be caught.
pub fn broken() -> Vec<Case> {
    let unmet = Setting { rule: Rule::Unmet, failures: 0, ..Setting::new() };
    vec![
        Case::breaks(
            "meet: what was granted before counts, a node fails",
            &[EXCLUSION],
            Setting { rule: Rule::OursCounts, ..Setting::new() },
        ),
        Case::breaks("meet: nodes count that were not met", &[EXCLUSION], unmet),
    ]
}
