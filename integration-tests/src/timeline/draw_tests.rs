#![cfg(test)]

use super::draw;
use super::marks::{End, Lane, Mark, Mode, Role, Timeline, What};

fn held(hold: usize, lane: usize, at: u64) -> Mark {
    let keys = vec!["k<0>".to_owned()];
    Mark { at, what: What::Held { hold, lane, keys, fence: Some(7), mode: Mode::Alone } }
}

fn ended(hold: usize, at: u64, how: End) -> Mark {
    Mark { at, what: What::Ended { hold, how } }
}

fn timeline(marks: Vec<Mark>) -> Timeline {
    let lane = |name: &str, role| Lane { name: name.to_owned(), role };
    Timeline {
        title: "\"a\" & b".to_owned(),
        unit: "ms".to_owned(),
        lanes: vec![lane("process 0", Role::Client), lane("n0", Role::Node)],
        marks,
        window: None,
    }
}

#[test]
fn names_are_escaped() {
    let svg = draw(&timeline(vec![held(0, 0, 1_000), ended(0, 90_000, End::Released)]));
    assert!(svg.contains("<title>&quot;a&quot; &amp; b</title>"), "{svg}");
    assert!(svg.contains("#0 k&lt;0&gt;") && !svg.contains("k<0>"), "{svg}");
}

#[test]
fn an_empty_run_is_an_empty_picture() {
    let svg = draw(&timeline(Vec::new()));
    assert!(svg.contains(">process 0</text>") && !svg.contains("class=\"hold"), "{svg}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
}

#[test]
fn what_comes_long_after_the_last_hold_is_not_shown() {
    let restart = |at, what: &str| {
        let what = what.to_owned();
        Mark { at, what: What::Happened { lane: 1, what } }
    };
    let marks = vec![
        held(0, 0, 1_000),
        restart(40_000, "near"),
        ended(0, 90_000, End::Lost),
        restart(9_000_000, "far"),
    ];
    let svg = draw(&timeline(marks));
    assert!(svg.contains(">near</text>") && !svg.contains("far"), "{svg}");
}

#[test]
fn a_window_shows_what_reaches_into_it() {
    let marks = vec![
        held(0, 0, 1_000),
        ended(0, 50_000, End::Released),
        held(1, 0, 60_000),
        ended(1, 90_000, End::Released),
        held(2, 0, 95_000),
        ended(2, 99_000, End::Released),
    ];
    let svg = draw(&Timeline { window: Some((40_000, 70_000)), ..timeline(marks) });
    let shown: Vec<bool> = (0..3).map(|hold| svg.contains(&format!(">#{hold} "))).collect();
    assert_eq!(shown, [true, true, false], "{svg}");
    // The second one ends behind the edge.
    assert_eq!(svg.matches("class=\"end\"").count(), 2, "one in the legend: {svg}");
}
