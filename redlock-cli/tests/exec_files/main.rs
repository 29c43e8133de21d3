//! `redlock exec` without a server: over directories, and over the one that is used when nothing is said.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod deaths;
mod headless;
mod inherited;
mod permits;
mod readers;
mod said;
mod setup;
mod shared;
mod stopped;

use rustix::process::Signal;
use setup::{Directory, Running, ended, redlock, until};

#[test]
fn it_exits_as_its_command_does() {
    let directory = Directory::new("codes");
    let cases: [(&[&str], i32); 5] = [
        (&["true"], 0),
        (&["sh", "-c", "exit 3"], 3),
        (&["sh", "-c", "kill -TERM $$"], 143),
        (&["/nonexistent/command"], 127),
        (&[directory.path()], 126),
    ];
    for (command, code) in cases {
        let ended = ended(directory.exec(&["-n", "k", "--"]).args(command));
        assert_eq!(ended.code, Some(code), "{command:?}: {ended:?}");
    }
}

#[test]
fn one_at_a_time_is_in_and_who_does_not_wait_is_told() {
    let directory = Directory::new("held");
    let mut holder =
        Running::start(directory.exec(&["k", "--", "sh", "-c", "echo held; read line"]));
    assert_eq!(holder.line(), "held");
    let tried = ended(&mut directory.exec(&["-n", "k", "--", "echo", "ran"]));
    assert_eq!((tried.code, &*tried.stdout), (Some(1), ""), "{tried:?}");
    // By whom: `user@host pid program`, and none of the program's arguments.
    let named = tried.stderr.split_once(" sh (free in about ").expect(&tried.stderr).0;
    assert!(named.starts_with("redlock: k: held by ") && named.contains('@'), "{tried:?}");
    assert!(!tried.stderr.contains("echo"), "{tried:?}");
    let other = ended(&mut directory.exec(&["-n", "-E", "9", "j", "k", "--", "true"]));
    assert_eq!(other.code, Some(9), "{other:?}");
    let free = ended(&mut directory.exec(&["-n", "j", "--", "true"]));
    assert_eq!(free.code, Some(0), "{free:?}");
    let waiter = Running::start(directory.exec(&["-w", "50s", "k", "--", "echo", "mine"]));
    let holder = holder.end();
    assert_eq!(holder.code, Some(1), "`read` at the end of its input: {holder:?}");
    let waiter = waiter.end();
    assert_eq!((waiter.code, &*waiter.stdout), (Some(0), "mine\n"), "{waiter:?}");
}

#[test]
fn a_holder_without_a_label_is_another_and_a_label_that_breaks_a_rule_a_wrong_command_line() {
    let directory = Directory::new("label");
    let mut holder = Running::start(directory.exec(&[
        "k",
        "--no-label",
        "--",
        "sh",
        "-c",
        "echo held; read line",
    ]));
    assert_eq!(holder.line(), "held");
    let tried = ended(&mut directory.exec(&["-n", "k", "--", "echo", "ran"]));
    assert!(tried.stderr.starts_with("redlock: k: held by another (free in about "), "{tried:?}");
    holder.end();
    let wrong = ended(&mut directory.exec(&["--label", "a\nb", "k", "--", "echo", "ran"]));
    assert_eq!((wrong.code, &*wrong.stdout), (Some(2), ""), "{wrong:?}");
    let first = wrong.stderr.lines().next().unwrap();
    assert!(first.ends_with("must be printable characters"), "{wrong:?}");
}

#[test]
fn no_two_are_ever_inside() {
    let directory = Directory::new("inside");
    let log = format!("{}.log", directory.path());
    let script = format!("echo in >>{log}; sleep 0.02; echo out >>{log}");
    let run = || Running::start(directory.exec(&["-w", "50s", "k", "--", "sh", "-c", &script]));
    for one in (0..8).map(|_| run()).collect::<Vec<_>>() {
        let ended = one.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "in\nout\n".repeat(8));
    std::fs::remove_file(log).unwrap();
}

