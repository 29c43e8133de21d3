//! What stands on a terminal after a command line has written to it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex};

use integration_tests::Servers;

use crate::setup::until;
use crate::terminal;

/// A part of a line: its class in a picture, and its text.
pub(crate) type Part = (&'static str, String);

/// How wide the terminals are.
const COLUMNS: usize = 132;

/// A command line at a terminal, whose screen can be looked at.
pub(crate) struct Screen {
    typed: String,
    keyboard: File,
    process: Child,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Screen {
    /// Runs what was typed in a folder, with programs of that folder.
    pub(crate) fn start(servers: &Servers, folder: &Path, typed: &str) -> Self {
        let script = format!("stty cols {COLUMNS}; PATH=.:$PATH; eval \"$1\"");
        let (keyboard, process) = terminal::open(
            servers,
            &["env", "-u", "NO_COLOR", "bash", "-c", &script, "bash", typed],
            folder,
        );
        let (mut screen, bytes) = (keyboard.try_clone().unwrap(), Arc::default());
        let written = Arc::<Mutex<Vec<u8>>>::clone(&bytes);
        std::thread::spawn(move || {
            let mut buffer = [0; 1024];
            // A terminal that nobody has open any more is an error on Linux.
            while let Ok(read @ 1..) = screen.read(&mut buffer) {
                written.lock().unwrap().extend(&buffer[..read]);
            }
        });
        Self { typed: typed.to_owned(), keyboard, process, bytes }
    }

    fn written(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    pub(crate) async fn says(&self, part: &str) {
        until(part, async || self.written().contains(part)).await;
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for its end, and gives the prompt with what was typed, and the lines that it left.
    pub(crate) async fn end(mut self) -> Vec<Vec<Part>> {
        until("it has ended", async || self.process.try_wait().unwrap().is_some()).await;
        // The last that it wrote may be on its way.
        let mut before = usize::MAX;
        until("all is read", async || {
            let now = self.bytes.lock().unwrap().len();
            std::mem::replace(&mut before, now) == now
        })
        .await;
        let prompt = vec![("faint", "$ ".to_owned()), ("name", self.typed.clone())];
        let lines = lines(&self.written()).into_iter().flat_map(wrapped);
        std::iter::once(prompt).chain(lines).collect()
    }
}

/// What is left of text with colours, and of lines that are written anew. Pure.
pub(crate) fn lines(text: &str) -> Vec<Vec<Part>> {
    let (mut lines, mut line, mut class) = (Vec::new(), Vec::<Part>::new(), "");
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(sequence) = rest.strip_prefix("\u{1b}[") {
            let end = sequence.find(|c: char| c.is_ascii_alphabetic()).unwrap();
            match &sequence[..=end] {
                "2K" => line.clear(),
                "0m" => class = "",
                "2m" => class = "faint",
                "31m" => class = "bad",
                "32m" => class = "good",
                "33m" => class = "warn",
                other => panic!("a sequence that is unknown here: {other:?}"),
            }
            rest = &sequence[end + 1..];
            continue;
        }
        match c {
            '\r' => {}
            '\n' => lines.push(std::mem::take(&mut line)),
            c => match line.last_mut() {
                Some((of, part)) if *of == class => part.push(c),
                _ => line.push((class, c.to_string())),
            },
        }
        rest = &rest[c.len_utf8()..];
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// As a terminal goes on in the next line.
fn wrapped(line: Vec<Part>) -> Vec<Vec<Part>> {
    let (mut lines, mut used) = (vec![Vec::<Part>::new()], 0);
    for (class, text) in line {
        for c in text.chars() {
            if used == COLUMNS {
                lines.push(Vec::new());
                used = 0;
            }
            used += 1;
            let line = lines.last_mut().unwrap();
            match line.last_mut() {
                Some((of, part)) if *of == class => part.push(c),
                _ => line.push((class, c.to_string())),
            }
        }
    }
    lines
}

#[test]
fn a_line_that_is_written_anew_is_the_last_that_was_written() {
    let part = |class, text: &str| (class, text.to_owned());
    assert_eq!(lines("a\r\n\r\u{1b}[2Kold\r\u{1b}[2Knew"), [[part("", "a")], [part("", "new")]]);
    let coloured = lines("  \u{1b}[32m✓\u{1b}[0m  well\r\n\r\n");
    assert_eq!(coloured, [vec![part("", "  "), part("good", "✓"), part("", "  well")], vec![]]);
}

#[test]
fn a_line_that_is_too_long_goes_on_in_the_next() {
    let long = vec![("bad", "!".to_owned()), ("", "x".repeat(COLUMNS))];
    let lines = wrapped(long);
    assert_eq!(lines[0], [("bad", "!".to_owned()), ("", "x".repeat(COLUMNS - 1))]);
    assert_eq!(lines[1..], [vec![("", "x".to_owned())]]);
    assert_eq!(wrapped(Vec::new()), [Vec::new()]);
}
