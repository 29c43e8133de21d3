//! A process that takes locks and works under them until it gets SIGTERM or is killed.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use integration_tests::nodes::Client;
use redlock_core::{LockOptions, Redlock, Renewal, RetryPolicy, Semaphore};
use rustix::process::{Signal, set_parent_process_death_signal};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::failure::Failure;
use crate::had::Had;
use crate::history::{HoldId, Micros, now};
use crate::line::Line;
use crate::plain::Plain;
use crate::profile::{PERMITS, Profile};
use crate::store::STALE;

const KEYS: [&str; 4] = ["chaos-a", "chaos-b", "chaos-c", "chaos-d"];
const SEMAPHORE: &str = "chaos-permits";
/// The restart guard is told this.
pub(crate) const LONGEST_TTL: Duration = Duration::from_millis(1_000);
const TTLS_MS: [u64; 3] = [350, 600, 1_000];
/// Short, so that not everybody ends up waiting for the keys of the dead.
const WAIT_FOR: Duration = Duration::from_millis(150);
const NODE_TIMEOUT: Duration = Duration::from_millis(80);
/// Of a thousand.
const RENEWED_HOLDS: u32 = 6;
const TASKS: usize = 3;

/// What a worker is told on its command line: place, life, seed, profile, and the store's address. The nodes are in the
/// environment; see [`Client::from_environment`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Orders {
    pub(crate) worker: usize,
    pub(crate) life: u64,
    pub(crate) seed: u64,
    pub(crate) profile: Profile,
    pub(crate) store: SocketAddr,
}

impl Orders {
    pub(crate) fn args(&self) -> [String; 5] {
        let Self { worker, life, seed, profile, store } = self;
        [
            worker.to_string(),
            life.to_string(),
            seed.to_string(),
            profile.name().to_owned(),
            store.to_string(),
        ]
    }

