//! The picture of a terminal in the README of `redlock-cli`: what the command says of one lock, and of its nodes.
//!
//! `REDLOCK_PICTURES=write cargo test --workspace --all-features --test cli -- as_it_is_drawn` draws it anew.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use integration_tests::timeline::svg::{Anchor, Svg};
use integration_tests::{Kind, Servers};

use crate::screen::{Part, Screen};

const WIDTH: f64 = 960.0;
const LINE: f64 = 15.0;
/// Above the first line of a terminal, for what it is called.
const HEAD: f64 = 28.0;

const STYLE: &str = "
text { font: 11px ui-monospace, monospace; } .name { font: 11px ui-monospace, monospace; font-weight: 600; }
.what { font: 12px system-ui, sans-serif; font-weight: 600; }
.good { fill: var(--c1); } .warn { fill: var(--warn); } .bad { fill: var(--bad); } .lane { fill: var(--band); }
";

/// A terminal and all that stands on it.
type Shown = (&'static str, Vec<Vec<Part>>);

/// The program that is to run alone ends when there is a file `go`.
const DEPLOY: &str = "#!/bin/sh\necho deploying\nuntil [ -e go ]; do sleep 0.1; done\necho done\n";

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("terminal");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    symlink(env!("CARGO_BIN_EXE_redlock-command"), folder.join("redlock")).unwrap();
    fs::write(folder.join("deploy.sh"), DEPLOY).unwrap();
    fs::set_permissions(folder.join("deploy.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

/// One deploys, another would at the same time, a third one watches, and then looks whether the nodes are fit.
async fn play() -> Vec<Shown> {
    // Always of the same version, and so with the same words.
    let servers = Servers::start_kind(Kind::Valkey91, 3).await;
    let folder = folder();
    let start = |typed: &str| Screen::start(&servers, &folder, typed);
    let mut watch = start("redlock watch --interval 250ms deploy:web");
    watch.says("free").await;
    let first = start("redlock exec --label ann@web-1 deploy:web -- ./deploy.sh");
    first.says("deploying").await;
    watch.says("ann@web-1").await;
    let second = start("redlock exec -n --label bob@web-2 deploy:web -- ./deploy.sh; echo $?");
    let second = second.end().await;
    fs::write(folder.join("go"), "").unwrap();
    let first = first.end().await;
    watch.says("freed").await;
    watch.press("\x03");
    let watch = watch.end().await;
    let doctor = start("redlock doctor").end().await;
    vec![
        ("one machine", first),
        ("another, meanwhile", second),
        ("a third one", watch),
        ("their nodes", doctor),
    ]
}

fn draw(shown: &[Shown]) -> String {
    let (mut svg, mut y) = (Svg::default(), 4.0);
    for (what, lines) in shown {
        let height = HEAD + LINE * lines.len() as f64 + 6.0;
        svg.open("terminal", what);
        svg.rect("lane", (4.0, y), (WIDTH - 8.0, height), "");
        svg.text("what", Anchor::Start, (14.0, y + 17.0), what);
        for (row, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
            let parts: Vec<_> = line.iter().map(|(class, text)| (*class, text.as_str())).collect();
            svg.parts((14.0, y + HEAD + 9.0 + LINE * row as f64), &parts);
        }
        svg.close();
        y += height + 6.0;
    }
    svg.finish("redlock exec, watch and doctor at a terminal", STYLE, (WIDTH, y))
}

/// What does not vary of a picture: its texts without numbers, and without how far apart they are. What doctor measures may
/// be told otherwise on a slow machine, so of each of its checks there is the name alone.
fn told(svg: &str) -> Vec<String> {
    let texts = svg.split("<text ").skip(1).map(|text| text.split("</text>").next().unwrap());
    let plain = |text: &str| {
        let text = text.split_once('>').unwrap().1;
        let parts = text.split('<').map(|part| part.split_once('>').map_or(part, |(_, said)| said));
        parts.collect::<String>()
    };
    let word = |word: &str| {
        // An exit code stays what it is.
        let numbers = word.len() > 1 && word.contains(|c: char| c.is_ascii_digit());
        if numbers && !word.contains("web-") { "0".to_owned() } else { word.to_owned() }
    };
    let mut told: Vec<String> = Vec::new();
    for line in texts.map(plain) {
        let words: Vec<_> = line.split_whitespace().map(word).collect();
        let first: Vec<_> = words.iter().map(String::as_str).take(3).collect();
        match first[..] {
            ["✓" | "!" | "✗", check, _] => told.push(check.to_owned()),
            ["→", ..] => {}
            ["0", "0", event] if !["seen", "taken", "freed"].contains(&event) => {}
            // Of a node's row what it is, and not how long it takes.
            ["0", server, _] if server != "0" => told.push(words[..4].join(" ")),
            _ => told.push(words.join(" ")),
        }
    }
    told.retain(|line| {
        !line.ends_with("warnings") && !line.ends_with("warning") && !line.ends_with("failed")
    });
    told
}

#[tokio::test]
async fn the_terminal_of_the_readme_is_as_it_is_drawn() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/terminal.svg");
    let now = draw(&play().await);
    if std::env::var_os("REDLOCK_PICTURES").is_some_and(|value| value == "write") {
        fs::write(&path, &now).unwrap();
    }
    let there = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        told(&there),
        told(&now),
        "docs/terminal.svg: REDLOCK_PICTURES=write cargo test --workspace --all-features --test cli -- as_it_is_drawn"
    );
    let dark = "prefers-color-scheme: dark";
    assert!(there.contains(dark) && there.len() <= 20_000, "{} bytes", there.len());
}
