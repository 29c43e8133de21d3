//! The timeline of a run: it is XML, has a lane for everyone and a bar for every hold, and recording it changes no run.

use roxmltree::{Document, Node, ParsingOptions};

use crate::simulation::picture;
use crate::simulation::profile::Setup;
use crate::simulation::runner::{self, Outcome};
use crate::simulation::timeline::svg::width_of;
use crate::simulation::timeline::{Mark, What};

/// Every profile, with readers, permits and locks that are handed over.
const SEEDS: std::ops::Range<u64> = 0..64;

fn told(seed: u64) -> (Setup, Outcome) {
    (Setup::draw(seed), runner::run(seed, true, &|_| {}))
}

fn page(seed: u64) -> (String, Setup, Outcome) {
    let (setup, outcome) = told(seed);
    (picture::page("<a & b>", "\"command\"", &setup, &outcome), setup, outcome)
}

fn parse(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(page, options).unwrap_or_else(|error| panic!("{error}: {page}"))
}

fn classes<'a>(node: &Node<'a, '_>) -> Vec<&'a str> {
    node.attribute("class").unwrap_or_default().split(' ').collect()
}

fn with_class<'a, 'b: 'a>(document: &'b Document<'b>, class: &str) -> Vec<Node<'a, 'b>> {
    document.descendants().filter(|node| classes(node).contains(&class)).collect()
}

fn number(node: &Node<'_, '_>, attribute: &str) -> f64 {
    node.attribute(attribute).unwrap().parse().unwrap()
}

fn holds(outcome: &Outcome) -> usize {
    outcome.marks.iter().filter(|mark| matches!(mark.what, What::Held { .. })).count()
}

#[test]
fn a_run_that_is_told_is_the_run_that_is_not() {
    for seed in SEEDS {
        let quiet = runner::run(seed, false, &|_| {});
        assert!(quiet.marks.is_empty() && quiet.lines.is_empty(), "{seed}");
        assert_eq!(quiet.hash, told(seed).1.hash, "{seed}");
    }
}

#[test]
fn everyone_has_a_lane_and_every_hold_a_bar() {
    for seed in SEEDS {
        let (page, setup, outcome) = page(seed);
        let document = parse(&page);
        let lanes = |class: &str| -> Vec<&str> {
            let lanes = with_class(&document, class).into_iter();
            lanes.filter_map(|lane| lane.attribute("data-name")).collect()
        };
        let (clients, nodes) = (lanes("client"), lanes("node"));
        assert_eq!((clients.len(), nodes.len()), (setup.processes + 1, setup.nodes), "{seed}");
        assert!(
            clients.contains(&"newcomer") && nodes.contains(&"node n0"),
            "{clients:?} {nodes:?}"
        );
        let bars = with_class(&document, "hold");
        assert!(holds(&outcome) > 0 && outcome.counts.grants as usize == holds(&outcome), "{seed}");
        assert_eq!(bars.len(), holds(&outcome), "{seed}");
        for bar in bars {
            let (from, wide) = (number(&bar, "x"), number(&bar, "width"));
            assert!(from >= 96.0 && from + wide <= 1_377.0 && wide > 0.0, "{seed}: {bar:?}");
        }
        assert!(page.contains("&lt;a &amp; b&gt;") && page.contains("&quot;command&quot;"));
    }
}

#[test]
fn no_label_covers_another() {
    for seed in SEEDS {
        let (page, ..) = page(seed);
        let document = parse(&page);
        let mut boxes = Vec::new();
        for text in document.descendants().filter(|node| node.has_tag_name("text")) {
            let (said, x) = (text.text().unwrap_or_default(), number(&text, "x"));
            let wide = width_of(said);
            let from = match text.attribute("text-anchor") {
                Some("end") => x - wide,
                Some("middle") => x - wide / 2.0,
                _ => x,
            };
            boxes.push((number(&text, "y"), from, from + wide, said));
        }
        for (place, one) in boxes.iter().enumerate() {
            let beside = |other: &&(f64, f64, f64, &str)| (other.0 - one.0).abs() < 9.0;
            for other in boxes[..place].iter().filter(beside) {
                assert!(one.2 <= other.1 || other.2 <= one.1, "{seed}: {one:?} {other:?}");
            }
        }
    }
}

#[test]
fn a_lease_ends_at_its_deadline_however_late_its_holder_notices() {
    // Process 3 is frozen when its lease ends, and writes when it goes on.
    let (_, outcome) = told(4);
    let of = |wanted: fn(&What) -> bool| -> Vec<&Mark> {
        outcome.marks.iter().filter(|mark| wanted(&mark.what)).collect()
    };
    let ends = of(|what| matches!(what, What::Ended { hold: 0, .. }));
    let refused = of(|what| matches!(what, What::Refused { hold: 0, .. }));
    let next = of(|what| matches!(what, What::Held { hold: 4, .. }));
    assert!(ends[0].at < next[0].at && next[0].at < refused[0].at, "{ends:?} {refused:?} {next:?}");
}

#[test]
fn what_is_broken_is_red_and_at_its_time() {
    let (setup, mut outcome) = told(0);
    let held = |mark: &Mark| matches!(mark.what, What::Held { hold: 1, .. });
    let at = outcome.marks.iter().find(|mark| held(mark)).unwrap().at;
    let (rule, message) = ("mutual <exclusion>".to_owned(), "hold 1 beside hold 0".to_owned());
    let what = What::Broken { rule, message, holds: vec![0, 1], promised: true };
    outcome.marks.push(Mark { at, what });
    let page = picture::page("a", "b", &setup, &outcome);
    let document = parse(&page);
    let texts: Vec<_> = with_class(&document, "violation");
    assert_eq!(texts.len(), 1);
    let said = texts[0].text().unwrap();
    assert!(said.contains("mutual <exclusion>") && said.contains("hold 1 beside hold 0"), "{said}");
    let line = with_class(&document, "broken").into_iter().next_back().unwrap();
    let accused: Vec<_> = with_class(&document, "accused").iter().map(|b| number(b, "x")).collect();
    assert_eq!(accused.len(), 2);
    let begin = line.attribute("d").unwrap().trim_start_matches('M').split(' ').next().unwrap();
    assert!(accused.contains(&begin.parse().unwrap()), "{begin} {accused:?}");
}
