//! Whether anybody reads what is said changes nothing.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::setup::{Directory, Running, ended, redlock};

/// Where nothing can be written to.
fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

#[test]
fn a_reader_that_goes_away_ends_no_command() {
    let directory = Directory::new("said-head");
    let done = format!("{}.done", directory.path());
    let script = format!("read line; sleep 5; echo finished >{done}");
    let words = ["-v", "--ttl", "6s", "k", "--", "sh", "-c", &script];
    let mut process =
        directory.exec(&words).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("redlock: k: locked"), "{line}");
    // Renewals are said from here on, to nobody.
    drop(process.stdin.take());
    assert_eq!(process.wait().unwrap().code(), Some(0));
    assert_eq!(std::fs::read_to_string(&done).unwrap(), "finished\n");
    std::fs::remove_file(done).unwrap();
    let next = ended(&mut directory.exec(&["-n", "k", "--", "true"]));
    assert_eq!(next.code, Some(0), "released: {next:?}");
}

#[test]
fn codes_are_the_same_where_nothing_can_be_said() {
    let directory = Directory::new("said-full");
    let mut holder = Running::start(directory.exec(&["held", "--", "sh", "-c", "echo up; read l"]));
    assert_eq!(holder.line(), "up");
    let nowhere = ["--node", "127.0.0.1:1", "--node", "127.0.0.1:2"];
    let cases: [(&[&str], i32); 5] = [
        (&["-n", "held", "--", "true"], 1),
        (&["-v", "k", "--", "sh", "-c", "exit 4"], 4),
        (&["k", "--", "/nonexistent/command"], 127),
        (&["-n", nowhere[0], nowhere[1], nowhere[2], nowhere[3], "k", "--", "true"], 125),
        (&["--ttl", "1ms", "k", "--", "true"], 125),
    ];
    for (words, code) in cases {
        let status = directory.exec(words).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(code), "{words:?}");
    }
    let key = format!("of a test that is not heard {}", std::process::id());
    let mut command = redlock();
    let status = command.args(["exec", &key, "--", "sh", "-c", "exit 4"]).stderr(full()).status();
    assert_eq!(status.unwrap().code(), Some(4), "with the notice that no nodes are named");
    holder.end();
}

/// The end of a lock with a stubborn command, where `stderr` takes no line.
fn lose(test: &str, stderr: impl Into<Stdio>) {
    let directory = Directory::new(test);
    let script = "trap '' TERM; echo up; while :; do sleep 0.1; done";
    let words = ["-v", "-k", "500ms", "--ttl", "8s", "k", "--", "sh", "-c", script];
    let mut command = directory.exec(&words);
    let mut process = command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
    drop(command);
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let elsewhere = format!("{}-moved", directory.path());
    std::fs::rename(directory.path(), &elsewhere).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(124));
    std::fs::remove_dir_all(elsewhere).unwrap();
}

#[test]
fn a_lost_lock_that_nobody_can_be_told_of_is_lost_all_the_same() {
    lose("said-lost", full());
}

#[test]
fn a_reader_that_does_not_read_holds_up_nothing() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let stderr = writer.try_clone().unwrap();
    // More than fits, so it hangs there until nobody reads.
    let filler = std::thread::spawn(move || writer.write_all(&[b'x'; 1 << 22]));
    lose("said-unread", stderr);
    drop(reader);
    assert!(filler.join().unwrap().is_err(), "it was full");
}
