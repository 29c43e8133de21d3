//! Whether anything piles up: distinct keys for minutes, calls that are left, servers that restart, a peer that falls silent.
//!
//! `cargo run --release -p integration-tests --bin soak -- --client redis|fred --minutes N | --seconds N`. Tasks lock and release
//! keys that nobody used before, over five servers; one call in sixteen is dropped at a random moment. In each sixth of the time,
//! or each minute, one server restarts, and the connection to another is read on and not answered any more. What is printed
//! then is what the process has by then, and at the end why calls failed and, once the times to live have passed, how many
//! keys are left: any is exit code 1.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{ChaosProxy, Server, Servers, resident};
use redlock_core::{LockError, NodeOutcome, Redlock};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: soak --client redis|fred --minutes N | --seconds N";
const NODES: usize = 5;
const TASKS: usize = 32;
/// One call in so many is dropped, after at most so long.
const DROPPED: u32 = 16;
const SOON: u64 = 2_000;
const TTL: Duration = Duration::from_secs(10);

fn main() -> Result<ExitCode, Failure> {
    let (client, time) = parse(&std::env::args().skip(1).collect::<Vec<_>>())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(soak(client, time))
}

fn parse(words: &[String]) -> Result<(Client, Duration), Failure> {
    let (mut client, mut time) = (Client::Redis, Duration::ZERO);
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let value = words.next().ok_or(USAGE)?;
        match word {
            "--client" => {
                let named = Client::ALL.into_iter().find(|client| client.name() == value);
                client = named.ok_or(USAGE)?;
            }
            "--seconds" => time = Duration::from_secs(value.parse()?),
            "--minutes" => time = Duration::from_secs(value.parse::<u64>()?.saturating_mul(60)),
            _ => return Err(USAGE.into()),
        }
    }
    if time.is_zero() { Err(USAGE.into()) } else { Ok((client, time)) }
}

/// What became of the calls.
#[derive(Default)]
struct Calls {
    begun: AtomicU64,
    released: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
    /// By what failed and why: how often, and at which seconds.
    failures: Mutex<BTreeMap<String, Vec<u64>>>,
}

impl Calls {
    fn fails(&self, why: String, second: u64) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.entry(why).or_default().push(second);
    }
}

/// The call, the kind of its error, and how many nodes answered what.
fn why(call: &str, error: &LockError) -> String {
    let mut answers = BTreeMap::<String, usize>::new();
    for node in error.nodes() {
        let answer = match &node.outcome {
            // An address is a port of its own in every run.
            NodeOutcome::Failed(error) => error.to_string(),
            // How long is left is another number each time.
            NodeOutcome::Held { .. } => "held".to_owned(),
            outcome => outcome.to_string(),
        };
        *answers.entry(answer).or_default() += 1;
    }
    let answers: Vec<_> = answers.iter().map(|(answer, of)| format!("{of} {answer}")).collect();
    format!("{call}: {:?}: {}", error.kind(), answers.join(", "))
}

/// The most frequent first.
fn tell_failures(calls: &Calls) {
    let failures = calls.failures.lock().unwrap_or_else(PoisonError::into_inner);
    let mut failures: Vec<_> = failures.iter().collect();
    failures.sort_by_key(|(_, seconds)| std::cmp::Reverse(seconds.len()));
    for (why, seconds) in failures {
        let mut at: Vec<_> = seconds.iter().map(|second| second.to_string()).collect();
        at.dedup();
        println!("{:>6} {why}; in second {}", seconds.len(), at.join(" "));
    }
}

async fn soak(client: Client, time: Duration) -> Result<ExitCode, Failure> {
    let servers = Servers::start(NODES).await;
    let silent = ChaosProxy::start_forgetful(servers[NODES - 1].addr()).await;
    let mut urls = servers.urls();
    urls[NODES - 1] = silent.url();
    let redlock = Redlock::builder().nodes(client.nodes(urls)).ttl(TTL).build()?;
    let calls = Arc::new(Calls::default());
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        tasks.spawn(work(redlock.clone(), Arc::clone(&calls), begin, begin + time));
    }
    println!(
        "{:>6} {:>9} {:>8} {:>7} {:>6} {:>6} {:>5} {:>12}",
        "s", "cycles", "dropped", "failed", "MB", "tasks", "files", "connections"
    );
    // Those of servers that have restarted since are counted before.
    let mut made = 0;
    let step = (time / 6).min(Duration::from_secs(60));
    for round in 0..(time.as_nanos() / step.as_nanos()) as u32 {
        sleep_until(begin + step * round + step / 2).await;
        let index = round as usize % (NODES - 1);
        made += connections(&servers[index]).await;
        servers[index].restart().await;
        silent.mute_standing();
        sleep_until(begin + step * (round + 1)).await;
        let mut now = made;
        for server in servers.iter() {
            now += connections(server).await;
        }
        report(begin, &calls, now)?;
    }
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    redlock.close().await;
    drop(redlock);
    sleep(TTL).await;
    report(begin, &calls, made)?;
    tell_failures(&calls);
    let mut left = 0;
    for server in servers.iter() {
        left += server.keys().await.len();
    }
    println!("{left} keys left, {}", client.name());
    Ok(ExitCode::from(u8::from(left > 0)))
}

async fn work(redlock: Redlock, calls: Arc<Calls>, begin: Instant, until: Instant) {
    while Instant::now() < until {
        let key = format!("soak:{}", calls.begun.fetch_add(1, Ordering::Relaxed));
        let count = if fastrand::u32(..DROPPED) == 0 {
            let soon = Duration::from_micros(fastrand::u64(..SOON));
            // The guard of a call that was in time is dropped as well.
            let _ = timeout(soon, redlock.lock(&key)).await;
            &calls.dropped
        } else {
            let failure = match redlock.lock(&key).await {
                Ok(guard) => guard.release().await.err().map(|error| ("release", error)),
                Err(error) => Some(("lock", error)),
            };
            match failure {
                None => &calls.released,
                Some((call, error)) => {
                    calls.fails(why(call, &error), begin.elapsed().as_secs());
                    &calls.failed
                }
            }
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

fn report(begin: Instant, calls: &Calls, connections: u64) -> Result<(), Failure> {
    let files = std::fs::read_dir("/proc/self/fd")?.count();
    let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
    println!(
        "{:>6.0} {:>9} {:>8} {:>7} {:>6.1} {:>6} {files:>5} {connections:>12}",
        begin.elapsed().as_secs_f64(),
        count(&calls.released),
        count(&calls.dropped),
        count(&calls.failed),
        resident() as f64 / 1e6,
        Handle::current().metrics().num_alive_tasks(),
    );
    Ok(())
}

/// Those that the server was asked for since it started; the questions are among them.
async fn connections(server: &Server) -> u64 {
    let info = server.exec(&["INFO", "stats"]).await;
    let field = info.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
    field.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}
