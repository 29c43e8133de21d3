//! Clients that want permits, each with a handle: how many attempts a permit takes, and how much of the permits is in use.

use std::sync::Arc;
use std::time::{Duration, Instant};

use integration_tests::nodes::Client;
use redlock_core::{Redlock, Semaphore};
use tokio::task::JoinSet;

use crate::bench::{Bench, TTL};
use crate::counting::{self, Attempts};
use crate::figures::Figures;
use crate::settings::Runtime;

const SERVERS: usize = 3;
const HOLD: Duration = Duration::from_millis(20);

/// How long links are at most, in milliseconds. Over loopback alone the first to write is the first on nearly every server.
const LINKS: [u64; 2] = [0, 1];

/// So many permits, so many clients, and what is found over loopback alone.
const SIZES: [(u16, usize, [&str; 2]); 3] = [
    (8, 8, ["permits_8_of_8_rounds", "permits_8_of_8_in_use"]),
    (8, 12, ["permits_8_of_12_rounds", "permits_8_of_12_in_use"]),
    (64, 64, ["permits_64_of_64_rounds", "permits_64_of_64_in_use"]),
];

pub(crate) fn run(bench: &Bench, figures: &mut Figures) {
    println!(
        "\n## Permits, a handle for each client, {SERVERS} nodes, held 20 ms, wanted again at once\n"
    );
    println!(
        "| permits | clients | links of ms, at most | permits/s | attempts of a permit | in use |"
    );
    println!("|---|---|---|---|---|---|");
    for (permits, clients, names) in SIZES {
        for link in LINKS {
            let busy = Runtime::Current.run(measure(bench, permits, clients, link));
            println!(
                "| {permits} | {clients} | {link} | {:.0} | {:.2} | {:.1} % |",
                busy.had as f64 / busy.took.as_secs_f64(),
                busy.rounds(),
                busy.in_use(permits) * 100.0
            );
            figures.failed(busy.failed, &format!("{clients} clients of {permits} permits"));
            if link == 0 {
                figures.set(names[0], busy.rounds());
                figures.set(names[1], busy.in_use(permits));
            }
        }
    }
}

/// What became of some clients.
#[derive(Default)]
struct Busy {
    had: usize,
    failed: usize,
    attempts: usize,
    /// For how long all permits together were held, of how long it took.
    held: Duration,
    took: Duration,
}

impl Busy {
    fn rounds(&self) -> f64 {
        self.attempts as f64 / self.had as f64
    }

    fn in_use(&self, permits: u16) -> f64 {
        self.held.as_secs_f64() / (self.took.as_secs_f64() * f64::from(permits))
    }
}

async fn measure(bench: &Bench, permits: u16, clients: usize, link: u64) -> Busy {
    let length = Duration::from_millis(bench.settings.pick(60, 1_500, 10_000));
    let attempts: Arc<Attempts> = Arc::default();
    let name = format!("compare:permits:{permits}:{clients}:{link}");
    let mut semaphores = Vec::new();
    for i in 0..clients {
        let nodes = counting::nodes(Client::Redis, &bench.urls(SERVERS), &attempts, link);
        let redlock = Redlock::builder().nodes(nodes).ttl(TTL).wait_for(TTL * 6).build().unwrap();
        redlock.lock(format!("{name}:{i}")).await.unwrap().release().await.unwrap(); // connects
        semaphores.push(redlock.semaphore(&name, permits).unwrap());
    }
    attempts.take();
    let begin = Instant::now();
    let all: JoinSet<_> =
        semaphores.into_iter().map(|semaphore| client(semaphore, begin, length)).collect();
    let mut busy = Busy::default();
    for one in all.join_all().await {
        busy.had += one.had;
        busy.failed += one.failed;
        busy.held += one.held;
    }
    // Those who wait at the end have their turn yet, and hold it no longer than this.
    busy.took = begin.elapsed();
    busy.attempts = attempts.take();
    busy
}

/// One client for `length`, and until it has ended its turn.
async fn client(semaphore: Semaphore, begin: Instant, length: Duration) -> Busy {
    let mut busy = Busy::default();
    while busy.had + busy.failed == 0 || begin.elapsed() < length {
        let Ok(permit) = semaphore.acquire().await else {
            busy.failed += 1;
            continue;
        };
        let had = Instant::now();
        tokio::time::sleep(HOLD).await;
        busy.held += had.elapsed();
        busy.had += 1;
        busy.failed += usize::from(permit.release().await.is_err());
    }
    busy
}
