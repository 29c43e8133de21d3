//! What fencing and the restart guard cost, and how often contenders need the second round.

use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use redlock_core::{Redlock, RedlockBuilder, RetryPolicy};

use crate::bench::{Bench, NODES, TTL};
use crate::contender::Contender;
use crate::costs::{heading, rows};
use crate::counting::{self, Attempts};
use crate::figures::Figures;
use crate::settings::Runtime;
use crate::timing::{Turns, alternate};

const KEY: &str = "compare:fencing";
const CONTENDERS: usize = 16;

type Setting = (&'static str, fn(RedlockBuilder) -> RedlockBuilder);

const SETTINGS: [Setting; 4] = [
    ("off", |builder| builder),
    ("fencing", |builder| builder.fencing(true)),
    ("guard", |builder| builder.restart_guard(TTL)),
    ("both", |builder| builder.fencing(true).restart_guard(TTL)),
];

pub(crate) fn run(bench: &Bench, figures: &mut Figures) {
    let cycles = bench.settings.pick(20, 1_000, 10_000);
    println!("\n## Fencing and the restart guard, one task, {cycles} cycles each\n");
    heading("off");
    for client in Client::ALL {
        let all = Runtime::Current.run(cost(bench, client, cycles));
        rows(client, &SETTINGS.map(|(setting, _)| setting), &all, figures);
        if client == Client::Redis {
            figures.set("fencing_cost", all[3].p50() / all[0].p50());
        }
    }
    let holds = bench.settings.pick(2, 25, 250);
    let raised = Runtime::Current.run(contended(bench, holds));
    println!("\n{CONTENDERS} contenders, half over redis and half over fred, one key\n");
    println!("| acquires | second rounds | share |");
    println!("|---|---|---|");
    let acquires = CONTENDERS * holds;
    println!("| {acquires} | {raised} | {:.2} % |", raised as f64 * 100.0 / acquires as f64);
}

async fn cost(bench: &Bench, client: Client, cycles: usize) -> Vec<Turns> {
    let urls = bench.urls(NODES);
    let contenders = SETTINGS.map(|(_, set)| {
        // A guard lets nobody in before the servers are old enough.
        let builder = Redlock::builder().nodes(client.nodes(&urls)).ttl(TTL);
        Contender::Ours(set(builder).wait_for(Duration::from_secs(60)).build().unwrap())
    });
    alternate(&contenders, "fencing", cycles, &bench.servers[..NODES]).await
}

/// How many acquires of contenders with handles of their own needed the second round.
async fn contended(bench: &Bench, holds: usize) -> usize {
    let attempts: Arc<Attempts> = Arc::default();
    let contenders = (0..CONTENDERS).map(|i| {
        let nodes = counting::nodes(Client::ALL[i % 2], &bench.urls(NODES), &attempts, 0);
        let retry =
            RetryPolicy::uniform(Duration::from_millis(1), Duration::from_millis(5)).unwrap();
        let builder = Redlock::builder().nodes(nodes).ttl(TTL).fencing(true).retry(retry);
        let redlock = builder.wait_for(Duration::from_secs(60)).build().unwrap();
        tokio::spawn(async move {
            for _ in 0..holds {
                redlock.lock(KEY).await.unwrap().release().await.unwrap();
            }
        })
    });
    for contender in contenders.collect::<Vec<_>>() {
        contender.await.unwrap();
    }
    attempts.raised()
}
