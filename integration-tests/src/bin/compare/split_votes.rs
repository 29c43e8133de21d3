//! Contenders with a handle each that start together on a free key: how many attempts until one of them holds it, and
//! how long until all have held it once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use integration_tests::nodes::Client;
use redlock_core::Redlock;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::bench::{Bench, NODES, TTL};
use crate::counting::{self, Attempts};
use crate::figures::Figures;
use crate::settings::Runtime;
use crate::timing::percentile;

const KEY: &str = "compare:split";

/// In milliseconds. Over loopback alone the first to write would be the first on every server, and no vote split.
const LONGEST_LINK: u64 = 4;

pub(crate) fn run(bench: &Bench, figures: &mut Figures) {
    let trials = bench.settings.pick(1, 3, 20);
    let sizes: &[usize] =
        bench.settings.pick(&[2, 4][..], &[2, 4, 8, 16, 32, 64], &[2, 4, 8, 16, 32, 64]);
    println!(
        "\n## Contenders that start together, a handle each, links of 0 to {LONGEST_LINK} ms, {trials} trials\n"
    );
    println!(
        "| contenders | attempts of the first to hold, mean | most | first after ms, p50 | all after ms, p50 |"
    );
    println!("|---|---|---|---|---|");
    for contenders in sizes {
        let (trials, failed) = Runtime::Current.run(measure(bench, *contenders, trials));
        figures.failed(failed, &format!("{contenders} contenders that start together"));
        let attempts = || trials.iter().map(|trial| trial.attempts);
        let of = |time: fn(&Trial) -> Duration| {
            percentile(&trials.iter().map(time).collect::<Vec<_>>(), 50) / 1e3
        };
        println!(
            "| {contenders} | {:.1} | {} | {:.1} | {:.0} |",
            attempts().sum::<usize>() as f64 / trials.len() as f64,
            attempts().max().unwrap_or_default(),
            of(|trial| trial.first),
            of(|trial| trial.all)
        );
    }
}

#[derive(Default)]
struct Trial {
    /// How many the first holder needed.
    attempts: usize,
    first: Duration,
    all: Duration,
}

async fn measure(bench: &Bench, contenders: usize, trials: usize) -> (Vec<Trial>, usize) {
    let mut handles = Vec::new();
    for i in 0..contenders {
        let attempts: Arc<Attempts> = Arc::default();
        let nodes = counting::nodes(Client::Redis, &bench.urls(NODES), &attempts, LONGEST_LINK);
        let redlock = Redlock::builder().nodes(nodes).ttl(TTL).wait_for(TTL * 6).build().unwrap();
        redlock.lock(format!("{KEY}:{i}")).await.unwrap().release().await.unwrap(); // connects
        handles.push((redlock, attempts));
    }
    let (mut done, mut failed) = (Vec::new(), 0);
    for _ in 0..trials {
        let together = Arc::new(Barrier::new(contenders));
        let tasks: JoinSet<_> = handles
            .iter()
            .cloned()
            .map(|(redlock, attempts)| {
                let together = Arc::clone(&together);
                async move {
                    attempts.take();
                    together.wait().await;
                    let start = Instant::now();
                    let guard = redlock.lock(KEY).await.ok()?;
                    let (held, attempts) = (start.elapsed(), attempts.take());
                    guard.release().await.ok()?;
                    Some((held, attempts))
                }
            })
            .collect();
        let mut held: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
        failed += contenders - held.len();
        held.sort_unstable();
        if let (Some((first, attempts)), Some((all, _))) = (held.first(), held.last()) {
            done.push(Trial { attempts: *attempts, first: *first, all: *all });
        }
    }
    (done, failed)
}
