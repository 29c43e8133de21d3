//! The pictures of the documents are drawn from runs of the crate, and are what stands in `docs`.
//!
//! `REDLOCK_PICTURES=write cargo test -p redlock-core --all-features --test pictures` draws them anew.

#![allow(clippy::unwrap_used, clippy::panic)]
// On the paused clock.
#![allow(clippy::disallowed_methods)]

mod life;
mod life_svg;
mod sheet;
#[path = "../simulation/mod.rs"]
mod simulation;
mod stale;
mod stale_svg;

use std::fs;
use std::path::Path;

use simulation::timeline::What;

/// No more than so many bytes.
const LARGEST: usize = 40_000;

fn on_virtual_time<T>(story: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(story)
}

/// A picture is what stands in `docs`, or is written there.
fn is_in_docs(name: &str, picture: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if std::env::var_os("REDLOCK_PICTURES").is_some_and(|value| value == "write") {
        fs::write(&path, picture).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == picture,
        "docs/{name} is not what the crate does: REDLOCK_PICTURES=write cargo test -p redlock-core --all-features --test pictures"
    );
    assert!(picture.len() <= LARGEST, "{name}: {} bytes", picture.len());
}

#[test]
fn the_life_of_a_lock_is_as_it_is_drawn() {
    is_in_docs("lock-life.svg", &life_svg::draw(&life::play()));
}

#[test]
fn the_refused_write_is_as_it_is_drawn() {
    is_in_docs("stale-write.svg", &stale_svg::draw(&stale::play()));
}

/// The texts of a picture that is XML, by the names of the groups that they are in.
fn texts(picture: &str) -> Vec<(String, String)> {
    let document = roxmltree::Document::parse(picture).unwrap();
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    let group = |text: &roxmltree::Node<'_, '_>| {
        let groups = text.ancestors().find_map(|node| node.attribute("data-name"));
        groups.unwrap_or_default().to_owned()
    };
    texts.map(|text| (group(&text), text.text().unwrap_or_default().to_owned())).collect()
}

fn says(texts: &[(String, String)], group: &str, part: &str) -> bool {
    texts.iter().any(|(of, said)| of == group && said.contains(part))
}

#[test]
fn the_life_has_a_lane_for_each_node_and_both_holders() {
    let picture = life_svg::draw(&life::play());
    let texts = texts(&picture);
    for node in 1..=life::NODES {
        assert!(says(&texts, &format!("node {node}"), &format!("node {node}")), "{texts:?}");
    }
    assert!(says(&texts, "node 5", "is down") && !says(&texts, "node 5", "key"), "{texts:?}");
    for process in ["A", "B"] {
        assert!(says(&texts, process, &format!("{process} holds the lock")), "{texts:?}");
    }
    assert!(says(&texts, "A", "renewed"), "{texts:?}");
    assert!(says(&texts, "", "3 of 5 have given it: a majority"), "{texts:?}");
    assert!(picture.contains("prefers-color-scheme: dark"));
}

#[test]
fn the_life_is_that_of_one_lock_at_a_time() {
    let life = life::play();
    assert!(life.released < life.granted[1], "{life:?}");
    let standing = |process| life.stood.iter().filter(move |stood| stood.process == process);
    assert_eq!((standing(0).count(), standing(1).count()), (4, 4), "{life:?}");
    for first in standing(0) {
        let after = |second: &life::Stood| second.node != first.node || second.from >= first.to;
        assert!(standing(1).all(after), "{life:?}");
    }
    // Less one percent and two milliseconds, from before each request.
    let untils: Vec<u64> = life.deadlines.iter().map(|(_, until)| *until).collect();
    assert_eq!(untils, [889, 1_189]);
}

#[test]
fn the_refused_write_is_the_first_holders_and_after_the_seconds() {
    let marks = stale::play();
    let texts = texts(&stale_svg::draw(&marks));
    assert!(says(&texts, "resource", "refused") && says(&texts, "A", "cannot know"), "{texts:?}");
    let writes: Vec<(usize, bool)> = marks
        .iter()
        .filter_map(|mark| match mark.what {
            What::Wrote { hold } => Some((hold, true)),
            What::Refused { hold, .. } => Some((hold, false)),
            _ => None,
        })
        .collect();
    assert_eq!(writes, [(0, true), (1, true), (0, false), (1, true)]);
    assert!(!marks.iter().any(|mark| matches!(mark.what, What::Broken { .. })), "{marks:?}");
}

#[test]
fn a_run_that_is_drawn_is_the_same_every_time() {
    let (life, stale) = (life::play(), stale::play());
    for _ in 0..20 {
        assert_eq!(life, life::play());
        assert_eq!(stale, stale::play());
    }
}
