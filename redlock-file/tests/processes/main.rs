//! Several processes on one directory, and what is left when they are killed.
//!
//! The processes are this very test binary, asked to run one "test" that contends for locks until it is killed.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod contender;
mod crash;
mod history;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redlock_core::Token;
use rustix::time::{ClockId, clock_gettime};

/// The resources that are contended for.
const KEYS: [&str; 4] = ["a", "b", "c", "d"];

/// How long a lock lives after its holder was killed, in both groups.
const TTLS: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(300)];

/// A directory that ends with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let dir = std::env::temp_dir()
            .join(format!("redlock-file-{}", Token::random().unwrap().expose()));
        std::fs::create_dir(&dir).unwrap();
        Self(dir)
    }

    fn locks(&self) -> PathBuf {
        self.0.join("locks")
    }

    fn history(&self) -> PathBuf {
        self.0.join("history")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Nanoseconds on the boot-time clock, which all processes share.
fn now() -> u64 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::Monotonic;
    let now = Duration::try_from(clock_gettime(clock)).unwrap();
    u64::try_from(now.as_nanos()).unwrap()
}

/// A process that contends for the locks in the directory.
fn spawn(scratch: &Path, group: usize, id: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["contender::contender", "--exact", "--nocapture", "--test-threads=1"])
        .env(contender::DIR, scratch)
        .env(contender::GROUP, group.to_string())
        .env(contender::ID, id.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}
