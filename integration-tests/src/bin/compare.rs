//! What a lock costs beside the same commands sent raw through the same client, in one run, alternating.
//!
//! `cargo run --release -p integration-tests --bin compare`, with `--quick` for fewer cycles. Starts five local servers.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

#[path = "compare/fencing.rs"]
mod fencing;
#[path = "compare/raw.rs"]
mod raw;
#[path = "compare/timing.rs"]
mod timing;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use integration_tests::{Server, Servers};
use raw::{RawFred, RawRedis};
use redlock_core::{LockNode, Redlock};
use redlock_fred::FredNode;
use redlock_redis::RedisNode;
use timing::{Times, times, turn};

const NODES: usize = 5;
const TTL: Duration = Duration::from_secs(10);
const RESOURCE: &str = "compare";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Containers would measure the engine's port forwarding.
    if std::env::var("REDLOCK_TEST_PROVIDER").as_deref() != Ok("local") {
        let again = std::process::Command::new(std::env::current_exe()?)
            .args(std::env::args().skip(1))
            .env("REDLOCK_TEST_PROVIDER", "local")
            .status()?;
        std::process::exit(again.code().unwrap_or(1));
    }
    let cycles = if std::env::args().any(|arg| arg == "--quick") { 2_000 } else { 20_000 };
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(compare(cycles))
}

async fn compare(cycles: usize) -> Result<(), Box<dyn std::error::Error>> {
    let servers = Servers::start(NODES).await;
    let urls = servers.urls();
    let redis =
        ours(urls.iter().map(|url| Ok(Arc::new(RedisNode::connect(url)?) as Arc<dyn LockNode>)))?;
    let fred =
        ours(urls.iter().map(|url| Ok(Arc::new(FredNode::connect(url)?) as Arc<dyn LockNode>)))?;
    let raw_redis = RawRedis::connect(&urls).await?;
    let raw_fred = RawFred::connect(&urls).await?;

    println!(
        "one task, acquire + release, early majority of five local nodes, {cycles} cycles each\n"
    );
    println!("| nodes | client | raw p50 µs | ours p50 µs | ours / raw | ours p99 µs |");
    println!("|---|---|---|---|---|---|");
    let mut healthy = Vec::new();
    let states: [(&str, &[&Server]); 2] = [("healthy", &[]), ("one hung", &[&servers[NODES - 1]])];
    for (state, hung) in states {
        for server in hung {
            server.pause().await;
        }
        // Between hanging and the first timeouts the clients fill their buffers; that is not what is asked.
        let warm = cycles / 10;
        let redis =
            alternate(cycles, warm, async || raw_redis.cycle().await, async || cycle(&redis).await)
                .await;
        let fred =
            alternate(cycles, warm, async || raw_fred.cycle().await, async || cycle(&fred).await)
                .await;
        for (client, [raw, ours]) in [("redis", &redis), ("fred", &fred)] {
            println!(
                "| {state} | {client} | {} | {} | {:.2} | {} |",
                raw.p50,
                ours.p50,
                ours.p50 as f64 / raw.p50 as f64,
                ours.p99
            );
        }
        if hung.is_empty() {
            healthy = vec![("redis", redis[1].p50), ("fred", fred[1].p50)];
        } else {
            println!();
            for ((client, before), now) in healthy.iter().zip([redis[1].p50, fred[1].p50]) {
                println!("{client}: {state} / healthy = {:.2}", now as f64 / *before as f64);
            }
        }
        for server in hung {
            server.resume().await;
        }
    }
    fencing::cost(&servers, cycles / 2).await;
    fencing::contended(&servers, cycles / 5).await;
    Ok(())
}

fn ours(
    nodes: impl Iterator<Item = Result<Arc<dyn LockNode>, redlock_core::ConfigError>>,
) -> Result<Redlock, redlock_core::ConfigError> {
    Redlock::builder().nodes(nodes.collect::<Result<Vec<_>, _>>()?).ttl(TTL).build()
}

async fn cycle(redlock: &Redlock) {
    redlock.try_lock(RESOURCE).await.unwrap().release().await.unwrap();
}

/// Times both in turns.
async fn alternate<A: Future, B: Future>(
    cycles: usize,
    warm: usize,
    raw: impl Fn() -> A,
    ours: impl Fn() -> B,
) -> [Times; 2] {
    for _ in 0..warm {
        raw().await;
        ours().await;
    }
    let (mut a, mut b) = (Vec::with_capacity(cycles), Vec::with_capacity(cycles));
    while a.len() < cycles {
        turn(&mut a, &raw).await;
        turn(&mut b, &ours).await;
    }
    [times(a), times(b)]
}
