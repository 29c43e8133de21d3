//! A server that answers as it is told, and remembers what it was sent.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redlock_core::key::LockKey;
use redlock_core::node::{Claim, Terms, Vote};
use redlock_core::token::Token;
use redlock_redis::RedisNode;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub const GRANTED: Vote = Vote::Granted { fence: None };
pub const NIL: &str = "_\r\n";
/// What the script says of an acquire.
pub const GRANT: &str = "*2\r\n:1\r\n:0\r\n";
/// Never passes in a test that goes well.
pub const LONG: Duration = Duration::from_secs(5);
/// Passes in a test that goes well.
pub const SHORT: Duration = Duration::from_millis(100);

/// A command and its arguments.
pub type Command = Vec<Vec<u8>>;

pub enum Action {
    Reply(String),
    /// Reads on and never answers.
    Ignore,
    /// Closes the connection, having said this.
    Cut(String),
}

pub fn reply(text: impl Into<String>) -> Action {
    Action::Reply(text.into())
}

pub fn error(text: &str) -> Action {
    reply(format!("-{text}\r\n"))
}

pub fn bulk(text: &str) -> Action {
    reply(format!("${}\r\n{text}\r\n", text.len()))
}

type Answer = Box<dyn Fn(&Command) -> Action + Send + Sync>;

pub struct FakeServer {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    greet: Answer,
    answer: Answer,
    seen: Mutex<Vec<Command>>,
    open: watch::Sender<usize>,
    /// While set nothing is answered, as by a process that is stopped.
    hung: watch::Sender<bool>,
}

impl FakeServer {
    /// A server that lets everybody in, and answers what comes after the handshake with `answer`.
    pub async fn start(answer: impl Fn(&Command) -> Action + Send + Sync + 'static) -> Self {
        Self::greeting(|_| reply("+OK\r\n"), answer).await
    }

    pub async fn greeting(
        greet: impl Fn(&Command) -> Action + Send + Sync + 'static,
        answer: impl Fn(&Command) -> Action + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            greet: Box::new(greet),
            answer: Box::new(answer),
            seen: Mutex::default(),
            open: watch::Sender::new(0),
            hung: watch::Sender::new(false),
        });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let shared = Arc::clone(&serving);
                connections.spawn(async move {
                    shared.open.send_modify(|count| *count += 1);
                    shared.serve(stream).await;
                    shared.open.send_modify(|count| *count -= 1);
                });
            }
        });
        Self { address, shared, task }
    }

    pub fn node(&self) -> Arc<RedisNode> {
        Arc::new(RedisNode::connect(&format!("redis://{}", self.address)).unwrap())
    }

    pub fn client(&self) -> redis::Client {
        redis::Client::open(format!("redis://{}?protocol=resp3", self.address)).unwrap()
    }

    /// The commands after the handshake.
    pub fn commands(&self) -> Vec<Command> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// What they do.
    pub fn seen(&self) -> Vec<String> {
        self.commands().iter().map(verb).collect()
    }

    pub fn hang(&self, hung: bool) {
        self.shared.hung.send_replace(hung);
    }

    /// Waits until this many connections are open.
    pub async fn connections(&self, wanted: usize) {
        let mut count = self.shared.open.subscribe();
        tokio::time::timeout(LONG, count.wait_for(|count| *count == wanted))
            .await
            .unwrap()
            .unwrap();
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
        while let Some(command) = next_command(&mut read).await {
            hung.wait_for(|hung| !hung).await.unwrap();
            let action = if matches!(&*word(&command, 0), "HELLO" | "AUTH" | "SELECT" | "CLIENT") {
                (self.greet)(&command)
            } else {
                self.seen.lock().unwrap().push(command.clone());
                (self.answer)(&command)
            };
            let (text, cut) = match action {
                Action::Reply(text) => (text, false),
                Action::Ignore => (String::new(), false),
                Action::Cut(text) => (text, true),
            };
            if write.write_all(text.as_bytes()).await.is_err() || cut {
                return;
            }
        }
    }
}

async fn next_command(read: &mut BufReader<OwnedReadHalf>) -> Option<Command> {
    let mut command = Vec::new();
    for _ in 0..header(read, '*').await? {
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

async fn header(read: &mut BufReader<OwnedReadHalf>, kind: char) -> Option<usize> {
    let mut line = String::new();
    read.read_line(&mut line).await.ok()?;
    line.trim_end().strip_prefix(kind)?.parse().ok()
}

pub fn word(command: &Command, index: usize) -> String {
    String::from_utf8_lossy(&command[index]).into_owned()
}

/// A command's name; of a script what it does.
pub fn verb(command: &Command) -> String {
    let name = word(command, 0);
    if name != "EVAL" {
        return name;
    }
    let script = word(command, 1);
    let does =
        [("'SET'", "acquire"), ("'PEXPIRE'", "extend"), ("'DEL'", "release"), ("", "inspect")];
    does.into_iter().find(|(mark, _)| script.contains(mark)).unwrap().1.to_owned()
}

/// Grants every acquire, removes every release.
pub fn obedient(command: &Command) -> Action {
    match &*verb(command) {
        "INFO" => bulk("redis_version:7.0.15\r\n"),
        "SET" => reply(NIL),
        "acquire" => reply(GRANT),
        _ => reply(":1\r\n"),
    }
}

pub fn claim(resources: &[&str]) -> Claim {
    Claim::new(LockKey::all(resources).unwrap(), Token::random().unwrap())
}

pub fn terms() -> Terms {
    Terms::new(Duration::from_secs(10))
}
