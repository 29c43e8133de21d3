//! Which check of swaps catches which flaw.

use crate::flaw::Flaw;

/// Each flaw, and checks that must fail because of it.
pub(crate) const CAUGHT_SWAPS: &[(Flaw, &[&str])] = &[
    (
        Flaw::SwapsNothing,
        &[
            "a_former_value_is_swapped_for_the_claims",
            "a_swapped_resource_lives_for_its_own_time",
            "a_former_value_with_a_label_is_swapped",
        ],
    ),
    (
        Flaw::SwapsAnybody,
        &[
            "what_is_not_exactly_the_former_value_is_refused",
            "of_two_takers_the_second_is_refused",
            "a_swap_sent_twice_is_told_from_a_fresh_one",
            "several_resources_are_swapped_all_or_none",
        ],
    ),
    (Flaw::SwapComparesBeginnings, &["what_is_not_exactly_the_former_value_is_refused"]),
    (Flaw::SwapKeepsTheTime, &["a_swapped_resource_lives_for_its_own_time"]),
    (Flaw::SwapWritesAsItGoes, &["several_resources_are_swapped_all_or_none"]),
    (Flaw::SwapSaysGranted, &["a_free_resource_is_taken_beside_a_former_one"]),
    (
        Flaw::SwapSaysFree,
        &[
            "a_free_resource_is_taken_beside_a_former_one",
            "a_fenced_swap_gives_a_number_and_tells_the_largest_counter_before",
        ],
    ),
    (
        Flaw::SwapKeepsTheGiver,
        &["of_two_takers_the_second_is_refused", "a_giver_finds_nothing_of_its_own_after_a_swap"],
    ),
    (
        Flaw::SwapTellsTheNewCounter,
        &["a_fenced_swap_gives_a_number_and_tells_the_largest_counter_before"],
    ),
    (Flaw::SwapIgnoresTheGuard, &["within_the_guard_nothing_is_swapped"]),
    (Flaw::PrefixesNames, &["where_nothing_holds_the_former_value_it_is_a_grant_as_any"]),
];
