//! Which check of slots catches which flaw.

use crate::flaw::Flaw;

/// Each flaw, and checks that must fail because of it.
pub(crate) const CAUGHT_SLOTS: &[(Flaw, &[&str])] = &[
    (
        Flaw::SlotsFromTheLowest,
        &[
            "a_slot_is_given_from_the_one_that_is_asked_for",
            "taken_slots_are_passed_over_and_behind_the_last_comes_the_first",
        ],
    ),
    (
        Flaw::SlotsEndAtTheLast,
        &[
            "taken_slots_are_passed_over_and_behind_the_last_comes_the_first",
            "as_many_slots_as_a_key_takes_are_given_one_by_one",
        ],
    ),
    (Flaw::SlotsTellTheLongest, &["where_all_slots_are_taken_the_soonest_end_is_told"]),
    (Flaw::SlotsHideForEver, &["where_all_slots_are_taken_the_soonest_end_is_told"]),
    (Flaw::SlotsTellALabel, &["where_all_slots_are_taken_the_soonest_end_is_told"]),
    (Flaw::SlotTwiceAnew, &["a_slot_asked_for_twice_is_told_from_a_fresh_one"]),
    (Flaw::SlotTwiceProlongs, &["a_slot_asked_for_twice_is_told_from_a_fresh_one"]),
    (Flaw::SlotTwiceSaysGranted, &["a_slot_asked_for_twice_is_told_from_a_fresh_one"]),
    (
        Flaw::SlotsAllTogether,
        &[
            "a_slot_is_given_from_the_one_that_is_asked_for",
            "a_release_over_all_slots_frees_the_one_that_was_given",
        ],
    ),
    (
        Flaw::SlotsInAPlaceOfTheirOwn,
        &["a_given_slot_is_a_resource_like_any", "a_slot_has_the_number_of_its_own_counter_alone"],
    ),
    (Flaw::ReleasesAllOrNone, &["a_release_over_all_slots_frees_the_one_that_was_given"]),
    (Flaw::SlotForEver, &["a_slot_that_freed_itself_is_given_again_and_not_before"]),
    (Flaw::SlotHalfTheTime, &["a_slot_that_freed_itself_is_given_again_and_not_before"]),
    (Flaw::SlotOverMarks, &["marks_and_shares_take_a_slot"]),
    (Flaw::SlotOverShares, &["marks_and_shares_take_a_slot"]),
    (Flaw::SlotOverEmptyValues, &["whatever_value_stands_there_takes_a_slot"]),
    (Flaw::SlotComparesBeginnings, &["whatever_value_stands_there_takes_a_slot"]),
    (Flaw::SlotComparesTokens, &["the_same_token_with_another_label_has_a_slot_of_its_own"]),
    (Flaw::SlotsEight, &["as_many_slots_as_a_key_takes_are_given_one_by_one"]),
    (Flaw::SlotsLookThenWrite, &["of_many_at_once_each_has_a_slot_of_its_own"]),
    (Flaw::AcquireDawdles, &["a_release_right_behind_a_slots_acquire_leaves_nothing"]),
    (
        Flaw::SlotsUntaken,
        &[
            "taken_slots_are_passed_over_and_behind_the_last_comes_the_first",
            "within_the_guard_no_slot_is_given",
        ],
    ),
    (Flaw::SlotGivesNoNumber, &["a_slot_has_the_number_of_its_own_counter_alone"]),
    (Flaw::SlotsCountTogether, &["a_slot_has_the_number_of_its_own_counter_alone"]),
    (Flaw::SlotIgnoresHints, &["a_slot_without_a_counter_takes_the_hint_near_the_clock"]),
    (Flaw::SlotTwiceCounts, &["a_slot_that_is_not_given_lifts_no_counter"]),
    (Flaw::SlotsLiftBeforeTheyLook, &["a_slot_that_is_not_given_lifts_no_counter"]),
    (Flaw::SlotsAlwaysFence, &["a_slot_without_fencing_leaves_the_counters_alone"]),
    (Flaw::SlotForgetsItsCounter, &["a_slots_counter_outlives_its_hold"]),
    (Flaw::SlotsUnguarded, &["within_the_guard_no_slot_is_given"]),
    (Flaw::SlotsWarmBeforeTheyLook, &["within_the_guard_no_slot_is_given"]),
    (Flaw::SlotsLeaveIntents, &["no_intent_is_left_at_slots"]),
    (Flaw::SlotsCountLists, &["what_is_no_locks_takes_a_slot"]),
    (
        Flaw::SlotOverLists,
        &["what_is_no_locks_takes_a_slot", "what_is_no_locks_in_every_slot_leaves_none"],
    ),
    (Flaw::SlotsFailAtLists, &["what_is_no_locks_in_every_slot_leaves_none"]),
    (
        Flaw::TakesAnyCounter,
        &["a_slots_counter_that_is_no_number_is_a_misconfiguration_there_alone"],
    ),
];
