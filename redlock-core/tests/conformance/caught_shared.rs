//! Which check of shares catches which flaw.

use crate::flaw::Flaw;

/// Each flaw, and checks that must fail because of it.
pub(crate) const CAUGHT_SHARED: &[(Flaw, &[&str])] = &[
    (Flaw::SharesWhole, &["a_free_resource_is_shared_by_all_who_ask"]),
    (Flaw::ShowsOneShare, &["as_many_shares_are_shown_as_fit"]),
    (Flaw::SharesSayHeld, &["shares_refuse_a_whole_claim_and_tell_the_longest"]),
    (Flaw::TakesOverShares, &["a_whole_claims_verbs_leave_shares_alone"]),
    (Flaw::WholeReleasesShares, &["a_whole_claims_verbs_leave_shares_alone"]),
    (Flaw::ValueHidesShares, &["a_value_beside_shares_refuses_as_a_value"]),
    (Flaw::ShareOverValue, &["a_value_refuses_shares"]),
    (
        Flaw::SharesTheFirstOnly,
        &[
            "several_resources_are_shared_all_or_none",
            "as_many_resources_as_a_key_takes_are_shared_together",
        ],
    ),
    (Flaw::SharesTwiceAnew, &["a_shared_acquire_sent_twice_is_told_from_a_fresh_one"]),
    (
        Flaw::SharesForEver,
        &[
            "each_share_ends_by_its_own_time",
            "a_resource_is_free_when_its_last_share_ends_and_not_before",
        ],
    ),
    (Flaw::SharesHalfTheTime, &["a_resource_is_free_when_its_last_share_ends_and_not_before"]),
    (
        Flaw::ShareReleaseFreesAll,
        &[
            "when_the_longest_share_is_released_the_rest_decides",
            "a_release_of_a_share_leaves_the_others",
        ],
    ),
    (
        Flaw::SharesReleaseInWords,
        &[
            "when_the_longest_share_is_released_the_rest_decides",
            "a_release_of_a_share_leaves_the_others",
        ],
    ),
    (Flaw::ShareReleaseSaysRemoved, &["a_release_of_a_share_leaves_the_others"]),
    (
        Flaw::SharesExtendInWords,
        &[
            "an_extension_of_a_share_prolongs_it_alone_and_never_shortens",
            "an_extended_share_outlives_its_first_time",
            "an_extension_makes_a_share_of_what_stands_whole",
        ],
    ),
    (Flaw::ShareExtendShortens, &["an_extension_of_a_share_prolongs_it_alone_and_never_shortens"]),
    (Flaw::SharesExtendTogether, &["an_extended_share_outlives_its_first_time"]),
    (Flaw::ShareExtendBringsBack, &["each_share_ends_by_its_own_time"]),
    (Flaw::SharesExtendWhatTheyCan, &["shares_of_several_resources_are_extended_all_or_none"]),
    (Flaw::DowngradeReleases, &["an_extension_makes_a_share_of_what_stands_whole"]),
    (Flaw::SharesAnybodysValue, &["what_stands_whole_for_another_becomes_no_share"]),
    (Flaw::ShareOverlooksItsValue, &["what_stands_whole_is_a_shared_claims_too"]),
    (Flaw::ShareReleaseLeavesValues, &["what_stands_whole_is_a_shared_claims_too"]),
    (
        Flaw::ShareHeedsNoIntent,
        &[
            "an_intent_keeps_new_shares_off_and_nothing_else",
            "an_intent_outlives_the_shares_and_ends_by_itself",
        ],
    ),
    (Flaw::ShareHeedsAnyIntent, &["an_intent_keeps_new_shares_off_and_nothing_else"]),
    (Flaw::IntentHoldsUpExtensions, &["an_intent_keeps_new_shares_off_and_nothing_else"]),
    (Flaw::IntentForEver, &["an_intent_outlives_the_shares_and_ends_by_itself"]),
    (Flaw::IntentStays, &["a_writer_that_was_waiting_takes_its_intent_along"]),
    (Flaw::IntentAlways, &["no_intent_is_left_where_a_value_is_in_the_way"]),
    (Flaw::ShareCountsAsWhole, &["whole_grants_have_even_numbers_and_shares_odd_ones"]),
    (Flaw::SharesCountUp, &["shares_between_two_whole_grants_have_one_number"]),
    (Flaw::ShareIgnoresHints, &["a_share_without_a_counter_takes_the_hint_near_the_clock"]),
    (Flaw::SharesTheFirstOnly, &["shares_of_several_resources_have_one_number"]),
    (Flaw::ShareLiftsBeforeItLooks, &["refused_shares_lift_no_counter_and_are_told_it"]),
    (Flaw::ShareHidesCounters, &["refused_shares_lift_no_counter_and_are_told_it"]),
    (Flaw::ShareRaisesInWords, &["a_share_is_raised_while_it_stands"]),
    (Flaw::ShareForgetsCounters, &["a_fenced_extension_of_shares_keeps_counters_alive"]),
    (Flaw::SharesUnguarded, &["within_the_guard_no_share_is_given"]),
    (Flaw::ShareReleaseTellsAlways, &["the_release_of_the_last_share_is_told"]),
    (Flaw::ShareReleaseTellsNobody, &["the_release_of_the_last_share_is_told"]),
    (Flaw::DowngradeUntold, &["who_hears_that_shares_were_made_can_share"]),
    (Flaw::DowngradeAlwaysTold, &["who_hears_that_shares_were_made_can_share"]),
];
