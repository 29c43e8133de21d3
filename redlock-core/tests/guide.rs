//! What docs.rs shows of the repository's documents (`redlock_core::guide`) is what stands in `docs`, with links that lead
//! somewhere there. They are copies, because a package holds nothing from outside of it.
//!
//! `REDLOCK_GUIDE=write cargo test -p redlock-core --test guide` writes them anew.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

const MODULES: &str = include_str!("../src/guide/mod.rs");

fn documents() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn copies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide")
}

/// The names of the documents in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names = entries.map(|name| name.into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(".md")).collect();
    names.sort();
    names
}

fn module(document: &str) -> Option<String> {
    let name = document.strip_suffix(".md")?;
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    plain.then(|| name.to_lowercase())
}

/// Where a link of a document leads in the crate's documentation, if anywhere.
fn there(target: &str) -> Option<String> {
    if target.starts_with("https://") || target.starts_with('#') {
        return Some(target.to_owned());
    }
    let (file, anchor) = target.find('#').map_or((target, ""), |at| target.split_at(at));
    Some(format!("crate::guide::{}{anchor}", module(file)?))
}

/// Prose with links that lead somewhere, or with the words alone.
fn relinked(prose: &str) -> String {
    let (mut shown, mut rest) = (String::new(), prose);
    while let Some((before, after)) = rest.split_once("](") {
        let (target, behind) = after.split_once(')').unwrap_or_else(|| panic!("{after}"));
        shown += before;
        match there(target) {
            Some(target) => shown += &format!("]({target})"),
            None => {
                let bracket = opening(&shown);
                shown.remove(bracket);
                // A picture, of which the words are left.
                if shown[..bracket].ends_with('!') {
                    shown.remove(bracket - 1);
                }
            }
        }
        rest = behind;
    }
    shown + rest
}

/// Where the bracket stands that the end of `text` closes.
fn opening(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices().rev() {
        match c {
            ']' => depth += 1,
            '[' if depth == 0 => return at,
            '[' => depth -= 1,
            _ => {}
        }
    }
    panic!("no bracket opens before {text}")
}

/// A document as docs.rs shows it. What is fenced stays as it is.
fn shown(document: &str) -> String {
    let (mut shown, mut prose, mut fenced) = (String::new(), String::new(), false);
    for line in document.split_inclusive('\n') {
        let fence = line.trim_start().starts_with("```");
        if fence || fenced {
            shown += &relinked(&std::mem::take(&mut prose));
            shown += line;
        } else {
            prose += line;
        }
        fenced ^= fence;
    }
    shown + &relinked(&prose)
}

#[test]
fn the_crate_shows_the_documents_as_they_are() {
    let names = names(&documents());
    assert!(names.len() > 8, "{names:?}");
    for name in &names {
        let wanted = shown(&fs::read_to_string(documents().join(name)).unwrap());
        if std::env::var_os("REDLOCK_GUIDE").is_some_and(|value| value == "write") {
            fs::write(copies().join(name), &wanted).unwrap();
        }
        let copy = fs::read_to_string(copies().join(name)).unwrap_or_default();
        assert!(
            copy == wanted,
            "docs/{name} has changed: REDLOCK_GUIDE=write cargo test -p redlock-core --test guide"
        );
        let module = module(name).unwrap_or_else(|| panic!("{name} is no name for a module"));
        let shown = format!("#[doc = include_str!(\"{name}\")]\npub mod {module} {{}}\n");
        assert!(MODULES.contains(&shown), "src/guide/mod.rs lacks\n{shown}");
        assert!(MODULES.contains(&format!("//! | [`{module}`] |")), "and its table");
    }
    assert_eq!(self::names(&copies()), names, "and nothing else");
}

#[test]
fn links_lead_to_modules_and_what_is_not_there_keeps_its_words() {
    let document = "See [Rights](OPERATIONS.md#rights), [this](#here),\n[the `[x]`\nsource](../redlock-core/src/lib.rs), ![a picture](a.svg) and \
                    [the web](https://example.org).\n```text\n[a](b.md)\n```\n";
    let wanted = "See [Rights](crate::guide::operations#rights), [this](#here),\nthe `[x]`\nsource, a picture and \
                  [the web](https://example.org).\n```text\n[a](b.md)\n```\n";
    assert_eq!(shown(document), wanted);
}
