use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use redlock_core::{LockGuard, LockOptions, Redlock, RetryPolicy};
use redlock_file::FileNode;
use rustix::process::{Signal, getpid, kill_process};
use tokio::time::sleep;

use crate::{KEYS, Scratch, TTLS, now};

pub(crate) const DIR: &str = "REDLOCK_FILE_TEST_DIR";
pub(crate) const GROUP: &str = "REDLOCK_FILE_TEST_GROUP";
pub(crate) const ID: &str = "REDLOCK_FILE_TEST_ID";

/// One of the crash test's processes; as a test it passes at once.
#[test]
fn contender() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let number = |name| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(contend(dir.into(), number(GROUP) as usize, number(ID)));
}

/// A handle as the group has it: they differ in what a user may set.
pub(crate) fn redlock(locks: PathBuf, group: usize) -> Redlock {
    let brisk = RetryPolicy::uniform(Duration::from_millis(1), Duration::from_millis(10)).unwrap();
    Redlock::builder()
        .node(FileNode::open(locks).unwrap())
        .ttl(TTLS[group])
        .node_timeout(TTLS[group] / 5)
        .retry(brisk)
        .wake_ups(group == 0)
        .fencing(true)
        .build()
        .unwrap()
}

async fn contend(dir: PathBuf, group: usize, id: u64) {
    let scratch = std::mem::ManuallyDrop::new(Scratch(dir));
    let redlock = redlock(scratch.locks(), group);
    let mut history = OpenOptions::new().append(true).create(true).open(scratch.history()).unwrap();
    let mut say = |line: String| history.write_all(line.as_bytes()).unwrap();
    let options = LockOptions::new().wait_for(Duration::from_secs(1));
    for hold in 0_u64.. {
        // Kills from outside seldom hit the microseconds in which files are changed.
        if fastrand::u8(..16) == 0 {
            die_soon();
        }
        let first = fastrand::usize(..KEYS.len());
        let second = (first + 1) % KEYS.len();
        let keys = if fastrand::u8(..3) == 0 {
            vec![KEYS[first], KEYS[second]]
        } else {
            vec![KEYS[first]]
        };
        let Ok(guard) = redlock.lock_with(&keys[..], &options).await else { continue };
        let hold = format!("{id}.{hold}");
        let fence = guard.fence().unwrap().get();
        let (entered, until) = lease(&guard);
        if entered >= until {
            continue;
        }
        say(format!("enter {hold} {} {entered} {until} {fence}\n", keys.join("+")));
        sleep(Duration::from_micros(fastrand::u64(..2000))).await;
        if fastrand::u8(..4) == 0 && guard.extend(TTLS[group]).await.is_ok() {
            let (_, until) = lease(&guard);
            say(format!("until {hold} {until}\n"));
        }
        if fastrand::u8(..32) == 0 {
            die_soon();
        }
        say(format!("exit {hold} {}\n", now()));
        let _ = guard.release().await;
    }
}

/// Kills this process at some moment of what it does next.
fn die_soon() {
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_micros(fastrand::u64(..1500)));
        let _ = kill_process(getpid(), Signal::KILL);
    });
}

/// The time, and an end that the lease has at least.
fn lease(guard: &LockGuard) -> (u64, u64) {
    let now = now();
    let left = u64::try_from(guard.remaining().as_nanos()).unwrap();
    (now, now + left)
}
