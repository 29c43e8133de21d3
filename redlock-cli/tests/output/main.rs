//! What the command says, and who hears it: nobody, a full disk, a reader that leaves, a narrow terminal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod terminal;
mod unusable;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use common::{Directory, ended, redlock, until};

/// Each verb that prints, with the code that it has when everything is well. Over a directory where there is one.
const VERBS: [(&[&str], i32); 14] = [
    (&["--help"], 0),
    (&["help", "exec"], 0),
    (&["exec", "--help"], 0),
    (&["--version"], 0),
    (&["completions", "bash"], 0),
    (&["man"], 0),
    (&["inspect", "k", "j"], 0),
    (&["inspect", "--json", "k"], 0),
    (&["leader", "k"], 0),
    (&["leader", "--json", "k"], 0),
    // One node is a warning.
    (&["doctor"], 1),
    (&["doctor", "--json"], 1),
    (&["bench", "--duration", "1s"], 0),
    (&["release", "k", "--token", TOKEN], 1),
];
const TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";

fn command(directory: &Directory, words: &[&str]) -> Command {
    let mut command = redlock();
    command.args(words).env("REDLOCK_NODES", directory.node());
    command
}

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// A pipe that nobody reads.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn code(child: &mut Child) -> Option<i32> {
    until("it has ended", || child.try_wait().unwrap().is_some());
    child.wait().unwrap().code()
}

#[test]
fn a_full_disk_on_standard_output_is_a_failure_in_one_line() {
    let directory = Directory::new("full");
    for (words, well) in VERBS {
        assert_eq!(ended(&mut command(&directory, words)).code, Some(well), "{words:?}");
        let mut child =
            command(&directory, words).stdout(full()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let said: Vec<_> = stderr.lines().map(Result::unwrap).collect();
        assert_eq!(code(&mut child), Some(125), "{words:?}: {said:?}");
        assert_eq!(said.len(), 1, "{words:?}: {said:?}");
        assert!(
            said[0].starts_with("redlock: standard output: No space left"),
            "{words:?}: {said:?}"
        );
    }
}

#[test]
fn who_stops_reading_changes_no_code() {
    let directory = Directory::new("unread");
    for (words, well) in VERBS {
        let mut child =
            command(&directory, words).stdout(unread()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let said: Vec<_> = stderr.lines().map(Result::unwrap).collect();
        assert_eq!((code(&mut child), said), (Some(well), Vec::new()), "{words:?}");
    }
}

/// What is wrong, and the code for it.
#[test]
fn failures_keep_their_codes_when_nobody_hears_of_them() {
    let directory = Directory::new("unheard");
    let cases: [(&[&str], i32); 9] = [
        (&[], 2),
        (&["nonsense"], 2),
        (&["inspect"], 2),
        (&["inspect", ""], 125),
        (&["watch", "k", "--interval", "0s"], 125),
        (&["release", "k", "--force"], 2),
        (&["release", "k"], 2),
        (&["man", "/nonexistent/directory"], 125),
        (&["bench", "--ttl", "1ms"], 125),
    ];
    for (words, code_wanted) in cases {
        for stderr in [full().into(), unread(), Stdio::null()] {
            let mut child = command(&directory, words).stderr(stderr).stdout(Stdio::null()).spawn();
            assert_eq!(code(child.as_mut().unwrap()), Some(code_wanted), "{words:?}");
        }
        let heard = ended(&mut command(&directory, words));
        assert!(!heard.stderr.contains("panicked"), "{words:?}: {heard:?}");
    }
}

/// From within the command that runs under the lock.
#[test]
fn a_release_that_says_no_way_shows_the_holder_and_of_a_directory_speaks_of_no_force() {
    let directory = Directory::new("unsaid");
    let redlock = env!("CARGO_BIN_EXE_redlock");
    let words = ["exec", "k", "--label", "ann", "--", redlock, "release", "k", "j"];
    let unsaid = ended(&mut command(&directory, &words));
    assert_eq!(unsaid.code, Some(2), "{unsaid:?}");
    let lines: Vec<_> = unsaid.stdout.lines().collect();
    assert!(lines[0].starts_with("k: held by ann (") && lines[0].ends_with(" left"), "{unsaid:?}");
    assert_eq!(lines[1..], ["j: free"]);
    assert!(unsaid.stderr.contains("--token TOKEN") && !unsaid.stderr.contains("--force"));
    assert!(unsaid.stderr.contains("cannot be taken away: end its holder"), "{unsaid:?}");
    let free = ended(&mut command(&directory, &["release", "k"]));
    assert_eq!((free.code, free.stdout.as_str()), (Some(2), "k: free\n"), "and it was released");
}

#[test]
fn standard_input_output_and_error_may_be_closed() {
    let directory = Directory::new("closed");
    for (words, well) in VERBS {
        let mut shell = redlock_in_shell("exec \"$@\" <&- >&- 2>&-", &directory, words);
        assert_eq!(ended(&mut shell).code, Some(well), "{words:?}");
    }
}

fn redlock_in_shell(script: &str, directory: &Directory, words: &[&str]) -> Command {
    let inner = command(directory, words);
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.stdin(Stdio::null());
    shell
}

/// `| head -1`, and nothing changes any more.
#[test]
fn watch_ends_when_its_reader_has_gone_without_waiting_for_a_change_or_a_look() {
    let directory = Directory::new("watched");
    for interval in ["20ms", "1h"] {
        for json in [&[] as &[_], &["--json"]] {
            let words = [&["watch", "k", "--interval", interval], json].concat();
            let mut child = command(&directory, &words).stdout(Stdio::piped()).spawn().unwrap();
            let mut reader = BufReader::new(child.stdout.take().unwrap());
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            assert!(line.contains("seen") && line.contains("free"), "{line}");
            assert_eq!(child.try_wait().unwrap(), None, "somebody reads");
            drop(reader);
            assert_eq!(code(&mut child), Some(0), "{words:?}");
        }
    }
    let mut child = command(&directory, &["watch", "k"]).stdout(full()).spawn().unwrap();
    assert_eq!(code(&mut child), Some(125), "a full disk");
}
