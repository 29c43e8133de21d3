//! Directories to lock in, and command lines.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Several times what anything takes on a machine that is busy with other tests.
const LIMIT: Duration = Duration::from_secs(60);

/// `redlock`, knowing no nodes and no file, outside of a terminal's foreground.
pub(crate) fn redlock() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redlock"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("REDLOCK_")) {
        command.env_remove(name);
    }
    command.env("XDG_CONFIG_HOME", "/nonexistent").env("HOME", "/nonexistent");
    command.process_group(0).stdin(Stdio::null());
    command
}

/// A directory of a test; made by whoever locks in it.
pub(crate) struct Directory(String);

impl Directory {
    pub(crate) fn new(test: &str) -> Self {
        let name = format!("redlock-exec-{test}-{}", std::process::id());
        Self(std::env::temp_dir().join(name).to_str().unwrap().to_owned())
    }

    pub(crate) fn path(&self) -> &str {
        &self.0
    }

    /// `redlock exec WORDS…` in it.
    pub(crate) fn exec(&self, words: &[&str]) -> Command {
        let mut command = redlock();
        command.args(["exec", "--node", &format!("file:{}", self.0)]).args(words);
        command
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How a command line ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Self { code: output.status.code(), stdout, stderr }
    }
}

pub(crate) fn ended(command: &mut Command) -> Ended {
    command.output().unwrap().into()
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
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Closes its input, and waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        drop(self.process.stdin.take());
        until("it has ended", || self.process.try_wait().unwrap().is_some());
        let stdout = self.lines.iter().map(|line| line + "\n").collect();
        Ended { stdout, ..self.process.wait_with_output().unwrap().into() }
    }
}

pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a process has ended, reaped or not.
pub(crate) fn is_gone(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_none_or(|state| ['Z', 'X'].contains(&state))
}
