//! Many tasks in one process, each with a key of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::contender::{self, BASES, Contender, NAMES};
use crate::figures::Figures;
use crate::settings::Runtime;
use crate::usage::Usage;
use crate::{Bench, NODES};

const TASKS: [usize; 6] = [1, 4, 16, 64, 256, 1_024];

pub(crate) fn run(bench: &Bench, figures: &mut Figures) {
    for runtime in Runtime::ALL {
        println!("\n## Tasks on distinct keys, {}, cycles per second\n", runtime.name());
        println!(
            "| tasks | client | cycles/s | to raw | failed | client CPU µs | servers' CPU µs | commands |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        let mut of_64 = 0.0;
        for tasks in TASKS {
            let all = runtime.run(measure(bench, tasks));
            for ((name, bursts), base) in NAMES.iter().zip(&all).zip(BASES) {
                println!(
                    "| {tasks} | {name} | {:.0} | {:.2} | {} | {} |",
                    bursts.rate(),
                    bursts.rate() / all[base].rate(),
                    bursts.failed,
                    bursts.usage.cells(bursts.cycles)
                );
            }
            for index in [0, 2] {
                figures.failed(all[index].failed, NAMES[index]);
            }
            match (runtime, tasks) {
                (Runtime::Current, 64) => {
                    of_64 = all[0].rate();
                    figures.set("tasks64_redis", all[0].rate() / all[1].rate());
                    figures.set("tasks64_fred", all[2].rate() / all[3].rate());
                }
                (Runtime::Current, 1_024) => {
                    figures.set("tasks1024_vs_64", all[0].rate() / of_64);
                }
                _ => {}
            }
        }
    }
}

/// All bursts of one contender.
#[derive(Default)]
struct Bursts {
    cycles: usize,
    failed: usize,
    took: Duration,
    usage: Usage,
}

impl Bursts {
    fn rate(&self) -> f64 {
        self.cycles as f64 / self.took.as_secs_f64()
    }
}

async fn measure(bench: &Bench, tasks: usize) -> Vec<Bursts> {
    let ms = Duration::from_millis;
    let (bursts, length) = bench.settings.pick((1, ms(20)), (3, ms(200)), (10, ms(500)));
    let contenders = contender::all(&bench.urls(NODES)).await;
    let keys: Vec<Arc<str>> = (0..tasks).map(|i| format!("compare:{i}").into()).collect();
    for contender in &contenders {
        burst(contender, &keys, length / 4).await;
    }
    let mut all: Vec<Bursts> = contenders.iter().map(|_| Bursts::default()).collect();
    for _ in 0..bursts {
        for (contender, sum) in contenders.iter().zip(&mut all) {
            let burst = async {
                let burst = burst(contender, &keys, length).await;
                // What no majority waited for is done by then, and not during another one's burst.
                tokio::time::sleep(Duration::from_millis(5 + tasks as u64 / 16)).await;
                burst
            };
            let (cycles, failed, took) = sum.usage.during(&bench.servers[..NODES], burst).await;
            sum.cycles += cycles;
            sum.failed += failed;
            sum.took += took;
        }
    }
    all
}

/// One task for each key, for `length` and until each has ended its cycle: cycles, failed ones, time.
async fn burst(
    contender: &Contender,
    keys: &[Arc<str>],
    length: Duration,
) -> (usize, usize, Duration) {
    let begin = Instant::now();
    let tasks: JoinSet<_> = keys
        .iter()
        .map(|key| {
            let (contender, key) = (contender.clone(), Arc::clone(key));
            async move {
                let (mut cycles, mut failed) = (0, 0);
                while cycles == 0 || begin.elapsed() < length {
                    failed += usize::from(!contender.cycle(&key).await);
                    cycles += 1;
                }
                (cycles, failed)
            }
        })
        .collect();
    let done = tasks.join_all().await;
    let took = begin.elapsed();
    let sum = |of: fn(&(usize, usize)) -> usize| done.iter().map(of).sum();
    (sum(|one| one.0), sum(|one| one.1), took)
}
