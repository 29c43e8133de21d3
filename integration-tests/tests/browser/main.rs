//! The pictures as a real browser lays them out, on a light page and on a dark one: every bar has a size and is inside, every
//! text can be read. The browser is Chromium without a window, which `scripts/test-servers` installs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]
// The simulator's, on the paused clock.
#![allow(clippy::disallowed_methods)]

mod chromium;
mod colour;
mod pages;
mod rules;
mod seen;
#[path = "../../../redlock-core/tests/simulation/mod.rs"]
mod simulation;

use std::fs;
use std::path::PathBuf;

use pages::Page;
use redlock_core::mutants::Mutant;
use seen::{Frame, Seen, Shape};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

/// Shows pages of ours, and images.
async fn look(name: &str, pages: &[Page], images: &[PathBuf], dark: bool) -> Seen {
    let folder = pages::folder(&format!("{name}-{}", if dark { "dark" } else { "light" }));
    let file = folder.join("probe.html");
    fs::write(&file, pages::probe(pages, images)).unwrap();
    let dom = chromium::dump(&file, &folder.join("profile"), dark).await;
    let (_, seen) = dom.split_once("id=\"seen\">").expect("the place for what is seen");
    let (seen, _) = seen.split_once("</script>").unwrap();
    let seen: Seen = serde_json::from_str(seen).unwrap_or_else(|error| panic!("{error}: {seen}"));
    let _ = fs::remove_dir_all(folder.join("profile"));
    assert_eq!((seen.frames.len(), seen.images.len()), (pages.len(), images.len()));
    seen
}

struct All {
    pages: Vec<Page>,
    /// The rule that the mutant breaks.
    broken: &'static str,
    light: Seen,
    dark: Seen,
}

/// Made and looked at once.
async fn all() -> &'static All {
    static ALL: OnceCell<All> = OnceCell::const_new();
    let make = async || {
        // Runs on virtual time have a runtime of their own.
        let simulated = || (pages::simulated(4), pages::broken_by(Mutant::GuardShort));
        let (sound, (mutant, broken)) = spawn_blocking(simulated).await.unwrap();
        let mut pages = vec![sound, mutant, pages::chaos().await];
        let documents = pages::documents();
        for file in &documents {
            let name = file.file_name().unwrap().to_string_lossy();
            pages.push(pages::around(&name, &fs::read_to_string(file).unwrap()));
        }
        let light = look("all", &pages, &documents, false).await;
        let dark = look("all", &pages, &documents, true).await;
        All { pages, broken, light, dark }
    };
    ALL.get_or_init(make).await
}

fn shapes(frame: &Frame) -> impl Iterator<Item = &Shape> {
    frame.pictures.iter().flat_map(|picture| &picture.shapes)
}

fn frame<'a>(seen: &'a Seen, name: &str) -> &'a Frame {
    seen.frames.iter().find(|frame| frame.name == name).unwrap()
}

fn says(frame: &Frame, part: &str) -> bool {
    shapes(frame).any(|shape| shape.is_text() && shape.said.contains(part))
}

