//! What the library itself takes: one task over nodes in memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redlock_core::{InMemoryNode, LockNode, Redlock};

use crate::bench::{Bench, NODES, TTL};
use crate::figures::Figures;
use crate::settings::Runtime;
use crate::timing::percentile;

/// Cycles between two looks at the clock.
const BATCH: u32 = 20;

pub(crate) fn run(bench: &Bench, figures: &mut Figures) {
    let batches = bench.settings.pick(10, 1_000, 10_000);
    println!("\n## One task over nodes in memory, {} cycles each\n", batches * BATCH);
    println!("| runtime | nodes | p50 µs |");
    println!("|---|---|---|");
    for runtime in Runtime::ALL {
        for nodes in [1, 3, 5, 7, 9] {
            let p50 = runtime.run(async move {
                let redlock = over(nodes);
                tokio::spawn(async move { measure(&redlock, batches).await }).await.unwrap()
            });
            println!("| {} | {nodes} | {p50:.2} |", runtime.name());
            if (runtime, nodes) == (Runtime::Current, NODES) {
                figures.set("memory_cycle_us", p50);
            }
        }
    }
}

/// A handle over so many nodes in memory.
fn over(nodes: usize) -> Redlock {
    let nodes = (0..nodes).map(|i| Arc::new(InMemoryNode::new(i.to_string())) as Arc<dyn LockNode>);
    Redlock::builder().nodes(nodes).ttl(TTL).build().unwrap()
}

/// The median batch, per cycle.
async fn measure(redlock: &Redlock, batches: u32) -> f64 {
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..batches {
        let start = Instant::now();
        for _ in 0..BATCH {
            redlock.lock("compare").await.unwrap().release().await.unwrap();
        }
        times.push(start.elapsed());
    }
    percentile(&times, 50) / f64::from(BATCH)
}
