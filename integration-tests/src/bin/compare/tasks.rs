//! Many tasks in one process, each with a key of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use integration_tests::Server;
use tokio::task::JoinSet;

use crate::bench::{Bench, NODES};
use crate::chart::Line;
use crate::contender::{self, BASES, Contender, NAMES};
use crate::figures::Figures;
use crate::settings::Runtime;
use crate::timing::own_keys;
use crate::usage::Usage;

const TASKS: [usize; 6] = [1, 4, 16, 64, 256, 1_024];
const FEW: [usize; 3] = [1, 64, 1_024];

pub(crate) fn run(bench: &Bench, figures: &mut Figures) {
    for runtime in Runtime::ALL {
        println!("\n## Tasks on distinct keys, {}, cycles per second\n", runtime.name());
        println!(
            "| tasks | client | cycles/s | to raw | failed | client CPU µs | servers' CPU µs | commands |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        let sizes = match runtime {
            Runtime::Current => &TASKS[..],
            Runtime::TwoWorkers => bench.settings.pick(&FEW[..], &FEW, &TASKS),
        };
        let all = runtime.run(measure(bench, sizes));
        for (tasks, all) in sizes.iter().zip(&all) {
            for ((name, bursts), base) in NAMES.iter().zip(all).zip(BASES) {
                println!(
                    "| {tasks} | {name} | {:.0} | {:.2} | {} | {} |",
                    bursts.rate(),
                    bursts.rate() / all[base].rate(),
                    bursts.failed,
                    bursts.usage.cells(bursts.cycles)
                );
            }
            for index in [0, 2] {
                figures.failed(all[index].failed, &format!("{tasks} tasks, {}", NAMES[index]));
            }
        }
        if runtime == Runtime::Current {
            let lines = NAMES.iter().enumerate().map(|(index, name)| {
                let points = sizes.iter().zip(&all).map(|(tasks, all)| (*tasks, all[index].rate()));
                Line { name, points: points.collect() }
            });
            figures.draw_lines(lines.collect());
            let of = |tasks| sizes.iter().position(|size| *size == tasks).map(|at| &all[at]);
            if let (Some(of_64), Some(of_1024)) = (of(64), of(1_024)) {
                figures.set("tasks64_redis", of_64[0].rate() / of_64[1].rate());
                figures.set("tasks64_fred", of_64[2].rate() / of_64[3].rate());
                figures.set("tasks64_vs_rslock", of_64[0].rate() / of_64[4].rate());
                figures.set("tasks1024_redis", of_1024[0].rate() / of_1024[1].rate());
                figures.set("client_cpu64_redis", of_64[0].client_cpu() / of_64[1].client_cpu());
                figures.set("server_commands", of_64[0].commands());
                figures.set("tasks1024_vs_64", of_1024[0].rate() / of_64[0].rate());
            }
        }
    }
}

/// All bursts of one contender.
#[derive(Default)]
pub(crate) struct Bursts {
    pub(crate) cycles: usize,
    pub(crate) failed: usize,
    took: Duration,
    pub(crate) usage: Usage,
}

impl Bursts {
    pub(crate) fn rate(&self) -> f64 {
        self.cycles as f64 / self.took.as_secs_f64()
    }

    /// Of this process, for each cycle, in seconds.
    fn client_cpu(&self) -> f64 {
        self.usage.client_cpu.as_secs_f64() / self.cycles as f64
    }

    /// On all servers, for each cycle.
    fn commands(&self) -> f64 {
        self.usage.servers.commands as f64 / self.cycles as f64
    }

    /// Adds one more.
    pub(crate) async fn add(
        &mut self,
        contender: &Contender,
        keys: &[Arc<str>],
        length: Duration,
        servers: &[Server],
    ) {
        let burst = async {
            let burst = burst(contender, keys, length).await;
            // What no majority waited for is done by then, and not during another one's burst.
            tokio::time::sleep(Duration::from_millis(5 + keys.len() as u64 / 16)).await;
            burst
        };
        let (cycles, failed, took) = self.usage.during(servers, burst).await;
        self.cycles += cycles;
        self.failed += failed;
        self.took += took;
    }
}

/// For each number of tasks and each contender its bursts.
async fn measure(bench: &Bench, sizes: &[usize]) -> Vec<Vec<Bursts>> {
    let ms = Duration::from_millis;
    let (bursts, length) = bench.settings.pick((1, ms(20)), (5, ms(200)), (20, ms(500)));
    let contenders = contender::all(&bench.urls(NODES)).await;
    let most = sizes.iter().max().copied().unwrap_or_default();
    let keys = own_keys(&contenders, "tasks");
    let keys = keys.iter().map(|key| (0..most).map(|i| format!("{key}:{i}").into()).collect());
    let keys: Vec<Vec<Arc<str>>> = keys.collect();
    for (contender, keys) in contenders.iter().zip(&keys) {
        burst(contender, keys, length / 4).await;
    }
    let empty = || contenders.iter().map(|_| Bursts::default()).collect::<Vec<_>>();
    let mut sums: Vec<_> = sizes.iter().map(|_| empty()).collect();
    for _ in 0..bursts {
        for (tasks, sums) in sizes.iter().zip(&mut sums) {
            for ((contender, keys), sum) in contenders.iter().zip(&keys).zip(sums) {
                sum.add(contender, &keys[..*tasks], length, &bench.servers[..NODES]).await;
            }
        }
    }
    sums
}

/// One task for each key, for `length` and until each has ended its cycle: cycles, failed ones, time.
pub(crate) async fn burst(
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
