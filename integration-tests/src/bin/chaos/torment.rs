//! Those who break things. Each goes on until all is over, and mends what it broke before it ends.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use integration_tests::{Mode, Servers};
use rustix::process::Signal;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::failure::Failure;
use crate::fleet::Fleet;
use crate::history::{Recorder, Target};
use crate::profile::{Profile, SERVERS, WORKERS};
use crate::worker::LONGEST_TTL;

/// What there is to break.
pub(crate) struct Field {
    pub(crate) servers: Servers,
    pub(crate) fleet: Fleet,
    pub(crate) recorder: Arc<Recorder>,
    /// Whoever disturbs a server keeps its place locked.
    pub(crate) places: [Mutex<()>; SERVERS],
    /// See [`Store::reader`](crate::store::Store::reader).
    pub(crate) reader: watch::Receiver<usize>,
    pub(crate) over: watch::Receiver<bool>,
}

impl Field {
    fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    /// Sleeps, but not longer than the run lasts.
    async fn rest(&self, time: Duration) {
        let mut over = self.over.clone();
        tokio::select! {
            _ = over.wait_for(|over| *over) => {}
            () = sleep(time) => {}
        }
    }

    fn fault(&self, kind: &'static str, target: Target) {
        self.recorder.fault(kind, target);
    }

    fn mended(&self, kind: &'static str, target: Target) {
        self.recorder.mended(kind, target);
    }
}

/// Deals the numbers below `count` in random order, all of them before any comes again: nothing is spared by chance.
struct Deck {
    count: usize,
    left: Vec<usize>,
}

impl Deck {
    fn new(count: usize) -> Self {
        Self { count, left: Vec::new() }
    }

    fn deal(&mut self, rng: &mut Rng) -> usize {
        if self.left.is_empty() {
            self.left = (0..self.count).collect();
            rng.shuffle(&mut self.left);
        }
        self.left.pop().unwrap_or_default()
    }
}

fn ms(rng: &mut Rng, range: Range<u64>) -> Duration {
    Duration::from_millis(rng.u64(range))
}

/// Begins all that the profile wants.
pub(crate) fn start(
    field: &Arc<Field>,
    profile: Profile,
    seed: u64,
) -> JoinSet<Result<(), Failure>> {
    let mut torments = JoinSet::new();
    let mut rng = Rng::with_seed(seed);
    let mut fork = || (Arc::clone(field), rng.fork());
    // One for both: on a machine that is busy neither gets round by itself.
    let workers = Arc::new(Mutex::new(Deck::new(WORKERS)));
    let (f, r) = fork();
    let deck = Arc::clone(&workers);
    torments.spawn(async move { stop_workers(&f, &deck, r).await });
    let (f, r) = fork();
    torments.spawn(async move { kill_workers(&f, &workers, r).await });
    let (f, r) = fork();
    torments.spawn(async move { cut_workers_off(&f, r).await });
    let (f, r) = fork();
    torments.spawn(async move { trouble_links(&f, r).await });
    let (f, r) = fork();
    torments.spawn(async move { hang_servers(&f, r).await });
    let (f, r) = fork();
    match profile {
        Profile::Mixed => torments.spawn(async move { crash_servers(&f, r, true, 0..500).await }),
        Profile::Modes => {
            let outlasts = LONGEST_TTL.as_millis() as u64 + 300;
            torments.spawn(async move { crash_servers(&f, r, true, outlasts..2_000).await })
        }
        Profile::Clocks => torments.spawn(async move { crash_servers(&f, r, false, 0..500).await }),
        Profile::BrokenClocks => torments.spawn(async move { set_clocks(&f, r).await }),
    };
    torments
}

/// SIGSTOP, often for longer than any time to live; half of the time between a read and the write.
async fn stop_workers(field: &Field, deck: &Mutex<Deck>, mut rng: Rng) -> Result<(), Failure> {
    while !field.is_over() {
        field.rest(ms(&mut rng, 400..1_400)).await;
        let worker = deck.lock().await.deal(&mut rng);
        let process = field.fleet.worker(worker).await;
        if rng.bool() {
            let mut reader = field.reader.clone();
            reader.mark_unchanged();
            let reads =
                async { while reader.changed().await.is_ok() && *reader.borrow() != worker {} };
            let _ = timeout(Duration::from_secs(1), reads).await;
        }
        field.fault("worker stopped", Target::Worker(worker));
        process.signal(Signal::STOP)?;
        field.rest(ms(&mut rng, 200..1_500)).await;
        process.signal(Signal::CONT)?;
        field.mended("worker stopped", Target::Worker(worker));
    }
    Ok(())
}

async fn kill_workers(field: &Field, deck: &Mutex<Deck>, mut rng: Rng) -> Result<(), Failure> {
    while !field.is_over() {
        field.rest(ms(&mut rng, 1_500..3_500)).await;
        let worker = deck.lock().await.deal(&mut rng);
        let mut process = field.fleet.worker(worker).await;
        field.fault("worker killed", Target::Worker(worker));
        process.replace().await?;
    }
    Ok(())
}

