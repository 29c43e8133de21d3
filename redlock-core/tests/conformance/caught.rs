//! Which check catches which flaw.

use redlock_core::conformance::{
    CHECKS, COUNTER_TYPE_CHECKS, FENCING_CHECKS, KEEPING_CHECKS, RESTART_GUARD_CHECKS, SCAN_CHECKS,
    SCAN_TYPE_CHECKS, SECOND_NODE_CHECKS, SHARED_CHECKS, SLOT_CHECKS, SLOT_TYPE_CHECKS,
    SWAP_CHECKS, TYPE_CHECKS, WAKE_UP_CHECKS, run,
};

use crate::Memory;
use crate::caught_fencing::CAUGHT_FENCING;
use crate::caught_keeping::CAUGHT_KEEPING;
use crate::caught_scan::CAUGHT_SCAN;
use crate::caught_shared::CAUGHT_SHARED;
use crate::caught_slots::CAUGHT_SLOTS;
use crate::caught_swaps::CAUGHT_SWAPS;
use crate::caught_wake_ups::CAUGHT_WAKE_UPS;
use crate::flaw::Flaw;

/// Each flaw, and checks that must fail because of it.
const CAUGHT: &[(Flaw, &[&str])] = &[
    (Flaw::PrefixesNames, &["a_free_resource_is_granted_under_its_own_name"]),
    (
        Flaw::TakesNamesForText,
        &["any_bytes_make_a_name", "names_that_differ_in_one_byte_are_different"],
    ),
    (Flaw::CutsNames, &["the_longest_name_is_kept_whole"]),
    (Flaw::TrimsNames, &["any_bytes_make_a_name", "names_that_differ_in_one_byte_are_different"]),
    (
        Flaw::GivesNoHint,
        &[
            "a_held_resource_is_refused_with_the_time_it_has_left",
            "of_several_holders_the_longest_is_reported",
        ],
    ),
    (
        Flaw::HidesForEver,
        &[
            "a_resource_held_for_ever_is_refused_as_such",
            "of_several_holders_one_for_ever_is_reported",
            "a_hold_for_ever_shows_as_such",
        ],
    ),
    (
        Flaw::ReportsTheFirstHolder,
        &[
            "of_several_holders_the_longest_is_reported",
            "of_several_holders_one_for_ever_is_reported",
            "a_refusal_tells_the_label_of_who_holds_longest",
        ],
    ),
    (Flaw::RefusalProlongs, &["a_refusal_leaves_the_holder_alone"]),
    (
        Flaw::RefusesWhatIsSentTwice,
        &["an_acquire_sent_twice_is_told_from_a_fresh_grant", "a_partly_own_claim_is_completed"],
    ),
    (
        Flaw::CountsAgainWhatIsSentTwice,
        &["an_acquire_sent_twice_is_told_from_a_fresh_grant", "a_partly_own_claim_is_completed"],
    ),
    (
        Flaw::SentTwiceSetsTheTime,
        &[
            "an_acquire_sent_twice_does_not_prolong",
            "an_acquire_sent_twice_does_not_shorten",
            "a_partly_own_claim_is_completed",
        ],
    ),
    (Flaw::ComparesBeginnings, &["a_value_that_only_begins_like_the_token_is_not_ours"]),
    (
        Flaw::TakesTheFirstResourceOnly,
        &[
            "several_resources_are_granted_together",
            "several_resources_are_extended_together",
            "as_many_resources_as_a_key_takes_work_together",
        ],
    ),
    (
        Flaw::WritesAsItGoes,
        &[
            "several_resources_are_granted_all_or_none",
            "a_partly_own_claim_that_is_refused_keeps_what_it_had",
            "a_claim_with_one_value_of_another_type_takes_nothing",
        ],
    ),
    (Flaw::GivesUpItsOwnWhenRefused, &["a_partly_own_claim_that_is_refused_keeps_what_it_had"]),
    (Flaw::OverwritesOtherTypes, &["a_value_of_another_type_is_not_taken"]),
    (
        Flaw::LooksThenWrites,
        &[
            "of_many_at_once_one_is_granted",
            "of_overlapping_claims_at_once_one_is_granted",
            "holders_never_overlap",
        ],
    ),
    (
        Flaw::ForgetsEarly,
        &[
            "a_resource_frees_itself_after_its_time_and_not_before",
            "a_held_resource_shows_its_holder_and_the_time_left",
        ],
    ),
    (
        Flaw::NeverForgets,
        &[
            "a_resource_frees_itself_after_its_time_and_not_before",
            "a_resource_that_freed_itself_goes_to_the_next",
            "the_shortest_time_to_live_is_granted",
            "several_resources_free_themselves",
            "a_release_of_what_expired_says_gone",
            "a_late_release_leaves_the_next_holder_alone",
            "an_expired_resource_shows_nobody",
            "an_extension_does_not_bring_back_what_expired",
        ],
    ),
    (
        Flaw::WrapsTimes,
        &[
            "a_time_to_live_of_a_century_is_granted",
            "a_time_to_live_beyond_all_bounds_is_kept_or_refused",
            "an_extension_beyond_all_bounds_is_kept_or_refused",
        ],
    ),
    (Flaw::RefusesShortTimes, &["the_shortest_time_to_live_is_granted"]),
    (
        Flaw::ExtendsInWordsOnly,
        &[
            "an_extension_prolongs",
            "an_extended_resource_outlives_its_first_time_and_then_frees_itself",
            "an_extension_does_not_bring_back_what_was_released",
            "several_resources_are_extended_together",
        ],
    ),
    (Flaw::ExtendShortens, &["an_extension_never_shortens"]),
    (
        Flaw::ExtendBringsBack,
        &[
            "an_extension_does_not_bring_back_what_was_released",
            "an_extension_does_not_bring_back_what_expired",
            "several_resources_are_extended_all_or_none_when_one_is_gone",
            "an_extension_reports_the_foreign_holder_before_the_gone_resource",
        ],
    ),
    (
        Flaw::ExtendsAnybody,
        &["an_extension_leaves_a_foreign_holder_alone", "a_value_of_another_type_is_not_extended"],
    ),
    (
        Flaw::ExtendsWhatItCan,
        &[
            "several_resources_are_extended_all_or_none_when_one_is_gone",
            "several_resources_are_extended_all_or_none_when_one_is_foreign",
            "a_value_of_another_type_is_not_extended",
        ],
    ),
    (
        Flaw::ReleasesAnybody,
        &[
            "a_release_by_another_leaves_the_holder_alone",
            "a_late_release_leaves_the_next_holder_alone",
            "a_value_of_another_type_is_not_released",
        ],
    ),
    (Flaw::ReleaseComparesHalf, &["a_release_by_almost_the_holders_token_frees_nothing"]),
    (Flaw::ReleaseComparesBeginnings, &["a_release_frees_no_value_that_only_contains_the_token"]),
    (
        Flaw::ReleasesInWordsOnly,
        &[
            "a_release_frees",
            "a_released_resource_goes_to_the_next",
            "several_resources_are_released_together",
            "a_release_makes_up_for_an_acquire_whose_caller_left",
        ],
    ),
    (
        Flaw::AlwaysSaysRemoved,
        &[
            "a_release_of_what_is_free_says_gone",
            "a_second_release_says_gone",
            "a_release_of_what_expired_says_gone",
        ],
    ),
    (
        Flaw::ReleasesAllOrNone,
        &[
            "a_release_frees_the_rest_when_one_is_gone",
            "a_release_frees_the_rest_when_one_is_foreign",
            "a_release_frees_the_rest_when_one_is_of_another_type",
        ],
    ),
    (
        Flaw::SaysGoneBeforeForeign,
        &[
            "an_extension_reports_the_foreign_holder_before_the_gone_resource",
            "a_release_reports_the_foreign_holder_before_the_gone_resource",
        ],
    ),
    (Flaw::SeesGhosts, &["a_free_resource_shows_nobody"]),
    (Flaw::ShowsNoTimes, &["a_held_resource_shows_its_holder_and_the_time_left"]),
    (Flaw::ShowsInReverse, &["several_resources_show_in_the_order_of_the_key"]),
    (Flaw::TakesValuesForText, &["a_foreign_value_of_any_bytes_shows_its_fingerprint"]),
    (Flaw::TakesEmptyForFree, &["an_empty_value_is_a_holder"]),
    (Flaw::LookingProlongs, &["looking_changes_nothing"]),
    (Flaw::LookingRemovesOtherTypes, &["looking_at_a_value_of_another_type_does_no_harm"]),
    (
        Flaw::AcquireDawdles,
        &[
            "a_release_right_behind_its_acquire_leaves_nothing",
            "a_release_makes_up_for_an_acquire_whose_caller_left",
        ],
    ),
    (Flaw::ReleaseDawdles, &["an_acquire_right_behind_a_release_is_granted"]),
    (Flaw::SendsUnpolled, &["what_is_never_polled_is_never_sent"]),
    (Flaw::IgnoresTimeLimits, &["a_time_limit_of_nothing_is_kept"]),
    (Flaw::ChangesItsName, &["the_name_stays"]),
    (Flaw::ChangesItsRun, &["the_run_stays_and_its_uptime_grows"]),
    (Flaw::IsAReplica, &["a_node_is_a_master_on_its_own"]),
    (
        Flaw::OneServerTwice,
        &[
            "two_servers_have_different_runs",
            "two_servers_have_different_names",
            "two_servers_share_no_memory",
        ],
    ),
    (Flaw::DropsLabels, &["a_labelled_claim_stands_as_token_and_label"]),
    (
        Flaw::ComparesTokensOnly,
        &[
            "the_same_token_with_another_label_is_somebody_else",
            "a_labelled_claim_is_fenced_as_a_whole",
        ],
    ),
    (
        Flaw::HidesLabels,
        &["an_inspection_shows_the_label", "a_refusal_tells_the_label_of_who_holds_longest"],
    ),
    (Flaw::TakesAnyTextForALabel, &["a_value_of_another_program_has_no_label"]),
];