fn assert_sound(seen: &Seen, dark: bool) {
    let wrong = rules::against(seen, dark);
    assert!(wrong.is_empty(), "{} are against the rules:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn every_bar_is_inside_and_every_text_is_read_on_a_light_page() {
    assert_sound(&all().await.light, false);
}

#[tokio::test]
async fn every_bar_is_inside_and_every_text_is_read_on_a_dark_page() {
    assert_sound(&all().await.dark, true);
}

#[tokio::test]
async fn every_hold_is_a_bar_on_the_screen() {
    let all = all().await;
    for (page, frame) in all.pages.iter().zip(&all.light.frames) {
        let bars = shapes(frame).filter(|shape| shape.is_bar() && shape.is("hold")).count();
        assert_eq!(bars, page.holds, "{}", page.name);
        println!("{}: {bars} bars, {} shapes", page.name, shapes(frame).count());
    }
    for name in ["simulation", "mutant", "chaos", "lock-life.svg", "stale-write.svg"] {
        assert!(all.pages.iter().any(|page| page.name == name && page.holds > 0), "{name}");
    }
}

#[tokio::test]
async fn the_texts_are_those_of_the_run() {
    let seen = &all().await.light;
    for (name, parts) in [
        ("simulation", &["process 0", "newcomer", "node n0", "virtual ms"][..]),
        ("mutant", &["process 0", "node n0"]),
        ("chaos", &["worker 0", "server 4"]),
        ("lock-life.svg", &["node 5", "A holds the lock", "B holds the lock"]),
        ("stale-write.svg", &["resource", "refused"]),
        ("dashboard.svg", &["Acquires by outcome", "p99", "Node sets"]),
        ("performance.svg", &["Acquire + release, cycles per second", "tasks"]),
    ] {
        for part in parts {
            assert!(says(frame(seen, name), part), "{name} does not say {part:?}");
        }
    }
}

#[tokio::test]
async fn what_a_mutant_breaks_is_red_above_and_in_the_picture() {
    let all = all().await;
    for (seen, dark) in [(&all.light, false), (&all.dark, true)] {
        let frame = frame(seen, "mutant");
        let red = |line: &seen::Line| line.red && line.said.contains(all.broken);
        assert!(frame.lines.iter().any(red), "{}: {:?}", all.broken, frame.lines);
        let notes: Vec<_> = shapes(frame).filter(|shape| shape.is("violation")).collect();
        assert!(notes.iter().any(|note| note.said.contains(all.broken)), "{notes:?}");
        for shape in notes {
            assert!(colour::Colour::of(&shape.fill).is_reddish(), "dark is {dark}: {shape:?}");
        }
        let red = |shape: &Shape| colour::Colour::of(&shape.stroke).is_reddish();
        let through = |shape: &Shape| shape.is("broken") && shape.place.height > 100.0;
        assert!(
            shapes(frame).any(|s| through(s) && red(s)),
            "no line through the lanes, dark is {dark}"
        );
        assert!(shapes(frame).any(|shape| shape.is("accused")), "no bar is accused");
    }
}

#[tokio::test]
async fn a_dark_page_has_other_colours() {
    let All { light, dark, .. } = all().await;
    for (light, dark) in light.frames.iter().zip(&dark.frames) {
        let luminances = [light, dark].map(|frame| {
            let texts = shapes(frame).filter(|shape| shape.is_text());
            let of = texts.map(|text| colour::Colour::of(&text.fill).luminance());
            let all: Vec<f64> = of.collect();
            all.iter().sum::<f64>() / all.len() as f64
        });
        assert!(luminances[0] < 0.3 && luminances[1] > 0.3, "{}: {luminances:?}", light.name);
    }
}

/// Looks at pictures in each of which one thing is wrong, and compares with what is to be said of it.
async fn are_noticed(name: &str, dark: bool, cases: &[(&str, &str, &str)]) {
    let whole = |svg: &str| {
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 100\">{svg}</svg>")
    };
    let pages: Vec<_> =
        cases.iter().map(|(name, svg, _)| pages::around(name, &whole(svg))).collect();
    let wrong = rules::against(&look(name, &pages, &[], dark).await, dark);
    for (name, _, complaint) in cases {
        let of = |wrong: &&String| wrong.starts_with(&format!("{name}: "));
        let said: Vec<_> = wrong.iter().filter(of).collect();
        assert!(matches!(said[..], [one] if one.contains(complaint)), "{name}: {said:?}");
    }
    assert_eq!(wrong.len(), cases.len(), "{wrong:?}");
}

#[tokio::test]
async fn what_nobody_could_see_is_noticed() {
    let text = |x: i32, y: i32, fill: &str, said: &str| {
        format!("<text x='{x}' y='{y}' font-size='10' fill='{fill}'>{said}</text>")
    };
    let bar = |class: &str, width: f64, opacity: f64| {
        format!(
            "<rect class='{class}' x='10' y='30' width='{width}' height='12' \
             fill='#0969da' fill-opacity='{opacity}'/>"
        )
    };
    let (head, sound) = (text(10, 20, "CanvasText", "a text"), bar("hold", 80.0, 1.0));
    let beside = |more: String| format!("{head}{sound}{more}");
    are_noticed(
        "unseen",
        false,
        &[
            ("no-width", &format!("{head}{}", bar("hold", 0.0, 1.0)), "rect .hold: has no size"),
            ("no-text", &sound, "a picture has no text"),
            (
                "wide-bar",
                &format!("{head}{}", bar("hold", 1_000.0, 1.0)),
                "rect .hold: reaches out",
            ),
            (
                "thin",
                &format!("{head}{}", bar("key", 80.0, 0.1)),
                "rect .key: has a contrast of 1.",
            ),
            (
                "cut",
                &beside(text(940, 80, "CanvasText", "a long one")),
                "\"a long one\": reaches out",
            ),
            (
                "white",
                &beside(text(10, 80, "Canvas", "unseen")),
                "\"unseen\": has a contrast of 1.00",
            ),
            (
                "two",
                &beside(text(12, 21, "CanvasText", "on it")),
                "\"on it\": stands on text \"a text\"",
            ),
            ("on-bar", &beside(text(12, 39, "#0860c8", "blue")), "\"blue\": has a contrast of 1."),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_picture_that_stays_light_on_a_dark_page_is_noticed() {
    let paper = "<rect style='fill: #fff' class='paper' width='960' height='100'/>";
    let text = "<text x='10' y='20' fill='#000'>a text</text>";
    let svg = format!("{paper}{text}");
    are_noticed("paper", true, &[("light", &svg, "its ground is rgb(255, 255, 255)")]).await;
}

#[tokio::test]
async fn what_is_no_image_is_noticed() {
    let file = pages::folder("image").join("broken.svg");
    fs::write(&file, "<svg xmlns=\"http://www.w3.org/2000/svg\"><text>no end</svg>").unwrap();
    let seen = look("image", &[], &[file], false).await;
    assert_eq!(rules::against(&seen, false), ["broken.svg: is no image"]);
}
