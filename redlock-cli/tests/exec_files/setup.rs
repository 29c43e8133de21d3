//! Command lines that run, and the processes that they leave.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use rustix::process::{Pid, Signal, kill_process};

use crate::common::LIMIT;
pub(crate) use crate::common::{Directory, Ended, ended, redlock, until};

impl Directory {
    /// `redlock exec WORDS…` in it.
    pub(crate) fn exec(&self, words: &[&str]) -> Command {
        let mut command = redlock();
        command.args(["exec", "--node", &self.node()]).args(words);
        command
    }
}

/// A command line while it runs.
pub(crate) struct Running {
    process: Child,
    lines: Receiver<String>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { process, lines }
    }

    pub(crate) fn line(&mut self) -> String {
        self.lines.recv_timeout(LIMIT).expect("a line")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    pub(crate) fn close_input(&mut self) {
        drop(self.process.stdin.take());
    }

    /// Waits for its end, and gives its code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        until("it has ended", || self.process.try_wait().unwrap().is_some());
        self.process.wait().unwrap().code()
    }

    /// All that it said. To be called when nobody has its output any more.
    pub(crate) fn said(&mut self) -> String {
        let mut said = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }

    /// Closes its input, and waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        self.close_input();
        self.wait();
        let stdout = self.lines.iter().map(|line| line + "\n").collect();
        Ended { stdout, ..self.process.wait_with_output().unwrap().into() }
    }
}

/// Whether a process has ended, reaped or not.
///
/// One whose first thread has ended while others go on looks like that, too, and goes on.
pub(crate) fn is_gone(pid: &str) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    threads <= 1 && state(pid).is_none_or(|state| ['Z', 'X'].contains(&state))
}

pub(crate) fn is_stopped(pid: &str) -> bool {
    state(pid) == Some('T')
}

fn state(pid: &str) -> Option<char> {
    of_stat(pid, 0)?.chars().next()
}

/// The session of a process: 0 where it was made outside of this namespace, which rustix's `getsid` holds to be impossible.
pub(crate) fn session(pid: &str) -> String {
    of_stat(pid, 3).unwrap()
}

/// As proc(5) has it, counted from behind the name.
fn of_stat(pid: &str, at: usize) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).ok()?;
    Some(stat.rsplit_once(") ")?.1.split_ascii_whitespace().nth(at)?.to_owned())
}
