//! Which check of wake-ups catches which flaw.

use crate::flaw::Flaw;

/// Each flaw, and checks that must fail because of it.
pub(crate) const CAUGHT_WAKE_UPS: &[(Flaw, &[&str])] = &[
    (Flaw::TellingComparesHalf, &["a_release_by_almost_the_holders_token_frees_nothing"]),
    (Flaw::TellingComparesBeginnings, &["a_release_frees_no_value_that_only_contains_the_token"]),
    (
        Flaw::TellsNobody,
        &[
            "a_release_tells_its_resource",
            "of_several_resources_each_is_told",
            "as_many_resources_as_a_key_takes_are_told",
            "every_listener_hears",
        ],
    ),
    (
        Flaw::TellsInWordsOnly,
        &[
            "a_release_that_tells_frees_and_answers_like_any_other",
            "who_hears_of_a_release_can_take",
        ],
    ),
    (
        Flaw::TellsWhatWasFree,
        &[
            "a_release_of_what_is_free_tells_nothing",
            "only_what_a_release_freed_is_told",
            "neither_an_expiry_nor_a_release_after_it_is_told",
        ],
    ),
    (
        Flaw::TellsOfAnybodys,
        &["a_release_by_another_tells_nothing", "only_what_a_release_freed_is_told"],
    ),
    (
        Flaw::TellsTheFirstOnly,
        &[
            "of_several_resources_each_is_told",
            "as_many_resources_as_a_key_takes_are_told",
            "only_what_a_release_freed_is_told",
        ],
    ),
    (Flaw::TellsBeforeItFrees, &["who_hears_of_a_release_can_take"]),
    (Flaw::TellingSaysRemoved, &["a_release_that_tells_frees_and_answers_like_any_other"]),
    (Flaw::AcquireTells, &["nothing_but_a_release_is_told"]),
    (Flaw::PlainReleaseTells, &["a_plain_release_is_not_told"]),
    (Flaw::OneListenerHears, &["every_listener_hears"]),
    (Flaw::KeepsListeners, &["a_listener_that_left_hears_no_more_and_is_forgotten"]),
    (Flaw::ForgetsNoListener, &["a_listener_that_left_hears_no_more_and_is_forgotten"]),
    (Flaw::NeverSaysThatItListens, &["a_release_tells_its_resource"]),
    (Flaw::TellsText, &["any_bytes_are_told_as_they_are"]),
    (Flaw::CutsWhatItTells, &["any_bytes_are_told_as_they_are"]),
    (Flaw::HearsOfEachTwice, &["a_release_tells_its_resource"]),
];
