//! Writers among readers who always come again. Nothing fails here, so each writer has to get in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fastrand::Rng;
use redlock_core::LockOptions;
use tokio::time::{Instant, sleep};

use super::client::Client;
use super::invariants::Event;
use super::profile::{Profile, Setup};
use super::runner::Violation;
use super::world::{World, ms};

/// What a run came to.
pub(crate) struct Crowd {
    /// For how long each writer waited, in microseconds.
    pub(crate) waits: Vec<u64>,
    pub(crate) shares: u64,
    pub(crate) beside: u64,
    pub(crate) violations: Vec<Violation>,
}

/// Who is there, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Cast {
    readers: usize,
    writers: usize,
    holds: u64,
    pauses: u64,
    budget: u64,
}

/// Runs one seed; without an intent the writers are lost.
pub(crate) fn run(seed: u64, intent: bool) -> Crowd {
    let mut rng = Rng::with_seed(seed ^ 0xc70d_0000_c70d_0000);
    let mut setup = Setup::draw(seed);
    (setup.profile, setup.guard, setup.foreign) = (Profile::Calm, false, false);
    (setup.lost, setup.broken, setup.slow, setup.reorder) = (0, 0, 0, false);
    (setup.weather, setup.pause, setup.drop, setup.keys) = (0, 0, 0, 1);
    (setup.read, setup.permit, setup.rest) = (0, 0, false);
    setup.rates.iter_mut().for_each(|rate| *rate = rng.i64(-5_000..=5_000));
    setup.ttl = rng.u64(1_000..=10_000);
    (setup.longest, setup.node_timeout) = (setup.ttl * 2, setup.ttl / 10);
    setup.delay = (0, rng.u64(0..=3));
    let retry = rng.u64(10..=100);
    setup.retry = (retry, retry * 3);
    let holds = rng.u64(5..=100);
    let writers = rng.usize(1..=3);
    let cast = Cast {
        readers: rng.usize(4..=12),
        writers,
        holds,
        pauses: rng.u64(0..=holds / 2),
        // Those who read end and the writer comes at once, or at its next attempt; and so does each writer before it.
        budget: (writers as u64 * 4 * (holds + retry * 3 + 50)).max(setup.node_timeout),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(story(setup, cast, intent))
}

async fn story(setup: Setup, cast: Cast, intent: bool) -> Crowd {
    let world = World::new(setup, false);
    let stop = Arc::new(AtomicBool::new(false));
    let client = |number: usize| {
        let rng = Rng::with_seed(world.setup.seed ^ ((number as u64 + 1) << 20));
        let [keeps, reading, permitting] = [(); 3].map(|()| rng.clone());
        let (world, process) = (Arc::clone(&world), world.start_process());
        Client { world, process, number, rng, keeps, reading, permitting }
    };
    let readers: Vec<_> = (0..cast.readers)
        .map(|number| tokio::spawn(reads(client(number), cast, Arc::clone(&stop))))
        .collect();
    sleep(ms(cast.holds * 3)).await;
    let writers: Vec<_> = (0..cast.writers)
        .map(|number| tokio::spawn(writes(client(cast.readers + number), cast, intent)))
        .collect();
    let mut waits = Vec::new();
    for writer in writers {
        waits.extend(writer.await.unwrap());
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    let counts = *world.counts.lock().unwrap();
    let violations = world.violations.lock().unwrap().clone();
    world.processes.lock().unwrap().clear();
    Crowd { waits, shares: counts.shares, beside: counts.beside, violations }
}

async fn reads(mut client: Client, cast: Cast, stop: Arc<AtomicBool>) {
    let patient = LockOptions::new().wait_for(ms(60_000));
    while !stop.load(Ordering::Relaxed) {
        let (redlock, called) = (client.process.redlock.clone(), client.world.step());
        let guard = redlock.read_with("k0", &patient).await.unwrap();
        let id = client.enter_shared(&guard.lease(), 1, called, None);
        sleep(ms(client.rng.u64(1..=cast.holds))).await;
        client.world.ended(id, "release");
        guard.release().await.unwrap();
        sleep(ms(client.rng.u64(0..=cast.pauses))).await;
    }
}

async fn writes(mut client: Client, cast: Cast, intent: bool) -> Vec<u64> {
    let options = LockOptions::new().wait_for(ms(cast.budget)).writer_intent(intent);
    let mut waits = Vec::new();
    for _ in 0..5 {
        let (redlock, called) = (client.process.redlock.clone(), client.world.step());
        let began = Instant::now();
        let result = redlock.lock_with("k0", &options).await;
        let micros = began.elapsed().as_micros() as u64;
        let failure = result.as_ref().err().map(|error| error.to_string());
        client.world.tell(&Event::Waited { micros, failure });
        if let Ok(guard) = result {
            waits.push(micros);
            let id = client.enter(&guard, 1, called);
            sleep(ms(client.rng.u64(1..=cast.holds))).await;
            client.world.ended(id, "release");
            guard.release().await.unwrap();
        }
        sleep(ms(client.rng.u64(0..=cast.holds * 2))).await;
    }
    waits
}
