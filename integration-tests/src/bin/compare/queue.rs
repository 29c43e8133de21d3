//! Sixteen tasks of one process that want one lock.

use std::time::Duration;

use integration_tests::nodes::Client;

use crate::bench::{Bench, NODES};
use crate::chart::Wait;
use crate::contender::Contender;
use crate::contention::Contention;
use crate::figures::Figures;
use crate::settings::Runtime;
use crate::timing::own_keys;

const TASKS: usize = 16;

pub(crate) fn run(bench: &Bench, figures: &mut Figures) {
    println!("\n## {TASKS} tasks of one process, one key, held 1 ms\n");
    Contention::heading("client");
    let [ours, raw, rslock] = Runtime::Current.run(measure(bench));
    ours.row("ours, redis");
    raw.row("raw redis behind a queue in the process");
    rslock.row("rslock, retries after 0 to 5 ms");
    figures.failed(ours.failed, "16 tasks of one process");
    figures.set("queue_wait_p99", ours.wait(99) / raw.wait(99));
    figures.set("queue_share", ours.inequality());
    let named = [("ours, redis", &ours), ("raw, a queue", &raw), ("rslock", &rslock)];
    let wait = |(name, of): (&'static str, &Contention)| Wait {
        name,
        p50_ms: of.wait(50),
        p99_ms: of.wait(99),
    };
    figures.draw_waits(named.map(wait).into());
}

async fn measure(bench: &Bench) -> [Contention; 3] {
    let urls = bench.urls(NODES);
    let contenders = [
        Contender::ours(Client::Redis, &urls),
        Contender::queue(&urls).await,
        Contender::tuned_rslock(&urls),
    ];
    let (turns, length) = bench.settings.pick((1, 200), (2, 2_000), (3, 5_000));
    let mut all: [Contention; 3] = Default::default();
    let keys = own_keys(&contenders, "queue");
    for (contender, key) in contenders.iter().zip(&keys) {
        contender.cycle(key).await;
    }
    for _ in 0..turns {
        for ((contender, key), sum) in contenders.iter().zip(&keys).zip(&mut all) {
            let length = Duration::from_millis(length);
            sum.add(Contention::of(contender, key, TASKS, length).await);
        }
    }
    all
}
