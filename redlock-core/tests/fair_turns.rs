//! Processes that want one lock all the time take turns, and nobody starves. Five nodes, a link of its own between each process
//! and each node, random latencies, virtual time.
//!
//! `cargo test -p redlock-core --all-features --test fair_turns -- --nocapture` prints the table.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Node, TTL, builder, link, ms, pass};
use redlock_core::{InMemoryNode, Redlock};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::Instant;

const NODES: usize = 5;
const TASKS: usize = 16;
const HOLD: Duration = Duration::from_millis(1);
const LASTS: Duration = Duration::from_secs(4);

/// How long the tasks of each process waited for each of their turns, from when all were there.
async fn compete(processes: usize, longest: Duration, seed: u64) -> Vec<Vec<Duration>> {
    let servers: Vec<_> = (0..NODES).map(|i| Arc::new(InMemoryNode::new(i.to_string()))).collect();
    let handle = |process: usize| -> Redlock {
        let first = seed << 16 | (process as u64) << 4;
        let links: Vec<Node> =
            servers.iter().zip(first..).map(|(node, seed)| link(node, longest, seed)).collect();
        let builder = builder(&links).wait_for(TTL * 6);
        builder.retry_seed(seed << 8 | process as u64).build().unwrap()
    };
    let handles: Vec<_> = (0..processes).map(handle).collect();
    for (i, handle) in handles.iter().enumerate() {
        // First contact.
        handle.lock(i.to_string()).await.unwrap().release().await.unwrap();
    }
    pass(ms(100)).await;
    let all_there = Instant::now() + ms(100) * processes as u32;
    let end = all_there + LASTS;
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let process = task % processes;
        let handle = handles[process].clone();
        tasks.spawn(async move {
            // One after another, as services are started.
            pass(ms(100) * process as u32).await;
            let mut waits = Vec::new();
            while Instant::now() < end {
                let began = Instant::now();
                let guard = handle.lock("k").await.unwrap();
                if began >= all_there {
                    waits.push(began.elapsed());
                }
                pass(HOLD).await;
                guard.release().await.unwrap();
            }
            (process, waits)
        });
    }
    let mut all = vec![Vec::new(); processes];
    for (process, waits) in tasks.join_all().await {
        all[process].extend(waits);
    }
    all
}

#[test]
fn nobody_starves_whose_process_is_one_of_several() {
    println!(
        "| processes | each way, ms | turns/s | wait p50 ms | p99 | longest | max / min of a process |"
    );
    println!("|---|---|---|---|---|---|---|");
    for longest in [ms(1), ms(2)] {
        for processes in [2, 4, 8] {
            let (mut waits, mut shares) = (Vec::new(), vec![0; processes]);
            for seed in 1..=3 {
                let runtime =
                    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
                let all = runtime.block_on(compete(processes, longest, seed));
                all.iter().zip(&mut shares).for_each(|(of_one, share)| *share += of_one.len());
                waits.extend(all.into_iter().flatten());
            }
            waits.sort_unstable();
            let percentile = |percent: usize| waits[(waits.len() - 1) * percent / 100];
            let [p50, p99, last] = [50, 99, 100].map(percentile);
            let (most, least) = (shares.iter().max().unwrap(), shares.iter().min().unwrap());
            println!(
                "| {processes} | 0 to {} | {} | {} | {} | {} | {:.2} |",
                longest.as_millis(),
                waits.len() as u64 / (3 * LASTS.as_secs()),
                p50.as_millis(),
                p99.as_millis(),
                last.as_millis(),
                *most as f64 / *least as f64
            );
            let what = format!("{processes} processes, links of up to {longest:?}");
            // Were all turns in order, none would wait longer than the fifteen before it, of some six milliseconds each.
            assert!(p99 <= ms(500), "{what}: {p99:?}");
            assert!(last <= ms(1_500), "{what}: {last:?}");
            assert!(*most <= least * 3, "{what}: {shares:?}");
        }
    }
}
