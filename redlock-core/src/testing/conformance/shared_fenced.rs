use std::time::Duration;

use tokio::time::sleep;

use super::shared::{assert_shared, reader, refused_by_shares};
use super::trial::{BRIEF, LIMIT, LONG, SHORT, Trial, fenced};
use super::wake_ups::Ear;
use crate::decide::fence::SLACK;
use crate::node::{Claim, Extension, Removal, Terms, Vote};

const SLACK_MICROS: u64 = SLACK.as_micros() as u64;

/// Longer than any node has run.
const AGES: Duration = Duration::from_secs(1_000_000_000);

pub(super) async fn whole_grants_have_even_numbers_and_shares_odd_ones(t: &Trial<'_>) {
    let mut last = 0;
    for hint in [0, u64::MAX, 1, 2, 3] {
        let (writer, sharer) = (t.claim(["a"]), reader(t, &["a"]));
        let number = t.take_fenced(&writer, hint).await;
        assert!(number > last && number % 2 == 0, "{number} after {last}");
        t.release(&writer).await;
        let share = t.take_fenced(&sharer, hint).await;
        assert_eq!(share, number + 1);
        assert_eq!(t.counter("a").await, Some(share));
        t.release(&sharer).await;
        last = share;
    }
}

pub(super) async fn shares_between_two_whole_grants_have_one_number(t: &Trial<'_>) {
    let (first, second) = (reader(t, &["a"]), reader(t, &["a"]));
    let number = t.take_fenced(&first, 0).await;
    assert_eq!(number % 2, 1);
    assert_eq!(t.take_fenced(&second, u64::MAX).await, number);
    t.release(&first).await;
    t.release(&second).await;
    assert_eq!(t.take_fenced(&reader(t, &["a"]), u64::MAX).await, number);
}

pub(super) async fn a_share_without_a_counter_takes_the_hint_near_the_clock(t: &Trial<'_>) {
    let clock = t.take_fenced(&reader(t, &["clock"]), 0).await + SLACK_MICROS;
    let ahead = t.take_fenced(&reader(t, &["ahead"]), u64::MAX).await;
    let after = t.take_fenced(&reader(t, &["after"]), 0).await + SLACK_MICROS;
    let bounds = clock + SLACK_MICROS - 2..=after + SLACK_MICROS + 2;
    assert!(bounds.contains(&ahead), "{ahead} is not in {bounds:?}");
}

pub(super) async fn shares_of_several_resources_have_one_number(t: &Trial<'_>) {
    for largest in ["a", "b", "c"] {
        let one = t.claim([largest]);
        let high = t.take_fenced(&one, u64::MAX).await + 1_000_000_000;
        t.raise(&one, high).await;
        t.release(&one).await;
        let all = reader(t, &["a", "b", "c"]);
        let number = t.take_fenced(&all, 0).await;
        assert!(number > high && number % 2 == 1, "{number} is not above {high}");
        assert_eq!(t.counters(["a", "b", "c"]).await, [Some(number); 3]);
        t.release(&all).await;
    }
}

pub(super) async fn refused_shares_lift_no_counter_and_are_told_it(t: &Trial<'_>) {
    let holder = t.claim(["a"]);
    let number = t.take_fenced(&holder, 0).await;
    match t.vote(&reader(t, &["a", "b"]), fenced(LONG, u64::MAX, LONG)).await {
        Vote::Held { fence, .. } => assert_eq!(fence, Some(number)),
        vote => panic!("expected a refusal, got {vote:?}"),
    }
    assert_eq!(t.counters(["a", "b"]).await, [Some(number), None]);
    t.release(&holder).await;
    let share = t.take_fenced(&reader(t, &["a"]), 0).await;
    match t.vote(&t.claim(["a", "b"]), fenced(LONG, u64::MAX, LONG)).await {
        Vote::Shared { fence, .. } => assert_eq!(fence, Some(share)),
        vote => panic!("expected to be refused by shares, got {vote:?}"),
    }
    assert_eq!(t.counters(["a", "b"]).await, [Some(share), None]);
}

