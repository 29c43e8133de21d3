use std::time::Duration;

use super::trial::{LONG, Trial, all_but, fenced};
use crate::node::{Claim, Extension, Removal, Terms, Vote};

/// Longer than any node has run.
const AGES: Duration = Duration::from_secs(1_000_000_000);

/// A new holder's claim on what `giver` claims, which takes over from it.
fn taker(t: &Trial<'_>, giver: &Claim, parts: &[&str]) -> Claim {
    t.claim(parts).succeeding(giver.token().as_bytes())
}

fn swapped(resources: usize) -> Vote {
    Vote::Swapped { fence: None, resources, counter: None }
}

pub(super) async fn a_former_value_is_swapped_for_the_claims(t: &Trial<'_>) {
    let giver = t.claim(["a"]);
    t.take(&giver, LONG).await;
    let taker = taker(t, &giver, &["a"]);
    assert_eq!(t.vote(&taker, Terms::new(LONG)).await, swapped(1));
    t.assert_held(&taker, ["a"]).await;
}

pub(super) async fn a_swapped_resource_lives_for_its_own_time(t: &Trial<'_>) {
    for (first, second) in [(LONG, LONG / 4), (LONG / 4, LONG)] {
        let giver = t.claim(["a"]);
        t.take(&giver, first).await;
        let taker = taker(t, &giver, &["a"]);
        assert_eq!(t.vote(&taker, Terms::new(second)).await, swapped(1));
        let left = t.left("a").await;
        assert!(left > second / 2 && left <= second, "{left:?} left of {second:?}");
        t.release(&taker).await;
    }
}

pub(super) async fn a_free_resource_is_taken_beside_a_former_one(t: &Trial<'_>) {
    let giver = t.claim(["b"]);
    t.take(&giver, LONG).await;
    let taker = taker(t, &giver, &["a", "b", "c"]);
    assert_eq!(t.vote(&taker, Terms::new(LONG)).await, swapped(1));
    t.assert_held(&taker, ["a", "b", "c"]).await;
}

pub(super) async fn where_nothing_holds_the_former_value_it_is_a_grant_as_any(t: &Trial<'_>) {
    let taker = taker(t, &t.claim(["a"]), &["a", "b"]);
    t.take(&taker, LONG).await;
    t.assert_held(&taker, ["a", "b"]).await;
}

pub(super) async fn what_is_not_exactly_the_former_value_is_refused(t: &Trial<'_>) {
    let giver = t.claim(["a"]);
    let taker = taker(t, &giver, &["a"]);
    let token = giver.token().as_bytes();
    for other in [[token, b"0"].concat(), [token, b" "].concat(), token[..39].to_vec(), vec![]] {
        t.put("a", &other, Some(LONG)).await;
        t.refused(&taker).await;
        assert_eq!(t.value("a").await, Some(other));
        t.release(&giver).await;
    }
}

pub(super) async fn of_two_takers_the_second_is_refused(t: &Trial<'_>) {
    let giver = t.claim(["a"]);
    t.take(&giver, LONG).await;
    let (first, second) = (taker(t, &giver, &["a"]), taker(t, &giver, &["a"]));
    assert_eq!(t.vote(&first, Terms::new(LONG)).await, swapped(1));
    t.refused(&second).await;
    t.assert_held(&first, ["a"]).await;
    assert_eq!(t.release(&second).await, Removal::Foreign);
    t.assert_held(&first, ["a"]).await;
}

pub(super) async fn a_giver_finds_nothing_of_its_own_after_a_swap(t: &Trial<'_>) {
    let giver = t.claim(["a"]);
    let number = t.take_fenced(&giver, 0).await;
    let taker = taker(t, &giver, &["a"]);
    let vote = t.vote(&taker, fenced(LONG / 2, 0, LONG)).await;
    let Vote::Swapped { fence: Some(fence), .. } = vote else { panic!("{vote:?}") };
    assert_eq!(t.extend(&giver, LONG * 2).await, Extension::Foreign);
    assert_eq!(t.raise(&giver, fence + 9).await, Extension::Foreign);
    assert_eq!(t.release(&giver).await, Removal::Foreign);
    t.refused(&giver).await;
    t.assert_held(&taker, ["a"]).await;
    assert!(fence > number && t.left("a").await <= LONG / 2);
    assert_eq!(t.counter("a").await, Some(fence));
    // Nor is a claim's own release or extension any other's than its own.
    assert_eq!(t.extend(&taker, LONG).await, Extension::Extended);
    assert_eq!(t.release(&taker).await, Removal::Removed);
    t.assert_free(["a"]).await;
}

