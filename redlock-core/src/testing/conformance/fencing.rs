use tokio::time::{Instant, sleep};

use super::trial::{BRIEF, LATE, LIMIT, LONG, SHORT, Trial, assert_unextended, fenced};
use crate::decide::fence::SLACK;
use crate::node::key::MAX_RESOURCES;
use crate::node::{Extension, Removal, Vote};

const SLACK_MICROS: u64 = SLACK.as_micros() as u64;

pub(super) async fn a_fenced_grant_gives_the_number_that_its_counter_then_has(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    let number = t.take_fenced(&claim, 0).await;
    assert_eq!(t.counter("a").await, Some(number));
    // Clients of other make are excluded as without fencing.
    t.assert_held(&claim, ["a"]).await;
    assert_eq!(t.release(&claim).await, Removal::Removed);
    assert_eq!(t.counter("a").await, Some(number));
}

pub(super) async fn after_a_release_the_next_number_is_larger_whatever_the_hint(t: &Trial<'_>) {
    let mut last = 0;
    for hint in [0, u64::MAX, 1, last, u64::MAX, 0, i64::MAX as u64] {
        let claim = t.claim(["a"]);
        let number = t.take_fenced(&claim, hint).await;
        assert!(number > last, "{number} after {last}, the hint was {hint}");
        last = number;
        t.release(&claim).await;
    }
}

pub(super) async fn after_an_expiry_the_next_number_is_larger(t: &Trial<'_>) {
    let vote = t.vote(&t.claim(["a"]), fenced(SHORT, u64::MAX, LONG)).await;
    let Vote::Granted { fence: Some(first) } = vote else { panic!("{vote:?}") };
    t.until_free("a", SHORT + LATE).await;
    assert_eq!(t.counter("a").await, Some(first));
    assert!(t.take_fenced(&t.claim(["a"]), 0).await > first);
}

pub(super) async fn a_hint_that_agrees_with_the_nodes_clock_is_the_number(t: &Trial<'_>) {
    // A machine that stalls may let the clock run past the hint.
    for i in 0..20 {
        let clock = t.take_fenced(&t.claim([format!("clock {i}")]), 0).await + SLACK_MICROS;
        let hint = clock + SLACK_MICROS / 2;
        if t.take_fenced(&t.claim([format!("hinted {i}")]), hint).await == hint {
            return;
        }
    }
    panic!("the hint was never taken");
}

pub(super) async fn a_hint_far_from_the_nodes_clock_is_bounded_by_it(t: &Trial<'_>) {
    let before = t.take_fenced(&t.claim(["before"]), 0).await;
    let ahead = t.take_fenced(&t.claim(["ahead"]), u64::MAX).await;
    let after = t.take_fenced(&t.claim(["after"]), 1).await;
    assert!(before <= after, "the clock of {before} went back to {after}");
    let bounds = before + SLACK_MICROS * 2..=after + SLACK_MICROS * 2;
    assert!(bounds.contains(&ahead), "{ahead} is not in {bounds:?}");
    // Years ahead it would never be overtaken, long ago a forgotten counter would be.
    assert!(before > SLACK_MICROS, "no clock of 1970 is right");
}

pub(super) async fn a_fenced_refusal_tells_the_counter_and_changes_nothing(t: &Trial<'_>) {
    let holder = t.claim(["a"]);
    let number = t.take_fenced(&holder, 0).await;
    t.raise(&holder, number + 5).await;
    for (parts, hint) in [(&["a"][..], 0), (&["b", "a"], u64::MAX)] {
        match t.vote(&t.claim(parts), fenced(LONG * 2, hint, LONG)).await {
            Vote::Held { fence, .. } => assert_eq!(fence, Some(number + 5)),
            vote => panic!("expected a refusal, got {vote:?}"),
        }
    }
    t.assert_held(&holder, ["a"]).await;
    assert!(t.left("a").await <= LONG);
    assert_eq!(t.counters(["a", "b"]).await, [Some(number + 5), None]);
}

pub(super) async fn a_fenced_acquire_sent_twice_is_told_from_a_fresh_grant(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    let number = t.take_fenced(&claim, 0).await;
    let again = t.vote(&claim, fenced(LONG * 2, 0, LONG)).await;
    assert_eq!(again, Vote::AlreadyOurs);
    assert!(t.left("a").await <= LONG);
    assert!(t.counter("a").await.expect("a counter") >= number);
}

pub(super) async fn several_resources_get_one_number_above_all_their_counters(t: &Trial<'_>) {
    // The largest one comes first, last, and between.
    for largest in ["a", "b", "c"] {
        let one = t.claim([largest]);
        let high = t.take_fenced(&one, u64::MAX).await + 1_000_000_000;
        t.raise(&one, high).await;
        t.release(&one).await;
        let all = t.claim(["a", "b", "c"]);
        let number = t.take_fenced(&all, 0).await;
        assert!(number > high, "{number} is not above {high}");
        assert_eq!(t.counters(["a", "b", "c"]).await, [Some(number); 3]);
        t.release(&all).await;
    }
}

