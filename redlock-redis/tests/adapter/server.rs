//! A server that answers as it is told, and remembers what it was sent. The same for every adapter: what its client says
//! and hears in a handshake, each adds in its `common/mod.rs`.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redlock_core::key::LockKey;
use redlock_core::node::{Claim, Terms, Vote};
use redlock_core::token::Token;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::{NIL, greet, is_handshake};

pub(crate) const GRANTED: Vote = Vote::Granted { fence: None };
/// What the script says of an acquire.
pub(crate) const GRANT: &str = "*2\r\n:1\r\n:0\r\n";
/// Never passes in a test that goes well.
pub(crate) const LONG: Duration = Duration::from_secs(30);
/// Passes in a test that goes well.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// A command and its arguments.
pub(crate) type Command = Vec<Vec<u8>>;

pub(crate) enum Action {
    Reply(String),
    /// Reads on and never answers.
    Ignore,
    /// Closes the connection, having said this.
    Cut(String),
}

pub(crate) fn reply(text: impl Into<String>) -> Action {
    Action::Reply(text.into())
}

pub(crate) fn error(text: &str) -> Action {
    reply(format!("-{text}\r\n"))
}

pub(crate) fn cut() -> Action {
    Action::Cut(String::new())
}

pub(crate) fn bulk(text: &str) -> Action {
    reply(format!("${}\r\n{text}\r\n", text.len()))
}

type Answer = Box<dyn Fn(&Command) -> Action + Send + Sync>;

pub(crate) struct FakeServer {
    pub(crate) address: SocketAddr,
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
    /// Connections so far.
    accepted: AtomicUsize,
    /// So many of them, from the first, are read on and not answered.
    muted: AtomicUsize,
    /// Commands that were read and not answered for that.
    unanswered: AtomicUsize,
}

impl FakeServer {
    /// A server that lets everybody in, and answers what comes after the handshake with `answer`.
    pub(crate) async fn start(answer: impl Fn(&Command) -> Action + Send + Sync + 'static) -> Self {
        Self::greeting(greet, answer).await
    }

    /// A server that answers the handshake with `greet`.
    pub(crate) async fn greeting(
        greet: impl Fn(&Command) -> Action + Send + Sync + 'static,
        answer: impl Fn(&Command) -> Action + Send + Sync + 'static,
    ) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), greet, answer)
    }

    pub(crate) fn on(
        listener: TcpListener,
        greet: impl Fn(&Command) -> Action + Send + Sync + 'static,
        answer: impl Fn(&Command) -> Action + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            greet: Box::new(greet),
            answer: Box::new(answer),
            seen: Mutex::default(),
            open: watch::Sender::new(0),
            hung: watch::Sender::new(false),
            accepted: AtomicUsize::new(0),
            muted: AtomicUsize::new(0),
            unanswered: AtomicUsize::new(0),
        });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let shared = Arc::clone(&serving);
                let number = shared.accepted.fetch_add(1, Ordering::SeqCst);
                connections.spawn(async move {
                    shared.open.send_modify(|count| *count += 1);
                    shared.serve(stream, number).await;
                    shared.open.send_modify(|count| *count -= 1);
                });
            }
        });
        Self { address, shared, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// The commands after the handshake.
    pub(crate) fn commands(&self) -> Vec<Command> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// What they do.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.commands().iter().map(verb).collect()
    }

    /// Waits until so many commands came after the handshake.
    pub(crate) async fn until_seen(&self, wanted: usize) {
        let come = async {
            while self.shared.seen.lock().unwrap().len() < wanted {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(LONG, come).await.unwrap();
    }

    pub(crate) fn hang(&self, hung: bool) {
        self.shared.hung.send_replace(hung);
    }

    /// Reads on from the connections that there are, and answers nothing; further ones are served.
    pub(crate) fn mute(&self) {
        self.shared.muted.store(self.accepted(), Ordering::SeqCst);
    }

    /// How many commands were read from muted connections.
    pub(crate) fn unanswered(&self) -> usize {
        self.shared.unanswered.load(Ordering::SeqCst)
    }

    /// How many connections there have been.
    pub(crate) fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Waits until this many connections are open.
    pub(crate) async fn connections(&self, wanted: usize) {
        let mut count = self.shared.open.subscribe();
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
    async fn serve(&self, stream: TcpStream, number: usize) {
        stream.set_nodelay(true).unwrap();
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        let mut hung = self.hung.subscribe();
        while let Some(command) = next_command(&mut read).await {
            // Read, but not looked at before the server goes on: like the buffers in between.
            hung.wait_for(|hung| !hung).await.unwrap();
            let muted = number < self.muted.load(Ordering::SeqCst);
            self.unanswered.fetch_add(usize::from(muted), Ordering::SeqCst);
            let action = if is_handshake(&command) {
                (self.greet)(&command)
            } else {
                self.seen.lock().unwrap().push(command.clone());
                (self.answer)(&command)
            };
            let (text, cut) = match if muted { Action::Ignore } else { action } {
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
        && let Some(text) = redlock_protocol::script_text(&command[1])
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

pub(crate) fn word(command: &Command, index: usize) -> String {
    String::from_utf8_lossy(&command[index]).into_owned()
}

/// A command's name; of a script what it does.
pub(crate) fn verb(command: &Command) -> String {
    let name = word(command, 0);
    if name != "EVAL" {
        return name;
    }
    let script = word(command, 1);
    let does =
        [("'SET'", "acquire"), ("'PEXPIRE'", "extend"), ("'DEL'", "release"), ("", "inspect")];
    does.into_iter().find(|(mark, _)| script.contains(mark)).unwrap().1.to_owned()
}

/// The first resource of a command, or the name of one that has none.
pub(crate) fn resource(command: &Command) -> String {
    let index = if word(command, 0) == "EVAL" { 3 } else { 1 };
    word(command, index.min(command.len() - 1))
}

/// Whether a command is several releases.
pub(crate) fn are_together(command: &Command) -> bool {
    word(command, 0) == "EVAL" && word(command, 1).contains("answers[i]")
}

/// The keys of a script's command.
pub(crate) fn keys(command: &Command) -> Vec<String> {
    let count = word(command, 2).parse::<usize>().unwrap();
    (3..3 + count).map(|index| word(command, index)).collect()
}

/// Grants every acquire, removes every release: also those that happen to be of one moment, and come as one command.
pub(crate) fn obedient(command: &Command) -> Action {
    if are_together(command) {
        let count = keys(command).len();
        return reply(format!("*{count}\r\n{}", ":1\r\n".repeat(count)));
    }
    match &*verb(command) {
        "INFO" => bulk("redis_version:7.0.15\r\n"),
        "SET" => reply(NIL),
        "acquire" => reply(GRANT),
        _ => reply(":1\r\n"),
    }
}

/// An address on which nothing listens.
pub(crate) async fn dead_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

pub(crate) fn claim(resources: &[&str]) -> Claim {
    Claim::new(LockKey::all(resources).unwrap(), Token::random().unwrap())
}

pub(crate) fn terms() -> Terms {
    Terms::new(Duration::from_secs(10))
}
