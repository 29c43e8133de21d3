use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use redlock_core::LockError;

use crate::contender::redlock;
use crate::history::History;
use crate::{KEYS, Scratch, TTLS, spawn};

const PROCESSES: usize = 8;

/// How long after its time a lock may still be taken for held, on a machine that is busy with other things.
const MARGIN: Duration = Duration::from_secs(10);

/// Processes in two groups that are ended with the test, however it ends.
struct Fleet<'a> {
    scratch: &'a Scratch,
    running: Vec<(usize, Child)>,
    started: u64,
}

impl<'a> Fleet<'a> {
    fn start(scratch: &'a Scratch) -> Self {
        let mut fleet = Self { scratch, running: Vec::new(), started: 0 };
        for _ in 0..PROCESSES {
            fleet.add(0);
            fleet.add(1);
        }
        fleet
    }

    fn add(&mut self, group: usize) {
        self.running.push((group, spawn(&self.scratch.0, group, self.started)));
        self.started += 1;
    }

    /// Kills one at random, and [revives](Self::revive).
    fn strike(&mut self) -> usize {
        let victim = fastrand::usize(..self.running.len());
        self.running[victim].1.kill().unwrap();
        self.revive()
    }

    /// Starts others in the place of all that are dead. Tells how many were.
    fn revive(&mut self) -> usize {
        let mut dead = Vec::new();
        self.running.retain_mut(|(group, child)| match child.try_wait().unwrap() {
            None => true,
            Some(end) => {
                assert_eq!(end.signal(), Some(9), "a contender failed: {end}");
                dead.push(*group);
                false
            }
        });
        dead.iter().for_each(|group| self.add(*group));
        dead.len()
    }
}

impl Drop for Fleet<'_> {
    fn drop(&mut self) {
        for (_, child) in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Takes `REDLOCK_CRASH_SECONDS` (8 if it is not set).
#[test]
fn processes_that_are_killed_at_random_leave_neither_two_holders_nor_a_stuck_lock() {
    let seconds = std::env::var("REDLOCK_CRASH_SECONDS").map_or(8, |text| text.parse().unwrap());
    let scratch = Scratch::new();
    let mut fleet = Fleet::start(&scratch);
    let (began, mut kills) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(seconds) {
        sleep(Duration::from_millis(fastrand::u64(..40)));
        // Where to start a process takes long, all would die before they took a lock.
        let waiting = Instant::now();
        while !are_more(&scratch, kills + 4 * PROCESSES) {
            assert!(waiting.elapsed() < 6 * MARGIN, "no locks are taken");
            sleep(Duration::from_millis(5));
            kills += fleet.revive();
        }
        kills += fleet.strike();
    }
    kills += fleet.running.len();
    drop(fleet);

    let waited = until_every_lock_is_free(&scratch);
    let history = History::parse(&std::fs::read_to_string(scratch.history()).unwrap());
    let violations = history.violations();
    let files = std::fs::read_dir(scratch.locks()).unwrap().count();
    println!(
        "{kills} kills of {} processes, {} of them holding a lock; {} locks taken; {} violations; \
         free again: {waited:?}; {files} files left",
        2 * PROCESSES,
        history.killed(),
        history.len(),
        violations.len(),
    );
    assert!(waited.is_ok(), "stuck: {waited:?}");
    assert!(violations.is_empty(), "{} violations, such as {}", violations.len(), violations[0]);
    assert!(history.len() > kills, "too few locks were taken to say anything");
    assert!(files < 64, "{files} files for {} resources", KEYS.len());
}

/// Whether more locks were taken than `so_many`, by how much was written of them.
fn are_more(scratch: &Scratch, so_many: usize) -> bool {
    // More than what is written of any.
    const MOST: u64 = 200;
    std::fs::metadata(scratch.history()).is_ok_and(|file| file.len() > MOST * so_many as u64)
}

/// Takes every lock after the last holder is dead, and tells how long that took.
fn until_every_lock_is_free(scratch: &Scratch) -> Result<Duration, LockError> {
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let redlock = redlock(scratch.locks(), 0);
        loop {
            match redlock.try_lock(&KEYS[..]).await {
                Err(error) if began.elapsed() > TTLS[1] + MARGIN => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                Ok(_) => return Ok(began.elapsed()),
            }
        }
    })
}
