//! Which check of fencing and of the restart guard catches which flaw.

use crate::flaw::Flaw;

/// Each flaw, and checks that must fail because of it.
pub(crate) const CAUGHT_FENCING: &[(Flaw, &[&str])] = &[
    (Flaw::TakesNamesForText, &["any_bytes_make_a_counters_name"]),
    (Flaw::CutsNames, &["any_bytes_make_a_counters_name"]),
    (Flaw::GivesNoNumber, &["a_fenced_grant_gives_the_number_that_its_counter_then_has"]),
    (
        Flaw::RepeatsNumbers,
        &[
            "after_a_release_the_next_number_is_larger_whatever_the_hint",
            "after_an_expiry_the_next_number_is_larger",
            "several_resources_get_one_number_above_all_their_counters",
        ],
    ),
    (
        Flaw::CountsAside,
        &[
            "a_fenced_grant_gives_the_number_that_its_counter_then_has",
            "a_fenced_extension_keeps_counters_alive_and_makes_none",
        ],
    ),
    (
        Flaw::IgnoresHints,
        &[
            "a_hint_that_agrees_with_the_nodes_clock_is_the_number",
            "a_hint_far_from_the_nodes_clock_is_bounded_by_it",
        ],
    ),
    (Flaw::TakesAnyHint, &["a_hint_far_from_the_nodes_clock_is_bounded_by_it"]),
    (Flaw::HidesCounters, &["a_fenced_refusal_tells_the_counter_and_changes_nothing"]),
    (Flaw::CountsAgainWhatIsSentTwice, &["a_fenced_acquire_sent_twice_is_told_from_a_fresh_grant"]),
    (
        Flaw::FencesTheFirstOnly,
        &[
            "several_resources_get_one_number_above_all_their_counters",
            "a_fenced_extension_keeps_counters_alive_and_makes_none",
        ],
    ),
    (
        Flaw::LiftsBeforeItLooks,
        &["a_refused_claim_lifts_no_counter", "the_guard_holds_for_a_fenced_acquire_too"],
    ),
    (Flaw::AlwaysFences, &["an_acquire_without_fencing_leaves_the_counters_alone"]),
    (Flaw::ForgetsCountersEarly, &["a_counter_is_forgotten_after_its_life_and_not_before"]),
    (Flaw::NeverForgetsCounters, &["a_counter_is_forgotten_after_its_life_and_not_before"]),
    (Flaw::ExtendForgetsCounters, &["a_fenced_extension_keeps_counters_alive_and_makes_none"]),
    (Flaw::ExtendMakesCounters, &["a_fenced_extension_keeps_counters_alive_and_makes_none"]),
    (
        Flaw::TakesAnyCounter,
        &[
            "a_counter_of_another_type_is_a_misconfiguration",
            "a_counter_that_is_no_number_is_a_misconfiguration",
            "a_counter_that_is_no_number_is_not_raised",
        ],
    ),
    (
        Flaw::RaisesInWordsOnly,
        &[
            "a_raise_lifts_and_never_lowers",
            "a_raise_gives_a_counter_to_a_hold_without_one",
            "a_raise_of_what_is_gone_changes_nothing",
            "a_raise_by_another_changes_nothing",
            "as_many_resources_as_a_key_takes_are_fenced_together",
            "a_raise_keeps_counters_alive",
        ],
    ),
    (
        Flaw::RaiseLowers,
        &["a_raise_lifts_and_never_lowers", "several_counters_are_raised_each_for_itself"],
    ),
    (
        Flaw::RaiseTakes,
        &[
            "a_raise_of_what_is_gone_changes_nothing",
            "a_raise_by_another_changes_nothing",
            "a_raise_leaves_the_hold_and_its_time_alone",
        ],
    ),
    (Flaw::RaisesWhatItCan, &["several_counters_are_raised_all_or_none"]),
    (
        Flaw::RaiseForgets,
        &["a_raise_keeps_counters_alive", "no_raise_or_extension_shortens_a_counters_life"],
    ),
    (Flaw::ExtendShortensCounters, &["no_raise_or_extension_shortens_a_counters_life"]),
    (
        Flaw::IgnoresTheGuard,
        &[
            "a_node_younger_than_the_guard_grants_nothing",
            "the_guard_holds_for_a_fenced_acquire_too",
        ],
    ),
    (Flaw::WarmsForEver, &["a_node_older_than_the_guard_grants"]),
    (Flaw::WarmsBeforeItLooks, &["within_the_guard_a_held_resource_is_refused_as_held"]),
    (Flaw::GuardsEverything, &["within_the_guard_an_extension_and_a_release_work"]),
];
