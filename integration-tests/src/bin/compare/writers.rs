//! A writer among readers who come and go without end: how long it waits, and what they lose.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use integration_tests::nodes::Client;
use redlock_core::{LockOptions, Redlock};
use tokio::task::JoinSet;

use crate::bench::{Bench, TTL};
use crate::figures::Figures;
use crate::settings::Runtime;
use crate::timing::percentile;

const SERVERS: usize = 3;
const KEY: &str = "compare:writers";

/// For how long a reader holds its share and is away, and a writer holds the lock.
const HOLD: Duration = Duration::from_millis(10);

/// For how long a writer is away.
const PAUSE: Duration = Duration::from_millis(200);

/// How many readers there are, and what is found of them.
const SIZES: [(usize, [&str; 3]); 2] = [
    (10, ["writer_of_10_p50_ms", "writer_of_10_p99_ms", "readers_of_10_keep"]),
    (30, ["writer_of_30_p50_ms", "writer_of_30_p99_ms", "readers_of_30_keep"]),
];

pub(crate) fn run(bench: &Bench, figures: &mut Figures) {
    println!(
        "\n## A writer among readers, a handle each, {SERVERS} nodes; readers hold 10 ms and pause 10 ms, the writer 10 and 200 ms\n"
    );
    println!(
        "| readers | writer | had | not in time | wait p50 ms | wait p99 ms | readers' cycles/s | to those without a writer |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (readers, [p50, p99, keep]) in SIZES {
        let [alone, with, without] = Runtime::Current.run(measure(bench, readers));
        alone.row(readers, "none", &alone);
        with.row(readers, "with intent", &alone);
        without.row(readers, "without", &alone);
        figures.failed(with.late, &format!("a writer among {readers} readers"));
        figures.failed(
            alone.failed + with.failed + without.failed,
            &format!("{readers} readers around a writer"),
        );
        figures.set(p50, with.wait(50));
        figures.set(p99, with.wait(99));
        figures.set(keep, with.rate() / alone.rate());
    }
}

/// What became of some readers, and of the writer among them.
#[derive(Default)]
struct Among {
    cycles: usize,
    failed: usize,
    took: Duration,
    waits: Vec<Duration>,
    /// Locks that were not had in time.
    late: usize,
}

impl Among {
    fn rate(&self) -> f64 {
        self.cycles as f64 / self.took.as_secs_f64()
    }

    /// In milliseconds.
    fn wait(&self, percent: usize) -> f64 {
        if self.waits.is_empty() { f64::NAN } else { percentile(&self.waits, percent) / 1e3 }
    }

    fn row(&self, readers: usize, writer: &str, alone: &Self) {
        println!(
            "| {readers} | {writer} | {} | {} | {:.0} | {:.0} | {:.0} | {:.3} |",
            self.waits.len(),
            self.late,
            self.wait(50),
            self.wait(99),
            self.rate(),
            self.rate() / alone.rate()
        );
    }
}

/// Without a writer, with one, and with one that leaves no intent.
async fn measure(bench: &Bench, readers: usize) -> [Among; 3] {
    let urls = bench.urls(SERVERS);
    let handle =
        || Redlock::builder().nodes(Client::Redis.nodes(&urls)).ttl(TTL).wait_for(TTL).build();
    let all: Vec<Redlock> = (0..readers).map(|_| handle().unwrap()).collect();
    let writer = handle().unwrap();
    let (alone, writes, tries, limit) =
        bench.settings.pick((50, 2, 1, 300), (1_000, 25, 2, 2_000), (10_000, 300, 10, 10_000));
    let rest = async || tokio::time::sleep(Duration::from_millis(alone)).await;
    let with = LockOptions::new().wait_for(TTL * 3);
    let without = LockOptions::new().writer_intent(false).wait_for(Duration::from_millis(limit));
    // Connects.
    for redlock in all.iter().chain([&writer]) {
        redlock.lock(KEY).await.unwrap().release().await.unwrap();
    }
    [
        among(&all, async |_: &mut Among| rest().await).await,
        among(&all, async |among: &mut Among| write(&writer, &with, writes, among).await).await,
        among(&all, async |among: &mut Among| write(&writer, &without, tries, among).await).await,
    ]
}

/// Readers for as long as `work` takes.
async fn among(readers: &[Redlock], work: impl AsyncFnOnce(&mut Among)) -> Among {
    let (begin, over) = (Instant::now(), Arc::new(AtomicBool::new(false)));
    let readers: JoinSet<_> = readers
        .iter()
        .cloned()
        .map(|redlock| {
            let over = Arc::clone(&over);
            async move {
                let (mut cycles, mut failed) = (0, 0);
                // Not all of them at once.
                tokio::time::sleep(HOLD.mul_f64(fastrand::f64() * 2.0)).await;
                while cycles + failed == 0 || !over.load(Ordering::Relaxed) {
                    match redlock.read(KEY).await {
                        Ok(share) => {
                            tokio::time::sleep(HOLD).await;
                            failed += usize::from(share.release().await.is_err());
                            cycles += 1;
                        }
                        Err(_) => failed += 1,
                    }
                    tokio::time::sleep(HOLD).await;
                }
                (cycles, failed)
            }
        })
        .collect();
    let mut among = Among::default();
    work(&mut among).await;
    among.took = begin.elapsed();
    over.store(true, Ordering::Relaxed);
    for (cycles, failed) in readers.join_all().await {
        among.cycles += cycles;
        among.failed += failed;
    }
    among
}

async fn write(redlock: &Redlock, options: &LockOptions, writes: usize, among: &mut Among) {
    for _ in 0..writes {
        let wanted = Instant::now();
        match redlock.lock_with(KEY, options).await {
            Ok(guard) => {
                among.waits.push(wanted.elapsed());
                tokio::time::sleep(HOLD).await;
                among.failed += usize::from(guard.release().await.is_err());
            }
            Err(_) => among.late += 1,
        }
        tokio::time::sleep(PAUSE).await;
    }
}
