//! Runs one seed, or many on all cores.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use redlock_core::LockOptions;
use tokio::time::sleep;

use super::client::Client;
use super::invariants::Event;
use super::ledger::Counts;
use super::profile::{Profile, Setup};
use super::timeline::Mark;
use super::weather;
use super::world::{World, ms};

#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub(crate) invariant: &'static str,
    pub(crate) message: String,
    /// Microseconds since the start.
    pub(crate) at: u64,
}

pub(crate) struct Outcome {
    pub(crate) counts: Counts,
    pub(crate) violations: Vec<Violation>,
    pub(crate) hash: u64,
    pub(crate) lines: Vec<String>,
    pub(crate) marks: Vec<Mark>,
}

pub(crate) fn replay_command(seed: u64) -> String {
    format!(
        "REDLOCK_SIM_SEED={seed} cargo test --release -p redlock-core --all-features --test simulation -- --nocapture"
    )
}

/// Runs one seed; `tune` may change what was drawn.
pub(crate) fn run(seed: u64, verbose: bool, tune: &dyn Fn(&mut Setup)) -> Outcome {
    let mut setup = Setup::draw(seed);
    tune(&mut setup);
    play(story(setup, verbose))
}

/// On a paused clock, and in one thread.
pub(crate) fn play(story: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let result = catch_unwind(AssertUnwindSafe(|| runtime.block_on(story)));
    result.unwrap_or_else(|_| Outcome {
        counts: Counts::default(),
        violations: vec![Violation {
            invariant: "no panic",
            message: "a task panicked".into(),
            at: 0,
        }],
        hash: 0,
        lines: Vec::new(),
        marks: Vec::new(),
    })
}

async fn story(setup: Setup, verbose: bool) -> Outcome {
    let world = World::new(setup, verbose);
    // A node that was just started warms up.
    sleep(ms(world.setup.warm_up() * 102 / 100)).await;
    let mut clients = Vec::new();
    for number in 0..world.setup.processes {
        let process = world.start_process();
        let rng = Rng::with_seed(world.setup.seed ^ ((number as u64 + 1) << 20));
        let keeps = Rng::with_seed(world.setup.seed ^ ((number as u64 + 1) << 30));
        let reading = Rng::with_seed(world.setup.seed ^ ((number as u64 + 1) << 44));
        let permitting = Rng::with_seed(world.setup.seed ^ ((number as u64 + 1) << 50));
        let (world, own) = (Arc::clone(&world), Arc::clone(&process));
        let client = Client { world, process: own, number, rng, keeps, reading, permitting };
        clients.push(tokio::spawn(process.gate.wrap(Box::pin(client.run()))));
    }
    let weather = tokio::spawn(weather::run(Arc::clone(&world)));
    for client in clients {
        client.await.unwrap();
    }
    weather.abort();
    settle(&world).await;
    end(&world)
}

/// What a run came to.
pub(crate) fn end(world: &World) -> Outcome {
    let processes = std::mem::take(&mut *world.processes.lock().unwrap());
    drop(processes);
    let mut trace = world.trace.lock().unwrap();
    let mut counts = *world.counts.lock().unwrap();
    counts.seeds = 1;
    Outcome {
        counts,
        violations: world.violations.lock().unwrap().clone(),
        hash: trace.hash,
        lines: trace.lines.take().unwrap_or_default(),
        marks: trace.marks.take().unwrap_or_default(),
    }
}

