//! So many command lines at once, without a server.

use rustix::process::Signal;

use crate::setup::{self, Directory, Running, ended, until};

#[test]
fn so_many_run_at_once_each_in_a_slot_of_its_own() {
    let directory = Directory::new("permits");
    let words = ["--permits=2", "k", "--", "sh", "-c", "echo $REDLOCK_SLOT; read line"];
    let hold = || {
        let mut running = Running::start(directory.exec(&words));
        let slot: u16 = running.line().parse().unwrap();
        (running, slot)
    };
    let ((one, first), (other, second)) = (hold(), hold());
    assert_eq!(first + second, 1);
    let third = ended(&mut directory.exec(&["-n", "--permits=2", "k", "--", "echo", "ran"]));
    assert_eq!((third.code, &*third.stdout), (Some(1), ""), "{third:?}");
    let said = "redlock: k: all 2 permits are taken (one is free in about ";
    assert!(third.stderr.starts_with(said), "{third:?}");
    let more = ended(&mut directory.exec(&["-n", "--permits=3", "k", "--", "true"]));
    assert_eq!(more.code, Some(0), "who says more has more: {more:?}");
    let lock = ended(&mut directory.exec(&["-n", "k", "--", "true"]));
    assert_eq!(lock.code, Some(0), "the lock is another one: {lock:?}");
    let words =
        ["-w", "50s", "--permits=2", "k", "--", "sh", "-c", "echo $REDLOCK_SLOT $REDLOCK_KEY"];
    let waiter = Running::start(directory.exec(&words));
    one.end();
    assert_eq!(waiter.end().stdout, format!("{first} k\n"));
    other.end();
    let shown = ended(&mut directory.exec(&["k", "--", "sh", "-c", "echo $REDLOCK_SLOT."]));
    assert_eq!(shown.stdout, ".\n", "none without permits");
}

#[test]
fn one_that_is_killed_leaves_its_slot_to_its_time_to_live() {
    let directory = Directory::new("permit-killed");
    let words = ["--permits=1", "--ttl=15s", "k", "--", "sh", "-c", "echo $$; exec sleep 1000"];
    let mut dies = Running::start(directory.exec(&words));
    let command = dies.line();
    dies.signal(Signal::KILL);
    until("the command is gone", || setup::is_gone(&command));
    let tried = ended(&mut directory.exec(&["-n", "--permits=1", "k", "--", "true"]));
    assert_eq!(tried.code, Some(1), "{tried:?}");
    let words = ["-w", "50s", "--permits=1", "k", "--", "echo", "mine"];
    let next = ended(&mut directory.exec(&words));
    assert_eq!((next.code, &*next.stdout), (Some(0), "mine\n"), "{next:?}");
}
