//! Which check of keeping catches which flaw.

use crate::flaw::Flaw;

/// Each flaw, and checks that must fail because of it.
pub(crate) const CAUGHT_KEEPING: &[(Flaw, &[&str])] = &[
    (
        Flaw::KeepLeavesTheToken,
        &[
            "a_keep_puts_the_mark_in_the_tokens_place",
            "nothing_that_was_sent_for_the_token_fits_the_mark",
            "a_mark_shows_as_such",
        ],
    ),
    (
        Flaw::KeepReleases,
        &[
            "a_keep_puts_the_mark_in_the_tokens_place",
            "what_is_kept_is_refused_to_all_for_the_rest",
            "what_is_kept_is_free_after_the_rest_and_not_before",
        ],
    ),
    (Flaw::KeepsInWordsOnly, &["a_keep_puts_the_mark_in_the_tokens_place"]),
    (Flaw::KeepsForTheWholeRest, &["a_keep_never_lengthens"]),
    (
        Flaw::KeepsHalfTheRest,
        &[
            "what_is_kept_is_free_after_the_rest_and_not_before",
            "a_keep_of_a_hold_for_ever_has_an_end",
        ],
    ),
    (
        Flaw::KeepsForEver,
        &[
            "what_is_kept_is_refused_to_all_for_the_rest",
            "what_is_kept_is_free_after_the_rest_and_not_before",
            "a_keep_of_a_hold_for_ever_has_an_end",
        ],
    ),
    (Flaw::TakesMarksForHolders, &["a_refusal_tells_a_mark_from_a_holder"]),
    (Flaw::KeepsAnew, &["a_second_keep_leaves_the_mark_as_it_is"]),
    (
        Flaw::KeepsAnybodys,
        &["a_keep_by_another_leaves_the_holder_alone", "a_keep_leaves_the_mark_of_another_alone"],
    ),
    (
        Flaw::KeepTakes,
        &["a_keep_of_what_is_free_takes_nothing", "a_keep_of_what_expired_takes_nothing"],
    ),
    (Flaw::KeepsTheFirstOnly, &["as_many_resources_as_a_key_takes_are_kept_together"]),
    (
        Flaw::KeepsAllOrNone,
        &["a_keep_keeps_the_rest_when_one_is_gone", "a_keep_keeps_the_rest_when_one_is_foreign"],
    ),
    (
        Flaw::KeepSaysKept,
        &[
            "a_keep_by_another_leaves_the_holder_alone",
            "a_keep_of_what_is_free_takes_nothing",
            "a_keep_keeps_the_rest_when_one_is_foreign",
        ],
    ),
    (
        Flaw::MarksWithoutFingerprint,
        &["a_keep_puts_the_mark_in_the_tokens_place", "a_mark_shows_as_such"],
    ),
    (Flaw::ExtendsMarks, &["nothing_that_was_sent_for_the_token_fits_the_mark"]),
    (Flaw::ReleasesMarks, &["nothing_that_was_sent_for_the_token_fits_the_mark"]),
];
