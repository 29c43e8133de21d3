#![cfg(test)]

use super::marks::{End, Lane, Mark, Mode, Role, Timeline, What};
use super::{Page, draw};

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

#[test]
fn what_became_a_share_before_the_window_is_one_in_it() {
    let shared = Mark { at: 20_000, what: What::Shared { hold: 0 } };
    let marks = vec![held(0, 0, 1_000), shared, ended(0, 50_000, End::Released)];
    let whole = draw(&timeline(marks.clone()));
    let parts =
        |svg: &str| [svg.matches("\"hold alone ").count(), svg.matches("\"rest share ").count()];
    assert_eq!(parts(&whole), [1, 1], "{whole}");
    let part = draw(&Timeline { window: Some((30_000, 70_000)), ..timeline(marks) });
    assert_eq!(parts(&part), [0, 0], "{part}");
    assert!(part.contains("class=\"hold share ") && !part.contains("width=\"0.0\""), "{part}");
}

#[test]
fn what_is_broken_again_between_the_same_holds_is_told_once() {
    let broken = |at, message: &str, holds: &[usize]| {
        let (rule, message, holds) = ("rule".to_owned(), message.to_owned(), holds.to_vec());
        Mark { at, what: What::Broken { rule, message, holds, promised: true } }
    };
    let marks = vec![
        held(0, 0, 1_000),
        broken(2_000, "first", &[0, 1]),
        broken(3_000, "second", &[0, 1]),
        broken(4_000, "third", &[0, 2]),
        ended(0, 9_000, End::Released),
    ];
    let svg = draw(&timeline(marks));
    for (said, told) in [("first", true), ("second", false), ("third", true), ("and 1 more", true)]
    {
        let text = svg.lines().any(|line| line.starts_with("<text") && line.contains(said));
        assert_eq!(text, told, "{said}: {svg}");
    }
    // And shown to whom points at the line.
    assert!(svg.contains("second"), "{svg}");
}

#[test]
fn a_page_begins_with_the_first_broken_rule_and_ends_with_all() {
    let (long, other) = ("<long> ".repeat(100), "other".to_owned());
    let html = Page { broken: vec![long.clone(), other], ..Page::default() }.html();
    let (above, below) = html.split_once("<h2>All that is broken</h2>").unwrap();
    assert!(above.contains(" … (and 1 more, below)</p>"), "{above}");
    assert!(below.contains(&long.replace('<', "&lt;").replace('>', "&gt;")), "{below}");
    assert!(below.contains("<p class=\"red\">other</p>") && !html.contains("<long>"), "{below}");
}