/// Everything heals, a newcomer gets every lock, and nothing is left in the end.
pub(crate) async fn settle(world: &Arc<World>) {
    let setup = &world.setup;
    world.healed.store(true, Ordering::Relaxed);
    world.trace.lock().unwrap().healed(world.at());
    let processes = world.processes.lock().unwrap().clone();
    for process in &processes {
        process.links.iter().for_each(|link| link.resume());
        process.cut_off.iter().for_each(|cut_off| cut_off.store(false, Ordering::Relaxed));
    }
    // The last message, the last time to live on the slowest clock, and the last restart.
    let longest = setup.slowest + setup.longest * 2 + setup.warm_up();
    let (newcomer, number) = (world.start_process(), processes.len());
    let rng = Rng::with_seed(setup.seed);
    let [keeps, reading, permitting] = [(); 3].map(|()| rng.clone());
    let (world, process) = (Arc::clone(world), Arc::clone(&newcomer));
    let client = Client { world, process, number, rng, keeps, reading, permitting };
    let world = &client.world;
    for key in 0..setup.keys {
        let called = world.step();
        let options = LockOptions::new().wait_for(ms(longest));
        let result = newcomer.redlock.lock_with(format!("k{key}"), &options).await;
        world.tell(&Event::Progress { key, failure: result.as_ref().err().map(|e| e.to_string()) });
        if let Ok(guard) = result {
            let id = client.enter(&guard, 1 << key, called);
            world.write(id);
            world.ended(id, "release");
            let _ = guard.release().await;
        }
    }
    client.takes_all_permits(ms(longest)).await;
    for process in processes.iter().chain([&newcomer]) {
        process.redlock.close().await;
    }
    world.tell(&Event::Closed);
    sleep(ms(longest)).await;
    world.tell(&Event::Expired);
    let life = redlock_core::backend::SHORTEST_LIFE.max(ms(setup.longest * 2));
    sleep(life * 2).await;
    world.tell(&Event::Forgotten);
}

/// What many seeds came to.
#[derive(Default)]
pub(crate) struct Report {
    counts: [Counts; Profile::ALL.len()],
    pub(crate) violations: Vec<(u64, Violation)>,
    /// Of all traces, in whatever order: equal where two commits play every seed alike.
    pub(crate) trace: u64,
    pub(crate) took: Duration,
}

impl Report {
    pub(crate) fn of(&self, profile: Profile) -> Counts {
        self.counts[profile as usize]
    }

    pub(crate) fn all(&self) -> Counts {
        let mut all = Counts::default();
        self.counts.iter().for_each(|counts| all.add(counts));
        all
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<13}{:>8}{:>10}{:>8}{:>11}{:>10}{:>9}{:>8}{:>9}{:>9}{:>9}",
            "profile",
            "seeds",
            "grants",
            "kept",
            "extensions",
            "refusals",
            "failures",
            "dropped",
            "writes",
            "refused",
            "overlaps"
        )?;
        let mut all = Counts::default();
        let mut row = |name: &str, c: &Counts| {
            writeln!(
                f,
                "{name:<13}{:>8}{:>10}{:>8}{:>11}{:>10}{:>9}{:>8}{:>9}{:>9}{:>9}",
                c.seeds,
                c.grants,
                c.kept,
                c.extensions,
                c.refusals,
                c.failures,
                c.left,
                c.writes,
                c.refused_writes,
                c.overlaps
            )
        };
        for profile in Profile::ALL {
            let counts = self.of(profile);
            all.add(&counts);
            row(&format!("{profile:?}"), &counts)?;
        }
        row("all", &all)?;
        let rate = u128::from(all.seeds) * 1_000 / self.took.as_millis().max(1);
        let (violations, trace) = (self.violations.len(), self.trace);
        write!(f, "{violations} violations, traces {trace:016x}, {:?}, {rate} seeds/s", self.took)
    }
}

/// Runs `seeds` on two threads, each prepared by `prepare`; at the first violation it ends if told so.
pub(crate) fn sweep(
    seeds: std::ops::Range<u64>,
    stop: bool,
    prepare: &(dyn Fn() + Sync),
    tune: &(dyn Fn(&mut Setup) + Sync),
) -> Report {
    sweep_over(seeds, stop, prepare, &|seed| run(seed, false, tune))
}

/// The same with whatever a seed stands for.
pub(crate) fn sweep_over(
    seeds: std::ops::Range<u64>,
    stop: bool,
    prepare: &(dyn Fn() + Sync),
    run: &(dyn Fn(u64) -> Outcome + Sync),
) -> Report {
    let began = std::time::Instant::now();
    let (next, stopped) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let report = Mutex::new(Report::default());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                prepare();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || stopped.load(Ordering::Relaxed) {
                        break;
                    }
                    let outcome = run(seed);
                    let mut report = report.lock().unwrap();
                    report.counts[Profile::of(seed) as usize].add(&outcome.counts);
                    report.trace = report.trace.wrapping_add(outcome.hash);
                    if let Some(first) = outcome.violations.into_iter().next() {
                        report.violations.push((seed, first));
                        stopped.fetch_or(stop, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let mut report = report.into_inner().unwrap();
    report.took = began.elapsed();
    report.violations.sort_by_key(|(seed, _)| *seed);
    report
}
