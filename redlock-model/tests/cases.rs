//! The cases that are small enough for every test run.

use redlock_model::cases::{self, Case};
use redlock_model::report;

fn surprises(cases: Vec<Case>) -> Vec<String> {
    cases.iter().flat_map(|case| report::run(case).surprises).collect()
}

#[test]
fn the_products_rule_is_safe_in_every_interleaving() {
    assert_eq!(surprises(cases::sound()), Vec::<String>::new());
}

#[test]
fn every_broken_rule_is_found() {
    assert_eq!(surprises(cases::broken()), Vec::<String>::new());
}

#[test]
fn a_case_that_comes_out_otherwise_is_told() {
    let mut case = cases::broken().remove(0);
    case.violated = &[];
    let told = surprises(vec![case]);
    assert!(told.iter().any(|told| told.contains("unique: Violated")), "{told:?}");

    let mut case = cases::sound().remove(0);
    case.violated = &["unique"];
    let told = surprises(vec![case]);
    assert!(told.iter().any(|told| told.contains("unique: Ok")), "{told:?}");
}

#[test]
fn a_property_that_is_never_reached_is_told() {
    let mut case = cases::sound().remove(0);
    case.setting.attempts = 1;
    case.setting.counters = &[None];
    let told = surprises(vec![case]);
    assert!(told.iter().any(|told| told.contains("second phase: Unreached")), "{told:?}");
}
