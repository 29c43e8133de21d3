//! Prints how often the library allocates, over nodes in memory, whose own allocations count too.
//!
//! The counts are the same on every machine, so a change shows at once.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use redlock_core::{InMemoryNode, LockNode, Redlock};
use tokio::runtime::{Builder, Runtime};

const TIMES: u32 = 1_000;

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    println!("| what | nodes | allocations | bytes |");
    println!("|---|---|---|---|");
    for nodes in [1, 3, 5, 9] {
        let redlock = over(nodes, false);
        count(&runtime, "acquire and release", nodes, async || cycle(&redlock).await);
    }
    let fenced = over(5, true);
    count(&runtime, "acquire and release, fenced", 5, async || cycle(&fenced).await);
    let redlock = over(5, false);
    let guard = runtime.block_on(redlock.lock("held")).unwrap();
    count(&runtime, "extend", 5, async || guard.extend(Duration::from_secs(10)).await.unwrap());
    count(&runtime, "refused attempt", 5, async || drop(redlock.try_lock("held").await));
}

fn over(nodes: usize, fencing: bool) -> Redlock {
    let nodes = (0..nodes).map(|i| Arc::new(InMemoryNode::new(i.to_string())) as Arc<dyn LockNode>);
    let builder = Redlock::builder().nodes(nodes).ttl(Duration::from_secs(10));
    builder.fencing(fencing).build().unwrap()
}

async fn cycle(redlock: &Redlock) {
    redlock.lock("key").await.unwrap().release().await.unwrap();
}

fn count<F: Future<Output = ()>>(
    runtime: &Runtime,
    what: &str,
    nodes: usize,
    work: impl Fn() -> F,
) {
    let some = async || {
        for _ in 0..TIMES {
            work().await;
        }
    };
    runtime.block_on(some()); // what is allocated once
    let info = allocation_counter::measure(|| runtime.block_on(some()));
    let per = |total: u64| total as f64 / f64::from(TIMES);
    println!("| {what} | {nodes} | {:.1} | {:.0} |", per(info.count_total), per(info.bytes_total));
}
