//! Somebody stops `redlock`, its watcher or what it runs.

use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::setup::{Directory, Running, ended, is_gone, is_stopped, session, until};

fn pid(id: &str) -> Pid {
    Pid::from_raw(id.parse().unwrap()).unwrap()
}

/// It may go on before anybody could see it stopped.
fn stop(id: &str) {
    kill_process(pid(id), Signal::STOP).unwrap();
}

#[test]
fn a_watcher_that_is_stopped_does_not_hide_the_end() {
    let directory = Directory::new("stopped-watcher");
    let words = ["k", "--", "sh", "-c", "echo $PPID; read line; exit 4"];
    let mut running = Running::start(directory.exec(&words));
    stop(&running.line());
    assert_eq!(running.end().code, Some(4));
}

#[test]
fn a_watcher_that_is_stopped_does_not_hide_a_request_to_end() {
    let directory = Directory::new("stopped-asked");
    let words = ["k", "--", "sh", "-c", "echo $PPID; exec sleep 1000"];
    let mut running = Running::start(directory.exec(&words));
    stop(&running.line());
    running.signal(Signal::TERM);
    assert_eq!(running.wait(), Some(143));
}

#[test]
fn with_redlock_stops_all_that_the_command_started() {
    let directory = Directory::new("stopped-all");
    let script = "setsid sh -c 'echo $$; exec sleep 1000' & echo $$; wait";
    let caller = ["env", "--default-signal=TSTP"];
    let inner = directory.exec(&["--ttl", "30s", "-k", "500ms", "k", "--", "sh", "-c", script]);
    let mut command = Command::new(caller[0]);
    command.arg(caller[1]).arg(inner.get_program()).args(inner.get_args());
    let mut running = Running::start(command);
    let members = [running.line(), running.line()];
    let daemon = members.iter().find(|id| session(id) == id.trim()).unwrap();
    running.signal(Signal::TSTP);
    let own = running.pid().as_raw_nonzero().to_string();
    until("redlock is stopped", || is_stopped(&own));
    // A signal takes effect when its receiver gets to run.
    until("all of the command is stopped", || members.iter().all(|id| is_stopped(id)));
    running.signal(Signal::CONT);
    until("all go on", || !members.iter().any(|id| is_stopped(id)));
    running.signal(Signal::TERM);
    assert_eq!(running.wait(), Some(143));
    // What the command left running is left alone.
    kill_process(pid(daemon.trim()), Signal::KILL).unwrap();
}

#[test]
fn a_terminal_that_stops_who_writes_in_the_background_does_not_stop_the_end() {
    let directory = Directory::new("stopped-written");
    let script = r#"
stty tostop; set -m
"$R" exec --node "file:$D" -k 500ms --ttl 8s k -- sh -c 'echo $$ >"$D.id"; exec sleep 1000' </dev/null &
until [ -s "$D.id" ]; do sleep 0.05; done
mv "$D" "$D-moved"
wait $!; echo "code $?"
"#;
    let own = crate::setup::redlock();
    // It begins a session at a terminal of its own.
    let mut command = Command::new("script");
    command.args(["-qec", script, "/dev/null"]).env("SHELL", "/bin/sh");
    command.env("R", own.get_program()).env("D", directory.path());
    let mut running = Running::start(command);
    let said = loop {
        let line = running.line();
        if line.starts_with("code ") {
            break line;
        }
    };
    let id = std::fs::read_to_string(format!("{}.id", directory.path())).unwrap();
    let gone = is_gone(id.trim());
    let _ = kill_process(pid(id.trim()), Signal::KILL);
    assert_eq!((said.trim(), gone), ("code 124", true));
    running.end();
    std::fs::remove_file(format!("{}.id", directory.path())).unwrap();
    std::fs::remove_dir_all(format!("{}-moved", directory.path())).unwrap();
}

/// One that waits for a lock with a watcher that is stopped, and who holds it.
fn hung(directory: &Directory, command: &[&str]) -> (Running, Running) {
    let mut holder = Running::start(directory.exec(&["k", "--", "sh", "-c", "echo up; read line"]));
    assert_eq!(holder.line(), "up");
    let words = ["-v", "--ttl", "8s", "-w", "50s", "k", "--"];
    let waiting = Running::start(directory.exec(&[&words, command].concat()));
    let id = waiting.pid().as_raw_nonzero();
    let children = format!("/proc/{id}/task/{id}/children");
    let mut watcher = String::new();
    until("it has a watcher", || {
        watcher = std::fs::read_to_string(&children).unwrap().trim().to_owned();
        std::fs::read_to_string(format!("/proc/{watcher}/cmdline"))
            .is_ok_and(|line| line.starts_with("lock-watcher"))
    });
    stop(&watcher);
    until("it is stopped", || is_stopped(&watcher));
    (holder, waiting)
}

#[test]
fn a_watcher_that_is_stopped_before_the_command_goes_on() {
    let directory = Directory::new("stopped-before");
    let (holder, waiting) = hung(&directory, &["echo", "ran"]);
    holder.end();
    let waiting = waiting.end();
    assert_eq!((waiting.code, &*waiting.stdout), (Some(0), "ran\n"), "{waiting:?}");
}

#[test]
fn a_watcher_that_hangs_before_the_command_does_not_hide_a_request_to_end() {
    let directory = Directory::new("stopped-early");
    let (holder, waiting) = hung(&directory, &["sleep", "1000"]);
    holder.end();
    let tried = || ended(&mut directory.exec(&["-n", "k", "--", "true"]));
    until("it has the lock", || tried().code == Some(1));
    waiting.signal(Signal::TERM);
    let waiting = waiting.end();
    assert_eq!((waiting.code, &*waiting.stdout), (Some(143), ""), "{waiting:?}");
    assert_eq!(tried().code, Some(0), "given back");
}

#[test]
fn a_watcher_that_hangs_before_the_command_does_not_hide_the_loss() {
    let directory = Directory::new("stopped-lost");
    let (holder, waiting) = hung(&directory, &["sleep", "1000"]);
    holder.end();
    until("it has the lock", || {
        ended(&mut directory.exec(&["-n", "k", "--", "true"])).code == Some(1)
    });
    let elsewhere = format!("{}-moved", directory.path());
    std::fs::rename(directory.path(), &elsewhere).unwrap();
    let waiting = waiting.end();
    assert_eq!((waiting.code, &*waiting.stdout), (Some(124), ""), "{waiting:?}");
    assert!(waiting.stderr.contains("lock lost: "), "{waiting:?}");
    std::fs::remove_dir_all(elsewhere).unwrap();
}

#[test]
fn a_request_to_end_is_heard_while_what_the_command_left_has_its_time() {
    let directory = Directory::new("stopped-left");
    let script = "(trap '' TERM; echo $$; while :; do sleep 0.1; done) & exec sleep 1000";
    let words = ["-k", "1h", "--ttl", "8s", "k", "--", "sh", "-c", script];
    let mut running = Running::start(directory.exec(&words));
    let command = running.line();
    let elsewhere = format!("{}-moved", directory.path());
    std::fs::rename(directory.path(), &elsewhere).unwrap();
    until("the command itself has ended", || is_gone(&command));
    running.signal(Signal::TERM);
    assert_eq!(running.wait(), Some(124));
    std::fs::remove_dir_all(elsewhere).unwrap();
}
