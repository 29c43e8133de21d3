#![allow(clippy::unwrap_used)]

use super::tests::{CALM, assert_wrong, ended, had, id, write, wrong};
use super::*;
use crate::history::Micros;

fn reader(worker: usize, fence: u64, times: [Micros; 3]) -> Event {
    had(Mode::Reader, id(worker), Some(fence), times)
}

fn writer(worker: usize, fence: u64, times: [Micros; 3]) -> Event {
    had(Mode::Writer, id(worker), Some(fence), times)
}

fn look(worker: usize, fence: u64, value: u64, at: Micros, accepted: bool) -> Event {
    Event::Look { hold: id(worker), key: "k".to_owned(), fence, value, at, accepted }
}

/// A writer until 20, two readers between 30 and 60, and a writer from 70 on.
fn good() -> Vec<Event> {
    vec![
        writer(0, 4, [0, 10, 100]),
        write(0, 4, 1, 12, true),
        ended(0, 20),
        reader(1, 5, [5, 30, 130]),
        reader(2, 5, [6, 35, 130]),
        look(1, 5, 1, 36, true),
        look(2, 5, 1, 37, true),
        look(1, 5, 1, 50, true),
        ended(1, 55),
        ended(2, 60),
        writer(3, 6, [7, 70, 170]),
        write(3, 6, 2, 72, true),
        ended(3, 80),
    ]
}

#[test]
fn a_good_history_is_counted_and_passes() {
    let (counts, violations) = check(&good(), &CALM);
    assert_eq!(violations, []);
    assert_eq!((counts.holds, counts.readers, counts.hand_overs), (4, 2, 2));
    assert_eq!((counts.shared, counts.looks, counts.overlaps), (1, 3, 0));
}

#[test]
fn a_writer_beside_a_reader_is_a_violation_whoever_came_first() {
    let mut events = good();
    events[2] = ended(0, 31);
    assert_wrong(&events, &CALM, "a writer beside a reader");
    let mut events = good();
    events[9] = ended(2, 71);
    let (counts, violations) = check(&events, &CALM);
    assert_eq!((counts.overlaps, violations.len()), (1, 1));
    assert_eq!(violations[0].events, [events[4].clone(), events[10].clone()]);
}

#[test]
fn a_plain_client_is_alone_and_has_no_number() {
    let mut events = good();
    events.push(had(Mode::Plain, id(4), None, [81, 85, 90]));
    let (counts, violations) = check(&events, &CALM);
    assert_eq!((counts.plain, violations.len()), (1, 0));
    events.push(had(Mode::Plain, id(5), None, [81, 89, 95]));
    assert_wrong(&events, &CALM, "two holds at the same time");
    let mut events = good();
    events.push(had(Mode::Plain, id(4), None, [1, 56, 90]));
    events[12] = ended(3, 71);
    let both = ["a writer beside a reader", "two holds at the same time"];
    assert_eq!(wrong(&events, &CALM), both);
}

#[test]
fn a_writer_that_became_a_reader_is_alone_until_then() {
    let mut events = good();
    events[2] = Event::Downgraded { hold: id(0), at: 28 };
    events.push(ended(0, 50));
    let (counts, violations) = check(&events, &CALM);
    assert_eq!((counts.downgrades, violations.len()), (1, 0));
    assert_eq!(counts.shared, 3, "with both readers, and these with each other");
    events[2] = Event::Downgraded { hold: id(0), at: 31 };
    assert_wrong(&events, &CALM, "a writer beside a reader");
    events[2] = Event::Downgraded { hold: id(0), at: 28 };
    events.push(ended(0, 75));
    assert_wrong(&events, &CALM, "a writer beside a reader");
}

#[test]
fn readers_may_have_one_number_and_never_a_writer_s() {
    for (at, event) in [(4, reader(2, 4, [6, 35, 130])), (10, writer(3, 5, [7, 70, 170]))] {
        let mut events = good();
        events.retain(|event| !matches!(event, Event::Look { .. } | Event::Write { .. }));
        let at = events.iter().position(|other| *other == good()[at]).unwrap();
        events[at] = event;
        let said = ["one fence for two holds", "a fence that is not above the one before"];
        assert_eq!(wrong(&events, &CALM), said);
    }
}

