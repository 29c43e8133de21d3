//! No import runs up the house and none runs in a circle: each room of a crate imports from itself and from rooms below
//! it, and no two files need each other. What a macro expands to is not seen, such as the path behind `mutant!`; paths
//! among the tokens that it is handed are.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod graph;
mod graph_tests;
mod reader;
mod reader_tests;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use graph::{Arrow, Files, Graph, circles};

/// A folder or a file directly in a crate's `src`, and which rooms it may import from besides itself.
type Room = (&'static str, Below);

#[derive(Clone, Copy)]
enum Below {
    /// All that are listed before it.
    Each,
    Only(&'static [&'static str]),
}

use Below::{Each, Only};

/// The rooms of the crates that have any, from the lowest up. `lib.rs` stands above all of them. The other crates are
/// searched for circles alone, as these are too.
const HOUSES: &[(&str, &[Room])] = &[
    (
        "redlock-core",
        &[
            ("duration", Only(&[])),
            ("node", Each),
            ("error", Each),
            ("decide", Each),
            ("telemetry", Each),
            ("driver", Each),
            ("handle", Each),
            ("memory", Only(&["node", "error", "decide"])),
            ("route", Each),
            ("testing", Each),
        ],
    ),
    (
        "redlock-config",
        &[
            ("variables", Only(&[])),
            ("client", Only(&[])),
            ("secret", Only(&[])),
            ("error", Only(&[])),
            ("rules", Only(&["client", "error"])),
            ("places", Only(&["error"])),
            ("address", Only(&["secret", "error"])),
            ("settings", Only(&["client", "rules", "address"])),
            ("written", Only(&["secret", "error", "rules", "address", "settings"])),
            ("text", Only(&["error", "settings", "written"])),
            ("surroundings", Only(&["variables", "secret", "error", "rules", "places", "address"])),
            ("load", Each),
            ("connect", Only(&["client", "error", "address", "settings"])),
        ],
    ),
    (
        "redlock-cli",
        &[
            ("exit", Only(&[])),
            ("duration", Only(&[])),
            ("label", Only(&[])),
            ("process", Only(&[])),
            ("output", Only(&["exit", "process"])),
            ("config", Only(&["exit"])),
            ("nodes", Only(&["exit", "output", "config"])),
            ("look", Only(&["exit", "output", "config", "nodes"])),
            ("exec", Only(&["exit", "label", "process", "output", "config", "nodes"])),
            ("bench", Only(&["exit", "label", "process", "output", "config", "nodes"])),
            ("doctor", Only(&["exit", "label", "process", "output", "config", "nodes"])),
            ("inspect", Only(&["exit", "output", "config", "look"])),
            ("leader", Only(&["exit", "output", "config", "look"])),
            ("watch", Only(&["exit", "process", "output", "config", "look"])),
            ("list", Only(&["exit", "output", "config", "look", "watch"])),
            ("release", Only(&["exit", "output", "config", "nodes", "look"])),
            ("args", Each),
            ("generate", Only(&["exit", "output", "args"])),
        ],
    ),
];

/// What breaks a crate on purpose is named wherever something can be broken.
const SWITCHBOARDS: &[&str] = &["testing/mutants.rs"];

