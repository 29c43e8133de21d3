//! What a holder's label and `at_least` cost: in time, commands, and processor time of the servers.

use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use redlock_core::{LockOptions, Redlock};

use crate::bench::{Bench, NODES, TTL};
use crate::contender::Contender;
use crate::costs::{heading, rows};
use crate::figures::Figures;
use crate::settings::Runtime;
use crate::timing::{Turns, alternate};

const SETTINGS: [&str; 3] = ["neither", "label of 32 bytes", "at least 1 s"];

pub(crate) fn run(bench: &Bench, figures: &mut Figures) {
    let cycles = bench.settings.pick(20, 1_000, 10_000);
    println!("\n## A label, and at least, one task, {cycles} cycles each, each with a new key\n");
    heading("neither");
    for client in Client::ALL {
        let all = Runtime::Current.run(cost(bench, client, cycles));
        rows(client, &SETTINGS, &all, figures);
        if client == Client::Redis {
            figures.set("label_cost", all[1].p50() / all[0].p50());
            figures.set("at_least_cost", all[2].p50() / all[0].p50());
        }
    }
}

async fn cost(bench: &Bench, client: Client, cycles: usize) -> Vec<Turns> {
    let urls = bench.urls(NODES);
    let redlock = Redlock::builder().nodes(client.nodes(&urls)).ttl(TTL).build().unwrap();
    let options = [
        LockOptions::new(),
        LockOptions::new().label("orders@pod-7f8d9c5b4-x2x9z/worker".get(..32).unwrap()),
        LockOptions::new().at_least(Duration::from_secs(1)),
    ];
    let contenders = options.map(|options| Contender::EachOnce {
        redlock: redlock.clone(),
        options: Arc::new(options),
        taken: Arc::default(),
    });
    alternate(&contenders, "jobs", cycles, &bench.servers[..NODES]).await
}