#[test]
fn killed_it_takes_the_command_along_and_its_lock_frees_itself() {
    let directory = Directory::new("killed");
    let script = "trap '' HUP INT TERM; echo $$; while :; do sleep 0.1; done";
    let words = ["--ttl", "15s", "k", "--", "sh", "-c", script];
    let mut running = Running::start(directory.exec(&words));
    let command = running.line();
    running.signal(Signal::KILL);
    until("the command is gone", || setup::is_gone(&command));
    let tried = ended(&mut directory.exec(&["-n", "k", "--", "true"]));
    assert_eq!(tried.code, Some(1), "held for the rest of its time: {tried:?}");
    let next = ended(&mut directory.exec(&["-w", "50s", "k", "--", "echo", "mine"]));
    assert_eq!((next.code, &*next.stdout), (Some(0), "mine\n"), "{next:?}");
}

#[test]
fn a_directory_that_goes_away_ends_the_command() {
    let directory = Directory::new("gone");
    let words = ["--ttl", "8s", "k", "--", "sh", "-c", "echo $$; exec sleep 1000"];
    let mut running = Running::start(directory.exec(&words));
    let command = running.line();
    let elsewhere = format!("{}-moved", directory.path());
    std::fs::rename(directory.path(), &elsewhere).unwrap();
    let ended = running.end();
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert!(ended.stderr.starts_with("redlock: k: lock lost: "), "{ended:?}");
    assert!(setup::is_gone(&command));
    std::fs::remove_dir_all(elsewhere).unwrap();
}

#[test]
fn without_nodes_all_processes_of_this_user_share_one_directory_and_are_told() {
    let key = format!("of a test {}", std::process::id());
    let words = ["exec", &key, "--", "sh", "-c", "echo held; read line"];
    let mut command = redlock();
    command.args(words).env("TMPDIR", "/nonexistent");
    let mut holder = Running::start(command);
    assert_eq!(holder.line(), "held");
    let mut command = redlock();
    command.args(["exec", "-n", &key, "--", "echo", "ran"]).env("XDG_RUNTIME_DIR", "/nonexistent");
    let tried = ended(&mut command);
    assert_eq!((tried.code, &*tried.stdout), (Some(1), ""), "{tried:?}");
    let holder = holder.end();
    for stderr in [&tried.stderr, &holder.stderr] {
        let user = rustix::process::geteuid().as_raw();
        let holds = format!("for this user on this machine only, in /tmp/redlock-{user}.");
        assert_eq!(stderr.matches(&holds).count(), 1, "{stderr}");
    }
    for word in ["--node", "REDLOCK_NODES", "redlock.toml"] {
        assert!(holder.stderr.contains(word), "{word}: {holder:?}");
    }
}

#[test]
fn a_directory_that_cannot_be_used_is_a_failure_that_says_why() {
    let directory = Directory::new("unusable");
    std::fs::write(directory.path(), "").unwrap();
    let ended = ended(&mut directory.exec(&["-n", "k", "--", "echo", "ran"]));
    assert_eq!((ended.code, &*ended.stdout), (Some(125), ""), "{ended:?}");
    assert!(ended.stderr.starts_with("redlock: --node: `/"), "{ended:?}");
    std::fs::remove_file(directory.path()).unwrap();
}

#[test]
fn a_directory_that_is_not_for_locks_is_refused_and_left_as_it_is() {
    let directory = Directory::new("precious");
    std::fs::create_dir(directory.path()).unwrap();
    let files = ["run", "00"].map(|name| format!("{}/{name}", directory.path()));
    for file in &files {
        std::fs::write(file, "precious\n").unwrap();
    }
    let ended = ended(&mut directory.exec(&["k", "--", "echo", "ran"]));
    assert_eq!((ended.code, &*ended.stdout), (Some(125), ""), "{ended:?}");
    let path = directory.path();
    let line = format!(
        "redlock: --node: `{path}` must be empty or have been made for locks, and was left as it is: found `00`\n"
    );
    assert_eq!(ended.stderr, line);
    for file in &files {
        assert_eq!(std::fs::read_to_string(file).unwrap(), "precious\n");
    }
    assert_eq!(std::fs::read_dir(path).unwrap().count(), 2);
}

#[test]
fn a_command_whose_redlock_has_gone_before_it_began_does_not_begin() {
    // Whoever says to be its parent is not.
    let ended = ended(redlock().args(["__child", "1", "--", "echo", "ran"]));
    assert_eq!((ended.code, &*ended.stdout), (Some(125), ""), "{ended:?}");
    assert!(ended.stderr.contains("ended before the command began"), "{ended:?}");
}
