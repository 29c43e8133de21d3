//! Command lines, and what becomes of the processes that they start.

use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use integration_tests::Servers;
use integration_tests::nodes::Client;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{sleep, timeout};

/// Several times what anything takes on a machine that is busy with other tests.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// `redlock WORDS…`, knowing no nodes and no file.
pub(crate) fn redlock<'a>(words: impl IntoIterator<Item = &'a str>) -> Command {
    // Whoever started the tests may have had them ignore signals.
    let mut command = Command::new("env");
    command.arg("--default-signal=HUP,INT,QUIT,TERM,USR1,USR2,TSTP");
    command.arg(env!("CARGO_BIN_EXE_redlock-command")).args(words);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("REDLOCK_")) {
        command.env_remove(name);
    }
    command.env("XDG_CONFIG_HOME", "/nonexistent").env("HOME", "/nonexistent");
    command.process_group(0).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// `redlock exec WORDS…` over these servers.
pub(crate) fn exec<'a>(
    client: Client,
    servers: &Servers,
    words: impl IntoIterator<Item = &'a str>,
) -> Command {
    let mut command = redlock(["exec", "--client", client.name()].into_iter().chain(words));
    command.env("REDLOCK_NODES", servers.urls().join(","));
    command
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

/// Runs it to its end, and to that of everything that has its output.
pub(crate) async fn ended(mut command: Command) -> Ended {
    timeout(LIMIT, command.output()).await.expect("an end").unwrap().into()
}

/// A command line while it runs.
pub(crate) struct Running {
    process: Child,
    stdout: BufReader<ChildStdout>,
    /// Of the process, until it is taken.
    pub(crate) stdin: Option<ChildStdin>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let stdin = process.stdin.take();
        Self { process, stdout, stdin }
    }

    /// The next line of its output, or of its command's.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = timeout(LIMIT, self.stdout.read_line(&mut line)).await.expect("a line").unwrap();
        if read == 0 {
            let mut said = String::new();
            self.process.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
            panic!("it ended without another line: {said}");
        }
        line.trim_end().to_owned()
    }

    /// The next line, which says the id of a process.
    pub(crate) async fn pid(&mut self) -> Pid {
        Pid::from_raw(self.line().await.parse().unwrap()).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.own_pid(), signal).unwrap();
    }

    /// Of `redlock`, not of its command.
    pub(crate) fn own_pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.process.id().unwrap()).unwrap()).unwrap()
    }

    pub(crate) async fn wait(&mut self) -> ExitStatus {
        timeout(LIMIT, self.process.wait()).await.expect("an end").unwrap()
    }

    /// Waits for its end, and for that of everything that has its output.
    pub(crate) async fn end(mut self) -> Ended {
        drop(self.stdin.take());
        let mut stdout = String::new();
        let rest = timeout(LIMIT, self.stdout.read_to_string(&mut stdout));
        rest.await.expect("the end of its output").unwrap();
        let output = timeout(LIMIT, self.process.wait_with_output()).await.expect("an end");
        Ended { stdout, ..output.unwrap().into() }
    }
}

/// Waits until `holds`.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LIMIT, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// The letter for a process's state, such as `S` or `T`; `None` when it has ended, reaped or not.
pub(crate) fn state(pid: Pid) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    stat.rsplit_once(") ")?.1.chars().next().filter(|state| !['Z', 'X'].contains(state))
}

pub(crate) async fn until_gone(pid: Pid) {
    until("a process is gone", async || state(pid).is_none()).await;
}

/// Waits until no server holds anything but counters.
pub(crate) async fn until_free(servers: &Servers) {
    until("no locks are left", async || locks(servers).await.is_empty()).await;
}

/// All keys on all servers but counters.
pub(crate) async fn locks(servers: &Servers) -> Vec<String> {
    let mut all = Vec::new();
    for server in servers.iter() {
        let keys = server.keys().await;
        all.extend(keys.into_iter().filter(|key| !key.starts_with("redlock:fence:")));
    }
    all
}

/// Asserts that a majority of three servers has each of these keys, in order, and no server another.
///
/// A command that ended in a moment may never have asked the slowest node: it goes on with a majority.
#[track_caller]
pub(crate) fn had_by_most(all: &[String], keys: &[&str]) {
    let had: std::collections::BTreeSet<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(had.into_iter().collect::<Vec<_>>(), keys, "{all:?}");
    for key in keys {
        let servers = all.iter().filter(|had| had == key).count();
        assert!((2..=3).contains(&servers), "{key}: {all:?}");
    }
}

/// Makes the servers forget everything.
pub(crate) async fn forget(servers: &Servers) {
    for server in servers.iter() {
        server.exec(&["FLUSHALL"]).await;
    }
}
