//! A server that answers as it is told, and remembers what it was sent.

#![allow(dead_code, clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redlock_fred::FredNode;
use redlock_fred::redlock_core::key::LockKey;
use redlock_fred::redlock_core::node::{Claim, Terms};
use redlock_fred::redlock_core::token::Token;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Long enough to never pass in a test that goes well.
pub(crate) const LONG: Duration = Duration::from_secs(5);

/// A command with its arguments.
pub(crate) type Command = Vec<Vec<u8>>;

/// What the server does with a command.
pub(crate) enum Action {
    /// Answers with these bytes.
    Reply(String),
    /// Says nothing; what comes after is still read.
    Ignore,
    /// Closes the connection.
    Cut,
}

pub(crate) fn reply(text: impl Into<String>) -> Action {
    Action::Reply(text.into())
}

pub(crate) fn error(text: &str) -> Action {
    Action::Reply(format!("-{text}\r\n"))
}

pub(crate) fn bulk(text: &str) -> Action {
    Action::Reply(format!("${}\r\n{text}\r\n", text.len()))
}

pub(crate) const NIL: &str = "$-1\r\n";

/// What the script says of an acquire.
pub(crate) const GRANT: &str = "*2\r\n:1\r\n:0\r\n";

pub(crate) struct FakeServer {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    answer: Box<dyn Fn(&Command) -> Action + Send + Sync>,
    handshake: Box<dyn Fn(&Command) -> Action + Send + Sync>,
    seen: Mutex<Vec<Command>>,
    connections: watch::Sender<usize>,
    /// While set nothing is read, as by a process that is stopped.
    hung: watch::Sender<bool>,
}

impl FakeServer {
    /// A server that greets fred as a Redis would, and answers everything else with `answer`.
    pub(crate) async fn start(answer: impl Fn(&Command) -> Action + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), greet, answer)
    }

    pub(crate) fn on(
        listener: TcpListener,
        handshake: impl Fn(&Command) -> Action + Send + Sync + 'static,
        answer: impl Fn(&Command) -> Action + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            handshake: Box::new(handshake),
            seen: Mutex::default(),
            connections: watch::Sender::new(0),
            hung: watch::Sender::new(false),
        });
        let task = tokio::spawn({
            let shared = shared.clone();
            async move {
                let mut open = tokio::task::JoinSet::new();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let shared = shared.clone();
                    open.spawn(async move {
                        shared.connections.send_modify(|count| *count += 1);
                        shared.serve(stream).await;
                        shared.connections.send_modify(|count| *count -= 1);
                    });
                }
            }
        });
        Self { address, shared, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub(crate) fn node(&self) -> Arc<FredNode> {
        Arc::new(FredNode::connect(&self.url()).unwrap())
    }

    /// The commands after the handshake: their names, and of scripts the verbs.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap().iter().map(verb).collect()
    }

    pub(crate) fn commands(&self) -> Vec<Command> {
        self.shared.seen.lock().unwrap().clone()
    }

    pub(crate) fn hang(&self, hung: bool) {
        self.shared.hung.send_replace(hung);
    }

    /// Waits until this many connections are open.
    pub(crate) async fn connections(&self, wanted: usize) {
        let mut count = self.shared.connections.subscribe();
        tokio::time::timeout(LONG, count.wait_for(|count| *count == wanted))
            .await
            .unwrap()
            .unwrap();
    }

    /// Ends the server and all of its connections.
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    async fn serve(&self, stream: TcpStream) {
        stream.set_nodelay(true).unwrap();
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        let mut hung = self.hung.subscribe();
        loop {
            let Some(command) = next_command(&mut read).await else { return };
            // Read, but not looked at before the server goes on: like the buffers in between.
            hung.wait_for(|hung| !hung).await.unwrap();
            let action = if is_handshake(&command) {
                (self.handshake)(&command)
            } else {
                self.seen.lock().unwrap().push(command.clone());
                (self.answer)(&command)
            };
            match action {
                Action::Reply(bytes) => {
                    if write.write_all(bytes.as_bytes()).await.is_err() {
                        return;
                    }
                }
                Action::Ignore => {}
                Action::Cut => return,
            }
        }
    }
}

fn is_handshake(command: &Command) -> bool {
    match word(command, 0).as_str() {
        "PING" | "AUTH" | "SELECT" | "CLIENT" => true,
        // The node's own INFO has no argument.
        "INFO" => command.len() > 1,
        _ => false,
    }
}

pub(crate) fn greet(command: &Command) -> Action {
    match word(command, 0).as_str() {
        "CLIENT" => reply(":7\r\n"),
        "INFO" => bulk("redis_version:7.0.15\r\n"),
        _ => reply("+OK\r\n"),
    }
}

/// A command's name; of a script what it does.
pub(crate) fn verb(command: &Command) -> String {
    let name = word(command, 0);
    if name != "EVAL" {
        return name;
    }
    let script = word(command, 1);
    let verbs =
        [("'SET'", "acquire"), ("'PEXPIRE'", "extend"), ("'DEL'", "release"), ("", "inspect")];
    verbs
        .iter()
        .find(|(mark, _)| script.contains(mark))
        .map(|(_, verb)| (*verb).to_owned())
        .unwrap()
}

/// The first resource of a command, or the name of one that has none.
pub(crate) fn resource(command: &Command) -> String {
    let index = if word(command, 0) == "EVAL" { 3 } else { 1 };
    word(command, index.min(command.len() - 1))
}

pub(crate) fn word(command: &Command, index: usize) -> String {
    String::from_utf8_lossy(&command[index]).into_owned()
}

async fn next_command(read: &mut BufReader<tokio::net::tcp::OwnedReadHalf>) -> Option<Command> {
    let count = header(read, '*').await?;
    let mut command = Vec::with_capacity(count);
    for _ in 0..count {
        let mut bytes = vec![0; header(read, '$').await? + 2];
        read.read_exact(&mut bytes).await.ok()?;
        bytes.truncate(bytes.len() - 2);
        command.push(bytes);
    }
    // What a script does shows in its text.
    if command.first().is_some_and(|name| name == b"EVALSHA")
        && let Some(text) = redlock_core::protocol::script_text(&command[1])
    {
        (command[0], command[1]) = (b"EVAL".to_vec(), text.into());
    }
    Some(command)
}

async fn header(read: &mut BufReader<tokio::net::tcp::OwnedReadHalf>, kind: char) -> Option<usize> {
    let mut line = String::new();
    if read.read_line(&mut line).await.ok()? == 0 {
        return None;
    }
    Some(line.trim_end().strip_prefix(kind).unwrap().parse().unwrap())
}

/// A port on which nothing listens.
pub(crate) async fn dead_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

pub(crate) fn claim(resources: &[&str]) -> Claim {
    Claim::new(LockKey::all(resources).unwrap(), Token::random().unwrap())
}

pub(crate) fn terms() -> Terms {
    Terms::new(Duration::from_secs(10))
}
