//! Every deliberate break of the crate is noticed: by the simulator, or by a directed test where chance does not lead
//! there or where only the time to live hides the damage.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod directed;
#[path = "../simulation/mod.rs"]
mod simulation;

use redlock_core::mutants::{self, Mutant};
use simulation::profile::Setup;
use simulation::runner;

const SEEDS: u64 = if cfg!(debug_assertions) { 2_000 } else { 20_000 };

enum By {
    /// The simulator, by whatever invariant breaks first.
    Simulation,
    /// The same within as many seeds as a release build tries; a build without optimizations begins here.
    Rarely(u64),
    /// A scenario, which must go well in the sound crate.
    Directed(&'static str, fn() -> Result<(), String>),
}

use By::{Directed, Rarely, Simulation};

const CAUGHT: &[(Mutant, By)] = &[
    (Mutant::TimeoutIsYes, Simulation),
    (Mutant::BlindDel, Simulation),
    (Mutant::QuorumHalf, Simulation),
    (Mutant::StartLate, Simulation),
    (Mutant::NoElapsed, Simulation),
    (Mutant::ExtendFromEnd, Simulation),
    (Mutant::ExtendMayShorten, Simulation),
    (Mutant::NoGuard, Simulation),
    (Mutant::WallClock, Simulation),
    (Mutant::RepairNotNx, Rarely(2_000)),
    (Mutant::ExtendIgnoresQuorum, Simulation),
    (Mutant::ReuseToken, Simulation),
    (Mutant::GuardShort, Simulation),
    (Mutant::ClockTooFast, Simulation),
    (Mutant::ExtendRecreates, Simulation),
    (Mutant::NoDrift, Simulation),
    (
        // Harmless while the assumptions hold, which is what the directed test breaks.
        Mutant::RaiseUnconditional,
        Directed(
            "a node that lost the token is not raised",
            directed::a_node_that_lost_the_token_is_not_raised,
        ),
    ),
    (Mutant::NoWriteBack, Simulation),
    (
        Mutant::SkipOnReplies,
        Directed(
            "most of the answers are not most of the nodes",
            directed::most_of_the_answers_are_not_most_of_the_nodes,
        ),
    ),
    (Mutant::LowestFence, Simulation),
    (Mutant::CounterForgotten, Simulation),
    (Mutant::HintNotClamped, Simulation),
    (Mutant::CounterNotKept, Simulation),
    (Mutant::FirstCounterOnly, Simulation),
    (
        // The nodes did extend, so that a gap takes a repair and more luck than seeds have.
        Mutant::LateExtension,
        Directed("a late extension is worth nothing", directed::a_late_extension_is_worth_nothing),
    ),
    (Mutant::LateGrantKept, Directed("a late grant is undone", directed::a_late_grant_is_undone)),
    (
        Mutant::ReleaseOnlyGranted,
        Directed("an unknown outcome is released", directed::an_unknown_outcome_is_released),
    ),
    (
        Mutant::DropNotSwept,
        Directed(
            "a call that was left leaves nothing",
            directed::a_call_that_was_left_leaves_nothing,
        ),
    ),
    (Mutant::RenewalGoesOn, Simulation),
    (Mutant::LostLate, Simulation),
    (Mutant::ValidityUnchecked, Simulation),
    (Mutant::TwinCounts, Directed("a server listed twice", directed::a_twin_does_not_count)),
    (Mutant::WaitsOn, Simulation),
    (
        Mutant::ReleaseNotRetried,
        Directed("a failed release is retried", directed::a_failed_release_is_retried),
    ),
    (Mutant::TheftUnnoticed, Directed("a theft is noticed", directed::a_theft_is_noticed)),
];

/// What is no break of the code but of an assumption.
fn tune(mutant: Mutant) -> impl Fn(&mut Setup) + Sync {
    move |setup| {
        if mutant == Mutant::ClockTooFast {
            setup.rates.iter_mut().for_each(|rate| *rate += 50_000);
        }
    }
}

#[test]
fn the_table_names_every_mutant_once() {
    for mutant in Mutant::ALL {
        assert_eq!(CAUGHT.iter().filter(|(named, _)| named == mutant).count(), 1, "{mutant:?}");
    }
}

#[test]
fn every_mutant_is_caught_and_the_sound_crate_is_not() {
    let mut survivors = Vec::new();
    for (mutant, by) in CAUGHT {
        let caught = match by {
            Simulation | Rarely(_) => {
                let first = match by {
                    Rarely(first) if cfg!(debug_assertions) => *first,
                    _ => 0,
                };
                let seeds = first..first + SEEDS;
                let report =
                    runner::sweep(seeds, true, &|| mutants::set(Some(*mutant)), &tune(*mutant));
                report.violations.first().map(|(seed, violation)| {
                    format!("{} at seed {seed}: {}", violation.invariant, violation.message)
                })
            }
            Directed(name, test) => {
                test().unwrap_or_else(|error| panic!("{name}: {error}"));
                mutants::set(Some(*mutant));
                let caught = test().err().map(|error| format!("test \"{name}\": {error}"));
                mutants::set(None);
                caught
            }
        };
        println!("{:<20} {}", format!("{mutant:?}"), caught.as_deref().unwrap_or("SURVIVED"));
        if caught.is_none() {
            survivors.push(mutant);
        }
    }
    assert!(survivors.is_empty(), "not caught: {survivors:?}");
}