    pub(crate) fn parse(args: &[String]) -> Result<Self, Failure> {
        let [worker, life, seed, profile, store] = args else {
            return Err("usage: chaos worker PLACE LIFE SEED PROFILE STORE".into());
        };
        Ok(Self {
            worker: worker.parse()?,
            life: life.parse()?,
            seed: seed.parse()?,
            profile: Profile::parse(profile).ok_or("there is no such profile")?,
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
            semaphore: redlock.semaphore(SEMAPHORE, PERMITS)?,
            plain: Plain::from_environment()?,
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

/// What is done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Write,
    /// Written, and read on.
    Downgrade,
    Read,
    /// Written in the slot of a permit.
    Permit,
    /// Had by a client of the plain algorithm.
    Plain,
}

struct Task {
    orders: Orders,
    redlock: Redlock,
    semaphore: Semaphore,
    plain: Plain,
    numbers: Arc<AtomicU64>,
    rng: Rng,
    store: Line,
}

impl Task {
    async fn run(mut self, stop: watch::Receiver<bool>) -> Result<(), Failure> {
        let full_holds = self.orders.profile.full_holds();
        while !*stop.borrow() {
            let deed = self.deed();
            let style = match self.rng.u32(..1_000) {
                _ if deed == Deed::Plain => Style::Short,
                dice if dice < full_holds => Style::Full,
                dice if dice < full_holds + RENEWED_HOLDS => Style::Renewed,
                _ => Style::Short,
            };
            let ttl = Duration::from_millis(TTLS_MS[self.rng.usize(..TTLS_MS.len())]);
            let asked = now();
            // Errors are what the faults are for; the next attempt may do better.
            match self.take(deed, ttl, style).await {
                Some((key, had)) => self.hold(&key, ttl, style, deed, asked, had).await?,
                None => sleep(ms(&mut self.rng, 2..20)).await,
            }
        }
        Ok(())
    }

    fn deed(&mut self) -> Deed {
        match self.rng.u32(..100) {
            _ if self.orders.profile != Profile::Modes => Deed::Write,
            0..25 => Deed::Write,
            25..35 => Deed::Downgrade,
            35..65 => Deed::Read,
            65..85 => Deed::Permit,
            _ => Deed::Plain,
        }
    }

    async fn take(&mut self, deed: Deed, ttl: Duration, style: Style) -> Option<(String, Had)> {
        let key = KEYS[self.rng.usize(..KEYS.len())];
        let renewal = if style == Style::Renewed { Renewal::Auto } else { Renewal::Off };
        let options = LockOptions::new().ttl(ttl).renewal(renewal);
        let had = match deed {
            Deed::Write | Deed::Downgrade => {
                self.redlock.lock_with(key, &options).await.ok().map(Had::Lock)
            }
            Deed::Read => self.redlock.read_with(key, &options).await.ok().map(Had::Share),
            Deed::Permit => {
                let permit = self.semaphore.acquire_with(&options).await.ok()?;
                return Some((format!("{SEMAPHORE}/{}", permit.slot()), Had::Permit(permit)));
            }
            Deed::Plain => {
                let Orders { worker, life, .. } = self.orders;
                let token = format!("plain-{worker}-{life}-{}", self.number());
                let held = self.plain.try_lock(key, token, ttl, NODE_TIMEOUT).await;
                held.map(Had::Plain)
            }
        };
        had.map(|had| (key.to_owned(), had))
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    async fn hold(
        &mut self,
        key: &str,
        ttl: Duration,
        style: Style,
        deed: Deed,
        asked: Micros,
        had: Had,
    ) -> Result<(), Failure> {
        let begin = now();
        let until = had.until().unwrap_or(begin);
        let fence = had.fence();
        let hold =
            HoldId { worker: self.orders.worker, life: self.orders.life, number: self.number() };
        let (mode, number) = (had.mode(), fence.map_or_else(|| "-".to_owned(), |f| f.to_string()));
        let held = format!("{} {key} {number} {asked} {begin} {until}", mode.name());
        self.store.tell("held", hold, &held).await?;
        let row = Row { hold, key, fence };
        let mut had = match had {
            Had::Share(_) => self.read(row, ttl, style, had).await?,
            Had::Plain(_) => {
                self.work(row, ttl, style, &had).await?;
                had
            }
            Had::Lock(_) | Had::Permit(_) => self.write(row, ttl, style, had).await?,
        };
        if deed == Deed::Downgrade
            && let Had::Lock(guard) = had
        {
            // Told before it is done: nobody is alone any more.
            self.store.tell("downgraded", hold, &now().to_string()).await?;
            had = Had::Share(guard.downgrade());
            had = self.read(row, ttl, Style::Short, had).await?;
        }
        // Told before it is done: who is killed in between has given the lock up all the same.
        self.store.tell("ended", hold, &now().to_string()).await?;
        if self.rng.bool() || matches!(had, Had::Plain(_)) {
            had.release().await;
        }
        Ok(())
    }

    /// Reads and writes one more, with a pause between; not all look whether the lock is lost meanwhile.
    async fn write(
        &mut self,
        row: Row<'_>,
        ttl: Duration,
        style: Style,
        had: Had,
    ) -> Result<Had, Failure> {
        let value = self.store.ask("read", row.hold, &row.text()?).await?;
        self.work(row, ttl, style, &had).await?;
        let careful = style != Style::Full && self.rng.bool();
        if value != STALE && !(careful && had.is_lost()) {
            let value = value.parse::<u64>()? + 1;
            let write = format!("{} {value}", row.text()?);
            self.store.ask("write", row.hold, &write).await?;
        }
        if style == Style::Renewed {
            self.tell_until(row, &had).await?;
        }
        Ok(had)
    }

    /// Looks twice, with a pause between: what it sees must not change.
    async fn read(
        &mut self,
        row: Row<'_>,
        ttl: Duration,
        style: Style,
        had: Had,
    ) -> Result<Had, Failure> {
        self.store.ask("look", row.hold, &row.text()?).await?;
        self.work(row, ttl, style, &had).await?;
        self.store.ask("look", row.hold, &row.text()?).await?;
        if style == Style::Renewed {
            self.tell_until(row, &had).await?;
        }
        Ok(had)
    }

    async fn work(
        &mut self,
        row: Row<'_>,
        ttl: Duration,
        style: Style,
        had: &Had,
    ) -> Result<(), Failure> {
        let mut work = match style {
            // Readers are to meet one another.
            Style::Short if matches!(had, Had::Share(_)) => ms(&mut self.rng, 5..40),
            Style::Short => ms(&mut self.rng, 1..8),
            Style::Renewed => ttl + ms(&mut self.rng, 0..400),
            Style::Full => had.remaining() + ms(&mut self.rng, 0..250),
        };
        let step = Duration::from_millis(50);
        while style == Style::Renewed && work > step && !had.is_lost() {
            sleep(step).await;
            work -= step;
            self.tell_until(row, had).await?;
        }
        sleep(work).await;
        Ok(())
    }

    async fn tell_until(&mut self, row: Row<'_>, had: &Had) -> Result<(), Failure> {
        match had.until() {
            Some(until) => self.store.tell("renewed", row.hold, &until.to_string()).await,
            None => Ok(()),
        }
    }
}

fn ms(rng: &mut Rng, range: Range<u64>) -> Duration {
    Duration::from_millis(rng.u64(range))
}

/// What the store is asked for, and by whom.
#[derive(Clone, Copy)]
struct Row<'a> {
    hold: HoldId,
    key: &'a str,
    fence: Option<u64>,
}

impl Row<'_> {
    fn text(&self) -> Result<String, Failure> {
        let fence = self.fence.ok_or("a lock without a fence")?;
        Ok(format!("{} {fence}", self.key))
    }
}
