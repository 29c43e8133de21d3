use std::time::Duration;

use super::shared::{assert_shared, reader};
use super::slots::{SLOTS, full, given, place};
use super::trial::{LATE, LONG, SHORT, Trial, fenced};
use crate::decide::fence::SLACK;
use crate::node::{Claim, Placed, Terms, Vote};

const SLACK_MICROS: u64 = SLACK.as_micros() as u64;

/// Longer than any node has run.
const AGES: Duration = Duration::from_secs(1_000_000_000);

/// Asks for a slot with fencing, insists on this one, and gives its number.
async fn numbered(t: &Trial<'_>, slots: &Claim, slot: usize, hint: u64) -> u64 {
    let placed = place(t, slots, fenced(LONG, hint, LONG), slot).await;
    match placed {
        Placed { vote: Vote::Granted { fence: Some(number) }, slot: Some(given), .. } => {
            assert_eq!(given, slot);
            number
        }
        placed => panic!("expected a slot with a number, got {placed:?}"),
    }
}

pub(super) async fn a_slot_has_the_number_of_its_own_counter_alone(t: &Trial<'_>) {
    let (one, other) = (t.claim(SLOTS), t.claim(SLOTS));
    let first = numbered(t, &one, 0, 0).await;
    assert_eq!(first % 2, 0);
    assert_eq!(t.counters(SLOTS).await, [Some(first), None, None]);
    let high = first + 1_000_000_000;
    t.raise(&t.same(&one, ["a"]), high).await;
    let second = numbered(t, &other, 1, 0).await;
    assert!(second < high, "{second} is of another slot's counter");
    assert_eq!(t.counters(SLOTS).await, [Some(high), Some(second), None]);
    t.release(&one).await;
    let third = numbered(t, &t.claim(SLOTS), 0, u64::MAX).await;
    assert!(third > high && third % 2 == 0, "{third} is not above {high}");
    assert_eq!(t.counters(SLOTS).await, [Some(third), Some(second), None]);
}

pub(super) async fn a_slot_without_a_counter_takes_the_hint_near_the_clock(t: &Trial<'_>) {
    let (before, ahead, after) = (t.claim(SLOTS), t.claim(SLOTS), t.claim(SLOTS));
    let clock = numbered(t, &before, 0, 0).await + SLACK_MICROS;
    let ahead = numbered(t, &ahead, 1, u64::MAX).await;
    let after = numbered(t, &after, 2, 0).await + SLACK_MICROS;
    let bounds = clock + SLACK_MICROS - 2..=after + SLACK_MICROS + 2;
    assert!(bounds.contains(&ahead), "{ahead} is not in {bounds:?}");
}

pub(super) async fn a_slot_that_is_not_given_lifts_no_counter(t: &Trial<'_>) {
    let claim = t.claim(SLOTS);
    let number = numbered(t, &claim, 0, 0).await;
    let terms = fenced(LONG, u64::MAX, LONG);
    for first in 0..SLOTS.len() {
        let again = place(t, &claim, terms, first).await;
        assert_eq!((again.vote, again.slot), (Vote::AlreadyOurs, Some(0)));
    }
    t.take(&t.claim(["b", "c"]), LONG).await;
    for first in 0..SLOTS.len() {
        match place(t, &t.claim(SLOTS), terms, first).await.vote {
            Vote::Held { fence: None, label: None, .. } => {}
            vote => panic!("expected a refusal, got {vote:?}"),
        }
    }
    assert_eq!(t.counters(SLOTS).await, [Some(number), None, None]);
}

pub(super) async fn a_slot_without_fencing_leaves_the_counters_alone(t: &Trial<'_>) {
    let first = t.claim(SLOTS);
    let number = numbered(t, &first, 0, 0).await;
    t.release(&first).await;
    given(t, &t.claim(SLOTS), 0, 0, 0).await;
    given(t, &t.claim(SLOTS), 0, 1, 0b001).await;
    assert_eq!(t.counters(SLOTS).await, [Some(number), None, None]);
}

pub(super) async fn a_slots_counter_outlives_its_hold(t: &Trial<'_>) {
    let placed = place(t, &t.claim(SLOTS), fenced(SHORT, u64::MAX, LONG), 1).await;
    let Vote::Granted { fence: Some(number) } = placed.vote else { panic!("{placed:?}") };
    t.until_free("b", SHORT + LATE).await;
    assert_eq!(t.counter("b").await, Some(number));
    assert!(numbered(t, &t.claim(SLOTS), 1, 0).await > number);
}

pub(super) async fn within_the_guard_no_slot_is_given(t: &Trial<'_>) {
    let holder = t.claim(SLOTS);
    given(t, &holder, 1, 1, 0).await;
    for terms in [Terms::new(LONG), fenced(LONG, 0, LONG)] {
        for first in 0..SLOTS.len() {
            let guarded = terms.with_guard(Some(AGES));
            let placed = place(t, &t.claim(SLOTS), guarded, first).await;
            assert_eq!((placed.slot, placed.taken), (None, 0b010));
            assert!(matches!(placed.vote, Vote::Warming { .. }), "{placed:?}");
            // Nothing would be given here.
            let again = place(t, &holder, guarded, first).await;
            assert_eq!((again.vote, again.slot), (Vote::AlreadyOurs, Some(1)));
        }
    }
    t.assert_free(["a", "c"]).await;
    assert_eq!(t.counters(SLOTS).await, [None; 3]);
    t.take(&t.claim(["a", "c"]), LONG).await;
    let guarded = Terms::new(LONG).with_guard(Some(AGES));
    let refused = place(t, &t.claim(SLOTS), guarded, 0).await;
    assert!(matches!(refused.vote, Vote::Held { .. }), "{refused:?}");
    t.release(&holder).await;
    let unguarded = Terms::new(LONG).with_guard(Some(Duration::ZERO));
    let granted = place(t, &t.claim(SLOTS), unguarded, 0).await;
    assert_eq!((granted.vote, granted.slot), (Vote::Granted { fence: None }, Some(1)));
}

pub(super) async fn no_intent_is_left_at_slots(t: &Trial<'_>) {
    let (one, late) = (reader(t, &SLOTS), reader(t, &SLOTS));
    t.take(&one, LONG).await;
    full(t, &t.claim(SLOTS), 0).await;
    let wants = Terms::new(LONG).with_intent(Some(LONG));
    let refused = place(t, &t.claim(SLOTS), wants, 0).await;
    assert!(matches!(refused.vote, Vote::Held { .. }), "{refused:?}");
    t.take(&late, LONG).await;
    for part in SLOTS {
        assert_shared(t, part, &[&one, &late]).await;
    }
}