pub(super) async fn a_swap_sent_twice_is_told_from_a_fresh_one(t: &Trial<'_>) {
    let giver = t.claim(["a"]);
    t.take(&giver, LONG).await;
    let taker = taker(t, &giver, &["a"]);
    assert_eq!(t.vote(&taker, Terms::new(LONG / 2)).await, swapped(1));
    t.take_again(&taker, LONG).await;
    t.assert_held(&taker, ["a"]).await;
    assert!(t.left("a").await <= LONG / 2);
}

pub(super) async fn several_resources_are_swapped_all_or_none(t: &Trial<'_>) {
    for held in ["c", "b", "a"] {
        let (giver, holder) = (t.claim(all_but(held)), t.claim([held]));
        t.take(&giver, LONG).await;
        t.take(&holder, LONG).await;
        t.refused(&taker(t, &giver, &["a", "b", "c"])).await;
        t.assert_held(&giver, all_but(held)).await;
        t.assert_held(&holder, [held]).await;
        t.release(&giver).await;
        t.release(&holder).await;
    }
    let giver = t.claim(["a", "b", "c"]);
    t.take(&giver, LONG).await;
    let taker = taker(t, &giver, &["a", "b", "c"]);
    assert_eq!(t.vote(&taker, Terms::new(LONG)).await, swapped(3));
    t.assert_held(&taker, ["a", "b", "c"]).await;
}

pub(super) async fn a_former_value_with_a_label_is_swapped(t: &Trial<'_>) {
    let value = [t.claim(["a"]).token().as_bytes(), b" a \xff label"].concat();
    t.put("a", &value, Some(LONG)).await;
    t.put("b", &value, None).await;
    let taker = t.claim(["a", "b"]).succeeding(value);
    assert_eq!(t.vote(&taker, Terms::new(LONG)).await, swapped(2));
    t.assert_held(&taker, ["a", "b"]).await;
    assert!(t.left("b").await <= LONG);
}

pub(super) async fn a_fenced_swap_gives_a_number_and_tells_the_largest_counter_before(
    t: &Trial<'_>,
) {
    let (giver, other) = (t.claim(["a", "b"]), t.claim(["c"]));
    let first = t.take_fenced(&giver, 0).await;
    let high = t.take_fenced(&other, 0).await.max(first) + 1_000_000_000;
    t.raise(&other, high).await;
    t.release(&other).await;
    for (parts, before) in [(&["a", "b"][..], first), (&["a", "b", "c"], high)] {
        let number = before + 1;
        let taker = taker(t, &giver, parts);
        match t.vote(&taker, fenced(LONG, 0, LONG)).await {
            Vote::Swapped { fence: Some(fence), resources: 2, counter } => {
                assert!(fence >= number, "{fence} is not above {before}");
                assert_eq!(counter, Some(before));
                let counters = t.counters(parts).await;
                assert!(counters.iter().all(|counter| *counter == Some(fence)), "{counters:?}");
            }
            vote => panic!("{vote:?}"),
        }
        t.release(&taker).await;
        // As if it had never gone.
        t.take(&giver, LONG).await;
    }
    let giver = t.claim(["d"]);
    t.take(&giver, LONG).await;
    let vote = t.vote(&taker(t, &giver, &["d"]), fenced(LONG, 0, LONG)).await;
    let Vote::Swapped { fence: Some(_), counter, .. } = vote else { panic!("{vote:?}") };
    assert_eq!(counter, None, "there was none");
}

pub(super) async fn within_the_guard_nothing_is_swapped(t: &Trial<'_>) {
    let giver = t.claim(["a"]);
    let number = t.take_fenced(&giver, 0).await;
    let taker = taker(t, &giver, &["a"]);
    for terms in [Terms::new(LONG), fenced(LONG, 0, LONG)] {
        let vote = t.vote(&taker, terms.with_guard(Some(AGES))).await;
        assert!(matches!(vote, Vote::Warming { .. }), "{vote:?}");
    }
    t.assert_held(&giver, ["a"]).await;
    assert_eq!(t.counter("a").await, Some(number));
}
