//! What is looked at: pages of the simulator and of chaos, and the pictures of the documents.

use std::fs;
use std::path::{Path, PathBuf};

use redlock_core::mutants::{self, Mutant};
use tokio::process::Command;

use crate::simulation::profile::Setup;
use crate::simulation::timeline::What;
use crate::simulation::timeline::svg::escape;
use crate::simulation::{picture, runner};

/// A page as it is, by a name, and how many bars of holds are in it.
pub(crate) struct Page {
    pub(crate) name: String,
    pub(crate) html: String,
    pub(crate) holds: usize,
}

impl Page {
    pub(crate) fn new(name: &str, html: String) -> Self {
        Self { name: name.to_owned(), holds: html.matches("<rect class=\"hold ").count(), html }
    }
}

/// Beside what tests of other names keep.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A seed's run, as it is.
pub(crate) fn simulated(seed: u64) -> Page {
    drawn(seed, "simulation", None).0
}

/// The first seed that notices what is left out of the crate, and the rule that it breaks.
pub(crate) fn broken_by(mutant: Mutant) -> (Page, &'static str) {
    let noticing = |seed: &u64| {
        mutants::set(Some(mutant));
        let outcome = runner::run(*seed, false, &|_| {});
        mutants::set(None);
        !outcome.violations.is_empty()
    };
    let seed = (0..2_000).find(noticing).unwrap_or_else(|| panic!("no seed notices {mutant:?}"));
    let (page, broken) = drawn(seed, "mutant", Some(mutant));
    (page, broken.unwrap())
}

fn drawn(seed: u64, name: &str, mutant: Option<Mutant>) -> (Page, Option<&'static str>) {
    mutants::set(mutant);
    let outcome = runner::run(seed, true, &|_| {});
    mutants::set(None);
    let held = outcome.marks.iter().filter(|mark| matches!(mark.what, What::Held { .. }));
    let held = held.count();
    let html = picture::page(&picture::title(seed), "command", &Setup::draw(seed), &outcome);
    let page = Page::new(name, html);
    assert!(held > 0 && page.holds == held, "{held} holds, {} bars", page.holds);
    (page, outcome.violations.first().map(|violation| violation.invariant))
}

/// Some seconds of chaos on servers of this machine. Whether its rules held is for the test of it to say.
pub(crate) async fn chaos() -> Page {
    let file = folder("chaos").join("timeline.html");
    let mut chaos = Command::new(env!("CARGO_BIN_EXE_chaos"));
    chaos.args(["--profile", "modes", "--seconds", "3", "--timeline"]).arg(&file);
    let output = chaos.kill_on_drop(true).output().await.unwrap();
    let html = fs::read_to_string(&file);
    let html = html.unwrap_or_else(|error| panic!("no timeline of chaos: {error}: {output:?}"));
    Page::new("chaos", html)
}

/// The pictures in `docs`.
pub(crate) fn documents() -> Vec<PathBuf> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").canonicalize().unwrap();
    let files = fs::read_dir(docs).unwrap().map(|entry| entry.unwrap().path());
    let mut pictures: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|e| e == "svg")).collect();
    pictures.sort();
    pictures
}

/// A picture as the page of a document has it, on the ground that the browser has.
pub(crate) fn around(name: &str, svg: &str) -> Page {
    let style = "html { color-scheme: light dark; } body { margin: 0; background: Canvas; } svg { width: 960px; }";
    let html = format!("<!DOCTYPE html>\n<style>{style}</style><body>{svg}</body>");
    Page::new(name, html)
}

/// One page with all of them in frames of their own, and each image.
pub(crate) fn probe(pages: &[Page], images: &[PathBuf]) -> String {
    let mut body = String::new();
    for image in images {
        let (name, source) =
            (image.file_name().unwrap().to_string_lossy(), image.to_string_lossy());
        body += &format!("<img alt=\"{}\" src=\"file://{}\">\n", escape(&name), escape(&source));
    }
    for page in pages {
        let (name, html) = (escape(&page.name), escape(&page.html));
        body += &format!("<iframe title=\"{name}\" srcdoc=\"{html}\"></iframe>\n");
    }
    format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">\
         <style>:root {{ color-scheme: light dark; }} iframe {{ width: 1440px; height: 900px; border: 0; }}</style></head>\n\
         <body>\n{body}<script type=\"application/json\" id=\"seen\"></script>\n<script>{}</script>\n</body></html>\n",
        include_str!("probe.js")
    )
}
