/// Makes a test of every check in [`conformance`](mod@crate::testing::conformance).
///
/// `conformance!([paused,] FIXTURE [, types] [, second_node] [, fencing] [, counter_types] [, restart_guard] [, wake_ups]
/// [, swapping] [, keeping] [, shared] [, shared_types] [, slots] [, slots_types] [, scanning] [, scan_types])`
///
/// `FIXTURE` is an expression that every test evaluates and awaits: an `async` block or a call of an `async fn`
/// that gives a [`Fixture`](crate::testing::conformance::Fixture). With `paused` the tests run on a paused clock. The groups
/// behind it add the checks that need more of the fixture or of the node: `fencing`, `restart_guard`, `wake_ups`, `swapping`,
/// `keeping`, `shared`, `slots` and `scanning` are for nodes with these [`Features`](crate::node::Features), `swapping` beside
/// `fencing`, `shared` beside `fencing`, `restart_guard`, `wake_ups` and `scanning`, `slots` beside `fencing`, `restart_guard`,
/// `keeping` and `shared`; `counter_types` for counters that a foreign program can spoil, `shared_types` for servers with
/// sorted sets, `scan_types` beside `scanning` and `types`, `slots_types` beside `slots`, `types` and `counter_types`. What is
/// not asked for is not there, rather than there and green. The tests' crate needs `tokio` with the
/// features `macros` and `rt`, for `paused` also `test-util`.
#[macro_export]
macro_rules! conformance {
    (paused, $fixture:expr $(, $group:ident)* $(,)?) => {
        $crate::__conformance_tests!([::tokio::test(start_paused = true)] $fixture, base $($group)*);
    };
    ($fixture:expr $(, $group:ident)* $(,)?) => {
        $crate::__conformance_tests!([::tokio::test] $fixture, base $($group)*);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ([$test:meta] $fixture:expr, $($group:ident)*) => {
        $($crate::__conformance_tests!(@group [$test] $fixture, $group);)*
    };
    (@group [$test:meta] $fixture:expr, $group:ident) => {
        $crate::__conformance_checks!($crate::__conformance_tests [@tests [$test] $fixture] $group);
    };
    ([@tests [$test:meta] $fixture:expr] $($file:ident: $($check:ident)*;)*) => {
        $($(
            #[$test]
            async fn $check() {
                let fixture = $fixture.await;
                $crate::conformance::run(stringify!($check), &fixture).await;
            }
        )*)*
    };
}

/// The one list of checks, by file. A check that is missing here is dead code.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_checks {
    ($emit:path [$($args:tt)*] base) => { $emit! { [$($args)*]
        acquire:
            a_free_resource_is_granted_under_its_own_name
            a_held_resource_is_refused_with_the_time_it_has_left
            a_resource_held_for_ever_is_refused_as_such
            a_refusal_leaves_the_holder_alone
            an_acquire_sent_twice_is_told_from_a_fresh_grant
            an_acquire_sent_twice_does_not_prolong
            an_acquire_sent_twice_does_not_shorten
            a_value_that_only_begins_like_the_token_is_not_ours
            several_resources_are_granted_together
            several_resources_are_granted_all_or_none
            of_several_holders_the_longest_is_reported
            of_several_holders_one_for_ever_is_reported
            a_partly_own_claim_is_completed
            a_partly_own_claim_that_is_refused_keeps_what_it_had;
        expiry:
            a_resource_frees_itself_after_its_time_and_not_before
            a_resource_that_freed_itself_goes_to_the_next
            the_shortest_time_to_live_is_granted
            a_time_to_live_of_a_century_is_granted
            a_time_to_live_beyond_all_bounds_is_kept_or_refused
            an_extension_beyond_all_bounds_is_kept_or_refused
            several_resources_free_themselves;
        extend:
            an_extension_prolongs
            an_extension_never_shortens
            an_extended_resource_outlives_its_first_time_and_then_frees_itself
            an_extension_does_not_bring_back_what_was_released
            an_extension_does_not_bring_back_what_expired
            an_extension_leaves_a_foreign_holder_alone
            several_resources_are_extended_together
            several_resources_are_extended_all_or_none_when_one_is_gone
            several_resources_are_extended_all_or_none_when_one_is_foreign
            an_extension_reports_the_foreign_holder_before_the_gone_resource;
        release:
            a_release_frees
            a_released_resource_goes_to_the_next
            a_release_by_another_leaves_the_holder_alone
            a_release_by_almost_the_holders_token_frees_nothing
            a_release_frees_no_value_that_only_contains_the_token
            a_release_of_what_is_free_says_gone
            a_second_release_says_gone
            a_release_of_what_expired_says_gone
            a_late_release_leaves_the_next_holder_alone
            several_resources_are_released_together
            a_release_frees_the_rest_when_one_is_gone
            a_release_frees_the_rest_when_one_is_foreign
            a_release_reports_the_foreign_holder_before_the_gone_resource;
        inspect:
            a_free_resource_shows_nobody
            a_held_resource_shows_its_holder_and_the_time_left
            a_hold_for_ever_shows_as_such
            several_resources_show_in_the_order_of_the_key
            a_foreign_value_of_any_bytes_shows_its_fingerprint
            an_empty_value_is_a_holder
            an_expired_resource_shows_nobody
            looking_changes_nothing;
        names:
            any_bytes_make_a_name
            the_longest_name_is_kept_whole
            names_that_differ_in_one_byte_are_different
            as_many_resources_as_a_key_takes_work_together;
        order:
            of_many_at_once_one_is_granted
            of_overlapping_claims_at_once_one_is_granted
            holders_never_overlap
            a_release_right_behind_its_acquire_leaves_nothing
            a_release_makes_up_for_an_acquire_whose_caller_left
            an_acquire_right_behind_a_release_is_granted
            what_is_never_polled_is_never_sent
            a_time_limit_of_nothing_is_kept;
        identity:
            the_name_stays
            the_run_stays_and_its_uptime_grows
            a_node_is_a_master_on_its_own;
        label:
            a_labelled_claim_stands_as_token_and_label
            the_same_token_with_another_label_is_somebody_else
            an_inspection_shows_the_label
            a_refusal_tells_the_label_of_who_holds_longest
            a_value_of_another_program_has_no_label;
    } };
    ($emit:path [$($args:tt)*] types) => { $emit! { [$($args)*]
        types:
            a_value_of_another_type_is_not_taken
            a_claim_with_one_value_of_another_type_takes_nothing
            a_value_of_another_type_is_not_extended
            a_value_of_another_type_is_not_released
            a_release_frees_the_rest_when_one_is_of_another_type
            looking_at_a_value_of_another_type_does_no_harm;
    } };
    ($emit:path [$($args:tt)*] second_node) => { $emit! { [$($args)*]
        second_node:
            two_servers_have_different_runs
            two_servers_have_different_names
            two_servers_share_no_memory;
    } };
    ($emit:path [$($args:tt)*] fencing) => { $emit! { [$($args)*]
        fencing:
            a_fenced_grant_gives_the_number_that_its_counter_then_has
            after_a_release_the_next_number_is_larger_whatever_the_hint
            after_an_expiry_the_next_number_is_larger
            a_hint_that_agrees_with_the_nodes_clock_is_the_number
            a_hint_far_from_the_nodes_clock_is_bounded_by_it
            a_fenced_refusal_tells_the_counter_and_changes_nothing
            a_fenced_acquire_sent_twice_is_told_from_a_fresh_grant
            several_resources_get_one_number_above_all_their_counters
            a_refused_claim_lifts_no_counter
            an_acquire_without_fencing_leaves_the_counters_alone
            a_counter_is_forgotten_after_its_life_and_not_before
            a_fenced_extension_keeps_counters_alive_and_makes_none
            any_bytes_make_a_counters_name
            as_many_resources_as_a_key_takes_are_fenced_together;
        raise:
            a_raise_lifts_and_never_lowers
            a_raise_gives_a_counter_to_a_hold_without_one
            a_raise_of_what_is_gone_changes_nothing
            a_raise_by_another_changes_nothing
            several_counters_are_raised_each_for_itself
            several_counters_are_raised_all_or_none
            a_raise_leaves_the_hold_and_its_time_alone
            a_raise_keeps_counters_alive
            no_raise_or_extension_shortens_a_counters_life;
        label:
            a_labelled_claim_is_fenced_as_a_whole;
        counters:
            counters_are_told_in_the_order_of_the_key
            looking_at_counters_changes_nothing;
    } };
    ($emit:path [$($args:tt)*] counter_types) => { $emit! { [$($args)*]
        counter_types:
            a_counter_of_another_type_is_a_misconfiguration
            a_counter_that_is_no_number_is_a_misconfiguration
            a_counter_that_is_no_number_is_not_raised;
    } };
    ($emit:path [$($args:tt)*] restart_guard) => { $emit! { [$($args)*]
        restart_guard:
            a_node_younger_than_the_guard_grants_nothing
            a_node_older_than_the_guard_grants
            within_the_guard_a_held_resource_is_refused_as_held
            within_the_guard_an_extension_and_a_release_work
            the_guard_holds_for_a_fenced_acquire_too;
    } };
    ($emit:path [$($args:tt)*] wake_ups) => { $emit! { [$($args)*]
        wake_ups:
            a_release_tells_its_resource
            a_release_that_tells_frees_and_answers_like_any_other
            who_hears_of_a_release_can_take
            of_several_resources_each_is_told
            as_many_resources_as_a_key_takes_are_told
            only_what_a_release_freed_is_told
            a_release_of_what_is_free_tells_nothing
            a_release_by_another_tells_nothing
            neither_an_expiry_nor_a_release_after_it_is_told
            a_plain_release_is_not_told
            nothing_but_a_release_is_told
            every_listener_hears
            a_listener_that_left_hears_no_more_and_is_forgotten
            any_bytes_are_told_as_they_are;
    } };
    ($emit:path [$($args:tt)*] swapping) => { $emit! { [$($args)*]
        swap:
            a_former_value_is_swapped_for_the_claims
            a_swapped_resource_lives_for_its_own_time
            a_free_resource_is_taken_beside_a_former_one
            where_nothing_holds_the_former_value_it_is_a_grant_as_any
            what_is_not_exactly_the_former_value_is_refused
            of_two_takers_the_second_is_refused
            a_giver_finds_nothing_of_its_own_after_a_swap
            a_swap_sent_twice_is_told_from_a_fresh_one
            several_resources_are_swapped_all_or_none
            a_former_value_with_a_label_is_swapped
            a_fenced_swap_gives_a_number_and_tells_the_largest_counter_before
            within_the_guard_nothing_is_swapped;
    } };
    ($emit:path [$($args:tt)*] keeping) => { $emit! { [$($args)*]
        keep:
            a_keep_puts_the_mark_in_the_tokens_place
            what_is_kept_is_refused_to_all_for_the_rest
            what_is_kept_is_free_after_the_rest_and_not_before
            nothing_that_was_sent_for_the_token_fits_the_mark
            a_keep_never_lengthens
            a_keep_of_a_hold_for_ever_has_an_end
            a_refusal_tells_a_mark_from_a_holder
            a_second_keep_leaves_the_mark_as_it_is
            a_keep_by_another_leaves_the_holder_alone
            a_keep_leaves_the_mark_of_another_alone
            a_keep_of_what_is_free_takes_nothing
            a_keep_of_what_expired_takes_nothing
            as_many_resources_as_a_key_takes_are_kept_together
            a_keep_keeps_the_rest_when_one_is_gone
            a_keep_keeps_the_rest_when_one_is_foreign
            a_mark_shows_as_such;
    } };
    ($emit:path [$($args:tt)*] shared) => { $emit! { [$($args)*]
        shared:
            a_free_resource_is_shared_by_all_who_ask
            as_many_shares_are_shown_as_fit
            shares_refuse_a_whole_claim_and_tell_the_longest
            a_value_beside_shares_refuses_as_a_value
            a_value_refuses_shares
            several_resources_are_shared_all_or_none
            as_many_resources_as_a_key_takes_are_shared_together
            a_shared_acquire_sent_twice_is_told_from_a_fresh_one
            each_share_ends_by_its_own_time
            a_resource_is_free_when_its_last_share_ends_and_not_before
            when_the_longest_share_is_released_the_rest_decides
            a_release_of_a_share_leaves_the_others
            a_whole_claims_verbs_leave_shares_alone
            an_extension_of_a_share_prolongs_it_alone_and_never_shortens
            an_extended_share_outlives_its_first_time
            shares_of_several_resources_are_extended_all_or_none
            an_extension_makes_a_share_of_what_stands_whole
            what_stands_whole_for_another_becomes_no_share
            what_stands_whole_is_a_shared_claims_too;
        shared_intent:
            an_intent_keeps_new_shares_off_and_nothing_else
            an_intent_outlives_the_shares_and_ends_by_itself
            a_writer_that_was_waiting_takes_its_intent_along
            no_intent_is_left_where_a_value_is_in_the_way;
        scan:
            shares_are_told_as_an_inspection_tells_them_and_intents_are_not;
        shared_fenced:
            whole_grants_have_even_numbers_and_shares_odd_ones
            shares_between_two_whole_grants_have_one_number
            a_share_without_a_counter_takes_the_hint_near_the_clock
            shares_of_several_resources_have_one_number
            refused_shares_lift_no_counter_and_are_told_it
            a_share_is_raised_while_it_stands
            a_fenced_extension_of_shares_keeps_counters_alive
            within_the_guard_no_share_is_given
            the_release_of_the_last_share_is_told
            who_hears_that_shares_were_made_can_share;
    } };
    ($emit:path [$($args:tt)*] shared_types) => { $emit! { [$($args)*]
        shared_types:
            a_sorted_set_of_something_else_is_left_alone
            a_list_is_not_shared
            an_intent_without_an_end_counts_for_nothing
            a_share_beside_a_counter_that_is_no_number_is_a_misconfiguration
            the_last_numbers_are_given;
    } };
    ($emit:path [$($args:tt)*] slots) => { $emit! { [$($args)*]
        slots:
            a_slot_is_given_from_the_one_that_is_asked_for
            taken_slots_are_passed_over_and_behind_the_last_comes_the_first
            where_all_slots_are_taken_the_soonest_end_is_told
            a_slot_asked_for_twice_is_told_from_a_fresh_one
            a_given_slot_is_a_resource_like_any
            a_release_over_all_slots_frees_the_one_that_was_given
            a_slot_that_freed_itself_is_given_again_and_not_before
            marks_and_shares_take_a_slot
            whatever_value_stands_there_takes_a_slot
            the_same_token_with_another_label_has_a_slot_of_its_own
            as_many_slots_as_a_key_takes_are_given_one_by_one
            of_many_at_once_each_has_a_slot_of_its_own
            a_release_right_behind_a_slots_acquire_leaves_nothing;
        slots_fenced:
            a_slot_has_the_number_of_its_own_counter_alone
            a_slot_without_a_counter_takes_the_hint_near_the_clock
            a_slot_that_is_not_given_lifts_no_counter
            a_slot_without_fencing_leaves_the_counters_alone
            a_slots_counter_outlives_its_hold
            within_the_guard_no_slot_is_given
            no_intent_is_left_at_slots;
    } };
    ($emit:path [$($args:tt)*] slots_types) => { $emit! { [$($args)*]
        slots_types:
            what_is_no_locks_takes_a_slot
            what_is_no_locks_in_every_slot_leaves_none
            a_slots_counter_that_is_no_number_is_a_misconfiguration_there_alone;
    } };
    ($emit:path [$($args:tt)*] scanning) => { $emit! { [$($args)*]
        scan:
            what_is_held_is_told_with_its_holder_and_time
            a_prefix_is_taken_byte_by_byte
            names_of_any_bytes_are_told_whole
            what_is_free_again_is_not_told
            many_are_told_in_pages_and_none_is_left_out
            what_stays_is_told_whatever_comes_and_goes
            counters_are_not_told
            a_value_that_is_no_locks_is_told_as_such
            labels_and_marks_are_told_as_an_inspection_tells_them
            telling_changes_nothing;
    } };
    ($emit:path [$($args:tt)*] scan_types) => { $emit! { [$($args)*]
        scan:
            a_value_of_another_type_is_told_as_such;
    } };
}
