//! What it takes to hold locks with renewal on, each setting in a process of its own.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use integration_tests::nodes::Client;
use redlock_core::{InMemoryNode, LockNode, Redlock, Renewal};

use crate::bench::{Bench, NODES};
use crate::figures::Figures;
use crate::settings::Runtime;
use crate::{child, usage};

const LOCKS: [usize; 4] = [1, 100, 1_000, 10_000];

/// In which the locks are taken, so that their renewals are spread over as much.
const STEPS: u32 = 100;

pub(crate) fn run(bench: &Bench, figures: &mut Figures) {
    let ttl: u64 = bench.settings.pick(9_000, 10_000, 10_000);
    // A lock is renewed at each third of its time to live; looked at is a whole number of renewals.
    let periods: u64 = bench.settings.pick(1, 2, 6);
    println!("\n## Locks held with renewal, ttl {ttl} ms\n");
    println!(
        "| nodes | locks | client CPU µs per lock and second | memory per lock, bytes | lost |"
    );
    println!("|---|---|---|---|---|");
    let urls = bench.urls(NODES).join(",");
    let most = bench.settings.pick(2, 4, 4);
    Runtime::Current.run(async {
        // The small ones disturb each other little.
        for group in [&LOCKS[..most - 1], &LOCKS[most - 1..most]] {
            let cells = ["redis", "memory"]
                .iter()
                .flat_map(|nodes| group.iter().map(move |locks| (*nodes, *locks)));
            let children: Vec<_> = cells
                .map(|(nodes, locks)| {
                    let numbers = [locks as u64, ttl, periods].map(|number| number.to_string());
                    let args = ["renew".to_owned(), nodes.to_owned(), urls.clone()];
                    (nodes, locks, child::start(&[&args[..], &numbers[..]].concat()))
                })
                .collect();
            for (nodes, locks, child) in children {
                let answer = child::answer(child).await.unwrap().concat();
                let [nanos, bytes, lost]: [u64; 3] = answer.try_into().unwrap();
                let seconds = (ttl * periods) as f64 / 3_000.0;
                let micros = nanos as f64 / 1e3 / locks as f64 / seconds;
                println!("| {nodes} | {locks} | {micros:.2} | {} | {lost} |", bytes / locks as u64);
                figures.failed(lost as usize, &format!("{locks} locks held over {nodes}"));
                if nodes == "redis" && locks == LOCKS[most - 1] {
                    figures.set("renewal_us_per_lock_s", micros);
                }
            }
        }
    });
}

/// Nanoseconds of CPU time while the locks are held, bytes that they take, how many were lost.
pub(crate) fn child(args: &[String]) -> Result<Vec<Vec<u64>>, Box<dyn Error>> {
    let [nodes, urls, locks, ttl, periods] = args else { return Err("five words".into()) };
    let nodes = match nodes.as_str() {
        "memory" => (0..NODES)
            .map(|i| Arc::new(InMemoryNode::new(i.to_string())) as Arc<dyn LockNode>)
            .collect(),
        _ => Client::Redis.nodes(urls.split(',')),
    };
    let (locks, ttl, periods) = (locks.parse()?, ttl.parse()?, periods.parse::<u32>()?);
    let ttl = Duration::from_millis(ttl);
    let redlock = Redlock::builder().nodes(nodes).ttl(ttl).renewal(Renewal::Auto).build()?;
    let answer = Runtime::Current.run(hold(&redlock, locks, ttl, periods));
    Ok(answer.map(|number| vec![number]).to_vec())
}

async fn hold(redlock: &Redlock, locks: usize, ttl: Duration, periods: u32) -> [u64; 3] {
    let process = std::process::id(); // the settings share the servers
    redlock.lock(format!("compare:{process}")).await.unwrap().release().await.unwrap();
    let resident = integration_tests::resident();
    let mut guards = Vec::with_capacity(locks);
    let mut step = tokio::time::interval(ttl / 3 / STEPS);
    while guards.len() < locks {
        step.tick().await;
        let some = locks.div_ceil(STEPS as usize).min(locks - guards.len());
        let first = guards.len();
        let some = (first..first + some).map(|i| redlock.lock(format!("compare:{process}:{i}")));
        guards.extend(join_all(some).await.into_iter().map(Result::unwrap));
    }
    let cpu = usage::cpu();
    tokio::time::sleep(ttl / 3 * periods).await;
    let cpu = usage::cpu() - cpu;
    let bytes = integration_tests::resident().saturating_sub(resident);
    let lost = guards.iter().filter(|guard| guard.is_lost()).count();
    for some in std::iter::from_fn(|| Some(guards.split_off(guards.len().saturating_sub(100)))) {
        if some.is_empty() {
            break;
        }
        join_all(some.into_iter().map(|guard| guard.release())).await;
    }
    [cpu.as_nanos() as u64, bytes, lost as u64]
}
