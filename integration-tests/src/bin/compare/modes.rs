//! What shares and permits cost beside locks, what many readers do to one key, and what a share takes on a server.

use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use redlock_core::Redlock;

use crate::bench::{Bench, NODES, TTL};
use crate::contender::Contender;
use crate::costs::{heading, rows};
use crate::figures::Figures;
use crate::settings::Runtime;
use crate::tasks::{Bursts, burst};
use crate::timing::{Turns, alternate, own_keys};
use crate::{permits, raw, writers};

const SETTINGS: [&str; 3] = ["lock", "share", "permit of 8"];
const READERS: usize = 64;

/// What a share takes is asked where there are so many of a key.
const SHARES: [(usize, &str); 3] =
    [(10, "share_bytes_10"), (100, "share_bytes_100"), (1_000, "share_bytes_1000")];

/// What this section finds.
pub(crate) const FINDS: &[&str] = &[
    "share_cost_redis",
    "share_cost_fred",
    "permit_cost_redis",
    "permit_cost_fred",
    "readers64_vs_locks64",
    "share_bytes_10",
    "share_bytes_100",
    "share_bytes_1000",
    "writer_of_10_p50_ms",
    "writer_of_10_p99_ms",
    "readers_of_10_keep",
    "writer_of_30_p50_ms",
    "writer_of_30_p99_ms",
    "readers_of_30_keep",
    "permits_8_of_8_rounds",
    "permits_8_of_8_in_use",
    "permits_8_of_12_rounds",
    "permits_8_of_12_in_use",
    "permits_64_of_64_rounds",
    "permits_64_of_64_in_use",
];

pub(crate) fn run(bench: &Bench, figures: &mut Figures) {
    costs(bench, figures);
    readers(bench, figures);
    writers::run(bench, figures);
    permits::run(bench, figures);
    bytes(bench, figures);
}

fn costs(bench: &Bench, figures: &mut Figures) {
    let cycles = bench.settings.pick(20, 1_000, 10_000);
    println!("\n## A share and a permit, one task, {cycles} cycles each, nobody else\n");
    heading("lock");
    for client in Client::ALL {
        let all = Runtime::Current.run(cost(bench, client, cycles));
        rows(client, &SETTINGS, &all, figures);
        let [share, permit] = match client {
            Client::Redis => ["share_cost_redis", "permit_cost_redis"],
            Client::Fred => ["share_cost_fred", "permit_cost_fred"],
        };
        figures.set(share, all[1].p50() / all[0].p50());
        figures.set(permit, all[2].p50() / all[0].p50());
    }
}

fn handle(client: Client, urls: &[String]) -> Redlock {
    let builder = Redlock::builder().nodes(client.nodes(urls)).ttl(TTL);
    builder.node_timeout(raw::TIMEOUT).build().unwrap()
}

async fn cost(bench: &Bench, client: Client, cycles: usize) -> Vec<Turns> {
    let redlock = handle(client, &bench.urls(NODES));
    let semaphore = redlock.semaphore("compare:modes", 8).unwrap();
    let contenders =
        [Contender::Ours(redlock.clone()), Contender::Share(redlock), Contender::Permit(semaphore)];
    alternate(&contenders, "modes", cycles, &bench.servers[..NODES]).await
}

fn readers(bench: &Bench, figures: &mut Figures) {
    println!("\n## {READERS} tasks, current thread: readers of one key, and locks of a key each\n");
    println!("| tasks | cycles/s | failed | client CPU µs | servers' CPU µs | commands |");
    println!("|---|---|---|---|---|---|");
    let [shares, locks] = Runtime::Current.run(side_by_side(bench));
    for (name, bursts) in [("readers", &shares), ("locks", &locks)] {
        println!(
            "| {name} | {:.0} | {} | {} |",
            bursts.rate(),
            bursts.failed,
            bursts.usage.cells(bursts.cycles)
        );
        figures.failed(bursts.failed, &format!("{READERS} {name}"));
    }
    figures.set("readers64_vs_locks64", shares.rate() / locks.rate());
}

async fn side_by_side(bench: &Bench) -> [Bursts; 2] {
    let ms = Duration::from_millis;
    let (bursts, length) = bench.settings.pick((1, ms(20)), (5, ms(300)), (20, ms(1_000)));
    let redlock = handle(Client::Redis, &bench.urls(NODES));
    let contenders = [Contender::Share(redlock.clone()), Contender::Ours(redlock)];
    let names = own_keys(&contenders, "readers");
    let one: Arc<str> = names[0].as_str().into();
    let keys: [Vec<Arc<str>>; 2] =
        [vec![one; READERS], (0..READERS).map(|i| format!("{}:{i}", names[1]).into()).collect()];
    let mut sums = [Bursts::default(), Bursts::default()];
    for (contender, keys) in contenders.iter().zip(&keys) {
        burst(contender, keys, length / 4).await;
    }
    for _ in 0..bursts {
        for ((contender, keys), sum) in contenders.iter().zip(&keys).zip(&mut sums) {
            sum.add(contender, keys, length, &bench.servers[..NODES]).await;
        }
    }
    sums
}

fn bytes(bench: &Bench, figures: &mut Figures) {
    println!("\n## Shares of one key on one server, MEMORY USAGE\n");
    println!("| shares | bytes | bytes of each |");
    println!("|---|---|---|");
    for (shares, bytes, name) in Runtime::Current.run(measure(bench)) {
        let each = bytes / shares as f64;
        println!("| {shares} | {bytes:.0} | {each:.1} |");
        figures.set(name, each);
    }
}

async fn measure(bench: &Bench) -> Vec<(usize, f64, &'static str)> {
    let key = "compare:modes:bytes";
    let redlock = handle(Client::Redis, &bench.urls(1));
    let (mut held, mut told) = (Vec::new(), Vec::new());
    for (shares, name) in SHARES {
        while held.len() < shares {
            held.push(redlock.read(key).await.unwrap());
        }
        let usage = ["MEMORY", "USAGE", key, "SAMPLES", "0"];
        let bytes: f64 = bench.servers[0].exec(&usage).await.parse().unwrap();
        told.push((shares, bytes, name));
    }
    for share in held {
        share.release().await.unwrap();
    }
    told
}
