use super::counter_types::NO_NUMBERS;
use super::slots::{SLOTS, full, given};
use super::trial::{LIMIT, LONG, Trial, fenced};
use crate::node::key::COUNTER_PREFIX;
use crate::node::{Expiry, Fault, Vote};

fn counter_name(t: &Trial<'_>, part: &str) -> Vec<u8> {
    [COUNTER_PREFIX.as_bytes(), &t.name(part)].concat()
}

pub(super) async fn what_is_no_locks_takes_a_slot(t: &Trial<'_>) {
    for part in ["a", "b"] {
        t.fixture.put_list(&t.name(part), LONG).await;
    }
    let claim = t.claim(SLOTS);
    given(t, &claim, 0, 2, 0b011).await;
    t.release(&claim).await;
    for part in ["a", "b"] {
        assert!(t.fixture.is_list(&t.name(part)).await, "`{part}` is no list any more");
    }
}

pub(super) async fn what_is_no_locks_in_every_slot_leaves_none(t: &Trial<'_>) {
    for (part, ttl) in SLOTS.into_iter().zip([LONG, LONG / 4, LONG]) {
        t.fixture.put_list(&t.name(part), ttl).await;
    }
    for first in 0..SLOTS.len() {
        let Expiry::In(left) = full(t, &t.claim(SLOTS), first).await else { panic!("no end") };
        assert!(left > LONG / 8 && left <= LONG / 4, "{left:?}");
    }
    for part in SLOTS {
        assert!(t.fixture.is_list(&t.name(part)).await, "`{part}` is no list any more");
    }
}

pub(super) async fn a_slots_counter_that_is_no_number_is_a_misconfiguration_there_alone(
    t: &Trial<'_>,
) {
    let terms = fenced(LONG, 0, LONG);
    let wrong = async |slot| {
        let claim = t.claim(SLOTS);
        match t.node().acquire_any(claim.clone(), terms, slot, LIMIT).await {
            Err(error) => assert_eq!(error.fault(), Fault::WrongType, "{error}"),
            Ok(placed) => panic!("expected an error, got {placed:?}"),
        }
        t.assert_free(SLOTS).await;
        // Another slot has another counter.
        let placed = t.node().acquire_any(claim.clone(), terms, 0, LIMIT).await;
        let placed = placed.expect("an answer to acquire");
        assert!(matches!(placed.vote, Vote::Granted { fence: Some(_) }), "{placed:?}");
        assert_eq!(placed.slot, Some(0));
        t.release(&claim).await;
    };
    let (text_counter, list_counter) = (counter_name(t, "b"), counter_name(t, "c"));
    for text in NO_NUMBERS {
        t.fixture.put(&text_counter, text.as_bytes(), Some(LONG)).await;
        wrong(1).await;
        assert_eq!(t.fixture.value(&text_counter).await.as_deref(), Some(text.as_bytes()));
    }
    t.fixture.put_list(&list_counter, LONG).await;
    wrong(2).await;
    assert!(t.fixture.is_list(&list_counter).await);
}
