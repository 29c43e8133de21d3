use proptest::prelude::*;

use super::*;

#[test]
fn a_grant_takes_the_hint_if_the_nodes_clock_agrees() {
    assert_eq!(next(None, 1_000, 1_000, 10), 1_000);
    assert_eq!(next(None, 1_010, 1_000, 10), 1_010);
    assert_eq!(next(None, 2_000, 1_000, 10), 1_010, "a client from the future");
    assert_eq!(next(None, 3, 1_000, 10), 990, "a client from the past");
    assert_eq!(next(Some(5_000), 1_000, 1_000, 10), 5_002, "never back, whatever clocks say");
    assert_eq!(next(Some(u64::MAX), u64::MAX, u64::MAX, u64::MAX), u64::MAX);
}

#[test]
fn exclusive_grants_have_even_numbers_and_shares_the_odd_one_behind_them() {
    assert_eq!(next(None, 1_001, 1_000, 10), 1_002);
    assert_eq!(next(Some(5_001), 1_000, 1_000, 10), 5_002);
    assert_eq!(next_shared(None, 1_000, 1_000, 10), 1_001);
    assert_eq!(next_shared(None, 9_000, 1_000, 10), 1_011, "a client from the future");
    assert_eq!(next_shared(Some(0), 1_000, 1_000, 10), 1_001, "a counter of nothing is none");
    assert_eq!(next_shared(Some(500), 1_000, 1_000, 10), 501);
    assert_eq!(next_shared(Some(501), 1_000, 1_000, 10), 501, "the same for all of a phase");
    assert_eq!((hint(999, 0), hint(1_000, 0), hint(1_000, 1_000)), (1_000, 1_000, 1_002));
}

#[test]
fn equal_numbers_on_a_majority_of_all_nodes_need_no_second_round() {
    assert_eq!(FenceRound::new(5, &[7, 7], 0), None);
    let round = FenceRound::new(5, &[7, 7, 7], 0).unwrap();
    assert_eq!((round.fence(), round.verdict()), (7, Some(true)));
    // Three of four that granted agree on less; that is no majority at the largest number.
    let round = FenceRound::new(5, &[7, 7, 7, 9], 1).unwrap();
    assert_eq!((round.fence(), round.verdict()), (9, None));
}

#[test]
fn a_majority_of_the_replies_is_not_enough() {
    // Two of three replies are equal; of five nodes that is no majority.
    let round = FenceRound::new(5, &[9, 9, 7], 0).unwrap();
    assert_eq!(round.verdict(), None);
    assert!(round.must_raise(7) && !round.must_raise(9));
}

#[test]
fn a_round_is_won_by_raising_and_lost_when_too_few_can_be_raised() {
    let mut round = FenceRound::new(3, &[5, 9], 0).unwrap();
    assert_eq!(round.verdict(), None);
    let mut lost = round.clone();
    round.raised(true);
    assert_eq!(round.verdict(), Some(true));
    lost.raised(false);
    assert_eq!(lost.verdict(), None, "the third node may still grant");
    let mut late = lost.clone();
    lost.refused();
    assert_eq!(lost.verdict(), Some(false));
    late.granted(4);
    assert_eq!(late.verdict(), None, "it counts when it is raised");
    late.raised(true);
    assert_eq!(late.verdict(), Some(true));
}

#[test]
fn a_late_grant_above_the_fence_does_not_count() {
    // From 9 to 10 lies what an earlier holder on that node may have been given.
    let mut round = FenceRound::new(3, &[5, 9], 0).unwrap();
    round.granted(11);
    assert_eq!((round.fence(), round.verdict()), (9, None));
    let mut lost = round.clone();
    round.raised(true);
    assert_eq!(round.verdict(), Some(true));
    lost.raised(false);
    assert_eq!(lost.verdict(), Some(false));
}

#[test]
fn a_late_grant_at_the_fence_counts() {
    let mut round = FenceRound::new(3, &[5, 9], 0).unwrap();
    round.granted(9);
    assert_eq!((round.fence(), round.verdict()), (9, Some(true)));
}

#[test]
fn a_node_warms_up_until_its_uptime_has_reached_the_guard() {
    let secs = Duration::from_secs;
    assert_eq!(warming(secs(3), secs(10)), Some(secs(7)));
    assert_eq!(warming(secs(10), secs(10)), None);
    assert_eq!(warming(Duration::MAX, secs(10)), None);
    assert_eq!(guard(secs(10), secs(1), secs(0)), secs(13));
    assert_eq!(guard(secs(10), secs(1), secs(5)), secs(18));
}

#[test]
fn a_counter_outlives_the_lock_and_wrong_clocks() {
    let life_of = |ttl| life(ttl, Duration::ZERO);
    assert_eq!(life_of(Duration::from_millis(10)), SHORTEST_LIFE);
    assert_eq!(life_of(Duration::from_secs(3_600)), Duration::from_secs(7_200));
    assert_eq!(life_of(Duration::MAX), Duration::MAX);
    let error = Duration::from_secs(900);
    assert_eq!(life(Duration::from_secs(10), error), error + SLACK * 2);
}

#[test]
fn a_fence_is_a_number_that_every_consumer_keeps_exactly() {
    assert_eq!(Fence::try_from(LARGEST).unwrap().get(), (1_u64 << 53) - 1);
    assert!(Fence::try_from(1_u64).unwrap() < Fence::try_from(2_u64).unwrap());
    for bad in [0, LARGEST + 1, u64::MAX] {
        let error = Fence::try_from(bad).unwrap_err();
        assert_eq!((error.field(), error.value()), ("fence", bad.to_string().as_str()));
    }
}

