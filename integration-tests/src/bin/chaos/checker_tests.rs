#![allow(clippy::unwrap_used)]

use super::*;
use crate::history::{HoldId, Micros};

pub(super) const CALM: Rules = Rules {
    clocks_hold: true,
    hand_overs: 0,
    servers: 0,
    workers: 0,
    stale_refused: 0,
    shared: 0,
    downgrades: 0,
    plain: 0,
    permits: 0,
    most: 2,
};
const BROKEN: Rules = Rules { clocks_hold: false, ..CALM };

pub(super) fn id(worker: usize) -> HoldId {
    HoldId { worker, life: 0, number: 0 }
}

pub(super) fn had(mode: Mode, hold: HoldId, fence: Option<u64>, times: [Micros; 3]) -> Event {
    let (key, [asked, begin, until]) = ("k".to_owned(), times);
    Event::Held { hold, mode, key, fence, asked, begin, until }
}

fn held(worker: usize, fence: u64, asked: Micros, begin: Micros, until: Micros) -> Event {
    had(Mode::Writer, id(worker), Some(fence), [asked, begin, until])
}

pub(super) fn ended(worker: usize, at: Micros) -> Event {
    Event::Ended { hold: id(worker), at }
}

fn read(worker: usize, fence: u64, at: Micros) -> Event {
    Event::Read { hold: id(worker), key: "k".to_owned(), fence, at, accepted: true }
}

pub(super) fn write(worker: usize, fence: u64, value: u64, at: Micros, accepted: bool) -> Event {
    Event::Write { hold: id(worker), key: "k".to_owned(), fence, value, at, accepted }
}

fn fault(target: Target) -> Event {
    Event::Fault { at: 0, kind: "test", target }
}

/// Two holds in turn, each with a read, a write and an end; the second one's times begin at 30.
fn good() -> Vec<Event> {
    vec![
        held(0, 5, 0, 10, 100),
        read(0, 5, 11),
        write(0, 5, 1, 12, true),
        ended(0, 20),
        held(1, 7, 1, 30, 120),
        read(1, 7, 31),
        write(1, 7, 2, 32, true),
        ended(1, 40),
    ]
}

/// What is wrong with the history by the rules.
pub(super) fn wrong(events: &[Event], rules: &Rules) -> Vec<String> {
    check(events, rules).1.into_iter().map(|violation| violation.what).collect()
}

#[track_caller]
pub(super) fn assert_wrong(events: &[Event], rules: &Rules, what: &str) {
    assert_eq!(wrong(events, rules), [what]);
}

#[test]
fn a_good_history_is_counted_and_passes() {
    let (counts, violations) = check(&good(), &CALM);
    assert_eq!(violations, []);
    assert_eq!((counts.holds, counts.hand_overs, counts.writes), (2, 1, 2));
    assert_eq!((counts.stale_refused, counts.late_accepted, counts.overlaps), (0, 0, 0));
}

#[test]
fn a_hold_that_begins_before_another_ends_is_a_violation_with_both_events() {
    let mut events = good();
    events[3] = ended(0, 31);
    let (counts, violations) = check(&events, &CALM);
    assert_eq!(counts.overlaps, 1);
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].events, [events[0].clone(), events[4].clone()]);
}

#[test]
fn a_hold_lasts_as_long_as_its_lease_when_nothing_else_is_heard_of_it() {
    let mut events = good();
    events.remove(3); // until 100
    assert_wrong(&events, &CALM, "two holds at the same time");
    events[0] = held(0, 5, 0, 10, 30);
    assert_eq!(wrong(&events, &CALM), [""; 0]);
    events.insert(1, Event::Renewed { hold: id(0), until: 50 });
    assert_wrong(&events, &CALM, "two holds at the same time");
}

#[test]
fn a_lease_that_ran_out_ends_a_hold_whose_holder_noticed_late() {
    let mut events = good();
    events[0] = held(0, 5, 0, 10, 25);
    events[3] = ended(0, 500);
    assert_eq!(wrong(&events, &CALM), [""; 0]);
}

#[test]
fn a_killed_worker_holds_until_it_was_killed() {
    for (at, overlaps) in [(25, 0), (35, 1)] {
        let mut events = good();
        events[3] = Event::Killed { worker: 0, life: 0, at };
        assert_eq!(check(&events, &CALM).0.overlaps, overlaps);
    }
    // Another life of the same worker is another process.
    let mut events = good();
    events[3] = Event::Killed { worker: 0, life: 1, at: 25 };
    assert_wrong(&events, &CALM, "two holds at the same time");
}

#[test]
fn a_long_hold_is_compared_with_all_that_begin_within() {
    let mut events = good();
    events.retain(|event| !matches!(event, Event::Read { .. } | Event::Write { .. }));
    events.insert(0, held(2, 3, 0, 5, 35));
    events.remove(1); // the hold from 10 to 20, and its end
    events.remove(1);
    events.push(held(3, 6, 0, 6, 7));
    events.push(held(4, 8, 40, 50, 60));
    assert_eq!(check(&events, &BROKEN).0.overlaps, 2, "6 to 7, and from 30 on, within 5 to 35");
}

