//! What `docs/SAFETY.md` shows is what the tests here run.

use integration_tests::store::{CLAIM, WRITE};

use crate::setup::SCHEMA;

const DOCUMENT: &str = include_str!("../../../docs/SAFETY.md");
const CODE: &str = include_str!("fenced.rs");

/// The sections about data stores, to the next chapter.
fn section() -> &'static str {
    let (_, section) = DOCUMENT.split_once("\n### In PostgreSQL\n").expect("a section");
    section.split_once("\n## ").expect("a chapter behind it").0
}

/// Language and text of each block of code.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let parts: Vec<_> = section().split("```").collect();
    parts.iter().skip(1).step_by(2).map(|block| block.split_once('\n').unwrap()).collect()
}

/// As it stands in a module of a reader's own.
fn code() -> String {
    CODE.replace("pub(crate) ", "")
}

#[test]
fn every_block_is_of_the_code_that_is_tested() {
    let blocks = blocks();
    for (language, text) in &blocks {
        let source = match *language {
            "rust" => code(),
            "sql" => SCHEMA.to_owned(),
            "lua" => format!("{CLAIM}\n{WRITE}\n"),
            other => panic!("a block of {other}"),
        };
        for part in text.trim_end().split("\n\n") {
            assert!(source.contains(part), "this {language} is not in the code:\n{part}");
        }
    }
    let languages: Vec<_> = blocks.iter().map(|(language, _)| *language).collect();
    assert!(["rust", "sql", "lua"].iter().all(|known| languages.contains(known)), "{languages:?}");
}

#[test]
fn nothing_of_the_code_is_left_out() {
    let shown: Vec<_> = blocks().iter().map(|(_, text)| *text).collect();
    let shown = shown.concat();
    let missing: Vec<String> = code()
        .split("\n\n")
        .filter(|part| !part.starts_with("//!") && !part.starts_with("use "))
        .filter(|part| !shown.contains(part.trim_end()))
        .map(str::to_owned)
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n\n"));
}
