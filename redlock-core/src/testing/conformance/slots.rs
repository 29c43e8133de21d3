use std::collections::HashSet;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::shared::{assert_shared, reader};
use super::trial::{Begun, LATE, LIMIT, LONG, SHORT, Trial};
use crate::node::key::MAX_RESOURCES;
use crate::node::label::Label;
use crate::node::{Claim, Expiry, Extension, Placed, Removal, Terms, Vote};

/// In the order in which a key has them.
pub(super) const SLOTS: [&str; 3] = ["a", "b", "c"];

/// What a server's clock of whole milliseconds may be off against ours.
const GRAIN: Duration = Duration::from_millis(2);

pub(super) async fn place(t: &Trial<'_>, slots: &Claim, terms: Terms, first: usize) -> Placed {
    let answer = t.node().acquire_any(slots.clone(), terms, first, LIMIT).await;
    answer.expect("an answer to acquire")
}

/// Asks for a slot, and insists on this one.
pub(super) async fn given(t: &Trial<'_>, slots: &Claim, first: usize, slot: usize, taken: u64) {
    let placed = place(t, slots, Terms::new(LONG), first).await;
    let vote = Vote::Granted { fence: None };
    assert_eq!(placed, Placed { vote, slot: Some(slot), taken });
    t.assert_held(slots, [SLOTS[slot]]).await;
}

/// Asks for a slot, insists that there is none, and gives when there will be one.
pub(super) async fn full(t: &Trial<'_>, slots: &Claim, first: usize) -> Expiry {
    match place(t, slots, Terms::new(LONG), first).await {
        Placed {
            vote: Vote::Held { expiry, fence: None, label: None, kept: false },
            slot: None,
            taken: 0b111,
        } => expiry,
        placed => panic!("expected to be told that all are taken, got {placed:?}"),
    }
}

fn but(slot: usize) -> impl Iterator<Item = &'static str> {
    SLOTS.into_iter().enumerate().filter(move |(at, _)| *at != slot).map(|(_, part)| part)
}

pub(super) async fn a_slot_is_given_from_the_one_that_is_asked_for(t: &Trial<'_>) {
    for (first, part) in SLOTS.into_iter().enumerate() {
        let claim = t.claim(SLOTS);
        given(t, &claim, first, first, 0).await;
        t.assert_free(but(first)).await;
        assert_eq!(t.release(&t.same(&claim, [part])).await, Removal::Removed);
    }
}

pub(super) async fn taken_slots_are_passed_over_and_behind_the_last_comes_the_first(t: &Trial<'_>) {
    let cases: [(&[&str], usize, usize, u64); 6] = [
        (&["a"], 0, 1, 0b001),
        (&["b"], 1, 2, 0b010),
        (&["a", "b"], 0, 2, 0b011),
        (&["c"], 2, 0, 0b100),
        (&["b", "c"], 1, 0, 0b110),
        (&["a", "c"], 2, 1, 0b101),
    ];
    for (held, first, slot, taken) in cases {
        let (holder, claim) = (t.claim(held), t.claim(SLOTS));
        t.take(&holder, LONG).await;
        given(t, &claim, first, slot, taken).await;
        t.assert_held(&holder, held).await;
        let others: Vec<_> = but(slot).filter(|part| !held.contains(part)).collect();
        t.assert_free(others).await;
        t.release(&claim).await;
        t.release(&holder).await;
    }
}

pub(super) async fn where_all_slots_are_taken_the_soonest_end_is_told(t: &Trial<'_>) {
    let label = Label::new("a holder").unwrap();
    for (part, ttl) in [("a", LONG), ("b", LONG / 4), ("c", LONG / 2)] {
        t.take(&t.claim([part]).with_label(label.clone()), ttl).await;
    }
    for first in 0..SLOTS.len() {
        let Expiry::In(left) = full(t, &t.claim(SLOTS), first).await else { panic!("no end") };
        assert!(left > LONG / 8 && left <= LONG / 4, "{left:?}");
    }
    // What never ends is not soon.
    t.put("b", "somebody's", None).await;
    let Expiry::In(left) = full(t, &t.claim(SLOTS), 0).await else { panic!("no end") };
    assert!(left > LONG / 4 && left <= LONG / 2, "{left:?}");
    for part in SLOTS {
        t.put(part, "somebody's", None).await;
    }
    assert_eq!(full(t, &t.claim(SLOTS), 0).await, Expiry::Never);
    for part in SLOTS {
        t.put(part, "somebody's", Some(SHORT)).await;
    }
}

