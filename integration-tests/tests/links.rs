//! What the documents point at is there: relative links, anchors, paths of the tree, and the targets of cargo commands. The
//! latter two also in the documentation of the code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

/// Copies of documents whose links are those of rustdoc, which looks after them (`redlock-core/tests/guide.rs`).
const COPIES: &str = "redlock-core/src/guide";

/// A document by its path from the root, and its text.
type Document = (PathBuf, String);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn documents() -> Vec<Document> {
    files(".md")
}

/// The documents, and what the code says in comments of documentation.
fn with_rustdoc() -> Vec<Document> {
    let mut found = documents();
    for (path, text) in files(".rs") {
        let is_doc = |line: &&str| {
            line.trim_start().starts_with("//!") || line.trim_start().starts_with("///")
        };
        found.push((path, text.lines().filter(is_doc).collect::<Vec<_>>().join("\n")));
    }
    found
}

fn files(ending: &str) -> Vec<Document> {
    let mut found = Vec::new();
    let mut directories = vec![PathBuf::new()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(root().join(&directory)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let path = directory.join(&name);
            let whole = root().join(&path);
            if whole.is_dir() {
                if !name.starts_with('.') && name != "target" && path != Path::new(COPIES) {
                    directories.push(path);
                }
            } else if name.ends_with(ending) {
                found.push((path, fs::read_to_string(whole).unwrap()));
            }
        }
    }
    found
}

/// The lines outside of fenced code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fence && !fenced
    })
}

/// The anchors of a document's headings, as hosts of Markdown make them.
fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for line in prose(text).filter(|line| line.starts_with('#')) {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let anchor: String = heading.chars().filter(kept).collect::<String>().replace(' ', "-");
        let before = anchors.iter().filter(|known| **known == anchor).count();
        anchors.push(if before == 0 { anchor } else { format!("{anchor}-{before}") });
    }
    anchors
}

/// The targets of `[text](target)`.
fn targets(text: &str) -> Vec<String> {
    let text = prose(text).collect::<Vec<_>>().join("\n");
    text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
}

/// Why a link of the document at `path` leads nowhere.
fn broken(path: &Path, text: &str, target: &str) -> Option<String> {
    if target.starts_with("https://") {
        return None;
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(f, a)| (f, Some(a)));
    let other = path.parent().unwrap().join(file);
    if !file.is_empty() && !root().join(&other).exists() {
        return Some(format!("{}: {target}: there is no such file", path.display()));
    }
    let there = match (anchor?, file) {
        (anchor, "") => anchors(text).iter().any(|known| known == anchor),
        (anchor, _) => {
            let text = fs::read_to_string(root().join(&other)).unwrap_or_default();
            anchors(&text).iter().any(|known| known == anchor)
        }
    };
    (!there).then(|| format!("{}: {target}: there is no such heading", path.display()))
}

/// Paths in backticks that begin with a directory of the root, but for what is built.
fn named_paths(text: &str) -> Vec<String> {
    let is_path = |word: &&str| {
        let first = word.split('/').next().unwrap();
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        word.contains('/')
            && word.chars().all(plain)
            && root().join(first).is_dir()
            && !matches!(first, "" | "target")
    };
    let spans: Vec<&str> = text.split('`').collect();
    spans.into_iter().filter(is_path).map(str::to_owned).collect()
}

/// `-p CRATE --test NAME` and its kin, of which no file has the name.
fn missing_target(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split(|c: char| c.is_whitespace() || c == '`').collect();
    let after = |flag: &str| {
        let at = words.iter().position(|word| *word == flag)?;
        words.get(at + 1).map(|name| (*name).to_owned())
    };
    words.iter().position(|word| *word == "cargo")?;
    let package = after("-p")?;
    for (flag, directory) in [("--test", "tests"), ("--example", "examples"), ("--bin", "src/bin")]
    {
        let Some(name) = after(flag) else { continue };
        let directory = root().join(&package).join(directory);
        let file = directory.join(format!("{name}.rs"));
        if !file.is_file() && !directory.join(&name).join("main.rs").is_file() {
            return Some(format!("{flag} {name} of {package}"));
        }
    }
    (!root().join(&package).is_dir()).then(|| format!("-p {package}"))
}

