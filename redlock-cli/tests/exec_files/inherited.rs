//! What the caller left behind.

use std::process::Command;

use rustix::process::Signal;

use crate::setup::{Directory, Running, ended, is_stopped, until};

/// `redlock exec WORDS…`, started by another program.
fn by(directory: &Directory, caller: &[&str], words: &[&str]) -> Command {
    let inner = directory.exec(words);
    let mut command = Command::new(caller[0]);
    command.args(&caller[1..]).arg(inner.get_program()).args(inner.get_args());
    command
}

#[test]
fn signals_that_the_caller_blocks_or_ignores_do_not_hide_the_end() {
    let directory = Directory::new("inherited-signals");
    for caller in [
        ["env", "--block-signal=CHLD"],
        ["env", "--block-signal"],
        ["env", "--ignore-signal=CHLD"],
        ["env", "--ignore-signal"],
    ] {
        let words = ["--ttl", "30s", "k", "--", "sh", "-c", "sleep 0.2; exit 4"];
        let mut running = Running::start(by(&directory, &caller, &words));
        assert_eq!(running.wait(), Some(4), "{caller:?}");
    }
}

#[test]
fn the_command_has_the_signals_blocked_and_ignored_that_its_caller_has() {
    let directory = Directory::new("inherited-mask");
    let show = ["grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"];
    for caller in [["env", "--block-signal=USR1,CHLD"], ["env", "--ignore-signal=HUP,USR2"]] {
        let words: Vec<_> = ["k", "--"].into_iter().chain(show).collect();
        let under = ended(&mut by(&directory, &caller, &words));
        let plain = ended(Command::new(caller[0]).arg(caller[1]).args(show));
        assert_eq!(under.stdout, plain.stdout, "{caller:?}: {under:?}");
    }
}

#[test]
fn descriptors_that_the_caller_closed_are_not_missed() {
    let directory = Directory::new("inherited-closed");
    for redirection in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let script = format!("exec \"$@\" {redirection}");
        let words = ["-v", "k", "--", "sh", "-c", "exit 4"];
        let mut running = Running::start(by(&directory, &["sh", "-c", &script, "sh"], &words));
        assert_eq!(running.wait(), Some(4), "{redirection}");
    }
}

#[test]
fn the_command_gets_no_descriptor_of_redlock() {
    let directory = Directory::new("inherited-none");
    let listed = ended(&mut directory.exec(&["k", "--", "sh", "-c", "echo /proc/$$/fd/*"]));
    let names: Vec<_> = listed.stdout.split_whitespace().collect();
    let plain = ended(Command::new("sh").args(["-c", "echo /proc/$$/fd/*"]));
    assert_eq!(names.len(), plain.stdout.split_whitespace().count(), "{names:?}");
}

#[test]
fn who_asks_a_stopped_command_to_end_lets_it_go_on() {
    let directory = Directory::new("inherited-stopped");
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let words = ["k", "--", "sh", "-c", "echo $$; kill -STOP $$; echo went on"];
        // The tests may have been started behind `&` or by `nohup`.
        let caller = ["env", "--default-signal"];
        let mut running = Running::start(by(&directory, &caller, &words));
        let command = running.line();
        until("it is stopped", || is_stopped(&command));
        running.signal(signal);
        let ended = running.end();
        assert_eq!((ended.code, &*ended.stdout), (Some(code), ""), "{ended:?}");
        let here = std::path::Path::new("/proc").join(command).exists();
        assert!(!here, "it is left to be reaped by somebody else");
    }
}

#[test]
fn a_limit_of_the_size_of_files_is_said_and_does_not_end_redlock() {
    let directory = Directory::new("inherited-limit");
    let caller = ["sh", "-c", "ulimit -f 0; exec \"$@\"", "sh"];
    let refused = ended(&mut by(&directory, &caller, &["-n", "k", "--", "true"]));
    assert_eq!(refused.code, Some(125), "{refused:?}");
    assert!(refused.stderr.contains("File too large"), "{refused:?}");
}

#[test]
fn too_few_descriptors_are_said_and_no_panic() {
    let directory = Directory::new("inherited-few");
    for limit in 4..=12 {
        let script = format!("ulimit -n {limit}; exec \"$@\"");
        let refused =
            ended(&mut by(&directory, &["sh", "-c", &script, "sh"], &["-n", "k", "--", "true"]));
        assert_eq!(refused.code, Some(125), "{limit}: {refused:?}");
        assert!(refused.stderr.contains("Too many open files"), "{limit}: {refused:?}");
    }
}
