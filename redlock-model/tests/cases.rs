//! The cases that are small enough for every test run.

use redlock_model::report::{self, Case, World};
use redlock_model::{cases, hand, keep, meet, rw, sem, timed, together};

fn surprises<W: World>(cases: Vec<Case<W>>) -> Vec<String> {
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
fn a_lock_that_is_kept_is_had_by_nobody_else_before_its_time_and_no_later_in_every_interleaving() {
    assert_eq!(surprises(keep::sound()), Vec::<String>::new());
    assert_eq!(surprises(keep::broken()), Vec::<String>::new());
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

#[test]
fn handing_over_is_safe_in_every_interleaving() {
    assert_eq!(surprises(hand::sound()), Vec::<String>::new());
}

#[test]
fn every_broken_way_to_hand_over_is_found() {
    assert_eq!(surprises(hand::broken()), Vec::<String>::new());
}

#[test]
fn a_case_of_handing_over_that_comes_out_otherwise_is_told() {
    let mut case = hand::broken().remove(0);
    case.violated = &[];
    let told = surprises(vec![case]);
    assert!(told.iter().any(|told| told.contains("mutual exclusion: Violated")), "{told:?}");
    let mut case = hand::sound().remove(1);
    case.violated = &[hand::CLAIM];
    let told = surprises(vec![case]);
    assert!(told.iter().any(|told| told.contains("no false claim: Ok")), "{told:?}");
}

#[test]
fn readers_and_writers_are_safe_in_every_interleaving() {
    assert_eq!(surprises(rw::sound()), Vec::<String>::new());
}

#[test]
fn every_broken_way_to_share_is_found() {
    assert_eq!(surprises(rw::broken()), Vec::<String>::new());
}

#[test]
fn a_case_of_sharing_that_comes_out_otherwise_is_told() {
    let mut case = rw::broken().remove(1);
    case.violated = &[];
    assert!(surprises(vec![case]).iter().any(|told| told.contains("order: Violated")));
    let mut case = rw::sound().remove(0);
    case.violated = &[rw::EXCLUSION];
    assert!(surprises(vec![case]).iter().any(|told| told.contains("exclusion: Ok")));
}

#[test]
fn readers_and_writers_whose_time_goes_by_are_safe_in_every_interleaving() {
    assert_eq!(surprises(timed::sound()), Vec::<String>::new());
    assert_eq!(surprises(timed::broken()), Vec::<String>::new());
}

#[test]
fn permits_are_safe_in_every_interleaving() {
    assert_eq!(surprises(sem::sound()), Vec::<String>::new());
}

#[test]
fn every_broken_way_to_give_permits_is_found() {
    assert_eq!(surprises(sem::broken()), Vec::<String>::new());
}

#[test]
fn a_case_of_permits_that_comes_out_otherwise_is_told() {
    let mut case = sem::broken().remove(0);
    case.violated = &[];
    assert!(surprises(vec![case]).iter().any(|told| told.contains("at most max: Violated")));
    let mut case = sem::sound().remove(0);
    case.setting.permits = [2, 0, 0, 0];
    assert!(surprises(vec![case]).iter().any(|told| told.contains("all out: Unreached")));
}

#[test]
fn a_first_contact_with_a_majority_counts_no_server_twice_in_every_interleaving() {
    assert_eq!(surprises(meet::sound()), Vec::<String>::new());
    assert_eq!(surprises(meet::broken()), Vec::<String>::new());
}

#[test]
fn commands_that_travel_together_are_safe_in_every_interleaving() {
    assert_eq!(surprises(together::sound()), Vec::<String>::new());
    assert_eq!(surprises(together::broken()), Vec::<String>::new());
}

#[test]
fn an_acquire_that_comes_behind_its_release_is_undone_in_every_interleaving() {
    let behind = [together::Rule::WaitedFor, together::Rule::ForNobody];
    for rule in behind {
        let mut case = together::sound().remove(0);
        (case.setting.rule, case.silent) = (rule, &[together::ORDER]);
        assert_eq!(surprises(vec![case]), Vec::<String>::new());
    }
}