#[test]
fn every_relative_link_leads_to_a_file_and_its_anchor_to_a_heading() {
    let documents = documents();
    let mut links = 0;
    let mut wrong = Vec::new();
    for (path, text) in &documents {
        let targets = targets(text);
        links += targets.len();
        wrong.extend(targets.iter().filter_map(|target| broken(path, text, target)));
    }
    assert!(links > 30, "{links} links in {} documents", documents.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_path_that_a_document_names_is_there() {
    let documents = with_rustdoc();
    let named: Vec<(&Path, String)> = documents
        .iter()
        .flat_map(|(path, text)| {
            named_paths(text).into_iter().map(move |named| (path.as_path(), named))
        })
        .collect();
    assert!(named.len() > 20, "{named:?}");
    let wrong: Vec<_> = named.iter().filter(|(_, named)| !root().join(named).exists()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_cargo_command_of_a_document_has_its_target() {
    let documents = with_rustdoc();
    let lines: Vec<(&Path, &str)> = documents
        .iter()
        .flat_map(|(path, text)| text.lines().map(move |line| (path.as_path(), line)))
        .filter(|(_, line)| line.contains("cargo ") && line.contains(" -p "))
        .collect();
    assert!(lines.len() > 10, "{lines:?}");
    let wrong: Vec<_> =
        lines.iter().filter_map(|(path, line)| Some((path, missing_target(line)?))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether the crates are published is said in the README's table.
#[test]
fn every_readme_that_adds_crates_says_how_as_long_as_they_are_not_published() {
    let published = !fs::read_to_string(root().join("README.md"))
        .unwrap()
        .contains("| released | **not yet** |");
    let readmes: Vec<_> = documents()
        .into_iter()
        .filter(|(path, _)| path.ends_with("README.md"))
        .filter(|(_, text)| text.contains("cargo add redlock-") || text.contains("cargo install"))
        .collect();
    assert!(readmes.len() >= 10, "{readmes:?}");
    for (path, text) in readmes {
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            words.contains("not published yet") || words.contains("which they are not yet"),
            !published,
            "{path:?}"
        );
        let added = words
            .split("--path ../redlock/")
            .skip(1)
            .chain(words.split("path = \"../redlock/").skip(1));
        let added: Vec<_> = added.map(|rest| rest.split(['`', '"', ' ']).next().unwrap()).collect();
        for line in text.lines().filter_map(|line| line.strip_prefix("cargo add ")) {
            for name in line.split(' ').filter(|name| name.starts_with("redlock-")) {
                assert!(added.contains(&name), "{path:?} does not say how {name} is added");
            }
        }
        for name in added {
            assert!(root().join(name).join("Cargo.toml").exists(), "{path:?}: {name}");
        }
    }
}

#[test]
fn what_leads_nowhere_is_found() {
    let text = "# A heading, with `code`\n# Twice\n# Twice\n```sh\n# not one\n```\n";
    assert_eq!(anchors(text), ["a-heading-with-code", "twice", "twice-1"]);
    assert_eq!(targets("see [a](b.md#c) and [d](e)\n```\n[f](g)\n```\n"), ["b.md#c", "e"]);
    let path = Path::new("docs/SAFETY.md");
    assert_eq!(broken(path, text, "#twice-1"), None);
    assert_eq!(broken(path, text, "../README.md#license"), None);
    assert!(broken(path, text, "#thrice").unwrap().contains("no such heading"));
    assert!(broken(path, text, "README.md").unwrap().contains("no such file"));
    assert!(broken(path, text, "../README.md#licence").unwrap().contains("no such heading"));
    assert!(missing_target("cargo test -p integration-tests --test links").is_none());
    assert!(missing_target("cargo test -p integration-tests --test lynx").is_some());
    assert!(missing_target("cargo run -p redlock-tower --example orders").is_some());
}
