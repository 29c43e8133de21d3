//! Processes that tests start, stop and kill. Each is this program once more: what cargo builds as a program of its own
//! would have to have `sqlx` among what the tests' library needs.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::time::{sleep, timeout};

/// What a line of a child's begins with. The test framework writes to its standard output.
const MARK: &str = "child: ";

pub(crate) fn say(text: impl std::fmt::Display) {
    eprintln!("{MARK}{text}");
}

/// Blocks this whole process until its parent says something.
pub(crate) fn until_told() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

/// What the parent gave under this name.
pub(crate) fn given(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("other tests start this one, with {name}"))
}

pub(crate) struct Process {
    child: Child,
    says: Lines<BufReader<ChildStderr>>,
    hears: ChildStdin,
}

impl Process {
    /// Runs one ignored test of this program.
    pub(crate) fn start<V: AsRef<str>>(test: &str, given: &[(&str, V)]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([test, "--exact", "--ignored", "--nocapture"]);
        command.envs(given.iter().map(|(name, value)| (name, value.as_ref())));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let says = BufReader::new(child.stderr.take().unwrap()).lines();
        let hears = child.stdin.take().unwrap();
        Self { child, says, hears }
    }

    /// The next line that it says.
    pub(crate) async fn line(&mut self) -> String {
        let mut others = Vec::new();
        loop {
            let line = timeout(Duration::from_secs(60), self.says.next_line()).await;
            let line = line.expect("in time").unwrap();
            let line = line.unwrap_or_else(|| panic!("it ended: {}", others.join("\n")));
            match line.strip_prefix(MARK) {
                Some(text) => return text.to_owned(),
                None => others.push(line),
            }
        }
    }

    pub(crate) async fn tell(&mut self) {
        self.hears.write_all(b"\n").await.unwrap();
    }

    /// Returns when it really stands still.
    pub(crate) async fn stop(&self) {
        self.signal(Signal::STOP);
        let status = format!("/proc/{}/stat", self.pid().as_raw_nonzero());
        // "pid (name) T …"
        let stopped = || {
            let stat = std::fs::read_to_string(&status).unwrap();
            stat.rsplit(") ").next().is_some_and(|state| state.starts_with('T'))
        };
        let begin = Instant::now();
        while !stopped() {
            assert!(begin.elapsed() < Duration::from_secs(60), "it does not stop");
            sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// SIGKILL.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().unwrap().cast_signed()).unwrap()
    }
}