#[test]
fn a_reader_s_number_is_above_every_earlier_writer_s_and_no_more_is_asked_of_it() {
    let mut events = vec![writer(0, 4, [0, 10, 20]), reader(1, 7, [5, 30, 40])];
    events.push(reader(2, 5, [6, 35, 45]));
    assert_eq!(wrong(&events, &CALM), [""; 0], "readers say nothing of one another");
    events.push(writer(3, 6, [7, 50, 60]));
    assert_wrong(&events, &CALM, "a fence that is not above the one before");
    events[3] = writer(3, 6, [46, 50, 60]);
    let said = [
        "a fence that is not above one that was there when asked",
        "a fence that is not above the one before",
    ];
    assert_eq!(wrong(&events, &CALM), said);
    events[3] = writer(3, 8, [46, 50, 60]);
    events[2] = reader(2, 3, [6, 35, 45]);
    assert_wrong(&events, &CALM, "a fence that is not above the one before");
}

#[test]
fn the_gate_is_reckoned_once_more_for_readers_and_writers() {
    let mut events = good();
    // A writer that was paused over the readers' time.
    events.insert(8, write(0, 4, 2, 51, false));
    let (counts, violations) = check(&events, &CALM);
    assert_eq!((counts.stale_refused, violations.len()), (1, 0));
    events[8] = write(0, 4, 2, 51, true);
    let said = ["a stale write was let through", "an update was lost"];
    assert_eq!(wrong(&events, &CALM), said);
    // A reader that was paused over the next writer's.
    let mut events = good();
    events.push(look(2, 5, 1, 90, false));
    let (counts, violations) = check(&events, &CALM);
    assert_eq!((counts.stale_looks_refused, violations.len()), (1, 0));
    events[13] = look(2, 5, 1, 90, true);
    assert_wrong(&events, &CALM, "a stale look was let through");
    let mut events = good();
    events[7] = look(1, 5, 1, 50, false);
    assert_wrong(&events, &CALM, "a look that was not stale was refused");
}

#[test]
fn what_changes_under_a_share_is_a_violation_whoever_wrote() {
    let mut events = good();
    events[7] = look(1, 5, 2, 50, true);
    assert_wrong(&events, &CALM, "what a reader saw changed under its share");
}

#[test]
fn a_run_in_which_nobody_shared_shows_nothing() {
    let rules = Rules { shared: 2, downgrades: 1, plain: 1, permits: 1, ..CALM };
    let said = [
        "1 pairs of shares at once, want 2",
        "0 downgrades, want 1",
        "0 holds of plain clients, want 1",
        "0 permits, want 1",
    ];
    assert_eq!(wrong(&good(), &rules), said);
}

/// A permit of the semaphore `s`.
fn permit(worker: usize, slot: u16, fence: u64, times: [Micros; 3]) -> Event {
    let (hold, mode, key) = (id(worker), Mode::Permit, format!("s/{slot}"));
    let [asked, begin, until] = times;
    Event::Held { hold, mode, key, fence: Some(fence), asked, begin, until }
}

#[test]
fn so_many_permits_may_be_out_at_once_each_in_a_slot_of_its_own() {
    let mut events = vec![
        permit(0, 0, 4, [0, 10, 30]),
        permit(1, 1, 4, [0, 15, 40]),
        permit(2, 0, 6, [0, 30, 50]),
    ];
    let (counts, violations) = check(&events, &CALM);
    assert_eq!((counts.permits, counts.most_permits, violations.len()), (3, 2, 0));
    events.push(permit(3, 2, 4, [0, 39, 60]));
    assert_wrong(&events, &CALM, "more permits at once than there are");
    events[3] = permit(3, 1, 6, [0, 39, 60]);
    let said = ["two holds at the same time", "more permits at once than there are"];
    assert_eq!(wrong(&events, &CALM), said);
    events[3] = permit(3, 1, 3, [0, 40, 60]);
    assert_wrong(&events, &CALM, "a fence that is not above the one before");
}