pub(super) async fn a_share_is_raised_while_it_stands(t: &Trial<'_>) {
    let (claim, other) = (reader(t, &["a"]), reader(t, &["a"]));
    let number = t.take_fenced(&claim, 0).await;
    t.take(&other, LONG).await;
    assert_eq!(t.raise(&claim, number + 10).await, Extension::Extended);
    assert_eq!(t.counter("a").await, Some(number + 10));
    assert_eq!(t.raise(&claim, number).await, Extension::Extended);
    assert_eq!(t.counter("a").await, Some(number + 10));
    t.release(&claim).await;
    assert_eq!(t.raise(&claim, number + 20).await, Extension::Gone);
    let brief = reader(t, &["a"]);
    t.take(&brief, SHORT).await;
    sleep(SHORT + SHORT / 2).await;
    assert_eq!(t.raise(&brief, number + 20).await, Extension::Gone);
    t.release(&other).await;
    let holder = t.claim(["a"]);
    t.take(&holder, LONG).await;
    assert_eq!(t.raise(&claim, number + 20).await, Extension::Foreign);
    assert_eq!(t.counter("a").await, Some(number + 10));
    // What a shared claim has whole is its as well.
    assert_eq!(t.raise(&holder.clone().shared(), number + 30).await, Extension::Extended);
    assert_eq!(t.counter("a").await, Some(number + 30));
    t.assert_held(&holder, ["a"]).await;
}

pub(super) async fn a_fenced_extension_of_shares_keeps_counters_alive(t: &Trial<'_>) {
    let claim = reader(t, &["a", "b"]);
    let vote = t.vote(&claim, fenced(LONG, 0, BRIEF)).await;
    let Vote::Granted { fence } = vote else { panic!("{vote:?}") };
    let answer = t.node().extend(claim.clone(), fenced(LONG, u64::MAX, LONG), LIMIT).await;
    assert_eq!(answer, Ok(Extension::Extended));
    sleep(BRIEF + SHORT / 5).await;
    assert_eq!(t.counters(["a", "b"]).await, [fence, fence]);
}

pub(super) async fn within_the_guard_no_share_is_given(t: &Trial<'_>) {
    for terms in [Terms::new(LONG), fenced(LONG, 0, LONG)] {
        let claim = reader(t, &["a", "b"]);
        let vote = t.vote(&claim, terms.with_guard(Some(AGES))).await;
        assert!(matches!(vote, Vote::Warming { .. }), "{vote:?}");
        assert_eq!(t.release(&claim).await, Removal::Gone);
    }
    assert_eq!(t.counters(["a", "b"]).await, [None; 2]);
    let (share, holder) = (reader(t, &["a"]), t.claim(["b"]));
    t.take(&share, LONG).await;
    t.take(&holder, LONG).await;
    let guarded = Terms::new(LONG).with_guard(Some(AGES));
    let vote = t.vote(&t.claim(["a"]), guarded).await;
    assert!(matches!(vote, Vote::Shared { .. }), "{vote:?}");
    let vote = t.vote(&reader(t, &["b"]), guarded).await;
    assert!(matches!(vote, Vote::Held { .. }), "{vote:?}");
    let answer = t.node().extend(share.clone(), guarded, LIMIT).await;
    assert_eq!(answer, Ok(Extension::Extended));
    assert_eq!(t.release(&share).await, Removal::Removed);
}

pub(super) async fn the_release_of_the_last_share_is_told(t: &Trial<'_>) {
    let mut ear = Ear::open(t).await;
    let (first, second) = (reader(t, &["a", "b"]), reader(t, &["a"]));
    t.take(&first, LONG).await;
    t.take(&second, LONG).await;
    t.tell(&first, Removal::Removed).await;
    ear.assert_heard(t, ["b"]).await;
    t.tell(&first, Removal::Gone).await;
    t.tell(&second, Removal::Removed).await;
    ear.assert_heard(t, ["a"]).await;
    // What it has whole it frees as well.
    let whole = t.claim(["a"]);
    t.take(&whole, LONG).await;
    t.tell(&whole.shared(), Removal::Removed).await;
    ear.assert_heard(t, ["a"]).await;
}

pub(super) async fn who_hears_that_shares_were_made_can_share(t: &Trial<'_>) {
    let mut ear = Ear::open(t).await;
    let (holder, next) = (t.claim(["a"]), reader(t, &["a"]));
    t.take(&holder, LONG).await;
    let shared = holder.clone().shared();
    let extend = async |claim: &Claim| {
        let terms = Terms::new(LONG).telling(true);
        t.node().extend(claim.clone(), terms, LIMIT).await.expect("an answer to extend")
    };
    assert_eq!(extend(&shared).await, Extension::Extended);
    assert_eq!(ear.next().await, t.name("a"));
    t.take(&next, LONG).await;
    assert_shared(t, "a", &[&holder, &next]).await;
    // Nothing is made any more, and nobody asked to be told of this.
    assert_eq!(extend(&shared).await, Extension::Extended);
    let silent = t.claim(["b"]);
    t.take(&silent, LONG).await;
    assert_eq!(t.extend(&silent.shared(), LONG).await, Extension::Extended);
    ear.assert_heard(t, [""; 0]).await;
    assert!(refused_by_shares(t, &t.claim(["a"])).await <= LONG + SHORT);
}
