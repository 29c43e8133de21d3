//! Every deliberate break of the crate is noticed: by the simulator, or by a directed test where chance does not lead
//! there or where only the time to live hides the damage. `REDLOCK_MUTANTS=Keep` tries those alone whose names begin so, and
//! `REDLOCK_SIM_TIMELINE=file.html` beside it draws the run that notices.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod directed;
mod directed_hand;
mod keeping;
mod leading;
mod picture;
mod sharing;
#[path = "../simulation/mod.rs"]
mod simulation;
mod slots;
mod together;

use redlock_core::mutants::{self, Mutant};
use simulation::contacts;
use simulation::profile::Setup;
use simulation::runner::{self, Report};

const SEEDS: u64 = if cfg!(debug_assertions) { 2_000 } else { 20_000 };

enum By {
    /// The simulator, by whatever invariant breaks first.
    Simulation,
    /// The same within as many seeds as a release build tries; a build without optimizations begins here.
    Rarely(u64),
    /// The simulator of first contacts, in fewer seeds.
    Contacts,
    /// A scenario, which must go well in the sound crate.
    Directed(&'static str, fn() -> Result<(), String>),
}

use By::{Contacts, Directed, Rarely, Simulation};

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
    (Mutant::RepairNotNx, Rarely(11_000)),
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
    (Mutant::TwinCounts, Contacts),
    (Mutant::LateTwinPasses, Contacts),
    (Mutant::WaitsOn, Simulation),
    (
        Mutant::ReleaseNotRetried,
        Directed("a failed release is retried", directed::a_failed_release_is_retried),
    ),
    (
        Mutant::LabelNotCompared,
        Directed("another label is another holder", directed::another_label_is_another_holder),
    ),
    (Mutant::TheftUnnoticed, Directed("a theft is noticed", directed::a_theft_is_noticed)),
    (
        Mutant::KeepTokenStays,
        Directed(
            "a late extension does not lengthen what is kept",
            keeping::a_late_extension_does_not_lengthen_what_is_kept,
        ),
    ),
    (
        Mutant::KeepLeaseGoesOn,
        Directed("who keeps does not hold", keeping::who_keeps_does_not_hold),
    ),
    (
        Mutant::KeepRetriedPlainly,
        Directed("a failed keep is tried again as such", keeping::a_failed_keep_is_tried_again),
    ),
    (
        Mutant::KeepLengthens,
        Directed("a late keep does not lengthen", keeping::a_late_keep_does_not_lengthen),
    ),
    (
        Mutant::WorkGoesOn,
        Directed("no step after the loss", directed::work_makes_no_step_after_the_loss),
    ),
    (
        Mutant::StepsDownLate,
        Directed("a leader is told before it is lost", leading::a_leader_is_told_before_it_is_lost),
    ),
    (
        Mutant::ResignsEarly,
        Directed(
            "a leader resigns when its work has ended",
            leading::a_leader_resigns_when_its_work_has_ended,
        ),
    ),
    (Mutant::ShareReleaseDels, Simulation),
    (
        Mutant::ShareKeyLivesAsLast,
        Directed(
            "a share outlives a shorter one that came later",
            sharing::a_share_outlives_a_shorter_one_that_came_later,
        ),
    ),
    (Mutant::ShareExtendShortens, Simulation),
    (
        Mutant::ShareNoRaise,
        Directed(
            "a share is above every writer before it",
            sharing::a_share_is_above_every_writer_before_it,
        ),
    ),
    (Mutant::ShareSameNumber, Simulation),
    (Mutant::ShareUnguarded, Simulation),
    (Mutant::DowngradeTwoSteps, Simulation),
    (Mutant::ExclusiveOverShares, Simulation),
    (
        Mutant::IntentForEver,
        Directed(
            "a writer that gave up keeps nobody off for long",
            sharing::a_writer_that_gave_up_keeps_nobody_off_for_long,
        ),
    ),
    (
        Mutant::IntentStopsExtension,
        Directed(
            "a writer that waits takes no share away",
            sharing::a_writer_that_waits_takes_no_share_away,
        ),
    ),
    (Mutant::SlotAny, Simulation),
    (
        Mutant::SlotOverJunk,
        Directed("a slot that others share is taken", slots::a_slot_that_others_share_is_taken),
    ),
    (
        // The time to live hides it from the simulator.
        Mutant::SlotExtrasKept,
        Directed("other slots go back", slots::other_slots_go_back),
    ),
    (
        // It costs rounds and no safety.
        Mutant::SlotsFromLowest,
        Directed("attempts begin anywhere", slots::attempts_begin_anywhere),
    ),
    (Mutant::TakeOverSameToken, Simulation),
    (Mutant::GiverGoesOn, Simulation),
    (
        // It takes a request that arrives after its lease, and a key that outlived its own.
        Mutant::ContinuedByToken,
        Directed(
            "a givers ghost continues nothing",
            directed_hand::a_givers_ghost_continues_nothing,
        ),
    ),
];

fn is_of_shares(mutant: Mutant) -> bool {
    let name = format!("{mutant:?}");
    ["Share", "Downgrade", "Exclusive"].iter().any(|beginning| name.starts_with(beginning))
}

fn is_of_slots(mutant: Mutant) -> bool {
    format!("{mutant:?}").starts_with("Slot")
}

/// The first invariant that breaks.
fn noticed(report: Report) -> Option<String> {
    let (seed, violation) = report.violations.into_iter().next()?;
    Some(format!("{} at seed {seed}: {}", violation.invariant, violation.message))
}

/// What is no break of the code but of an assumption.
fn tune(mutant: Mutant) -> impl Fn(&mut Setup) + Sync {
    move |setup| {
        // The others are looked for in the runs in which they always were.
        if !matches!(mutant, Mutant::TakeOverSameToken | Mutant::GiverGoesOn) {
            setup.hand = 0;
        }
        if !is_of_shares(mutant) {
            setup.read = 0;
        }
        if !is_of_slots(mutant) {
            setup.permit = 0;
        }
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
    let wanted = std::env::var("REDLOCK_MUTANTS").unwrap_or_default();
    let chosen: Vec<_> =
        CAUGHT.iter().filter(|(mutant, _)| format!("{mutant:?}").starts_with(&wanted)).collect();
    let timeline = simulation::picture::wanted();
    if timeline.is_some() {
        picture::one_alone(&chosen).unwrap();
    }
    for (mutant, by) in chosen {
        let caught = match by {
            Simulation | Rarely(_) => {
                let first = match by {
                    Rarely(first) if cfg!(debug_assertions) => *first,
                    _ => 0,
                };
                let seeds = first..first + SEEDS;
                let report =
                    runner::sweep(seeds, true, &|| mutants::set(Some(*mutant)), &tune(*mutant));
                if let (Some(path), Some((seed, _))) = (&timeline, report.violations.first()) {
                    std::fs::write(path, picture::page(*mutant, *seed)).unwrap();
                    println!("timeline: {}", path.display());
                }
                noticed(report)
            }
            Contacts => noticed(runner::sweep_over(
                0..SEEDS / 10,
                true,
                &|| mutants::set(Some(*mutant)),
                &|seed| contacts::run(seed, false),
            )),
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
