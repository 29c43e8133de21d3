use proptest::prelude::*;

use super::*;
use crate::node::Fault;

const ALL: [Ballot; 4] = [Ballot::Granted, Ballot::Refused, Ballot::Failed, Ballot::Misconfigured];

fn ballots() -> impl Strategy<Value = Vec<Ballot>> {
    prop::collection::vec(prop::sample::select(&ALL[..]), 1..10)
}

/// The verdict as the text says it, from all ballots at once.
fn by_the_book(ballots: &[Ballot]) -> Verdict {
    let count = |wanted: &[Ballot]| ballots.iter().filter(|ballot| wanted.contains(ballot)).count();
    let majority = ballots.len() / 2 + 1;
    let rules_out = |wanted: &[Ballot]| ballots.len() - count(wanted) < majority;
    if count(&[Ballot::Granted]) >= majority {
        Verdict::Won
    } else if rules_out(&[Ballot::Misconfigured]) {
        Verdict::Misconfigured
    } else if rules_out(&[Ballot::Misconfigured, Ballot::Failed]) {
        Verdict::Unreachable
    } else {
        Verdict::Contended
    }
}

fn after(ballots: &[Ballot], nodes: usize) -> Round {
    let mut round = Round::new(nodes);
    ballots.iter().for_each(|ballot| round.record(*ballot));
    round
}

/// Every way the nodes that are still out can vote.
fn endings(pending: usize) -> Vec<Vec<Ballot>> {
    (0..pending).fold(vec![vec![]], |endings, _| {
        endings.iter().flat_map(|e| ALL.map(|b| [e.as_slice(), &[b]].concat())).collect()
    })
}

proptest! {
    #[test]
    fn the_final_verdict_does_not_depend_on_the_order_of_the_answers(ballots in ballots()) {
        prop_assert_eq!(after(&ballots, ballots.len()).verdict(), Some(by_the_book(&ballots)));
    }

    #[test]
    fn the_verdict_falls_exactly_when_no_ending_can_change_it(ballots in ballots(), pending in 0_usize..4) {
        let nodes = ballots.len() + pending;
        let mut possible: Vec<Verdict> =
            endings(pending).iter().map(|e| by_the_book(&[ballots.as_slice(), e].concat())).collect();
        possible.dedup();
        let certain = possible.iter().all(|v| *v == possible[0]).then(|| possible[0]);
        prop_assert_eq!(after(&ballots, nodes).verdict(), certain);
    }

    #[test]
    fn two_rounds_over_the_same_nodes_cannot_both_be_won(ballots in ballots()) {
        // A node grants one token at a time: a node that granted one round refused the other.
        let other: Vec<Ballot> = ballots
            .iter()
            .map(|b| if *b == Ballot::Granted { Ballot::Refused } else { Ballot::Granted })
            .collect();
        let won = |b: &[Ballot]| after(b, b.len()).verdict() == Some(Verdict::Won);
        prop_assert!(!(won(&ballots) && won(&other)));
    }

    #[test]
    fn a_tally_counts_every_node_once(ballots in ballots(), pending in 0_usize..4) {
        let nodes = ballots.len() + pending;
        let tally = after(&ballots, nodes).tally();
        prop_assert_eq!(tally.granted + tally.refused + tally.unknown + tally.misconfigured, nodes);
    }

    #[test]
    fn a_survey_is_decided_exactly_when_no_ending_can_change_it(
        answers in prop::collection::vec(prop::option::of(any::<bool>()), 1..8),
        pending in 0_usize..4,
    ) {
        let nodes = answers.len() + pending;
        let survey = |answers: &[Option<bool>]| {
            let mut survey = Survey::new(nodes);
            answers.iter().for_each(|a| survey.record(*a));
            survey.answer()
        };
        let all = (0..pending).fold(vec![answers.clone()], |endings, _| {
            endings.iter().flat_map(|e| [Some(true), Some(false), None].map(|a| [e.as_slice(), &[a]].concat())).collect()
        });
        let possible: Vec<_> = all.iter().map(|e| survey(e)).collect();
        prop_assert!(possible.iter().all(Option::is_some));
        let certain = possible.iter().all(|a| *a == possible[0]).then(|| possible[0]).flatten();
        prop_assert_eq!(survey(&answers), certain);
    }
}

#[test]
fn a_majority_is_more_than_half_for_even_and_odd_sets() {
    let majorities: Vec<usize> = (1..=9).map(majority).collect();
    assert_eq!(majorities, [1, 2, 2, 3, 3, 4, 4, 5, 5]);
}

#[test]
fn a_two_two_split_of_four_nodes_is_won_by_nobody() {
    let half = [Ballot::Granted, Ballot::Granted, Ballot::Refused, Ballot::Refused];
    assert_eq!(after(&half, 4).verdict(), Some(Verdict::Contended));
}

#[test]
fn two_hung_nodes_of_five_delay_neither_yes_nor_no() {
    assert_eq!(after(&[Ballot::Granted; 3], 5).verdict(), Some(Verdict::Won));
    assert_eq!(after(&[Ballot::Refused; 3], 5).verdict(), Some(Verdict::Contended));
    assert_eq!(after(&[Ballot::Failed; 3], 5).verdict(), Some(Verdict::Unreachable));
    let open = [Ballot::Misconfigured, Ballot::Failed, Ballot::Failed];
    assert_eq!(after(&open, 5).verdict(), None, "may still turn out as misconfigured");
    assert_eq!(
        after(&[Ballot::Granted, Ballot::Failed, Ballot::Failed, Ballot::Failed], 5).verdict(),
        { Some(Verdict::Unreachable) }
    );
}

#[test]
fn failed_and_misconfigured_nodes_together_are_an_outage_and_no_contention() {
    let ballots = [
        Ballot::Failed,
        Ballot::Misconfigured,
        Ballot::Misconfigured,
        Ballot::Granted,
        Ballot::Granted,
    ];
    assert_eq!(after(&ballots, 5).verdict(), Some(Verdict::Unreachable));
}

#[test]
fn the_time_to_retry_is_when_a_majority_may_be_free() {
    let held = |ms| {
        Ok(Vote::Held {
            expiry: Expiry::In(Duration::from_millis(ms)),
            fence: None,
            label: None,
            kept: false,
        })
    };
    let forever = Ok(Vote::Held { expiry: Expiry::Never, fence: None, label: None, kept: false });
    let granted = Ok(Vote::Granted { fence: None });
    let failed = Err(Fault::Timeout.into());
    let hint = |answers: &[Option<&Result<Vote, NodeError>>]| {
        retry_after(answers.len(), answers.iter().copied().flatten())
    };

    let (a, b, c) = (held(30), held(10), held(20));
    assert_eq!(hint(&[Some(&a), Some(&b), Some(&c)]), Some(Duration::from_millis(20)));
    assert_eq!(hint(&[Some(&a), Some(&granted), Some(&c)]), Some(Duration::from_millis(20)));
    assert_eq!(hint(&[Some(&a), Some(&failed), Some(&forever)]), None);
    assert_eq!(hint(&[Some(&a), None, Some(&b)]), Some(Duration::from_millis(30)));
    // Four nodes: three must be free.
    assert_eq!(
        hint(&[Some(&a), Some(&b), Some(&c), Some(&forever)]),
        Some(Duration::from_millis(30))
    );
}
