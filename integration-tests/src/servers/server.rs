//! What a test does with one server.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::instance::Instance;
use super::kind::Kind;
use crate::background;
use crate::resp::{Connection, Reply};

/// One server. Its methods panic when the harness itself fails, so a test needs no error handling for them.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    addr: SocketAddr,
    password: Option<String>,
    instance: Arc<Instance>,
}

impl Server {
    pub(super) fn new(kind: Kind, addr: SocketAddr, args: Vec<String>, instance: Instance) -> Self {
        let mut args = args.into_iter().skip_while(|arg| arg != "--requirepass");
        Self { kind, addr, password: args.nth(1), instance: Arc::new(instance) }
    }

    /// `None`: it is gone, or will be when the operation that is still going on ends.
    pub(super) fn remove(self) -> Option<Receiver<()>> {
        Arc::into_inner(self.instance)?.remove()
    }

    /// What was asked for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// `redis://127.0.0.1:<port>`, without any password.
    pub fn url(&self) -> String {
        format!("redis://{}", self.addr)
    }

    /// `redis://<user>:<password>@127.0.0.1:<port>`; both are taken as they are. The user may be empty.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("redis://{user}:{password}@{}", self.addr)
    }

    /// The loopback address; it stays the same over restarts.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The loopback port; it stays the same over restarts.
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Host and port under which *another server of the harness* reaches this one, for `--replicaof` and the like.
    /// Containers see each other elsewhere than the tests see them.
    pub async fn peer(&self) -> (String, u16) {
        let addr = self.addr;
        self.on_instance("peer", |instance| async move { instance.peer(addr).await }).await
    }

    /// Hangs the server: it still accepts connections and reads nothing until [`resume`](Self::resume).
    pub async fn pause(&self) {
        self.on_instance("pause", |instance| async move { instance.pause().await }).await;
    }

    /// Ends a [`pause`](Self::pause). What clients sent meanwhile is executed now.
    pub async fn resume(&self) {
        self.on_instance("resume", |instance| async move { instance.resume().await }).await;
    }

    /// SIGKILL, which also ends one that hangs. On return connections are refused. A killed server stays down until
    /// [`start_again`](Self::start_again).
    pub async fn kill(&self) {
        let addr = self.addr;
        self.on_instance("kill", |instance| async move { instance.kill(addr).await }).await;
    }

    /// Starts a killed server on the same port and waits until it answers. It is empty, unless its arguments turn
    /// persistence on.
    pub async fn start_again(&self) {
        let addr = self.addr;
        self.on_instance("start", |instance| async move { instance.start_again(addr).await }).await;
    }

    /// [`kill`](Self::kill), then [`start_again`](Self::start_again): a crash.
    pub async fn restart(&self) {
        self.kill().await;
        self.start_again().await;
    }

    /// Sets the wall clock of a server that was started with [`Builder::clock`](super::Builder::clock).
    pub async fn set_clock(&self, clock: &str) {
        let clock = clock.to_owned();
        self.on_instance("set the clock of", |instance| async move { instance.set_clock(&clock) })
            .await;
    }

    /// Runs a command through the back door and returns the reply as text: see [`Reply`]'s `Display`.
    ///
    /// # Panics
    ///
    /// On an error reply, and when there is no reply within five seconds; [`command`](Self::command) returns both.
    pub async fn exec(&self, command: &[&str]) -> String {
        match self.command(command).await {
            Ok(Reply::Error(why)) => panic!("{} refused {command:?}: {why}", self.addr),
            Ok(reply) => reply.to_string(),
            Err(error) => panic!("{} did not answer {command:?}: {error}", self.addr),
        }
    }

    /// Runs a command through the back door, on a new connection, for at most five seconds.
    pub async fn command(&self, command: &[impl AsRef<[u8]>]) -> std::io::Result<Reply> {
        let (addr, password) = (self.addr, self.password.clone());
        let command: Vec<Vec<u8>> = command.iter().map(|part| part.as_ref().to_vec()).collect();
        background::run(async move {
            tokio::time::timeout(Duration::from_secs(5), async {
                let mut connection = Connection::connect(addr).await?;
                if let Some(password) = password {
                    connection.call(&["AUTH", &password]).await?;
                }
                connection.call(&command).await
            })
            .await?
        })
        .await
    }

    /// Every key, sorted.
    pub async fn keys(&self) -> Vec<String> {
        let mut keys = match self.command(&["KEYS", "*"]).await {
            Ok(Reply::Array(keys)) => keys.iter().filter_map(Reply::text).collect::<Vec<_>>(),
            other => panic!("{} did not list its keys: {other:?}", self.addr),
        };
        keys.sort();
        keys
    }

    /// The string at `key`, if there is one.
    pub async fn get(&self, key: &str) -> Option<String> {
        match self.command(&["GET", key]).await {
            Ok(reply @ Reply::Bulk(_)) => reply.text(),
            other => panic!("{} did not return {key:?}: {other:?}", self.addr),
        }
    }

    /// What the server calls itself, such as `redis 7.0.15` or `valkey 9.1.2`.
    pub async fn version(&self) -> String {
        let info = self.exec(&["INFO", "server"]).await;
        let field =
            |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        // Valkey also has a redis_version: the one it is compatible with.
        match field("valkey_version:") {
            Some(version) => format!("valkey {version}"),
            None => format!("redis {}", field("redis_version:").unwrap_or("of no version")),
        }
    }

    async fn on_instance<T, F>(&self, verb: &str, operation: impl FnOnce(Arc<Instance>) -> F) -> T
    where
        T: Send + 'static,
        F: Future<Output = Result<T, String>> + Send + 'static,
    {
        let work = operation(Arc::clone(&self.instance));
        background::run(work)
            .await
            .unwrap_or_else(|why| panic!("could not {verb} the server on {}: {why}", self.addr))
    }
}
