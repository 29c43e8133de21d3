//! Command lines that share, and what they do to those that do not.

use rustix::process::Signal;

use crate::setup::{self, Directory, Running, ended, until};

const HOLD: [&str; 4] = ["--", "sh", "-c", "echo held; read line"];

#[test]
fn readers_run_beside_one_another_and_never_beside_who_does_not_share() {
    let directory = Directory::new("readers");
    let hold = |flags: &[&str]| {
        let mut running = Running::start(directory.exec(&[flags, &["k"], &HOLD].concat()));
        assert_eq!(running.line(), "held");
        running
    };
    let try_it = |flags: &[&str]| {
        let ended = ended(&mut directory.exec(&[flags, &["-n", "k", "--", "true"]].concat()));
        (ended.code, ended.stderr)
    };
    let readers = [hold(&["-s"]), hold(&["--shared"])];
    assert_eq!(try_it(&["-s"]).0, Some(0));
    let (code, said) = try_it(&[]);
    assert!(code == Some(1) && said.contains(" sh (free in about "), "{said}");
    let waiter = Running::start(directory.exec(&["-w", "50s", "k", "--", "echo", "mine"]));
    let [one, other] = readers;
    other.end();
    assert_eq!(try_it(&[]).0, Some(1), "one of them reads on");
    one.end();
    assert_eq!(waiter.end().stdout, "mine\n");
    let writer = hold(&[]);
    assert_eq!(try_it(&["-s"]).0, Some(1));
    writer.end();
    assert_eq!(try_it(&["-s"]).0, Some(0));
}

#[test]
fn a_reader_that_is_killed_keeps_writers_out_for_its_time_and_no_longer() {
    let directory = Directory::new("reader-killed");
    let words = ["-s", "--ttl", "15s", "k", "--", "sh", "-c", "echo $$; exec sleep 1000"];
    let mut reader = Running::start(directory.exec(&words));
    let command = reader.line();
    reader.signal(Signal::KILL);
    until("the command is gone", || setup::is_gone(&command));
    let tried = ended(&mut directory.exec(&["-n", "k", "--", "true"]));
    assert_eq!(tried.code, Some(1), "shared for the rest of its time: {tried:?}");
    let beside = ended(&mut directory.exec(&["-ns", "k", "--", "true"]));
    assert_eq!(beside.code, Some(0), "{beside:?}");
    let next = ended(&mut directory.exec(&["-w", "50s", "k", "--", "echo", "mine"]));
    assert_eq!((next.code, &*next.stdout), (Some(0), "mine\n"), "{next:?}");
}