pub(super) async fn a_refused_claim_lifts_no_counter(t: &Trial<'_>) {
    for held in ["c", "b", "a"] {
        let holder = t.claim([held]);
        t.take(&holder, LONG).await;
        let vote = t.vote(&t.claim(["a", "b", "c"]), fenced(LONG, u64::MAX, LONG)).await;
        assert!(matches!(vote, Vote::Held { .. }), "{vote:?}");
        assert_eq!(t.counters(["a", "b", "c"]).await, [None; 3]);
        t.release(&holder).await;
    }
}

pub(super) async fn an_acquire_without_fencing_leaves_the_counters_alone(t: &Trial<'_>) {
    let (first, second) = (t.claim(["a"]), t.claim(["a", "b"]));
    let number = t.take_fenced(&first, 0).await;
    t.release(&first).await;
    match t.vote(&second, crate::node::Terms::new(LONG)).await {
        Vote::Granted { fence } => assert_eq!(fence, None),
        vote => panic!("expected a grant, got {vote:?}"),
    }
    t.extend(&second, LONG * 2).await;
    t.release(&second).await;
    assert_eq!(t.counters(["a", "b"]).await, [Some(number), None]);
}

pub(super) async fn a_counter_is_forgotten_after_its_life_and_not_before(t: &Trial<'_>) {
    let began = Instant::now();
    let vote = t.vote(&t.claim(["a"]), fenced(SHORT / 5, 0, SHORT)).await;
    assert!(matches!(vote, Vote::Granted { fence: Some(_) }), "{vote:?}");
    while t.counter("a").await.is_some() {
        assert!(began.elapsed() <= SHORT + LATE, "the counter stays");
        sleep(SHORT / 50).await;
    }
    let lived = began.elapsed();
    assert!(lived + SHORT / 50 >= SHORT, "forgotten after {lived:?}");
}

pub(super) async fn a_fenced_extension_keeps_counters_alive_and_makes_none(t: &Trial<'_>) {
    let (claim, plain) = (t.claim(["a", "b"]), t.claim(["c"]));
    let vote = t.vote(&claim, fenced(LONG, 0, BRIEF)).await;
    let Vote::Granted { fence } = vote else { panic!("{vote:?}") };
    t.take(&plain, LONG).await;
    for claim in [&claim, &plain] {
        // The hint is no matter here.
        let answer = t.node().extend(claim.clone(), fenced(LONG, u64::MAX, LONG), LIMIT).await;
        assert_eq!(answer, Ok(Extension::Extended));
    }
    sleep(BRIEF + SHORT / 5).await;
    assert_eq!(t.counters(["a", "b", "c"]).await, [fence, fence, None]);
}

pub(super) async fn any_bytes_make_a_counters_name(t: &Trial<'_>) {
    let all: Vec<u8> = (0..=255).collect();
    let longest = t.longest_part();
    let names: [&[u8]; 9] = [
        b"line\r\nbreak",
        b"nul\0nul",
        b"{brace}",
        b"}{",
        b"\xff\xfe",
        b" ",
        b"$5\r\nhello\r\n",
        &all,
        &longest,
    ];
    for name in names {
        let claim = t.claim([name]);
        let number = t.take_fenced(&claim, 0).await;
        assert_eq!(t.counter(name).await, Some(number), "{}", name.escape_ascii());
        assert_eq!(t.raise(&claim, number + 1).await, Extension::Extended);
        assert_eq!(t.counter(name).await, Some(number + 1), "{}", name.escape_ascii());
        t.release(&claim).await;
    }
}

pub(super) async fn as_many_resources_as_a_key_takes_are_fenced_together(t: &Trial<'_>) {
    let parts: Vec<String> = (0..MAX_RESOURCES).map(|i| i.to_string()).collect();
    let claim = t.claim(&parts);
    let vote = t.vote(&claim, fenced(LONG / 2, 0, LONG)).await;
    let Vote::Granted { fence: Some(number) } = vote else { panic!("{vote:?}") };
    assert_eq!(t.raise(&claim, number + 1).await, Extension::Extended);
    assert_eq!(t.counters(&parts).await, vec![Some(number + 1); MAX_RESOURCES]);
    assert_unextended(t, &parts).await;
    let answer = t.node().extend(claim.clone(), fenced(LONG, 0, LONG), LIMIT).await;
    assert_eq!(answer, Ok(Extension::Extended));
    assert_eq!(t.release(&claim).await, Removal::Removed);
}
