//! Workers in processes of their own contend for locks on real servers while everything breaks; a store behind a gate
//! for fences shows what came of it, and a checker goes through the history.
//!
//! `cargo run --release -p integration-tests --bin chaos -- [--minutes N | --seconds N] [--seed S] [--profile P]
//! [--timeline FILE.html]`, with the profiles `mixed`, `modes`, `clocks` and `broken-clocks`. The seed decides what is
//! broken and when; what processes and networks make of it does not repeat itself. The history is left in
//! `target/chaos`, one JSON object a line, with times in microseconds of the host's monotonic clock, and drawn in the
//! file that `--timeline` names.

#![allow(clippy::print_stdout)]

#[path = "chaos/checker.rs"]
mod checker;
#[path = "chaos/drawing.rs"]
mod drawing;
#[path = "chaos/failure.rs"]
mod failure;
#[path = "chaos/fleet.rs"]
mod fleet;
#[path = "chaos/gates.rs"]
mod gates;
#[path = "chaos/had.rs"]
mod had;
#[path = "chaos/history.rs"]
mod history;
#[path = "chaos/holds.rs"]
mod holds;
#[path = "chaos/line.rs"]
mod line;
#[path = "chaos/plain.rs"]
mod plain;
#[path = "chaos/profile.rs"]
mod profile;
#[path = "chaos/report.rs"]
mod report;
#[path = "chaos/store.rs"]
mod store;
#[path = "chaos/torment.rs"]
mod torment;
#[path = "chaos/worker.rs"]
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use integration_tests::{Kind, Servers};
use redlock_core::key::COUNTER_PREFIX;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use checker::Rules;
use failure::Failure;
use fleet::Fleet;
use history::{Event, Recorder, Target};
use profile::{Profile, SERVERS};
use store::Store;
use torment::Field;

const USAGE: &str = "usage: chaos [--minutes N | --seconds N] [--seed S] [--profile mixed|modes|clocks|broken-clocks] [--timeline FILE.html]";

/// On a machine that is busy otherwise a run may take so many times as long.
const PATIENCE: u32 = 6;

/// How long locks may outlive the run: a time to live, and what was held up on its way.
const CLEAN_UP: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
struct Run {
    profile: Profile,
    seed: u64,
    time: Duration,
    /// Where to draw it.
    timeline: Option<PathBuf>,
}

impl Run {
    fn parse(args: &[String]) -> Result<Self, Failure> {
        let mut run = Self {
            profile: Profile::Mixed,
            seed: fastrand::u64(..),
            time: Duration::from_secs(60),
            timeline: None,
        };
        for pair in args.chunks(2) {
            match pair {
                [name, value] if name == "--minutes" => {
                    run.time = Duration::from_secs(value.parse::<u64>()?.saturating_mul(60));
                }
                [name, value] if name == "--seconds" => {
                    run.time = Duration::from_secs(value.parse()?);
                }
                [name, value] if name == "--seed" => run.seed = value.parse()?,
                [name, value] if name == "--profile" => {
                    run.profile = Profile::parse(value).ok_or(USAGE)?;
                }
                [name, value] if name == "--timeline" => run.timeline = Some(value.into()),
                _ => return Err(USAGE.into()),
            }
        }
        Ok(run)
    }
}

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.split_first() {
        Some((first, orders)) if first == "worker" => {
            worker::run(worker::Orders::parse(orders)?).await?;
            Ok(ExitCode::SUCCESS)
        }
        _ => chaos(Run::parse(&args)?).await,
    }
}

async fn chaos(run: Run) -> Result<ExitCode, Failure> {
    let Run { profile, seed, time, ref timeline } = run;
    println!("chaos: profile {}, seed {seed}, {} s", profile.name(), time.as_secs());
    let recorder = Arc::new(Recorder::create(&history_path(&run)?)?);
    let mut servers = Servers::builder().count(SERVERS);
    if let Some(rate) = profile.rate() {
        servers = servers.kind(Kind::Valkey91).clock(format!("+0 {rate}"));
    }
    let servers = servers.start().await;
    if profile.rate().is_some() {
        (0..SERVERS).for_each(|server| recorder.fault("clock is fast", Target::Server(server)));
    }
    let store = Store::start(Arc::clone(&recorder)).await?;
    let fleet = Fleet::start(&servers, store.addr(), seed, profile, &recorder).await?;
    let (end, over) = watch::channel(false);
    let places = Default::default();
    let (reader, recorder_too) = (store.reader(), Arc::clone(&recorder));
    let field = Field { servers, fleet, recorder: recorder_too, places, reader, over };
    let field = Arc::new(field);

    let rules = profile.rules(time);
    let mut torments = torment::start(&field, profile, seed);
    tokio::select! {
        () = until_enough(&recorder, time, &rules) => {}
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            println!("interrupted");
        }
        // Only a failure ends one of them early.
        Some(ended) = torments.join_next() => ended??,
    }
    end.send_replace(true);
    while let Some(ended) = torments.join_next().await {
        ended??;
    }
    field.fleet.finish().await?;
    timeout(CLEAN_UP, store.finish()).await?;
    what_is_left(&field).await;

    let events = recorder.finish()?;
    let (counts, violations) = checker::check(&events, &rules);
    if let Some(path) = timeline {
        let (title, command) =
            (format!("chaos: profile {}, seed {seed}", profile.name()), command(&run));
        std::fs::write(path, drawing::page(&title, &command, &events, &violations))?;
        println!("timeline: {}", path.display());
    }
    print!("{}", report::table(profile, &counts, violations.len()));
    println!("history: {}", recorder.path().display());
    print!("{}", report::violations(seed, &violations));
    Ok(if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What begins a run like this one; what processes and networks make of it is never the same.
fn command(run: &Run) -> String {
    format!(
        "cargo run --release -p integration-tests --bin chaos -- --profile {} --seed {} --seconds {} --timeline file.html",
        run.profile.name(),
        run.seed,
        run.time.as_secs()
    )
}

/// In the target directory that this program is in.
fn history_path(run: &Run) -> std::io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).map(PathBuf::from).unwrap_or_default();
    Ok(target.join("chaos").join(format!("{}-{}.jsonl", run.profile.name(), run.seed)))
}

/// Waits for the time of the run, and then until the history has as much in it as the rules want.
async fn until_enough(recorder: &Recorder, time: Duration, rules: &Rules) {
    sleep(time).await;
    // A step is half the time.
    for _ in 0..(PATIENCE - 1) * 2 {
        if checker::is_enough(&recorder.so_far(), rules) {
            return;
        }
        sleep(time / 2).await;
    }
}

/// Waits for all locks to go, and records those that do not. Counters stay for their longer lives.
async fn what_is_left(field: &Field) {
    for (index, server) in field.servers.iter().enumerate() {
        let locks = async || {
            let mut keys = server.keys().await;
            keys.retain(|key| !key.starts_with(COUNTER_PREFIX));
            keys
        };
        let gone = async {
            while !locks().await.is_empty() {
                sleep(Duration::from_millis(50)).await;
            }
        };
        if timeout(CLEAN_UP, gone).await.is_err() {
            for key in locks().await {
                field.recorder.record(Event::Left { server: index, key });
            }
        }
    }
}
