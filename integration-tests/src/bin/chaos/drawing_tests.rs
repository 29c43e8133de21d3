#![allow(clippy::unwrap_used)]

use super::*;

fn id(worker: usize) -> HoldId {
    HoldId { worker, life: 0, number: 0 }
}

fn held(worker: usize, begin: Micros, until: Micros) -> Event {
    let (key, fence, asked) = ("k<1>".to_owned(), Some(5 + worker as u64), begin);
    Event::Held { hold: id(worker), mode: Mode::Writer, key, fence, asked, begin, until }
}

fn two_at_once() -> Vec<Event> {
    vec![
        held(0, 7_000_000, 7_500_000),
        Event::Fault { at: 7_100_000, kind: "server crashed", target: Target::Server(4) },
        held(1, 7_200_000, 7_600_000),
        Event::Mended { at: 7_300_000, kind: "server crashed", target: Target::Server(4) },
        Event::Write {
            hold: id(0),
            key: "k<1>".to_owned(),
            fence: 5,
            value: 1,
            at: 7_400_000,
            accepted: false,
        },
        Event::Ended { hold: id(1), at: 7_450_000 },
    ]
}

fn drawn(events: &[Event], broken: &[&str]) -> String {
    let violation = |what: &&str| Violation {
        what: (*what).to_owned(),
        events: vec![events[0].clone(), events[2].clone()],
    };
    let violations: Vec<_> = broken.iter().map(violation).collect();
    page("chaos", "command", events, &violations)
}

fn count(page: &str, part: &str) -> usize {
    page.matches(part).count()
}

#[test]
fn everyone_has_a_lane_and_every_hold_a_bar() {
    let page = drawn(&two_at_once(), &[]);
    assert_eq!(count(&page, "<g class=\"client\""), WORKERS);
    assert_eq!(count(&page, "<g class=\"node\""), SERVERS);
    assert_eq!(count(&page, "<rect class=\"hold "), 2, "{page}");
    let (above, lane) = page.split_once("data-name=\"server 4\"").unwrap();
    assert!(lane.contains(">crashed 200 ms</text>") && !above.contains(">crashed"), "{page}");
    assert!(page.contains(">#0 write to k&lt;1&gt; refused</text>"), "{page}");
    assert!(!page.contains("k<1>"), "{page}");
}

#[test]
fn what_is_broken_has_a_picture_of_its_own_and_is_red() {
    let page = drawn(&two_at_once(), &["two holds at the same time"]);
    assert!(page.contains("<h2>Violation at 200 ms</h2>"), "{page}");
    // There, and in the picture of the run.
    assert_eq!(count(&page, "class=\"violation\""), 2, "{page}");
    assert!(page.contains("two holds at the same time at 200 ms: hold 0, hold 1"), "{page}");
    assert_eq!(count(&page, " accused\""), 4, "{page}");
}

#[test]
fn links_that_are_cut_at_once_are_one_line() {
    let fault = |at, server| {
        let (kind, target) = ("link refused", Target::Link(2, server));
        [Event::Fault { at, kind, target }, Event::Mended { at: at + 90_000, kind, target }]
    };
    let mut events: Vec<Event> = [fault(1_000, 3), fault(1_200, 1), fault(900_000, 0)].concat();
    events.sort_by_key(|event| at(event).unwrap_or_default());
    let page = drawn_all(&events);
    assert!(page.contains(">link refused to 3,1 90 ms</text>"), "{page}");
    assert!(page.contains(">link refused to 0 90 ms</text>"), "{page}");
}

fn drawn_all(events: &[Event]) -> String {
    page("chaos", "command", events, &[])
}

#[test]
fn a_long_run_is_shown_in_parts_and_not_for_ever() {
    let events: Vec<Event> =
        (0..1_000).map(|i| held(0, i * 1_000_000, i * 1_000_000 + 9)).collect();
    let page = drawn_all(&events);
    assert_eq!(count(&page, "<svg "), MOST);
    assert!(page.contains("the first 60 seconds of 999"), "{page}");
}
