use proptest::prelude::*;

use super::*;

fn ballots() -> impl Strategy<Value = Vec<SlotBallot>> {
    prop::collection::vec(prop::sample::select(all()), 1..8)
}

/// All that a node can say where there are three slots.
fn all() -> Vec<SlotBallot> {
    let others = [Ballot::Refused, Ballot::Failed, Ballot::Misconfigured].map(SlotBallot::None);
    (0..3).map(SlotBallot::Granted).chain(others).collect()
}

/// The verdict as the text says it, from all ballots at once.
fn by_the_book(ballots: &[SlotBallot]) -> SlotVerdict {
    let majority = ballots.len() / 2 + 1;
    let count = |wanted: SlotBallot| ballots.iter().filter(|ballot| **ballot == wanted).count();
    if let Some(slot) = (0..3).find(|slot| count(SlotBallot::Granted(*slot)) >= majority) {
        return SlotVerdict::Won(slot);
    }
    let misconfigured = count(SlotBallot::None(Ballot::Misconfigured));
    let failed = count(SlotBallot::None(Ballot::Failed)) + misconfigured;
    SlotVerdict::Lost(match () {
        () if ballots.len() - misconfigured < majority => Verdict::Misconfigured,
        () if ballots.len() - failed < majority => Verdict::Unreachable,
        () => Verdict::Contended,
    })
}

fn after(ballots: &[SlotBallot], nodes: usize) -> SlotRound {
    let mut round = SlotRound::new(nodes);
    ballots.iter().for_each(|ballot| round.record(*ballot));
    round
}

/// Every way the nodes that are still out can vote.
fn endings(pending: usize) -> Vec<Vec<SlotBallot>> {
    (0..pending).fold(vec![vec![]], |endings, _| {
        let all = all();
        endings.iter().flat_map(|e| all.iter().map(|b| [e.as_slice(), &[*b]].concat())).collect()
    })
}

proptest! {
    #[test]
    fn the_final_verdict_is_the_books_whatever_the_order(ballots in ballots()) {
        prop_assert_eq!(after(&ballots, ballots.len()).verdict(), Some(by_the_book(&ballots)));
        let backwards: Vec<_> = ballots.iter().rev().copied().collect();
        prop_assert_eq!(after(&backwards, ballots.len()).verdict(), Some(by_the_book(&ballots)));
    }

    #[test]
    fn the_verdict_falls_exactly_when_no_ending_can_change_it(ballots in ballots(), pending in 0_usize..4) {
        let nodes = ballots.len() + pending;
        let mut possible: Vec<SlotVerdict> =
            endings(pending).iter().map(|e| by_the_book(&[ballots.as_slice(), e].concat())).collect();
        possible.dedup();
        let certain = possible.iter().all(|v| *v == possible[0]).then(|| possible[0]);
        prop_assert_eq!(after(&ballots, nodes).verdict(), certain);
    }

    #[test]
    fn a_slot_is_drawn_from_those_that_a_majority_has_free(
        taken in prop::collection::vec(any::<u64>(), 0..6), slots in 1_usize..=64, random in any::<u64>(),
    ) {
        let first = first_slot(&taken, 5, slots, random);
        prop_assert!(first < slots);
        let free = |slot: usize| taken.iter().filter(|taken| *taken >> slot & 1 == 0).count() >= 3;
        prop_assert!(free(first) || !(0..slots).any(free));
    }
}

#[test]
fn three_nodes_that_grant_a_slot_each_grant_nothing() {
    let round = after(&[0, 1, 2].map(SlotBallot::Granted), 3);
    assert_eq!(round.verdict(), Some(SlotVerdict::Lost(Verdict::Contended)));
    let tally = round.tally();
    assert_eq!((tally.granted, tally.refused, tally.unknown), (1, 2, 0));
    assert_eq!(after(&[], 3).best(), None);
    assert_eq!(after(&[2, 1, 1].map(SlotBallot::Granted), 5).best(), Some(1));
}

#[test]
fn every_free_slot_is_drawn_by_some_number() {
    let taken = [0b0101, 0b0101, 0b0001];
    let drawn: std::collections::BTreeSet<_> =
        (0..100).map(|random| first_slot(&taken, 3, 4, random)).collect();
    assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [1, 3]);
    let full = [0b1111; 3];
    assert_eq!(
        (0..4).map(|random| first_slot(&full, 3, 4, random)).collect::<Vec<_>>(),
        [0, 1, 2, 3]
    );
}

#[test]
fn a_grant_of_no_slot_or_of_one_that_cannot_be_is_a_fault_of_the_backend() {
    let placed = |slot| Ok(Placed { vote: Vote::Granted { fence: None }, slot, taken: 0 });
    assert_eq!(SlotBallot::of(&placed(None)), SlotBallot::None(Ballot::Misconfigured));
    assert_eq!(SlotBallot::of(&placed(Some(7))), SlotBallot::Granted(7));
    let round = after(&[SlotBallot::Granted(64)], 1);
    assert_eq!(round.verdict(), Some(SlotVerdict::Lost(Verdict::Misconfigured)));
}

#[test]
fn what_a_majority_of_all_nodes_has_free_is_free() {
    let free = |taken: &[u64]| free_slots(taken, 3, 4).collect::<Vec<_>>();
    assert_eq!(free(&[0b0001, 0b0101, 0b0111]), [1, 3]);
    assert_eq!(free(&[0b0001, 0b0011]), [2, 3], "the third node may have anything");
    assert!(free(&[0b0000]).is_empty());
}
