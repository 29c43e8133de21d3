//! `redlock bench`: cycles of taking and releasing a lock, by many tasks at once.

mod figures;
mod report;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redlock_core::{LockError, LockErrorKind, Redlock};
use tokio::task::JoinSet;

use self::figures::Figures;
use crate::args::BenchArgs;
use crate::config::{Address, Config, ConfigFault, Nodes, Place};
use crate::exit::{self, Ending, Failure};
use crate::interrupt::Interrupt;
use crate::raw::Raw;
use crate::scratch::Scratch;
use crate::{nodeset, output, progress};

/// After this many failures of one task one after another there is nothing to measure.
const HOPELESS: usize = 100;
/// For removing counters in the end.
const LIMIT: Duration = Duration::from_secs(2);

pub(crate) async fn run(args: &BenchArgs) -> Ending {
    if args.duration.is_zero() {
        return Err(ConfigFault::rule("--duration", "0s", "must be above zero").into());
    }
    let mut interrupt = Interrupt::listen()?;
    let config = Config::load(&args.nodes)?;
    let scratch = Scratch::new(&config.key_prefix, "bench")?;
    let builder = nodeset::builder(&config)?.ttl(args.ttl).fencing(args.fencing);
    let redlock = builder.build()?;
    let names: Vec<_> = (0..args.tasks)
        .map(|task| if args.contended { "all".to_owned() } else { task.to_string() })
        .collect();

    let (mut figures, elapsed, interrupted) =
        measure(args, &redlock, &scratch, &names, &mut interrupt).await?;
    if figures.cycles() == 0 && figures.failures.is_empty() && !interrupted {
        // All were still waiting when time was up: for what?
        if let Err(error) = redlock.try_lock(scratch.key(&names[0])).await {
            figures.failed(&error);
        }
    }
    redlock.close().await;
    remove_counters(&config, &scratch, &names).await;

    let summary =
        report::Summary { args, nodes: count(&config), figures: &figures, elapsed, interrupted };
    output::line(if args.json { output::json(&summary.json())? } else { summary.text() })?;
    if figures.cycles() > 0 {
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(why) = &figures.last_failure {
        eprintln!("redlock: no lock was had: {why}");
    }
    Ok(ExitCode::from(exit::FAILED))
}

async fn measure(
    args: &BenchArgs,
    redlock: &Redlock,
    scratch: &Scratch,
    names: &[String],
    interrupt: &mut Interrupt,
) -> Result<(Figures, Duration, bool), Failure> {
    let over = Arc::new(AtomicBool::new(false));
    let figures = Arc::new(Mutex::new(Figures::new()?));
    let begun = Instant::now();
    let deadline = begun + args.duration;
    let mut tasks = JoinSet::new();
    for name in names {
        let task = Task {
            redlock: redlock.clone(),
            key: scratch.key(name),
            contended: args.contended,
            deadline,
            over: Arc::clone(&over),
            figures: Arc::clone(&figures),
        };
        tasks.spawn(task.run());
    }
    let steps = u64::try_from(args.duration.as_millis()).unwrap_or(u64::MAX);
    let bar = progress::bar(steps, "taking and releasing locks");
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let mut interrupted = false;
    while !tasks.is_empty() {
        tokio::select! {
            _ = tasks.join_next() => {}
            () = interrupt.heard(), if !interrupted => {
                interrupted = true;
                over.store(true, Ordering::Relaxed);
                // Whoever waits would wait for the whole budget. What they hold is released in the background.
                tasks.abort_all();
            }
            _ = ticks.tick() => {
                let done = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                bar.set_position(done.min(steps));
                if Instant::now() > deadline {
                    // Only waiters for a lock that others have are still here.
                    tasks.abort_all();
                }
            }
        }
    }
    bar.finish_and_clear();
    let elapsed = begun.elapsed();
    let figures = std::mem::replace(&mut *lock(&figures), Figures::new()?);
    Ok((figures, elapsed, interrupted))
}

struct Task {
    redlock: Redlock,
    key: String,
    contended: bool,
    deadline: Instant,
    over: Arc<AtomicBool>,
    figures: Arc<Mutex<Figures>>,
}

impl Task {
    async fn run(self) {
        let mut failures = 0;
        while !self.over.load(Ordering::Relaxed) && Instant::now() < self.deadline {
            match self.cycle().await {
                Ok(()) => failures = 0,
                Err(error) => {
                    lock(&self.figures).failed(&error);
                    failures += 1;
                    let useless = error.kind() == LockErrorKind::Misconfigured;
                    if useless || failures == HOPELESS {
                        return;
                    }
                }
            }
        }
    }

    async fn cycle(&self) -> Result<(), LockError> {
        let begun = Instant::now();
        let key = self.key.as_str();
        // Who is alone with a lock need not wait for it, and an outage is no reason to.
        let guard = match self.contended {
            true => self.redlock.lock(key).await?,
            false => self.redlock.try_lock(key).await?,
        };
        let taken = begun.elapsed();
        let releasing = Instant::now();
        guard.release().await?;
        lock(&self.figures).cycle(taken, releasing.elapsed());
        Ok(())
    }
}

fn lock(figures: &Mutex<Figures>) -> std::sync::MutexGuard<'_, Figures> {
    figures.lock().unwrap_or_else(PoisonError::into_inner)
}

fn count(config: &Config) -> usize {
    match &config.nodes {
        Nodes::Named(addresses) => addresses.len(),
        Nodes::Embedded => 1,
    }
}

/// Locks are released by now, but fencing counters live for ten minutes.
async fn remove_counters(config: &Config, scratch: &Scratch, names: &[String]) {
    let Nodes::Named(addresses) = &config.nodes else { return };
    let mut names = names.to_vec();
    names.dedup();
    let mut removing = JoinSet::new();
    for address in addresses {
        let (address, scratch, names): (Address, _, _) =
            (address.clone(), scratch.clone(), names.clone());
        removing.spawn(async move {
            let Place::Server(url) = address.place() else { return };
            if let Ok(raw) = Raw::connect(url, LIMIT).await {
                scratch.delete(&raw, &names).await;
            }
        });
    }
    removing.join_all().await;
}
