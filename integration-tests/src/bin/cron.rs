//! Three machines start one job by cron, their clocks apart, and `redlock exec --at-least` runs it once in each period.
//!
//! `cargo run --release -p integration-tests --bin cron -- --seconds N | --minutes N [--apart MS] [--chaos]`. Each machine is a
//! loop that starts a process of `redlock exec` at every fifth second of a clock that is behind by up to `--apart`
//! milliseconds (default: 2,000), and under libfaketime this clock is that of the process, too. The job takes 10 ms and
//! says in which period its own clock is, which must be the one that it was started for. With `--chaos`
//! one of the five nodes is killed and another one hangs, from a quarter of the time on, until three quarters. What is
//! printed is how often the job ran in how many periods: once in each, or the exit code is 1.
//!
//! With other words this program is `redlock`, which the loops start it as.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::error::Error;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, SystemTime};

use integration_tests::{Servers, live_behind};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::sleep;

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: cron --seconds N | --minutes N [--apart MS] [--chaos]";
const PERIOD: Duration = Duration::from_secs(5);
/// Longer than the clocks are apart and a start takes where a node hangs, and shorter than the period less what the clocks are
/// apart.
const AT_LEAST: &str = "2900ms";
const MACHINES: u32 = 3;
const NODES: usize = 5;

#[derive(Debug, Clone, Copy)]
struct Run {
    time: Duration,
    apart: Duration,
    chaos: bool,
}

impl Run {
    fn parse(words: &[String]) -> Result<Self, Failure> {
        let mut run =
            Self { time: Duration::ZERO, apart: Duration::from_millis(2_000), chaos: false };
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let mut number = || words.next().ok_or(USAGE)?.parse::<u64>().map_err(Failure::from);
            match word {
                "--seconds" => run.time = Duration::from_secs(number()?),
                "--minutes" => run.time = Duration::from_secs(number()?.saturating_mul(60)),
                "--apart" => run.apart = Duration::from_millis(number()?),
                "--chaos" => run.chaos = true,
                _ => return Err(USAGE.into()),
            }
        }
        if run.time < PERIOD * 2 { Err(USAGE.into()) } else { Ok(run) }
    }
}

fn main() -> Result<ExitCode, Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if !words.first().is_some_and(|word| word.starts_with("--") && !word.starts_with("--h")) {
        return Ok(redlock_cli::main());
    }
    match words[0].as_str() {
        "--seconds" | "--minutes" | "--apart" | "--chaos" => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(run(Run::parse(&words)?))
        }
        _ => Err(USAGE.into()),
    }
}

/// What one start of the command came to.
struct Started {
    period: u64,
    machine: u32,
    ran: bool,
    said: String,
    code: Option<i32>,
}

async fn run(run: Run) -> Result<ExitCode, Failure> {
    let servers = Servers::start(NODES).await;
    let nodes = servers.urls().join(",");
    let first = number_of(now()) + 1;
    let last = first + (run.time.as_secs() / PERIOD.as_secs()).saturating_sub(1);
    let mut machines = JoinSet::new();
    for machine in 0..MACHINES {
        let behind = run.apart * machine / (MACHINES - 1);
        machines.spawn(cron(machine, behind, first..=last, nodes.clone()));
    }
    if run.chaos {
        sleep(run.time / 4).await;
        println!("one node is killed, another one hangs");
        servers[0].kill().await;
        servers[1].pause().await;
        sleep(run.time / 2).await;
        println!("the one that hung goes on");
        servers[1].resume().await;
    }
    let mut runs: BTreeMap<u64, u32> = (first..=last).map(|period| (period, 0)).collect();
    let (mut skipped, mut failed) = (0, 0);
    while let Some(ended) = machines.join_next().await {
        for Started { period, machine, ran, said, code } in ended?? {
            *runs.entry(period).or_default() += u32::from(ran);
            match (ran, code) {
                (true, Some(0)) => {}
                (false, Some(0)) => skipped += 1,
                _ => {
                    failed += 1;
                    println!("period {period}, machine {machine}: {code:?}, {}", said.trim());
                }
            }
        }
    }
    let mut often: BTreeMap<u32, usize> = BTreeMap::new();
    runs.values().for_each(|times| *often.entry(*times).or_default() += 1);
    println!(
        "{MACHINES} machines, clocks apart by {:?}, {} periods of {PERIOD:?}{}",
        run.apart,
        runs.len(),
        if run.chaos { ", a node killed and one hung" } else { "" }
    );
    for (times, periods) in &often {
        println!("ran {times} times in {periods} periods");
    }
    println!("{skipped} starts were skipped, {failed} failed");
    let once = often.keys().eq([&1]);
    Ok(if once { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts the command at the beginning of each period by a clock that is behind by so much.
async fn cron(
    machine: u32,
    behind: Duration,
    periods: std::ops::RangeInclusive<u64>,
    nodes: String,
) -> Result<Vec<Started>, Failure> {
    let mut starts = JoinSet::new();
    for period in periods {
        let begins = PERIOD * u32::try_from(period)? + behind;
        sleep(begins.saturating_sub(now())).await;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["exec", "--at-least", AT_LEAST, "report:nightly", "--"])
            .args([
                "sh",
                "-c",
                &format!("sleep 0.01; echo ran $(($(date +%s) / {}))", PERIOD.as_secs()),
            ])
            .env("REDLOCK_NODES", &nodes)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        live_behind(command.as_std_mut(), behind)?;
        starts.spawn(async move {
            let output = command.output().await?;
            let ran = output.stdout.starts_with(b"ran");
            if ran && output.stdout != format!("ran {period}\n").into_bytes() {
                let other = String::from_utf8_lossy(&output.stdout).into_owned();
                return Err(format!("in period {period} machine {machine}'s clock: {other}").into());
            }
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let code = output.status.code();
            Ok::<_, Failure>(Started { period, machine, ran, said, code })
        });
    }
    starts.join_all().await.into_iter().collect()
}

fn now() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

/// Which period a moment is in.
fn number_of(at: Duration) -> u64 {
    at.as_secs() / PERIOD.as_secs()
}
