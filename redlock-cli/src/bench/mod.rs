//! `redlock bench`: cycles of taking and releasing a lock, by many tasks at once.

mod figures;
mod report;
mod request;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redlock_core::{LockError, LockErrorKind, Redlock};
use tokio::task::JoinSet;
use tokio::time::{timeout, timeout_at};

use self::figures::Figures;
pub(crate) use self::request::Request;
use crate::config::{Address, Config, ConfigFault, Nodes, Place};
use crate::exit::{self, Ending, Failure};
use crate::label;
use crate::nodes::{Raw, Scratch, nodeset};
use crate::output::{self, progress};
use crate::process::Interrupt;

/// After this many failures of one task one after another there is nothing to measure.
const HOPELESS: usize = 100;
/// For connecting, to remove counters in the end, and for each removal.
const LIMIT: Duration = Duration::from_secs(2);
/// For releases that are still under way when all is over.
const CLOSING: Duration = Duration::from_secs(1);

pub(crate) async fn run(request: &Request) -> Ending {
    if request.duration.is_zero() {
        return Err(ConfigFault::rule("--duration", "0s", "must be above zero").into());
    }
    let mut interrupt = Interrupt::listen()?;
    let config = Config::load(&request.flags)?;
    nodeset::this_machine_only(&config);
    let scratch = Scratch::new(&config.key_prefix, "bench")?;
    let builder = nodeset::builder(&config, label::of_verb("bench"))?;
    let redlock = builder.ttl(request.ttl).fencing(request.fencing).build()?;
    let mut names: Vec<_> = (0..request.tasks)
        .map(|task| if request.contended { "all".to_owned() } else { task.to_string() })
        .collect();

    // Meanwhile, so that a server that hangs is not waited for when all is over.
    let removal = request.fencing.then(|| Removal::prepare(&config));
    let (mut figures, mut elapsed, interrupted) =
        measure(request, &redlock, &scratch, &names, &mut interrupt).await?;
    if figures.cycles() == 0 && figures.failures.is_empty() && !interrupted {
        // Time was up before a first cycle was. One more, of a lock that no cut-off cycle can still have, tells how
        // long it takes, or why there is none.
        let begun = Instant::now();
        names.push("last".to_owned());
        match cycle(&redlock, &scratch.key("last"), false).await {
            Ok((take, release)) => figures.cycle(take, release),
            Err(error) => figures.failed(&error),
        }
        elapsed += begun.elapsed();
    }
    // What is left on nodes that do not answer they read when they go on.
    let _ = timeout(CLOSING, redlock.close()).await;
    if let Some(removal) = removal {
        removal.run(&scratch, &names).await;
    }

    let summary =
        report::Summary { request, nodes: count(&config), figures: &figures, elapsed, interrupted };
    output::line(if request.json { output::json(&summary.json())? } else { summary.text() })?;
    if figures.cycles() > 0 {
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(why) = &figures.last_failure {
        output::say(format_args!("redlock: no lock was had: {why}"));
    }
    Ok(ExitCode::from(exit::FAILED))
}

async fn measure(
    request: &Request,
    redlock: &Redlock,
    scratch: &Scratch,
    names: &[String],
    interrupt: &mut Interrupt,
) -> Result<(Figures, Duration, bool), Failure> {
    let over = Arc::new(AtomicBool::new(false));
    let figures = Arc::new(Mutex::new(Figures::new()?));
    let begun = Instant::now();
    let deadline = begun + request.duration;
    let mut tasks = JoinSet::new();
    for name in names {
        let task = Task {
            redlock: redlock.clone(),
            key: scratch.key(name),
            contended: request.contended,
            deadline,
            over: Arc::clone(&over),
            figures: Arc::clone(&figures),
        };
        tasks.spawn(task.run());
    }
    let steps = u64::try_from(request.duration.as_millis()).unwrap_or(u64::MAX);
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
            match cycle(&self.redlock, &self.key, self.contended).await {
                Ok((take, release)) => {
                    lock(&self.figures).cycle(take, release);
                    failures = 0;
                }
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
}

/// Takes and releases a lock: how long each took.
async fn cycle(
    redlock: &Redlock,
    key: &str,
    contended: bool,
) -> Result<(Duration, Duration), LockError> {
    let begun = Instant::now();
    // Who is alone with a lock need not wait for it, and an outage is no reason to.
    let guard = match contended {
        true => redlock.lock(key).await?,
        false => redlock.try_lock(key).await?,
    };
    let take = begun.elapsed();
    guard.release().await?;
    Ok((take, begun.elapsed() - take))
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
struct Removal {
    servers: JoinSet<Option<Raw>>,
    /// No server is waited for past this.
    until: tokio::time::Instant,
}

impl Removal {
    /// Connects to the servers, in the background.
    fn prepare(config: &Config) -> Self {
        let addresses: &[Address] = match &config.nodes {
            Nodes::Named(addresses) => addresses,
            Nodes::Embedded => &[],
        };
        let mut servers = JoinSet::new();
        for address in addresses {
            let Place::Server(url) = address.place() else { continue };
            let url = url.clone();
            servers.spawn(async move { Raw::connect(&url, LIMIT).await.ok() });
        }
        Self { servers, until: tokio::time::Instant::now() + LIMIT }
    }

    async fn run(mut self, scratch: &Scratch, names: &[String]) {
        let mut names = names.to_vec();
        names.dedup();
        let mut removing = JoinSet::new();
        while let Ok(Some(server)) = timeout_at(self.until, self.servers.join_next()).await {
            let Ok(Some(raw)) = server else { continue };
            let (scratch, names) = (scratch.clone(), names.clone());
            removing.spawn(async move { scratch.delete(&raw, &names).await });
        }
        removing.join_all().await;
    }
}
