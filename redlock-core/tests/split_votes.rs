//! Contenders of different processes that start together on one free key: none may starve, and they may not keep each
//! other from it. Five nodes, a link of its own between each contender and each node, random latencies, virtual time.
//!
//! `cargo test -p redlock-core --all-features --test split_votes -- --nocapture` prints the table.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Node, TTL, builder, calls, link, ms, pass};
use redlock_core::faults::Verb;
use redlock_core::{InMemoryNode, Redlock};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::Instant;

const NODES: usize = 5;
const SIZES: [usize; 6] = [2, 4, 8, 16, 32, 64];

/// What came of one start.
struct Trial {
    /// Rounds of all contenders until the first of them had the lock.
    rounds: usize,
    first: Duration,
    all: Duration,
}

async fn start_together(contenders: usize, longest: Duration, wake_ups: bool, seed: u64) -> Trial {
    let servers: Vec<_> = (0..NODES).map(|i| Arc::new(InMemoryNode::new(i.to_string()))).collect();
    let links: Vec<Vec<Node>> = (0..contenders)
        .map(|i| {
            let seed = seed << 16 | (i as u64) << 4;
            servers.iter().zip(seed..).map(|(node, seed)| link(node, longest, seed)).collect()
        })
        .collect();
    let handles: Vec<Redlock> = links
        .iter()
        .enumerate()
        .map(|(i, links)| {
            let builder = builder(links).wake_ups(wake_ups).wait_for(TTL * 6);
            builder.retry_seed(seed << 8 | i as u64).build().unwrap()
        })
        .collect();
    for (i, handle) in handles.iter().enumerate() {
        // First contact.
        handle.lock(i.to_string()).await.unwrap().release().await.unwrap();
    }
    pass(ms(100)).await;
    let rounds = || links.iter().map(|links| calls(links, Verb::Acquire)[0]).sum::<usize>();
    let (before, began) = (rounds(), Instant::now());
    let mut holders: JoinSet<Duration> = handles
        .into_iter()
        .map(|handle| async move {
            let guard = handle.lock("k").await.unwrap();
            let held = began.elapsed();
            guard.release().await.unwrap();
            held
        })
        .collect();
    let first = holders.join_next().await.unwrap().unwrap();
    let rounds = rounds() - before;
    let all = holders.join_all().await.into_iter().max().unwrap_or(first);
    Trial { rounds, first, all }
}

/// The median of each figure, over a number of seeds.
fn measure(contenders: usize, longest: Duration, wake_ups: bool) -> Trial {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    // Large ones take long, and are alike.
    let trials: Vec<Trial> = (1..=(64 / contenders as u64).min(10))
        .map(|seed| runtime.block_on(start_together(contenders, longest, wake_ups, seed)))
        .collect();
    let time = |of: fn(&Trial) -> Duration| {
        let mut all: Vec<_> = trials.iter().map(of).collect();
        all.sort_unstable();
        all[all.len() / 2]
    };
    let mut rounds: Vec<_> = trials.iter().map(|trial| trial.rounds).collect();
    rounds.sort_unstable();
    Trial {
        rounds: rounds[rounds.len() / 2],
        first: time(|one| one.first),
        all: time(|one| one.all),
    }
}

#[test]
fn contenders_that_start_together_are_all_served() {
    println!(
        "| contenders | link ms | rounds until one held | first after ms | all after ms | without wake-ups: all |"
    );
    println!("|---|---|---|---|---|---|");
    for longest in [ms(2), ms(20)] {
        for contenders in SIZES {
            let told = measure(contenders, longest, true);
            let untold = measure(contenders, longest, false);
            println!(
                "| {contenders} | 0 to {} | {} | {} | {} | {} |",
                longest.as_millis(),
                told.rounds,
                told.first.as_millis(),
                told.all.as_millis(),
                untold.all.as_millis()
            );
            let what = format!("{contenders} contenders, links of up to {longest:?}");
            // Nobody waits for a release before the first of them holds it: a livelock would show here.
            assert!(
                told.first <= longest * 2 * contenders as u32,
                "{what}: first {:?}",
                told.first
            );
            // A turn takes two rounds; a crowd may spend three times as much on collisions.
            assert!(told.all <= longest * 16 * contenders as u32, "{what}: all {:?}", told.all);
        }
    }
}
