//! The driver over nodes in memory: what the library takes where the network takes nothing.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Bencher, BenchmarkId, Criterion, criterion_group, criterion_main};
use redlock_core::{InMemoryNode, LockNode, Redlock, RedlockBuilder, RetryPolicy};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

fn over(nodes: usize) -> RedlockBuilder {
    let nodes = (0..nodes).map(|i| Arc::new(InMemoryNode::new(i.to_string())) as Arc<dyn LockNode>);
    Redlock::builder().nodes(nodes).ttl(Duration::from_secs(10))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

async fn cycle(redlock: &Redlock, key: &str) {
    redlock.lock(key).await.unwrap().release().await.unwrap();
}

/// Times all iterations at once, within the runtime.
fn timed<F: Future>(b: &mut Bencher<'_>, runtime: &Runtime, work: impl Fn() -> F) {
    b.iter_custom(|iterations| {
        runtime.block_on(async {
            let start = Instant::now();
            for _ in 0..iterations {
                work().await;
            }
            start.elapsed()
        })
    });
}

fn uncontended(c: &mut Criterion) {
    let mut group = c.benchmark_group("acquire and release, by nodes");
    for nodes in [1, 3, 5, 9] {
        let (runtime, redlock) = (runtime(), over(nodes).build().unwrap());
        group.bench_function(BenchmarkId::from_parameter(nodes), |b| {
            timed(b, &runtime, || cycle(&redlock, "key"));
        });
    }
    group.finish();

    let runtime = runtime();
    let fenced = over(5).fencing(true).build().unwrap();
    c.bench_function("acquire and release with fencing", |b| {
        timed(b, &runtime, || cycle(&fenced, "key"));
    });
    let redlock = over(5).build().unwrap();
    let guard = runtime.block_on(redlock.lock("held")).unwrap();
    c.bench_function("extend", |b| {
        timed(b, &runtime, || guard.extend(Duration::from_secs(10)));
    });
    c.bench_function("inspect", |b| {
        timed(b, &runtime, || redlock.inspect("held"));
    });
}

fn contended(c: &mut Criterion) {
    let (real, redlock) = (runtime(), over(5).build().unwrap());
    let _guard = real.block_on(redlock.lock("held")).unwrap();
    c.bench_function("a refused attempt", |b| {
        timed(b, &real, || redlock.try_lock("held"));
    });

    // The clock jumps to the next timer: measured is what waiting takes, not how long it is.
    let jumping = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let ms = Duration::from_millis;
    let retry = RetryPolicy::uniform(ms(1), ms(5)).unwrap();
    let redlock = over(5).retry(retry).wait_for(ms(600_000)).build().unwrap();
    let mut group = c.benchmark_group("hold of one key for 1 ms, by tasks");
    for tasks in [2, 16] {
        group.bench_function(BenchmarkId::from_parameter(tasks), |b| {
            b.iter_custom(|iterations| {
                let start = Instant::now();
                jumping.block_on(holds(&redlock, tasks, iterations));
                start.elapsed()
            });
        });
    }
    group.finish();
}

/// So many holds in all, shared by `tasks`.
async fn holds(redlock: &Redlock, tasks: u64, all: u64) {
    let tasks: JoinSet<_> = (0..tasks)
        .map(|task| {
            let (redlock, share) = (redlock.clone(), all / tasks + u64::from(task < all % tasks));
            async move {
                for _ in 0..share {
                    let guard = redlock.lock("wanted").await.unwrap();
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    guard.release().await.unwrap();
                    // Or the last holder would be the next one for ever: releasing takes no time here.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        })
        .collect();
    tasks.join_all().await;
}

criterion_group!(driver, uncontended, contended);
criterion_main!(driver);
