//! What the middlewares cost beside the same lock written by hand in the handler, and what clients leave that hang up.
//!
//! `cargo run --release -p integration-tests --bin compare-http`, with `--quick` for shorter rounds. Starts five local
//! servers.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

#[path = "compare-http/apps.rs"]
mod apps;
#[path = "compare-http/load.rs"]
mod load;

use std::sync::Arc;
use std::time::Duration;

use apps::{App, Framework, Way};
use integration_tests::Servers;
use integration_tests::nodes::Client;
use load::Measured;
use redlock_core::{InMemoryNode, LockNode, Redlock};

const CONNECTIONS: usize = 32;
const STORM: usize = 10_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Containers would measure the engine's port forwarding.
    if std::env::var("REDLOCK_TEST_PROVIDER").as_deref() != Ok("local") {
        let again = std::process::Command::new(std::env::current_exe()?)
            .args(std::env::args().skip(1))
            .env("REDLOCK_TEST_PROVIDER", "local")
            .status()?;
        std::process::exit(again.code().unwrap_or(1));
    }
    let quick = std::env::args().any(|arg| arg == "--quick");
    let rounds = if quick { 4 } else { 20 };
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(compare(rounds))
}

async fn compare(rounds: usize) -> Result<(), Box<dyn std::error::Error>> {
    let servers = Servers::start(5).await;
    let redlock = || handle(Client::Redis.nodes(servers.urls()));

    println!(
        "{CONNECTIONS} connections, {rounds} rounds of half a second each way, five local nodes through redis\n"
    );
    println!(
        "| framework | by hand req/s | layer req/s | layer / by hand | by hand p99 ms | layer p99 ms |"
    );
    println!("|---|---|---|---|---|---|");
    for framework in Framework::ALL {
        let layer = App::start(framework, Way::Layer, redlock()).await;
        let by_hand = App::start(framework, Way::ByHand, redlock()).await;
        let [by_hand, layer] = alternate(rounds, CONNECTIONS, [&by_hand, &layer]).await;
        println!(
            "| {framework:?} | {:.0} | {:.0} | {:.3} | {:.2} | {:.2} |",
            by_hand.rate(),
            layer.rate(),
            layer.rate() / by_hand.rate(),
            by_hand.percentile(99).as_secs_f64() * 1e3,
            layer.percentile(99).as_secs_f64() * 1e3,
        );
    }

    println!("\none connection, five in-memory nodes, beside a handler without a lock\n");
    println!(
        "| framework | bare p50 µs | by hand p50 µs | layer p50 µs | layer - bare µs | layer - by hand µs |"
    );
    println!("|---|---|---|---|---|---|");
    for framework in Framework::ALL {
        let mut apps = Vec::new();
        for way in [Way::Bare, Way::ByHand, Way::Layer] {
            let nodes = ["a", "b", "c", "d", "e"]
                .map(|name| Arc::new(InMemoryNode::new(name)) as Arc<dyn LockNode>);
            apps.push(App::start(framework, way, handle(nodes.into())).await);
        }
        let [bare, by_hand, layer] = alternate(rounds, 1, [&apps[0], &apps[1], &apps[2]])
            .await
            .map(|measured| measured.percentile(50).as_secs_f64() * 1e6);
        println!(
            "| {framework:?} | {bare:.1} | {by_hand:.1} | {layer:.1} | {:.1} | {:.1} |",
            layer - bare,
            layer - by_hand
        );
    }

    println!("\n{STORM} requests over ten ids, 30 % of the clients hang up at a random moment\n");
    println!(
        "| framework | answered | refused | hung up | begun | dropped on the way | overlaps | keys left |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for framework in Framework::ALL {
        let redlock = redlock();
        let app = App::start(framework, Way::Slow, redlock.clone()).await;
        let storm = load::storm(app.addr, STORM, CONNECTIONS).await;
        // What hung up is noticed, what runs ends, what was taken is released: well within the time to live.
        let mut left = usize::MAX;
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            left = 0;
            for server in servers.iter() {
                left += server.keys().await.len();
            }
            if left == 0 {
                break;
            }
        }
        let work = app.work();
        println!(
            "| {framework:?} | {} | {} | {} | {} | {} | {} | {left} |",
            storm.answered,
            storm.refused,
            storm.hung_up,
            work.begun,
            work.begun - work.finished,
            work.overlaps,
        );
        redlock.close().await;
    }
    Ok(())
}

fn handle(nodes: Vec<Arc<dyn LockNode>>) -> Redlock {
    Redlock::builder().nodes(nodes).ttl(Duration::from_secs(10)).build().unwrap()
}

/// Loads the apps in turns, so that whatever disturbs the machine disturbs all.
async fn alternate<const N: usize>(
    rounds: usize,
    connections: usize,
    apps: [&App; N],
) -> [Measured; N] {
    let mut measured = [(); N].map(|()| Measured::default());
    for round in 0..=rounds {
        for (app, measured) in apps.iter().zip(&mut measured) {
            let one = load::load(app.addr, connections, Duration::from_millis(500)).await;
            if round > 0 {
                measured.add(one);
            }
        }
    }
    measured
}