/// One worker does not reach some of the servers, or all.
async fn cut_workers_off(field: &Field, mut rng: Rng) -> Result<(), Failure> {
    let mut deck = Deck::new(WORKERS);
    while !field.is_over() {
        field.rest(ms(&mut rng, 500..1_700)).await;
        let worker = deck.deal(&mut rng);
        let (kind, mode) = [
            ("link refused", Mode::Refuse),
            ("link stalled", Mode::Stall),
            ("link blackholed", Mode::Blackhole),
            ("replies dropped", Mode::DropReplies),
        ][rng.usize(..4)];
        let mut servers: Vec<_> = (0..SERVERS).collect();
        rng.shuffle(&mut servers);
        let some = &servers[..rng.usize(1..=SERVERS)];
        let links =
            some.iter().filter_map(|server| Some((server, field.fleet.link(worker, *server)?)));
        let links: Vec<_> = links.collect();
        for (server, link) in &links {
            field.fault(kind, Target::Link(worker, **server));
            link.set(mode).await;
        }
        field.rest(ms(&mut rng, 100..900)).await;
        for (server, link) in &links {
            link.set(Mode::Pass).await;
            field.mended(kind, Target::Link(worker, **server));
        }
    }
    Ok(())
}

/// A single link is slow, or loses replies to what was done.
async fn trouble_links(field: &Field, mut rng: Rng) -> Result<(), Failure> {
    let mut deck = Deck::new(WORKERS * SERVERS);
    while !field.is_over() {
        field.rest(ms(&mut rng, 50..300)).await;
        let place = deck.deal(&mut rng);
        let (worker, server) = (place / SERVERS, place % SERVERS);
        let Some(link) = field.fleet.link(worker, server) else { continue };
        let delay = ms(&mut rng, 2..150);
        let times = rng.u64(1..4);
        let (kind, mode) = [
            ("requests delayed", Mode::DelayUp(delay)),
            ("replies delayed", Mode::DelayDown(delay)),
            ("reply cut", Mode::CutAfterRequest { times, containing: b"EVALSHA" }),
        ][rng.usize(..3)];
        field.fault(kind, Target::Link(worker, server));
        link.set(mode).await;
        field.rest(ms(&mut rng, 100..600)).await;
        link.set(Mode::Pass).await;
    }
    Ok(())
}

/// The process hangs, or serves nobody.
async fn hang_servers(field: &Field, mut rng: Rng) -> Result<(), Failure> {
    let mut deck = Deck::new(SERVERS);
    while !field.is_over() {
        field.rest(ms(&mut rng, 300..1_200)).await;
        let index = deck.deal(&mut rng);
        let _place = field.places[index].lock().await;
        let server = &field.servers[index];
        let time = ms(&mut rng, 100..1_000);
        if rng.bool() {
            field.fault("server paused", Target::Server(index));
            server.pause().await;
            field.rest(time).await;
            server.resume().await;
            field.mended("server paused", Target::Server(index));
        } else {
            field.fault("server withheld", Target::Server(index));
            server.exec(&["CLIENT", "PAUSE", &time.as_millis().to_string(), "ALL"]).await;
            field.rest(time).await;
            field.mended("server withheld", Target::Server(index));
        }
    }
    Ok(())
}

/// SIGKILL and an empty start after so many milliseconds. With `majorities`, every fourth time three servers forget at once.
async fn crash_servers(
    field: &Field,
    mut rng: Rng,
    majorities: bool,
    down: Range<u64>,
) -> Result<(), Failure> {
    let mut deck = Deck::new(SERVERS);
    let mut round = 0;
    while !field.is_over() {
        // After a start the restart guard keeps the server out of votes for some three seconds.
        field.rest(ms(&mut rng, 4_500..7_500)).await;
        round += 1;
        let mut chosen: Vec<_> = (0..if majorities && round % 4 == 0 { 3 } else { 1 })
            .map(|_| deck.deal(&mut rng))
            .collect();
        // In one order, as these are the only ones who lock several places.
        chosen.sort_unstable();
        chosen.dedup();
        let mut places = Vec::new();
        for index in &chosen {
            places.push(field.places[*index].lock().await);
            field.fault("server crashed", Target::Server(*index));
            field.servers[*index].kill().await;
        }
        // Also when all is over: who holds a lock on what was killed may go on.
        sleep(ms(&mut rng, down.clone())).await;
        for index in &chosen {
            field.servers[*index].start_again().await;
            field.mended("server crashed", Target::Server(*index));
        }
    }
    Ok(())
}

/// The clocks of a majority jump ahead.
async fn set_clocks(field: &Field, mut rng: Rng) -> Result<(), Failure> {
    let rate = Profile::BrokenClocks.rate().unwrap_or_default();
    let mut deck = Deck::new(SERVERS);
    let mut ahead = [0; SERVERS];
    while !field.is_over() {
        field.rest(ms(&mut rng, 200..900)).await;
        let by = rng.u64(300..1_500);
        for _ in 0..rng.usize(3..=SERVERS) {
            let server = deck.deal(&mut rng);
            ahead[server] += by;
            field.fault("clock jumped", Target::Server(server));
            let clock = format!("+{}.{:03} {rate}", ahead[server] / 1_000, ahead[server] % 1_000);
            field.servers[server].set_clock(&clock).await;
        }
    }
    Ok(())
}