pub(super) async fn a_slot_asked_for_twice_is_told_from_a_fresh_one(t: &Trial<'_>) {
    let claim = t.claim(SLOTS);
    let first = place(t, &claim, Terms::new(LONG / 2), 1).await;
    assert_eq!(first.slot, Some(1));
    let again = async |taken| {
        for (first, ttl) in [(0, LONG), (1, LONG / 4), (2, LONG)] {
            let placed = place(t, &claim, Terms::new(ttl), first).await;
            assert_eq!(placed, Placed { vote: Vote::AlreadyOurs, slot: Some(1), taken });
            let left = t.left("b").await;
            assert!(left > LONG / 4 && left <= LONG / 2, "{left:?}");
        }
    };
    again(0b010).await;
    t.assert_free(but(1)).await;
    t.take(&t.claim(["a", "c"]), LONG).await;
    again(0b111).await;
}

pub(super) async fn a_given_slot_is_a_resource_like_any(t: &Trial<'_>) {
    let (claim, next) = (t.claim(SLOTS), t.claim(SLOTS));
    given(t, &claim, 1, 1, 0).await;
    let slot = claim.on(claim.key().only(1).expect("a second one"));
    t.refused(&t.claim(["b"])).await;
    t.take_again(&slot, LONG).await;
    assert_eq!(t.extend(&slot, LONG * 2).await, Extension::Extended);
    assert!(t.left("b").await > LONG);
    given(t, &next, 1, 2, 0b010).await;
    assert_eq!(t.release(&slot).await, Removal::Removed);
    given(t, &t.claim(SLOTS), 1, 1, 0b100).await;
}

pub(super) async fn a_release_over_all_slots_frees_the_one_that_was_given(t: &Trial<'_>) {
    let (claim, other) = (t.claim(SLOTS), t.claim(SLOTS));
    given(t, &claim, 1, 1, 0).await;
    given(t, &other, 2, 2, 0b010).await;
    assert_eq!(t.release(&claim).await, Removal::Foreign);
    t.assert_free(["a", "b"]).await;
    t.assert_held(&other, ["c"]).await;
    assert_eq!(t.release(&other).await, Removal::Gone);
    t.assert_free(SLOTS).await;
}

pub(super) async fn a_slot_that_freed_itself_is_given_again_and_not_before(t: &Trial<'_>) {
    let (holder, next) = (t.claim(["a"]), t.claim(["a"]));
    let began = Instant::now();
    let placed = place(t, &holder, Terms::new(SHORT), 0).await;
    assert_eq!(placed.vote, Vote::Granted { fence: None });
    while place(t, &next, Terms::new(LONG), 0).await.slot.is_none() {
        assert!(began.elapsed() <= SHORT + LATE, "it does not free itself");
        sleep(SHORT / 50).await;
    }
    let lived = began.elapsed();
    assert!(lived + GRAIN >= SHORT, "given again after {lived:?}");
    t.assert_held(&next, ["a"]).await;
}

pub(super) async fn marks_and_shares_take_a_slot(t: &Trial<'_>) {
    let (kept, shared) = (t.claim(["a"]), reader(t, &["b"]));
    t.take(&kept, LONG).await;
    let removal = t.node().keep(kept.clone(), LONG / 4, LIMIT).await;
    assert_eq!(removal, Ok(Removal::Removed));
    t.take(&shared, LONG).await;
    let claim = t.claim(SLOTS);
    given(t, &claim, 0, 2, 0b011).await;
    // Its own mark is no slot of its holder's either.
    let Expiry::In(left) = full(t, &t.same(&kept, SLOTS), 1).await else { panic!("no end") };
    assert!(left > LONG / 8 && left <= LONG / 4, "{left:?}");
    assert_eq!(t.value("a").await, Some(kept.mark()));
    assert_shared(t, "b", &[&shared]).await;
    t.release(&claim).await;
    t.put("c", "", None).await;
    t.put("a", "", None).await;
    // A share's end is the soonest that there is.
    let Expiry::In(left) = full(t, &t.claim(SLOTS), 2).await else { panic!("no end") };
    assert!(left > LONG / 2 && left <= LONG + GRAIN, "{left:?}");
    for part in ["a", "c"] {
        t.put(part, "", Some(SHORT)).await;
    }
}

