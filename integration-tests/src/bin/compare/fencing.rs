//! What fencing and the restart guard cost, and how often contenders need the second round.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use integration_tests::Servers;
use integration_tests::nodes::Client;
use integration_tests::resp::Reply;
use redlock_core::node::{
    Claim, Extension, Features, Holding, Identity, Listener, NodeError, Removal, Terms, Vote,
};
use redlock_core::{LockKey, LockNode, Redlock, RedlockBuilder, RetryPolicy, Token};

use crate::timing::{TURN, times, turn};
use crate::{TTL, cycle};

type Setting = (&'static str, fn(RedlockBuilder) -> RedlockBuilder);

const SETTINGS: [Setting; 4] = [
    ("off", |builder| builder),
    ("fencing", |builder| builder.fencing(true)),
    ("guard", |builder| builder.restart_guard(TTL)),
    ("both", |builder| builder.fencing(true).restart_guard(TTL)),
];

pub(crate) async fn cost(servers: &Servers, cycles: usize) {
    println!("\nfencing and the restart guard, one task, {cycles} cycles each, in turns\n");
    println!(
        "| client | setting | p50 µs | to off | p99 µs | servers' CPU µs per cycle | to off |"
    );
    println!("|---|---|---|---|---|---|---|");
    for client in Client::ALL {
        let handles = SETTINGS.map(|(_, set)| {
            let nodes = client.nodes(servers.urls());
            // A guard lets nobody in before the servers are old enough.
            let builder = Redlock::builder().nodes(nodes).ttl(TTL);
            set(builder).wait_for(Duration::from_secs(60)).build().unwrap()
        });
        for handle in &handles {
            handle.lock("warm").await.unwrap().release().await.unwrap();
        }
        let mut all: [(Vec<Duration>, u64); 4] = Default::default();
        for _ in 0..cycles / TURN {
            for (handle, (times, used)) in handles.iter().zip(&mut all) {
                let before = cpu(servers).await;
                turn(times, || cycle(handle)).await;
                *used += cpu(servers).await - before;
            }
        }
        let mut off = None;
        for ((name, _), (all, used)) in SETTINGS.iter().zip(all) {
            let count = all.len() as f64;
            let (times, used) = (times(all), used as f64 / count);
            let (base, base_used) = *off.get_or_insert((times.p50, used));
            println!(
                "| {} | {name} | {} | {:.2} | {} | {used:.0} | {:.2} |",
                client.name(),
                times.p50,
                times.p50 as f64 / base as f64,
                times.p99,
                used / base_used
            );
        }
    }
}

/// Microseconds of processor time that the servers have used so far.
async fn cpu(servers: &Servers) -> u64 {
    let mut sum = 0.0;
    for server in servers.iter() {
        let info = server.command(&["INFO", "cpu"]).await.unwrap();
        let Reply::Bulk(Some(text)) = info else { continue };
        let text = String::from_utf8_lossy(&text).into_owned();
        for field in ["used_cpu_sys:", "used_cpu_user:"] {
            let value = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
            sum += value.trim().parse::<f64>().unwrap();
        }
    }
    (sum * 1e6) as u64
}

/// Sixteen contenders with handles of their own on one key.
pub(crate) async fn contended(servers: &Servers, holds: usize) {
    println!(
        "\n16 contenders with handles of their own, half over redis and half over fred, one key\n"
    );
    println!("| acquires | second rounds | share |");
    println!("|---|---|---|");
    let raised: Raised = Arc::default();
    let contenders = (0..16).map(|i| {
        let client = Client::ALL[i % 2];
        let nodes = client.nodes(servers.urls()).into_iter().map(|inner| {
            Arc::new(Counting { inner, raised: Arc::clone(&raised) }) as Arc<dyn LockNode>
        });
        let retry =
            RetryPolicy::uniform(Duration::from_millis(1), Duration::from_millis(5)).unwrap();
        let builder = Redlock::builder().nodes(nodes).ttl(TTL).fencing(true).retry(retry);
        let redlock = builder.wait_for(Duration::from_secs(60)).build().unwrap();
        tokio::spawn(async move {
            for _ in 0..holds / 16 {
                redlock.lock("contended").await.unwrap().release().await.unwrap();
            }
        })
    });
    for contender in contenders.collect::<Vec<_>>() {
        contender.await.unwrap();
    }
    let (acquires, raised) = (holds / 16 * 16, raised.lock().unwrap().len());
    println!("| {acquires} | {raised} | {:.2} % |", raised as f64 * 100.0 / acquires as f64);
}

type Raised = Arc<Mutex<HashSet<Token>>>;

/// Notes whose attempts were raised.
#[derive(Debug)]
struct Counting {
    inner: Arc<dyn LockNode>,
    raised: Raised,
}

#[async_trait]
impl LockNode for Counting {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn identity(self: Arc<Self>, timeout: Duration) -> Result<Identity, NodeError> {
        Arc::clone(&self.inner).identity(timeout).await
    }

    async fn acquire(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Result<Vote, NodeError> {
        Arc::clone(&self.inner).acquire(claim, terms, timeout).await
    }

    async fn extend(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Result<Extension, NodeError> {
        Arc::clone(&self.inner).extend(claim, terms, timeout).await
    }

    async fn release(
        self: Arc<Self>,
        claim: Claim,
        timeout: Duration,
    ) -> Result<Removal, NodeError> {
        Arc::clone(&self.inner).release(claim, timeout).await
    }

    async fn release_and_tell(
        self: Arc<Self>,
        claim: Claim,
        timeout: Duration,
    ) -> Result<Removal, NodeError> {
        Arc::clone(&self.inner).release_and_tell(claim, timeout).await
    }

    async fn listen(self: Arc<Self>, listener: Arc<dyn Listener>, timeout: Duration) -> NodeError {
        Arc::clone(&self.inner).listen(listener, timeout).await
    }

    async fn inspect(
        self: Arc<Self>,
        key: LockKey,
        timeout: Duration,
    ) -> Result<Vec<Option<Holding>>, NodeError> {
        Arc::clone(&self.inner).inspect(key, timeout).await
    }

    async fn raise(
        self: Arc<Self>,
        claim: Claim,
        fence: u64,
        life: Duration,
        timeout: Duration,
    ) -> Result<Extension, NodeError> {
        self.raised.lock().unwrap().insert(*claim.token());
        Arc::clone(&self.inner).raise(claim, fence, life, timeout).await
    }

    fn features(&self) -> Features {
        self.inner.features()
    }
}
