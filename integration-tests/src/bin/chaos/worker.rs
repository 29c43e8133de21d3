//! A process that takes locks and works under them until it gets SIGTERM or is killed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use integration_tests::nodes::Client;
use redlock_core::{LockGuard, LockOptions, Redlock, Renewal, RetryPolicy};
use rustix::process::{Signal, set_parent_process_death_signal};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::failure::Failure;
use crate::history::{HoldId, Micros, now};
use crate::store::STALE;

pub(crate) const KEYS: [&str; 4] = ["chaos-a", "chaos-b", "chaos-c", "chaos-d"];
/// The restart guard is told this.
pub(crate) const LONGEST_TTL: Duration = Duration::from_millis(1_000);
const TTLS_MS: [u64; 3] = [350, 600, 1_000];
/// Short, so that not everybody ends up waiting for the keys of the dead.
const WAIT_FOR: Duration = Duration::from_millis(150);
const NODE_TIMEOUT: Duration = Duration::from_millis(80);
/// Of a thousand.
const RENEWED_HOLDS: u32 = 6;
const TASKS: usize = 3;

/// What a worker is told on its command line: place, life, seed, how many holds of a thousand last as long as
/// the lease, and the store's address. The nodes are in the environment; see [`Client::from_environment`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Orders {
    pub(crate) worker: usize,
    pub(crate) life: u64,
    pub(crate) seed: u64,
    pub(crate) full_holds: u32,
    pub(crate) store: SocketAddr,
}

impl Orders {
    pub(crate) fn args(&self) -> [String; 5] {
        let Self { worker, life, seed, full_holds, store } = self;
        [
            worker.to_string(),
            life.to_string(),
            seed.to_string(),
            full_holds.to_string(),
            store.to_string(),
        ]
    }

    pub(crate) fn parse(args: &[String]) -> Result<Self, Failure> {
        let [worker, life, seed, full_holds, store] = args else {
            return Err("usage: chaos worker PLACE LIFE SEED FULL_HOLDS STORE".into());
        };
        Ok(Self {
            worker: worker.parse()?,
            life: life.parse()?,
            seed: seed.parse()?,
            full_holds: full_holds.parse()?,
            store: store.parse()?,
        })
    }
}

pub(crate) async fn run(orders: Orders) -> Result<(), Failure> {
    // A stopped process would not notice that its parent is gone.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut terminated = signal(SignalKind::terminate())?;
    let redlock = Redlock::builder()
        .nodes(Client::from_environment()?)
        .ttl(LONGEST_TTL)
        .node_timeout(NODE_TIMEOUT)
        .wait_for(WAIT_FOR)
        .retry(RetryPolicy::uniform(Duration::from_millis(3), Duration::from_millis(30))?)
        .fencing(true)
        .restart_guard(LONGEST_TTL)
        .build()?;
    let (stop, stopped) = watch::channel(false);
    let numbers = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let task = Task {
            orders,
            redlock: redlock.clone(),
            numbers: Arc::clone(&numbers),
            rng: Rng::with_seed(orders.seed ^ (task as u64 + 1)),
            store: Line::connect(orders.store).await?,
        };
        tasks.spawn(task.run(stopped.clone()));
    }
    tokio::select! {
        _ = terminated.recv() => {}
        // Only a failure ends a task before it is told to.
        Some(ended) = tasks.join_next() => ended??,
    }
    stop.send_replace(true);
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    redlock.close().await;
    Ok(())
}

/// How a hold is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// A few milliseconds, as most are.
    Short,
    /// Longer than the time to live, renewed.
    Renewed,
    /// To the end of the lease and past it, and on to the write without another look.
    Full,
}

struct Task {
    orders: Orders,
    redlock: Redlock,
    numbers: Arc<AtomicU64>,
    rng: Rng,
    store: Line,
}

