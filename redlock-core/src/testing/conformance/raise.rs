use tokio::time::sleep;

use super::trial::{BRIEF, LIMIT, LONG, SHORT, Trial, all_but, assert_unextended, fenced};
use crate::node::{Extension, Vote};

pub(super) async fn a_raise_lifts_and_never_lowers(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    let number = t.take_fenced(&claim, 0).await;
    for (asked, then) in [(7, 0), (10, 3), (10, 10), (10, 9), (11, 0)] {
        assert_eq!(t.raise(&claim, number + asked).await, Extension::Extended);
        assert_eq!(t.counter("a").await, Some(number + asked));
        assert_eq!(t.raise(&claim, number + then).await, Extension::Extended);
        assert_eq!(t.counter("a").await, Some(number + asked));
    }
    t.release(&claim).await;
    assert!(t.take_fenced(&t.claim(["a"]), 0).await > number + 11);
}

pub(super) async fn a_raise_gives_a_counter_to_a_hold_without_one(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    assert_eq!(t.raise(&claim, 7).await, Extension::Extended);
    assert_eq!(t.counter("a").await, Some(7));
}

pub(super) async fn a_raise_of_what_is_gone_changes_nothing(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    assert_eq!(t.raise(&claim, 7).await, Extension::Gone);
    assert_eq!(t.counter("a").await, None);
    let number = t.take_fenced(&claim, 0).await;
    t.release(&claim).await;
    assert_eq!(t.raise(&claim, number + 7).await, Extension::Gone);
    assert_eq!(t.counter("a").await, Some(number));
    t.assert_free(["a"]).await;
}

pub(super) async fn a_raise_by_another_changes_nothing(t: &Trial<'_>) {
    let holder = t.claim(["a"]);
    let number = t.take_fenced(&holder, 0).await;
    assert_eq!(t.raise(&t.claim(["a"]), number + 7).await, Extension::Foreign);
    assert_eq!(t.counter("a").await, Some(number));
    t.assert_held(&holder, ["a"]).await;
}

pub(super) async fn several_counters_are_raised_each_for_itself(t: &Trial<'_>) {
    let claim = t.claim(["a", "b", "c"]);
    let number = t.take_fenced(&claim, 0).await;
    t.raise(&t.same(&claim, ["b"]), number + 7).await;
    assert_eq!(t.raise(&claim, number + 5).await, Extension::Extended);
    assert_eq!(t.counters(["a", "b", "c"]).await, [5, 7, 5].map(|n| Some(number + n)));
}

pub(super) async fn several_counters_are_raised_all_or_none(t: &Trial<'_>) {
    for amiss in ["c", "b", "a"] {
        for (taken, answer) in [(false, Extension::Gone), (true, Extension::Foreign)] {
            let (claim, other) = (t.claim(["a", "b", "c"]), t.claim([amiss]));
            let number = t.take_fenced(&claim, 0).await;
            t.release(&t.same(&claim, [amiss])).await;
            if taken {
                t.take(&other, LONG).await;
            }
            assert_eq!(t.raise(&claim, number + 7).await, answer, "`{amiss}`");
            assert_eq!(t.counters(["a", "b", "c"]).await, [Some(number); 3]);
            t.assert_held(&claim, all_but(amiss)).await;
            t.release(&claim).await;
            t.release(&other).await;
        }
    }
}

pub(super) async fn a_raise_leaves_the_hold_and_its_time_alone(t: &Trial<'_>) {
    let claim = t.claim(["a", "b"]);
    t.take(&claim, LONG / 2).await;
    assert_eq!(t.raise(&claim, 7).await, Extension::Extended);
    t.assert_held(&claim, ["a", "b"]).await;
    assert_unextended(t, ["a", "b"]).await;
}

pub(super) async fn a_raise_keeps_counters_alive(t: &Trial<'_>) {
    let (lifted, standing) = (t.claim(["a"]), t.claim(["b"]));
    for (claim, by) in [(&lifted, 7), (&standing, 0)] {
        let vote = t.vote(claim, fenced(LONG, 0, BRIEF)).await;
        let Vote::Granted { fence: Some(number) } = vote else { panic!("{vote:?}") };
        assert_eq!(t.raise(claim, number + by).await, Extension::Extended);
    }
    sleep(BRIEF + SHORT / 5).await;
    assert!(t.counter("a").await.is_some(), "it was lifted");
    assert!(t.counter("b").await.is_some(), "it stood high enough");
}

pub(super) async fn no_raise_or_extension_shortens_a_counters_life(t: &Trial<'_>) {
    let brief = SHORT / 5;
    let claims = [t.claim(["a"]), t.claim(["b"]), t.claim(["c"])];
    let mut numbers = Vec::new();
    for claim in &claims {
        numbers.push(t.take_fenced(claim, 0).await);
    }
    let [lifted, standing, extended] = claims;
    numbers[0] += 7;
    for answer in [
        t.node().raise(lifted, numbers[0], brief, LIMIT).await,
        t.node().raise(standing, numbers[1], brief, LIMIT).await,
        t.node().extend(extended, fenced(LONG, 0, brief), LIMIT).await,
    ] {
        assert_eq!(answer, Ok(Extension::Extended));
    }
    sleep(brief * 2).await;
    let numbers: Vec<_> = numbers.into_iter().map(Some).collect();
    assert_eq!(t.counters(["a", "b", "c"]).await, numbers);
}