proptest! {
    #[test]
    fn a_counter_only_grows_and_is_never_ahead_of_the_clock_by_more_than_the_slack(
        steps in prop::collection::vec((0..u64::MAX, 2_u64..1_000), 1..50), slack in 1_u64..1_000,
    ) {
        let (mut clock, mut counter) = (1_000_000_u64, None);
        for (hint, passed) in steps {
            clock += passed;
            let number = next(counter, hint, clock, slack);
            prop_assert!(counter.is_none_or(|before| number > before));
            prop_assert_eq!(number % 2, 0);
            prop_assert!(number >= clock - slack && number <= clock + slack + 1, "{number} at {clock}");
            counter = Some(number);
        }
    }

    #[test]
    fn a_forgotten_counter_is_overtaken_once_the_clock_is_past_it_by_more_than_the_slack(
        counter in 0_u64..u64::MAX / 4, hint in any::<u64>(), slack in 0_u64..1_000, more in 1_u64..1_000,
    ) {
        let clock = counter + slack + more;
        prop_assert!(next(None, hint, clock, slack) > counter);
        prop_assert!(next_shared(None, hint, clock, slack) > counter);
    }

    #[test]
    fn of_two_that_follow_each_other_on_a_node_the_later_is_above_unless_both_share(
        steps in prop::collection::vec((any::<bool>(), 0_u64..100, 0_u64..10), 2..50),
    ) {
        let (mut clock, mut before) = (1_000, None);
        for (shared, hint, passed) in steps {
            clock += passed;
            let counter = before.map(|(number, _)| number);
            let number = if shared { next_shared } else { next }(counter, hint, clock, 10);
            prop_assert_eq!(number % 2 == 1, shared);
            if let Some((last, was_shared)) = before {
                let above = number > last;
                prop_assert!(above != (shared && was_shared), "{number} behind {last}");
            }
            before = Some((number, shared));
        }
    }

    #[test]
    fn a_won_round_has_a_majority_at_its_number(
        grants in prop::collection::vec(0_u64..4, 0..8),
        nodes in 1_usize..8,
        raises in prop::collection::vec(any::<bool>(), 8),
    ) {
        let grants = &grants[..grants.len().min(nodes)];
        let other = nodes - grants.len();
        let Some(mut round) = FenceRound::new(nodes, grants, other) else {
            prop_assert!(grants.len() < majority(nodes));
            return Ok(());
        };
        let mut at = grants.iter().filter(|grant| **grant >= round.fence()).count();
        let low = grants.iter().filter(|grant| round.must_raise(**grant)).count();
        for ok in raises.into_iter().take(low) {
            at += usize::from(ok);
            round.raised(ok);
        }
        prop_assert_eq!(round.verdict(), Some(at >= majority(nodes)));
    }

    #[test]
    fn a_gate_lets_nobody_pass_behind_a_later_holder(fences in prop::collection::vec(1_u64..20, 1..50)) {
        let gate = FenceGate::new();
        let mut highest = 0;
        for fence in fences {
            let admitted = gate.admit(Fence::try_from(fence).unwrap());
            prop_assert_eq!(admitted.is_ok(), fence >= highest);
            highest = highest.max(fence);
        }
    }

    #[test]
    fn a_majority_that_granted_no_more_than_the_fence_stands_at_it_whatever_comes_late(
        grants in prop::collection::vec(0_u64..6, 1..8),
        raises in prop::collection::vec(prop::option::of(any::<bool>()), 8),
    ) {
        let nodes = grants.len();
        let (first, late) = grants.split_at(majority(nodes));
        let mut round = FenceRound::new(nodes, first, 0).unwrap();
        late.iter().for_each(|number| round.granted(*number));
        let low = grants.iter().filter(|number| round.must_raise(**number)).count();
        let answers = || raises.iter().take(low).flatten();
        answers().for_each(|ok| round.raised(*ok));
        let standing = grants.iter().filter(|number| **number == round.fence()).count()
            + answers().filter(|ok| **ok).count();
        prop_assert_eq!(round.verdict() == Some(true), standing >= majority(nodes));
    }
}

#[test]
fn the_number_of_a_majority_is_one_that_so_many_have_at_least() {
    let cases: [(&[Option<u64>], Option<u64>); 8] = [
        (&[Some(9), Some(7), Some(8)], Some(8)),
        (&[Some(9), None, Some(7)], Some(7)),
        (&[None, Some(9), None], None),
        (&[Some(5), Some(5), Some(9), None, None], Some(5)),
        (&[Some(4), Some(3)], Some(3)),
        (&[Some(4), None], None),
        (&[Some(4)], Some(4)),
        (&[], None),
    ];
    for (counters, number) in cases {
        assert_eq!(of_majority(counters.iter().copied()), number, "{counters:?}");
    }
}

#[test]
fn a_fence_is_a_number_with_a_sign_and_one_without() {
    for number in [1, 41, LARGEST] {
        let fence = Fence::try_from(number).unwrap();
        assert_eq!((u64::from(fence), fence.as_i64()), (number, i64::try_from(number).unwrap()));
        assert_eq!(Fence::try_from(i64::from(fence)), Ok(fence));
    }
    for number in [i64::MIN, -1, 0, LARGEST as i64 + 1, i64::MAX] {
        let error = Fence::try_from(number).unwrap_err();
        assert_eq!((error.field(), error.value()), ("fence", number.to_string().as_str()));
        assert_eq!(error.rule(), "must be from 1 to 2^53 - 1");
    }
}