#[test]
fn holds_of_different_keys_do_not_meet() {
    let mut events = good();
    events.truncate(1);
    let (hold, mode, key, fence) = (id(1), Mode::Writer, "other".to_owned(), Some(5));
    events.push(Event::Held { hold, mode, key, fence, asked: 0, begin: 15, until: 90 });
    assert_eq!(wrong(&events, &CALM), [""; 0]);
}

#[test]
fn a_lock_that_was_lost_before_its_holder_could_look_is_no_hold() {
    let mut events = good();
    events.insert(5, held(2, 6, 1, 35, 35)); // granted before 7, stopped until 35
    assert_eq!(wrong(&events, &CALM), [""; 0]);
}

#[test]
fn broken_clocks_may_let_holds_overlap_and_must() {
    let mut events = good();
    assert_wrong(
        &events,
        &BROKEN,
        "clocks that break the lock broke nothing: they were not broken",
    );
    events[3] = ended(0, 35);
    assert_eq!(wrong(&events, &BROKEN), [""; 0]);
}

#[test]
fn one_fence_for_two_holds_is_a_violation_whatever_the_clocks_do() {
    let mut events = good();
    events.truncate(1);
    events.push(held(1, 5, 1, 30, 120));
    assert_wrong(&events, &BROKEN, "one fence for two holds");
}

#[test]
fn a_fence_below_the_hold_before_is_a_violation() {
    let mut events = good();
    events.truncate(4);
    events.push(held(1, 4, 1, 30, 120)); // asked before the first was held
    assert_wrong(&events, &CALM, "a fence that is not above the one before");
}

#[test]
fn a_fence_below_one_that_was_there_when_asked_is_a_violation_whatever_the_clocks_do() {
    let mut events = good();
    events[3] = ended(0, 35);
    events[4] = held(1, 4, 9, 30, 120);
    events.truncate(5);
    assert_eq!(wrong(&events, &BROKEN), [""; 0], "they may have asked at the same time");
    events[4] = held(1, 4, 11, 30, 120);
    assert_wrong(&events, &BROKEN, "a fence that is not above one that was there when asked");
}

#[test]
fn a_stale_write_must_be_refused() {
    let mut events = good();
    events.insert(7, write(0, 5, 2, 33, false));
    let (counts, violations) = check(&events, &CALM);
    assert_eq!((counts.stale_refused, counts.stale_accepted), (1, 0));
    assert_eq!(violations, []);
    events[7] = write(0, 5, 3, 33, true);
    let (counts, violations) = check(&events, &CALM);
    assert_eq!((counts.stale_refused, counts.stale_accepted), (0, 1));
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].events, [events[5].clone(), events[7].clone()], "the read is enough");
}

#[test]
fn a_write_that_is_not_stale_must_pass() {
    let mut events = good();
    events[6] = write(1, 7, 2, 32, false);
    assert_wrong(&events, &CALM, "a write that was not stale was refused");
}

#[test]
fn a_late_write_before_anybody_else_came_is_counted_only() {
    let mut events = good();
    events[0] = held(0, 5, 0, 10, 11);
    let (counts, violations) = check(&events, &CALM);
    assert_eq!((counts.late_accepted, violations.len()), (1, 0));
}

#[test]
fn an_update_that_overwrites_another_is_lost() {
    let mut events = good();
    events[6] = write(1, 7, 1, 32, true);
    assert_wrong(&events, &CALM, "an update was lost");
    events[6] = write(1, 7, 3, 32, true);
    assert_wrong(&events, &CALM, "an update was lost");
}

#[test]
fn a_lock_that_is_left_is_a_violation() {
    let mut events = good();
    events.push(Event::Left { server: 3, key: "k".to_owned() });
    assert_wrong(&events, &CALM, "a lock was left on a server");
}

#[test]
fn a_run_without_hand_overs_stale_writes_or_faults_shows_nothing() {
    let rules = Rules { hand_overs: 2, stale_refused: 1, servers: 2, workers: 1, ..CALM };
    let mut events = good();
    assert_eq!(
        wrong(&events, &rules),
        [
            "server 0 was never disturbed",
            "server 1 was never disturbed",
            "worker 0 was never disturbed",
            "1 hand-overs, want 2",
            "0 stale writes refused, want 1",
        ]
    );
    // A fault of a link is nobody's own.
    events.extend([Target::Server(0), Target::Link(0, 1), Target::Server(0)].map(fault));
    let (counts, violations) = check(&events, &Rules { servers: 2, workers: 1, ..CALM });
    assert_eq!(counts.faults["test"], 3);
    assert_eq!(violations.len(), 2);
    events.extend([Target::Server(1), Target::Worker(0)].map(fault));
    assert_eq!(wrong(&events, &Rules { servers: 2, workers: 1, ..CALM }), [""; 0]);
}

#[test]
fn a_hand_over_is_from_one_process_to_another() {
    let mut events = good();
    let again = HoldId { number: 1, ..id(1) };
    events.push(had(Mode::Writer, again, Some(9), [45, 50, 60]));
    let (counts, violations) = check(&events, &CALM);
    assert_eq!((counts.holds, counts.hand_overs, violations.len()), (3, 1, 0));
}
