//! A process whose first thread has ended while another goes on: it looks like one that waits to be reaped.

use rustix::process::{Pid, Signal, kill_process};

use crate::setup::{Directory, Running, is_gone, until};

/// Says its id and goes on, in a session of its own.
const HEADLESS: &str = "
import ctypes, os, signal, threading, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.setsid()
threading.Thread(target=time.sleep, args=(1000,)).start()
print(os.getpid(), flush=True)
ctypes.CDLL(None).pthread_exit(None)
";

/// Under a lock, and the process of that kind.
fn start(directory: &Directory) -> (Running, String) {
    let script = "python3 -c \"$0\" & exec sleep 1000";
    let words = ["-k", "500ms", "--ttl", "8s", "k", "--", "sh", "-c", script, HEADLESS];
    let mut running = Running::start(directory.exec(&words));
    // Where it says nothing: apt-get install python3
    let headless = running.line();
    let stat = format!("/proc/{headless}/stat");
    until("its first thread has ended", || {
        std::fs::read_to_string(&stat).unwrap().contains(") Z ")
    });
    assert!(!is_gone(&headless), "it goes on");
    (running, headless)
}

fn end(headless: &str) {
    let pid = Pid::from_raw(headless.parse().unwrap()).unwrap();
    let gone = is_gone(headless);
    let _ = kill_process(pid, Signal::KILL);
    assert!(gone, "{headless} is at work beside the next holder");
}

#[test]
fn killed_redlock_takes_it_along() {
    let directory = Directory::new("headless-killed");
    let (running, headless) = start(&directory);
    running.signal(Signal::KILL);
    let words = ["-w", "50s", "k", "--", "true"];
    assert_eq!(crate::setup::ended(&mut directory.exec(&words)).code, Some(0));
    end(&headless);
}

#[test]
fn a_lost_lock_ends_it() {
    let directory = Directory::new("headless-lost");
    let (mut running, headless) = start(&directory);
    let elsewhere = format!("{}-moved", directory.path());
    std::fs::rename(directory.path(), &elsewhere).unwrap();
    assert_eq!(running.wait(), Some(124));
    end(&headless);
    std::fs::remove_dir_all(elsewhere).unwrap();
}