fn all_checks() -> impl Iterator<Item = &'static str> {
    let features = [
        FENCING_CHECKS,
        COUNTER_TYPE_CHECKS,
        RESTART_GUARD_CHECKS,
        WAKE_UP_CHECKS,
        SWAP_CHECKS,
        KEEPING_CHECKS,
        SCAN_CHECKS,
        SCAN_TYPE_CHECKS,
        SHARED_CHECKS,
        SLOT_CHECKS,
        SLOT_TYPE_CHECKS,
    ];
    [CHECKS, TYPE_CHECKS, SECOND_NODE_CHECKS].into_iter().chain(features).flatten().copied()
}

fn caught() -> impl Iterator<Item = &'static (Flaw, &'static [&'static str])> {
    let more = [
        CAUGHT_FENCING,
        CAUGHT_WAKE_UPS,
        CAUGHT_SWAPS,
        CAUGHT_KEEPING,
        CAUGHT_SCAN,
        CAUGHT_SHARED,
        CAUGHT_SLOTS,
    ];
    CAUGHT.iter().chain(more.into_iter().flatten())
}

/// Whether a node with the flaw fails the check.
fn catches(flaw: Flaw, check: &'static str) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let outcome = runtime.block_on(async move {
        tokio::spawn(async move { run(check, &Memory::with(flaw).await).await }).await
    });
    outcome.is_err_and(|error| error.is_panic())
}

#[test]
fn every_flaw_is_caught_by_the_checks_made_for_it() {
    for (flaw, checks) in caught() {
        for check in *checks {
            assert!(all_checks().any(|known| known == *check), "there is no check {check}");
            assert!(catches(*flaw, check), "{check} does not catch {flaw:?}");
        }
    }
}

#[test]
fn every_check_catches_a_flaw() {
    for check in all_checks() {
        let made_for = caught().any(|(_, checks)| checks.contains(&check));
        assert!(made_for, "{check} was never seen to fail");
        assert!(!catches(Flaw::None, check), "{check} fails without a flaw");
    }
}
