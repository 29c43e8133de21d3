use std::fs::OpenOptions;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use integration_tests::Servers;
use integration_tests::nodes::Client;
use redlock_core::{Redlock, RedlockBuilder};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{sleep, timeout};

/// Several times what anything takes on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// What a run of the command came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// Its lines, each a JSON value.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }
}

/// The command with these nodes in the environment, where a password may stand, and nothing from outside.
pub(crate) fn redlock(client: Client, urls: &[String], args: &[&str]) -> Command {
    bare(urls, &[args, &["--client", client.name()]].concat())
}

/// The same with these words alone.
pub(crate) fn bare(urls: &[String], args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redlock-command"));
    for name in ["REDLOCK_CONFIG", "REDLOCK_USERNAME", "REDLOCK_PASSWORD", "NO_COLOR"] {
        command.env_remove(name);
    }
    command.env("XDG_CONFIG_HOME", "/nowhere").env("HOME", "/nowhere");
    command.env("REDLOCK_NODES", urls.join(","));
    command.args(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

pub(crate) async fn run(client: Client, urls: &[String], args: &[&str]) -> Run {
    run_with(client, urls, args, None).await
}

/// The same with something on standard input.
pub(crate) async fn run_with(
    client: Client,
    urls: &[String],
    args: &[&str],
    input: Option<&str>,
) -> Run {
    let mut command = redlock(client, urls, args);
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().unwrap();
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        // It may end without reading.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    ended(child).await
}

/// What it came to.
pub(crate) async fn ended(child: Child) -> Run {
    let output = timeout(LIMIT, child.wait_with_output()).await.expect("in time").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run {
        code: output.status.code().expect("an exit code"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// A terminal: the end that is typed at, and the one that a command reads.
pub(crate) fn terminal() -> (OwnedFd, OwnedFd) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let other = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    (terminal, other.into())
}

/// `release --force` of the key, with this answer to its question from a terminal.
pub(crate) async fn answer(client: Client, urls: &[String], key: &str, answer: &str) -> Run {
    let (terminal, stdin) = terminal();
    let mut command = redlock(client, urls, &["release", "--force", key]);
    let child = command.stdin(stdin).spawn().unwrap();
    rustix::io::write(&terminal, format!("{answer}\n").as_bytes()).unwrap();
    ended(child).await
}

/// A run that is not over yet.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn start(client: Client, urls: &[String], args: &[&str]) -> Self {
        let mut child = redlock(client, urls, args).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    pub(crate) async fn line(&mut self) -> String {
        let line = timeout(LIMIT, self.lines.next_line()).await.expect("a line in time");
        line.unwrap().expect("another line")
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal)
            .unwrap();
    }

    /// The process, whose output nobody reads any more.
    pub(crate) fn into_child(self) -> Child {
        self.child
    }

    /// Waits for its end; the code, and the lines that were not read.
    pub(crate) async fn end(mut self) -> (Option<i32>, Vec<String>) {
        let mut rest = Vec::new();
        while let Some(line) =
            timeout(LIMIT, self.lines.next_line()).await.expect("in time").unwrap()
        {
            rest.push(line);
        }
        let status = timeout(LIMIT, self.child.wait()).await.expect("in time").unwrap();
        (status.code(), rest)
    }
}

/// A handle of the test's own, always over the other library than the one that is tested.
pub(crate) fn other(client: Client, urls: &[String]) -> Redlock {
    builder(client, urls).build().unwrap()
}

pub(crate) fn builder(client: Client, urls: &[String]) -> RedlockBuilder {
    let other = if client == Client::Redis { Client::Fred } else { Client::Redis };
    Redlock::builder().nodes(other.nodes(urls)).ttl(LIMIT).node_timeout(Duration::from_secs(5))
}

/// Waits until every server has this key: a lock is had, and a handle goes on, with a majority.
pub(crate) async fn until_on_all(servers: &Servers, key: &str) {
    for server in servers.iter() {
        until("on all", async || server.exec(&["EXISTS", key]).await == "1").await;
    }
}

pub(crate) async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    for _ in 0..1000 {
        if holds().await {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("not {what}");
}