pub(super) async fn whatever_value_stands_there_takes_a_slot(t: &Trial<'_>) {
    let claim = t.claim(SLOTS);
    let longer = [claim.value(), b"x"].concat();
    t.put("a", "", Some(LONG)).await;
    t.put("b", &longer, Some(LONG)).await;
    given(t, &claim, 0, 2, 0b011).await;
    assert_eq!(t.value("a").await.as_deref(), Some(&b""[..]));
    assert_eq!(t.value("b").await, Some(longer));
}

pub(super) async fn the_same_token_with_another_label_has_a_slot_of_its_own(t: &Trial<'_>) {
    let label = |text: &str| Label::new(text).unwrap();
    let claim = t.claim(SLOTS).with_label(label("one"));
    let other = claim.clone().with_label(label("another"));
    given(t, &claim, 0, 0, 0).await;
    given(t, &other, 0, 1, 0b001).await;
    let holding = t.holding("b").await.expect("a holder");
    assert_eq!(holding.label, Some(label("another")));
    t.assert_held(&claim, ["a"]).await;
}

pub(super) async fn as_many_slots_as_a_key_takes_are_given_one_by_one(t: &Trial<'_>) {
    let parts: Vec<String> = (0..MAX_RESOURCES).map(|i| i.to_string()).collect();
    let (last, mut taken) = (MAX_RESOURCES - 1, 0);
    for given in 0..MAX_RESOURCES {
        let claim = t.claim(&parts);
        let placed = place(t, &claim, Terms::new(LONG), last).await;
        let slot = (last + given) % MAX_RESOURCES;
        let vote = Vote::Granted { fence: None };
        assert_eq!(placed, Placed { vote, slot: Some(slot), taken });
        // Names stand in the order of their bytes: `10` before `2`.
        let name = claim.key().resources().nth(slot).expect("a name").to_vec();
        assert_eq!(t.fixture.value(&name).await.as_deref(), Some(claim.value()));
        taken |= 1 << slot;
    }
    let refused = place(t, &t.claim(&parts), Terms::new(LONG), 0).await;
    assert_eq!((refused.slot, refused.taken), (None, u64::MAX));
    assert!(matches!(refused.vote, Vote::Held { .. }), "{refused:?}");
}

pub(super) async fn of_many_at_once_each_has_a_slot_of_its_own(t: &Trial<'_>) {
    for round in 0..10 {
        let parts: Vec<String> = (0..5).map(|slot| format!("{round}:{slot}")).collect();
        let mut asking = JoinSet::new();
        for first in 0..16 {
            let (node, claim) = (t.node(), t.claim(&parts));
            asking.spawn(async move {
                let terms = Terms::new(LONG);
                let answer = node.acquire_any(claim.clone(), terms, first % 5, LIMIT).await;
                (claim, answer.expect("an answer to acquire"))
            });
        }
        let (mut slots, mut refused) = (HashSet::new(), 0);
        for (claim, placed) in asking.join_all().await {
            let Some(slot) = placed.slot else {
                refused += 1;
                continue;
            };
            assert!(slots.insert(slot), "slot {slot} has two holders");
            t.assert_held(&claim, [&parts[slot]]).await;
        }
        assert_eq!((slots.len(), refused), (5, 11));
    }
}

pub(super) async fn a_release_right_behind_a_slots_acquire_leaves_nothing(t: &Trial<'_>) {
    for first in 0..20 {
        let claim = t.claim(SLOTS);
        let acquire = t.node().acquire_any(claim.clone(), Terms::new(LONG), first % 3, LIMIT);
        let acquire = Begun::poll_once(acquire).await;
        let release = Begun::poll_once(t.node().release(claim, LIMIT)).await;
        acquire.answer().await;
        release.answer().await;
        t.assert_free(SLOTS).await;
    }
}
