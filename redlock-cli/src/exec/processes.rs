//! All that a process started, and what that started, as `/proc` tells it.

use std::collections::HashMap;
use std::io;

use rustix::process::{Pid, Signal, getpid, kill_process};

/// A process as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: Pid,
    pub(super) group: i32,
    parent: i32,
    state: char,
    threads: u32,
    /// With the id it names a process for ever.
    started: u64,
}

impl Process {
    /// Whether it has not ended, reaped or not. The state is that of its first thread, and others may go on without it.
    pub(super) fn lives(&self) -> bool {
        !matches!(self.state, 'Z' | 'X') || self.threads > 1
    }

    /// Whether it waits to be reaped by `parent`.
    fn is_left_to(&self, parent: Pid) -> bool {
        self.state == 'Z' && self.threads <= 1 && self.parent == parent.as_raw_nonzero().get()
    }

    /// Sends a signal to it, and to nobody who got its id since.
    #[cfg(target_os = "linux")]
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
        let it = match pidfd_open(self.pid, PidfdFlags::empty()) {
            Ok(it) => it,
            // It is gone, and somebody may have its id by the next call.
            Err(rustix::io::Errno::SRCH) => return Ok(()),
            // Where the kernel or a filter of system calls has none.
            Err(_) => return self.signal_by_id(signal),
        };
        match look_at(self.pid.as_raw_nonzero().get()) {
            Some(now) if now.started == self.started => Ok(pidfd_send_signal(it, signal)?),
            _ => Ok(()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        self.signal_by_id(signal)
    }

    fn signal_by_id(&self, signal: Signal) -> io::Result<()> {
        match kill_process(self.pid, signal) {
            Err(rustix::io::Errno::SRCH) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// All below `root`, without it and without `others` and what is below them. `None` where nothing tells of processes.
pub(super) fn below(root: Pid, others: &[Pid]) -> Option<Vec<Process>> {
    Some(subtree(all()?, root, others))
}

/// The children of `parent` that wait to be reaped.
pub(super) fn left_to(parent: Pid) -> Vec<Pid> {
    let found = all().unwrap_or_default();
    found.into_iter().filter(|one| one.is_left_to(parent)).map(|one| one.pid).collect()
}

/// The children that this thread has, without a look at all processes.
pub(super) fn children() -> Vec<Pid> {
    let text = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    text.split_ascii_whitespace().filter_map(|word| Pid::from_raw(word.parse().ok()?)).collect()
}

fn all() -> Option<Vec<Process>> {
    // Mounted for another namespace, it speaks of ids that are somebody else's here.
    let me = std::fs::read_link("/proc/self").ok()?;
    if me.to_str() != Some(&getpid().to_string()) {
        return None;
    }
    let ids = std::fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    // One that ends meanwhile is none.
    Some(ids.filter_map(look_at).collect())
}

fn look_at(pid: i32) -> Option<Process> {
    // The name of a program may be in any encoding.
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse(pid, &String::from_utf8_lossy(&stat))
}

/// As proc(5) has it: `ID (NAME) STATE PARENT GROUP …`, as 20th the threads, as 22nd the start. The name may hold anything.
fn parse(pid: i32, stat: &str) -> Option<Process> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut words = rest.split_ascii_whitespace();
    let state = words.next()?.chars().next()?;
    let parent = words.next()?.parse().ok()?;
    let group = words.next()?.parse().ok()?;
    let threads = words.nth(14)?.parse().ok()?;
    let started = words.nth(1)?.parse().ok()?;
    Some(Process { pid: Pid::from_raw(pid)?, group, parent, state, threads, started })
}

fn subtree(all: Vec<Process>, root: Pid, others: &[Pid]) -> Vec<Process> {
    let mut by_parent: HashMap<i32, Vec<Process>> = HashMap::new();
    for process in all.into_iter().filter(|process| !others.contains(&process.pid)) {
        by_parent.entry(process.parent).or_default().push(process);
    }
    let mut found = by_parent.remove(&root.as_raw_nonzero().get()).unwrap_or_default();
    let mut next = 0;
    while let Some(process) = found.get(next) {
        let below = by_parent.remove(&process.pid.as_raw_nonzero().get());
        found.extend(below.unwrap_or_default());
        next += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(id: i32) -> Pid {
        Pid::from_raw(id).unwrap()
    }

    fn process(id: i32, parent: i32) -> Process {
        Process { pid: pid(id), group: id, parent, state: 'S', threads: 1, started: 1 }
    }

    #[test]
    fn a_name_may_hold_what_separates() {
        let stat = "7 (a) S 1 (b) Z 5 6 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 99 1 2";
        let parsed = parse(7, stat).unwrap();
        let expected =
            Process { pid: pid(7), group: 6, parent: 5, state: 'Z', threads: 1, started: 99 };
        assert_eq!(parsed, expected);
        assert!(!parsed.lives() && parsed.is_left_to(pid(5)) && !parsed.is_left_to(pid(6)));
        assert_eq!(parse(7, "7 (a"), None);
    }

    #[test]
    fn a_process_goes_on_while_any_thread_does() {
        for (state, threads, lives) in
            [('Z', 3, true), ('Z', 1, false), ('X', 0, false), ('T', 1, true)]
        {
            let stat =
                format!("7 (a) {state} 5 6 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 {threads} 0 99 1 2");
            let parsed = parse(7, &stat).unwrap();
            assert_eq!((parsed.lives(), parsed.started), (lives, 99), "{stat}");
            assert_eq!(parsed.is_left_to(pid(5)), state == 'Z' && !lives, "{stat}");
        }
    }

    #[test]
    fn below_are_children_of_children_and_not_what_was_there_before() {
        let all = [(2, 1), (3, 2), (4, 3), (5, 1), (6, 4), (7, 2), (8, 7), (9, 9)];
        let all: Vec<_> = all.into_iter().map(|(id, parent)| process(id, parent)).collect();
        let found = |root, others: &[Pid]| {
            let found = subtree(all.clone(), pid(root), others);
            found.iter().map(|one| one.pid.as_raw_nonzero().get()).collect::<Vec<_>>()
        };
        assert_eq!(found(2, &[]), [3, 7, 4, 8, 6]);
        assert_eq!(found(2, &[pid(7)]), [3, 4, 6]);
        assert_eq!(found(6, &[]), [0; 0]);
        assert_eq!(found(9, &[]), [9], "and comes to an end");
    }

    #[test]
    fn this_process_finds_its_own_child() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let id = Pid::from_child(&child);
        let mine = || below(getpid(), &[]).unwrap().into_iter().find(|one| one.pid == id).unwrap();
        mine().signal(Signal::KILL).unwrap();
        while mine().lives() {}
        assert!(left_to(getpid()).contains(&id));
        assert_eq!(below(getpid(), &[id]).unwrap().iter().find(|one| one.pid == id), None);
        child.wait().unwrap();
    }
}