impl Task {
    async fn run(mut self, stop: watch::Receiver<bool>) -> Result<(), Failure> {
        while !*stop.borrow() {
            let key = KEYS[self.rng.usize(..KEYS.len())];
            let style = match self.rng.u32(..1_000) {
                dice if dice < self.orders.full_holds => Style::Full,
                dice if dice < self.orders.full_holds + RENEWED_HOLDS => Style::Renewed,
                _ => Style::Short,
            };
            let ttl = Duration::from_millis(TTLS_MS[self.rng.usize(..TTLS_MS.len())]);
            let renewal = if style == Style::Renewed { Renewal::Auto } else { Renewal::Off };
            let options = LockOptions::new().ttl(ttl).renewal(renewal);
            let asked = now();
            // Errors are what the faults are for; the next attempt may do better.
            match self.redlock.lock_with(key, &options).await {
                Ok(guard) => self.hold(key, ttl, style, asked, guard).await?,
                Err(_) => sleep(Duration::from_millis(self.rng.u64(2..20))).await,
            }
        }
        Ok(())
    }

    async fn hold(
        &mut self,
        key: &str,
        ttl: Duration,
        style: Style,
        asked: Micros,
        guard: LockGuard,
    ) -> Result<(), Failure> {
        let begin = now();
        let until = until(&guard).unwrap_or(begin);
        let fence = guard.fence().ok_or("a lock without a fence")?.get();
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let hold = HoldId { worker: self.orders.worker, life: self.orders.life, number };
        self.store.tell("held", hold, &format!("{key} {fence} {asked} {begin} {until}")).await?;

        let value = self.store.ask("read", hold, &format!("{key} {fence}")).await?;
        let mut work = match style {
            Style::Short => Duration::from_millis(self.rng.u64(1..8)),
            Style::Renewed => ttl + Duration::from_millis(self.rng.u64(0..400)),
            Style::Full => guard.remaining() + Duration::from_millis(self.rng.u64(0..250)),
        };
        let step = Duration::from_millis(50);
        while style == Style::Renewed && work > step && !guard.is_lost() {
            sleep(step).await;
            work -= step;
            self.tell_until(hold, &guard).await?;
        }
        sleep(work).await;
        // Half of the holders take care; the others are what the gate is for.
        let careful = style != Style::Full && self.rng.bool();
        if value != STALE && !(careful && guard.is_lost()) {
            let value = value.parse::<u64>()? + 1;
            self.store.ask("write", hold, &format!("{key} {fence} {value}")).await?;
        }
        if style == Style::Renewed {
            self.tell_until(hold, &guard).await?;
        }
        // Told before it is done: who is killed in between has given the lock up all the same.
        self.store.tell("ended", hold, &now().to_string()).await?;
        if self.rng.bool() {
            // A release that too few nodes confirm goes on in the background.
            let _ = guard.release().await;
        }
        Ok(())
    }

    async fn tell_until(&mut self, hold: HoldId, guard: &LockGuard) -> Result<(), Failure> {
        match until(guard) {
            Some(until) => self.store.tell("renewed", hold, &until.to_string()).await,
            None => Ok(()),
        }
    }
}

/// The lease's end, or earlier if this process is stopped in between: what is claimed here was certainly held. `None` if
/// it is over.
fn until(guard: &LockGuard) -> Option<Micros> {
    let (now, remaining) = (now(), guard.remaining());
    (!remaining.is_zero()).then(|| now + u64::try_from(remaining.as_micros()).unwrap_or_default())
}

/// A connection to the store.
struct Line {
    replies: Lines<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
}

impl Line {
    async fn connect(store: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(store).await?;
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        Ok(Self { replies: BufReader::new(read).lines(), write })
    }

    async fn tell(&mut self, verb: &str, hold: HoldId, rest: &str) -> Result<(), Failure> {
        let HoldId { worker, life, number } = hold;
        let line = format!("{verb} {worker} {life} {number} {rest}\n");
        Ok(self.write.write_all(line.as_bytes()).await?)
    }

    async fn ask(&mut self, verb: &str, hold: HoldId, rest: &str) -> Result<String, Failure> {
        self.tell(verb, hold, rest).await?;
        let reply = timeout(Duration::from_secs(30), self.replies.next_line()).await??;
        Ok(reply.ok_or("the store is gone")?)
    }
}
