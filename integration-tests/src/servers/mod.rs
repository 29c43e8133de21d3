//! Servers that tests may pause, kill and restart; see the crate's documentation.

mod clock;
mod docker;
mod instance;
mod kind;
mod local;
mod postgres;
mod provider;
mod server;
mod watchdog;

use std::ops::Deref;

use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use crate::{background, ports};
use instance::Instance;

pub use clock::live_behind;
pub use kind::Kind;
pub use postgres::{Postgres, postgres};
pub use server::Server;

/// Independent servers of one kind. Dropping it removes them, and waits until they are gone.
///
/// It is a slice of [`Server`]: index it, iterate over it.
#[derive(Debug)]
pub struct Servers(Vec<Server>);

impl Servers {
    /// Starts `count` empty servers of [`Kind::Redis70`], all at once.
    pub async fn start(count: usize) -> Self {
        Self::start_kind(Kind::Redis70, count).await
    }

    /// Starts `count` empty servers of one kind, all at once.
    pub async fn start_kind(kind: Kind, count: usize) -> Self {
        Self::builder().kind(kind).count(count).start().await
    }

    /// For servers with arguments of their own.
    pub fn builder() -> Builder {
        Builder { kind: Kind::Redis70, count: 1, args: Vec::new(), clock: None }
    }

    /// Waits until no server holds a key.
    ///
    /// # Panics
    ///
    /// If one still does after five seconds.
    pub async fn become_empty(&self) {
        for server in self.iter() {
            for _ in 0..100 {
                if server.keys().await.is_empty() {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            assert_eq!(server.keys().await, [""; 0], "left on {}", server.addr());
        }
    }

    /// Every server's [`Server::url`], in order.
    pub fn urls(&self) -> Vec<String> {
        self.iter().map(Server::url).collect()
    }
}

impl Deref for Servers {
    type Target = [Server];

    fn deref(&self) -> &[Server] {
        &self.0
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // First begin all removals, then wait: the engine does them side by side.
        let removals: Vec<_> = self.0.drain(..).filter_map(Server::remove).collect();
        removals.iter().for_each(docker::wait);
    }
}

/// How to start servers. Default: one server of [`Kind::Redis70`] without further arguments.
#[derive(Debug, Clone)]
#[must_use = "nothing is started before `start`"]
pub struct Builder {
    kind: Kind,
    count: usize,
    args: Vec<String>,
    clock: Option<String>,
}

impl Builder {
    /// Which server; default: [`Kind::Redis70`].
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// How many; default: 1.
    pub fn count(mut self, count: usize) -> Self {
        self.count = count;
        self
    }

    /// One more word on every server's command line, after the harness's own (which is: loopback only, no
    /// persistence), such as `--maxmemory` and then `10mb`. After `--requirepass`, the back door authenticates itself.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Gives every server a wall clock of its own, in the words of libfaketime: `+0 x1.005` runs half a percent fast,
    /// counted from the server's start, and `+5 x1` is five seconds ahead. [`Server::set_clock`] changes it.
    ///
    /// Such servers are local processes whatever the provider is. Of the kinds only [`Kind::Valkey91`] is known to run
    /// so: Debian's Redis allocates with jemalloc, which ends at once under libfaketime.
    pub fn clock(mut self, clock: impl Into<String>) -> Self {
        self.clock = Some(clock.into());
        self
    }

    /// Starts them all at once and waits until each one answers.
    ///
    /// # Panics
    ///
    /// If a server cannot be had or does not start: with the command to run, or with the server's log.
    pub async fn start(self) -> Servers {
        // Each start is a task of its own: if this future is dropped, the tasks remove what they started.
        background::run(async move {
            let mut starts = JoinSet::new();
            for index in 0..self.count {
                let (kind, args, clock) = (self.kind, self.args.clone(), self.clock.clone());
                starts.spawn(async move { (index, start_one(kind, args, clock).await) });
            }
            let mut servers = Vec::new();
            while let Some(joined) = starts.join_next().await {
                servers.push(
                    joined.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())),
                );
            }
            servers.sort_by_key(|(index, _)| *index);
            Servers(servers.into_iter().map(|(_, server)| server).collect())
        })
        .await
    }
}

/// One server per kind for the whole test process, started by whoever asks first and never paused, killed or emptied by
/// the harness. Keep to keys of your own.
pub async fn shared(kind: Kind) -> &'static Server {
    static SHARED: [OnceCell<Server>; 3] = [const { OnceCell::const_new() }; 3];
    SHARED[kind as usize].get_or_init(|| background::run(start_one(kind, Vec::new(), None))).await
}

async fn start_one(kind: Kind, args: Vec<String>, clock: Option<String>) -> Server {
    let source = match clock {
        Some(clock) => provider::with_clock(kind, clock),
        None => provider::source(kind).await.clone(),
    };
    let mut conflicts = 0;
    loop {
        let addr = ports::loopback(ports::take());
        match Instance::start(&source, addr, &args).await {
            Ok(instance) => return Server::new(kind, addr, args, instance),
            Err(why) if ports::is_conflict(&why) && conflicts < 10 => conflicts += 1,
            Err(why) => panic!("{kind:?} on {addr} does not start: {why}"),
        }
    }
}
