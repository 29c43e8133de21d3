//! Which check of telling what is there catches which flaw.

use crate::flaw::Flaw;

/// Each flaw, and checks that must fail because of it.
pub(crate) const CAUGHT_SCAN: &[(Flaw, &[&str])] = &[
    (
        Flaw::ScansNothing,
        &[
            "what_is_held_is_told_with_its_holder_and_time",
            "names_of_any_bytes_are_told_whole",
            "labels_and_marks_are_told_as_an_inspection_tells_them",
        ],
    ),
    (Flaw::ScansAllNames, &["a_prefix_is_taken_byte_by_byte"]),
    (Flaw::ScansPatterns, &["a_prefix_is_taken_byte_by_byte"]),
    (Flaw::ScansNamesAsText, &["names_of_any_bytes_are_told_whole"]),
    (Flaw::ScansWhatIsGone, &["what_is_free_again_is_not_told"]),
    (Flaw::ScansAllAtOnce, &["many_are_told_in_pages_and_none_is_left_out"]),
    (
        Flaw::ScansOnePage,
        &[
            "many_are_told_in_pages_and_none_is_left_out",
            "what_stays_is_told_whatever_comes_and_goes",
        ],
    ),
    (Flaw::ScansByPosition, &["what_stays_is_told_whatever_comes_and_goes"]),
    (Flaw::ScansCounters, &["counters_are_not_told"]),
    (Flaw::ScansTokensOnly, &["a_value_that_is_no_locks_is_told_as_such"]),
    (Flaw::ScansAnyLength, &["a_value_that_is_no_locks_is_told_as_such"]),
    (Flaw::ScansOtherTypesAsFree, &["a_value_of_another_type_is_told_as_such"]),
    (Flaw::ScanHidesLabels, &["labels_and_marks_are_told_as_an_inspection_tells_them"]),
    (Flaw::ScanHidesShares, &["shares_are_told_as_an_inspection_tells_them_and_intents_are_not"]),
    (
        Flaw::ScanCountsOneShare,
        &["shares_are_told_as_an_inspection_tells_them_and_intents_are_not"],
    ),
    (Flaw::ScansIntents, &["shares_are_told_as_an_inspection_tells_them_and_intents_are_not"]),
    (Flaw::ScanShowsNoTimes, &["what_is_held_is_told_with_its_holder_and_time"]),
    (Flaw::ScanProlongs, &["telling_changes_nothing"]),
    (Flaw::TellsCountersInReverse, &["counters_are_told_in_the_order_of_the_key"]),
    (Flaw::LookingCounts, &["looking_at_counters_changes_nothing"]),
];
