//! Whether anything piles up while two of five servers hang, and what is left when they return.

use std::sync::Arc;
use std::time::{Duration, Instant};

use integration_tests::nodes::Client;
use integration_tests::{ChaosProxy, resident};
use redlock_core::{LockNode, Redlock};
use tokio::task::JoinSet;

use crate::bench::{Bench, NODES};
use crate::figures::Figures;
use crate::settings::Runtime;

const TASKS: usize = 16;
const HUNG: usize = 2;

/// Short, so that what cannot be released is soon gone.
const TTL: Duration = Duration::from_secs(4);

pub(crate) fn run(bench: &Bench, figures: &mut Figures) {
    println!(
        "\n## Memory while {HUNG} of {NODES} servers hang, {TASKS} tasks that lock and release\n"
    );
    println!("| client | after s | cycles | resident MB |");
    println!("|---|---|---|---|");
    for client in Client::ALL {
        let left = Runtime::Current.run(hang(bench, client));
        figures.failed(left, &format!("{}: keys left when the servers returned", client.name()));
    }
    println!("\n## Memory while one peer of 3 reads on and answers nothing, {TASKS} tasks\n");
    println!("| client | after s | connections | resident MB |");
    println!("|---|---|---|---|");
    for client in Client::ALL {
        Runtime::Current.run(silent(bench, client));
    }
}

/// With the usual node timeout, unless all that is asked is whether this runs.
fn handle(bench: &Bench, nodes: Vec<Arc<dyn LockNode>>) -> Redlock {
    let timeout = Duration::from_millis(bench.settings.pick(900, 200, 200));
    Redlock::builder().nodes(nodes).ttl(TTL).node_timeout(timeout).build().unwrap()
}

async fn silent(bench: &Bench, client: Client) {
    let length = Duration::from_secs(bench.settings.pick(1, 15, 45));
    let proxy = ChaosProxy::start_forgetful(bench.servers[2].addr()).await;
    let urls = [bench.servers[0].url(), bench.servers[1].url(), proxy.url()];
    let redlock = handle(bench, client.nodes(urls));
    redlock.lock("warm").await.unwrap().release().await.unwrap();
    proxy.mute_standing();
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let redlock = redlock.clone();
        tasks.spawn(async move {
            let key = format!("silent-memory:{task}");
            while begin.elapsed() < length {
                redlock.lock(&key).await.unwrap().release().await.unwrap();
            }
        });
    }
    for part in 1..=5 {
        tokio::time::sleep_until((begin + length * part / 5).into()).await;
        let (seconds, resident) = (begin.elapsed().as_secs_f64(), resident() as f64 / 1e6);
        println!("| {} | {seconds:.0} | {} | {resident:.1} |", client.name(), proxy.connections());
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    redlock.close().await;
}

/// Gives the keys that are left on all servers once the time to live has passed after they returned.
async fn hang(bench: &Bench, client: Client) -> usize {
    let length = Duration::from_secs(bench.settings.pick(1, 5, 60));
    let nodes = client.nodes(bench.servers.urls().into_iter().take(NODES));
    let redlock = handle(bench, nodes);
    redlock.lock("warm").await.unwrap().release().await.unwrap();
    let servers = &bench.servers[..NODES];
    for server in &servers[NODES - HUNG..] {
        server.pause().await;
    }
    let begin = Instant::now();
    let cycles = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (redlock, cycles) = (redlock.clone(), Arc::clone(&cycles));
        tasks.spawn(async move {
            let key = format!("hung-memory:{task}");
            while begin.elapsed() < length {
                redlock.lock(&key).await.unwrap().release().await.unwrap();
                cycles.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        });
    }
    for part in 1..=6 {
        tokio::time::sleep_until((begin + length * part / 6).into()).await;
        println!(
            "| {} | {:.0} | {} | {:.1} |",
            client.name(),
            begin.elapsed().as_secs_f64(),
            cycles.load(std::sync::atomic::Ordering::Relaxed),
            resident() as f64 / 1e6
        );
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    for server in &servers[NODES - HUNG..] {
        server.resume().await;
    }
    redlock.close().await;
    tokio::time::sleep(TTL).await;
    let mut left = 0;
    for server in servers {
        let keys = server.keys().await;
        left += keys.iter().filter(|key| key.starts_with("hung-memory:")).count();
    }
    left
}