const LONGEST_FILE: usize = 350;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The packages of the workspace, by their folder.
fn packages() -> Vec<String> {
    let entries = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap());
    let is_package = |entry: &fs::DirEntry| entry.path().join("Cargo.toml").is_file();
    let with_source = |entry: &fs::DirEntry| entry.path().join("src").is_dir();
    let packages = entries.filter(|entry| is_package(entry) && with_source(entry));
    let mut names: Vec<_> = packages.map(|p| p.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The files of Rust below a folder, by their path from there.
fn files_below(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![String::new()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(folder.join(&inner)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let path = if inner.is_empty() { name.clone() } else { format!("{inner}/{name}") };
            let whole = folder.join(&path);
            if whole.is_dir() {
                if !name.starts_with('.') && name != "target" {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") {
                files.insert(path, fs::read_to_string(whole).unwrap());
            }
        }
    }
    files
}

fn arrows_of(package: &str) -> Vec<Arrow> {
    let files = files_below(&root().join(package).join("src"));
    Graph::of(&files).unwrap_or_else(|e| panic!("{package}/src/{e}")).arrows()
}

fn shown(package: &str, arrow: &Arrow) -> String {
    let Arrow { from, line, to, path, .. } = arrow;
    format!("    {package}/src/{}:{line}: {path}, of {}\n", from, to)
}

/// The folder in `src` that a file is in, or the file itself without its ending.
fn room(file: &str) -> &str {
    let first = file.split_once('/').map_or(file, |(folder, _)| folder);
    first.trim_end_matches(".rs")
}

/// What is wrong with an arrow by the rooms of its crate.
fn against(rooms: &[Room], arrow: &Arrow) -> Option<String> {
    let (from, to) = (room(&arrow.from), room(&arrow.to));
    if from == to || from == "lib" || SWITCHBOARDS.contains(&arrow.to.as_str()) {
        return None;
    }
    let place = |name: &str| rooms.iter().position(|(room, _)| *room == name);
    let Some(floor) = place(from) else {
        return Some(format!("{from} has no place among the rooms"));
    };
    let may = match rooms[floor].1 {
        Each => rooms[..floor].iter().any(|(room, _)| *room == to),
        Only(lower) => lower.contains(&to),
    };
    (!may).then(|| format!("{from} may not import from {to}"))
}

#[test]
fn no_import_runs_up_the_house() {
    let mut wrong = String::new();
    for (package, rooms) in HOUSES {
        let arrows = arrows_of(package);
        let met: BTreeSet<&str> = arrows.iter().map(|arrow| room(&arrow.to)).collect();
        assert!(arrows.len() > 50 && met.len() > 5, "{package}: {} arrows", arrows.len());
        for (room, _) in *rooms {
            let path = root().join(package).join("src").join(room);
            assert!(
                path.is_dir() || path.with_extension("rs").is_file(),
                "{package} has no {room}"
            );
        }
        let mut found: Vec<_> =
            arrows.iter().filter_map(|arrow| Some((against(rooms, arrow)?, arrow))).collect();
        found.sort();
        for reasons in found.chunk_by(|(a, _), (b, _)| a == b) {
            wrong += &format!("{package}: {}\n", reasons[0].0);
            wrong.extend(reasons.iter().map(|(_, arrow)| shown(package, arrow)));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn no_two_files_need_each_other() {
    let packages = packages();
    assert!(packages.len() > 8, "{packages:?}");
    let mut wrong = String::new();
    for package in &packages {
        for circle in circles(&arrows_of(package)) {
            let files: Vec<_> = circle.files.iter().map(String::as_str).collect();
            wrong += &format!("{package}: a circle of {}: {}\n", files.len(), files.join(", "));
            wrong.extend(circle.arrows.iter().map(|arrow| shown(package, arrow)));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn no_file_is_longer_than_a_reader_likes() {
    let files = files_below(root());
    let mut lines: Vec<_> = files.iter().map(|(path, t)| (t.lines().count(), path)).collect();
    lines.sort();
    let (median, ninth) = (lines[lines.len() / 2].0, lines[lines.len() * 9 / 10].0);
    println!("{} files, half of {median} lines at most, nine tenths of {ninth}", lines.len());
    let long: Vec<_> = lines.iter().filter(|(lines, _)| *lines > LONGEST_FILE).collect();
    assert!(long.is_empty(), "over {LONGEST_FILE} lines: {long:#?}");
}

#[test]
fn an_arrow_upwards_is_told_from_one_downwards() {
    let rooms: &[Room] =
        &[("low", Each), ("middle", Each), ("apart", Only(&["low"])), ("top", Each)];
    let against = |from: &str, to: &str| {
        let (from, to) = (from.to_owned(), to.to_owned());
        let arrow = Arrow { from, line: 1, to, path: String::new(), names: false };
        against(rooms, &arrow)
    };
    for (from, to) in [
        ("middle/a.rs", "low/mod.rs"),
        ("middle/a.rs", "middle/b.rs"),
        ("top.rs", "apart/a/b.rs"),
        ("apart/a.rs", "low.rs"),
        ("lib.rs", "top/a.rs"),
    ] {
        assert_eq!(against(from, to), None, "{from} {to}");
    }
    for (from, to) in [
        ("low/a.rs", "middle/a.rs"),
        ("middle/a.rs", "apart/a.rs"),
        ("apart/a.rs", "middle/a.rs"),
        ("top/a.rs", "lib.rs"),
        ("top/a.rs", "new/a.rs"),
    ] {
        let told = against(from, to).unwrap();
        assert_eq!(told, format!("{} may not import from {}", room(from), room(to)));
    }
    assert_eq!(against("new/a.rs", "low/a.rs").unwrap(), "new has no place among the rooms");
}
