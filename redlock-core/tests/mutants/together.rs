//! What a connection may not do that sends several commands as one. It is no part of this crate, so each flaw is one of the
//! simulated connection; and breaks of the crate that a time to live hides elsewhere.

use std::collections::BTreeSet;

use redlock_core::mutants::{self, Mutant};

use super::simulation::runner::{self, Report};
use super::simulation::together::{self, Flaw};

const SEEDS: u64 = if cfg!(debug_assertions) { 200 } else { 2_000 };

/// Each by the invariants of which one breaks first.
const CAUGHT: &[(Flaw, &[&str])] = &[
    (Flaw::ReleasePassesItsAcquire, &["command order"]),
    (Flaw::AcquireAgainForNobody, &["command order"]),
    (Flaw::AcquireAgainBehindItsRelease, &["command order"]),
    (Flaw::ReleasesNotAgain, &["answers"]),
    (Flaw::AnswersShifted, &["mutual exclusion", "validity"]),
];

fn first(flaw: Flaw, mutant: Option<Mutant>) -> Option<(u64, runner::Violation)> {
    let prepare = || mutants::set(mutant);
    let report: Report =
        runner::sweep_over(0..SEEDS, true, &prepare, &|seed| together::run(seed, flaw, false));
    report.violations.into_iter().next()
}

#[test]
fn every_flaw_of_a_connection_that_sends_several_commands_as_one_is_noticed() {
    for (flaw, invariants) in CAUGHT {
        let (seed, broken) = first(*flaw, None).unwrap_or_else(|| panic!("{flaw:?} survived"));
        println!("{flaw:?}: {} at seed {seed}: {}", broken.invariant, broken.message);
        assert!(invariants.contains(&broken.invariant), "{flaw:?}: {}", broken.invariant);
    }
}

/// The driver makes it good: the answer to such an acquire is a grant, which it undoes.
#[test]
fn an_acquire_that_comes_behind_its_release_all_the_same_leaves_nothing() {
    for flaw in [Flaw::AcquireAgainForNobody, Flaw::AcquireAgainBehindItsRelease] {
        let runs = (0..SEEDS / 5).map(|seed| together::run(seed, flaw, false));
        let broken: BTreeSet<_> =
            runs.flat_map(|run| run.violations).map(|violation| violation.invariant).collect();
        assert_eq!(broken, BTreeSet::from(["command order"]), "{flaw:?}");
    }
}

/// Elsewhere it takes a scenario of its own.
#[test]
fn what_is_left_behind_is_noticed_before_its_time_is_over() {
    for mutant in [Mutant::ReleaseNotRetried, Mutant::DropNotSwept] {
        let found = first(Flaw::Sound, Some(mutant));
        let (seed, broken) = found.unwrap_or_else(|| panic!("{mutant:?} survived"));
        println!("{mutant:?}: {} at seed {seed}: {}", broken.invariant, broken.message);
        assert!(["outlived", "leftovers"].contains(&broken.invariant), "{}", broken.invariant);
    }
}
