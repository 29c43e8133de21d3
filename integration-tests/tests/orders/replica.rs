//! One process of an example service, and what is asked of it.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use integration_tests::Servers;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// Several times what it takes on a machine that is busy with other tests.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// One process of the service.
pub(crate) struct Replica {
    process: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) addr: SocketAddr,
    pub(crate) printed: String,
}

impl Replica {
    pub(crate) async fn start(program: &str, nodes: Option<&Servers>, client: &str) -> Self {
        let mut command = Command::new(program);
        match nodes {
            Some(nodes) => command.env("REDLOCK_NODES", nodes.urls().join(",")),
            None => command.env_remove("REDLOCK_NODES"),
        };
        command.env("PORT", "0").env("REDLOCK_CLIENT", client).env("REDLOCK_TTL", "60s");
        // This user may have a file with nodes.
        command.env("HOME", "/nonexistent").env_remove("XDG_CONFIG_HOME");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let mut replica =
            Self { process, stdout, addr: ([127, 0, 0, 1], 0).into(), printed: String::new() };
        let line = replica.line_with("http://127.0.0.1:").await;
        replica.addr = line.rsplit("http://").next().unwrap().trim().parse().unwrap();
        replica
    }

    /// Reads what it prints up to a line that contains `text`.
    pub(crate) async fn line_with(&mut self, text: &str) -> String {
        let read = async {
            loop {
                let mut line = String::new();
                let bytes = self.stdout.read_line(&mut line).await.unwrap();
                assert!(bytes > 0, "it ended without `{text}`:\n{}", self.printed);
                self.printed.push_str(&line);
                if line.contains(text) {
                    return line;
                }
            }
        };
        timeout(LIMIT, read).await.unwrap_or_else(|_| panic!("no `{text}`"))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.process.id().unwrap() as i32).unwrap(), signal).unwrap();
    }

    /// Waits for its end, which must be a good one, and gives all that it printed.
    pub(crate) async fn end(mut self) -> String {
        let mut rest = String::new();
        timeout(LIMIT, self.stdout.read_to_string(&mut rest)).await.expect("in time").unwrap();
        let status = timeout(LIMIT, self.process.wait()).await.expect("in time").unwrap();
        self.printed.push_str(&rest);
        assert!(status.success(), "{status}\n{}", self.printed);
        self.printed
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// One request over a connection of its own.
pub(crate) async fn ask(addr: SocketAddr, method: &str, path: &str) -> Answer {
    timeout(LIMIT, async {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {addr}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).await.unwrap();
        let (head, body) = all.split_once("\r\n\r\n").expect("a whole head");
        let status = head[9..12].parse().unwrap();
        Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    })
    .await
    .unwrap_or_else(|_| panic!("{method} {path}: no answer"))
}
