//! What becomes of telling and hearing of releases when servers, networks and rights are against it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod rights;
mod setup;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use fred::interfaces::ClientLike;
use fred::types::RespVersion;
use fred::types::config::{Config, ReconnectPolicy};
use integration_tests::nodes::Client;
use integration_tests::{ChaosProxy, Kind, Mode, Servers};
use redlock_core::node::{Fault, LockNode};
use redlock_fred::FredNode;
use redlock_redis::RedisNode;
use tokio::time::timeout;

use setup::*;

async fn who_leaves_leaves_nothing_on_the_server(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    let node = client.node(&servers[0].url());
    let clients = async || servers[0].exec(&["CLIENT", "LIST"]).await.lines().count();
    cycle(&node, "k").await;
    let before = clients().await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(listening(&node).await.1);
    }
    until("subscribed", async || subscribers(&servers[0]).await.ends_with('5')).await;
    for one in all {
        one.abort();
        assert!(one.await.unwrap_err().is_cancelled());
    }
    // Nor does one that leaves while it connects.
    for polls in 0..20 {
        let mut early = Arc::clone(&node).listen(Arc::new(Ear::default()), LIMIT);
        let _ = timeout(Duration::from_micros(100 * polls), &mut early).await;
    }
    until("gone", async || subscribers(&servers[0]).await.ends_with('0')).await;
    // One that had just been closed may have been counted before.
    until("closed", async || clients().await <= before).await;
    let (ear, _listening) = listening(&node).await;
    cycle(&node, "k").await;
    ear.until(&[None, Some("k")]).await;
}

async fn a_server_that_dies_ends_the_listening(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    let node = client.node(&servers[0].url());
    let (_, ended) = listening(&node).await;
    servers[0].kill().await;
    let error = ending(ended, LIMIT).await;
    assert_eq!(error.fault(), Fault::ConnectionLost, "{error}");
    let error = ending(open(&node).1, LIMIT).await;
    assert_eq!(error.fault(), Fault::Refused, "{error}");
    servers[0].start_again().await;
    let (ear, _listening) = listening(&node).await;
    until("back", async || Arc::clone(&node).identity(LIMIT).await.is_ok()).await;
    cycle(&node, "k").await;
    ear.until(&[None, Some("k")]).await;
}

async fn a_hung_server_is_not_waited_for(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    let node = client.node(&servers[0].url());
    servers[0].pause().await;
    for limit in [SHORT, Duration::ZERO] {
        let (ear, began) = (Arc::new(Ear::default()), Instant::now());
        let error = Arc::clone(&node).listen(Arc::clone(&ear) as _, limit).await;
        assert_eq!(error.fault(), Fault::Timeout, "{error}");
        assert!(began.elapsed() >= limit && began.elapsed() < limit + LIMIT / 2);
        assert_eq!(ear.heard(), []);
    }
    servers[0].resume().await;
    until("gone", async || subscribers(&servers[0]).await.ends_with('0')).await;
}

async fn a_black_hole_ends_the_connecting_in_time(client: Client) {
    let servers = Servers::start(1).await;
    let proxy = ChaosProxy::start(servers[0].addr()).await;
    let node = client.node(&proxy.url());
    let (ear, connected) = listening(&node).await;
    cycle(&node, "k").await;
    ear.until(&[None, Some("k")]).await;
    proxy.set(Mode::Blackhole).await;
    let ear = Arc::new(Ear::default());
    let error = Arc::clone(&node).listen(Arc::clone(&ear) as _, SHORT).await;
    assert_eq!(error.fault(), Fault::Timeout, "{error}");
    proxy.cut_all();
    let error = ending(connected, LIMIT).await;
    assert_eq!(error.fault(), Fault::ConnectionLost, "{error}");
}

#[cfg(target_os = "linux")]
async fn a_listening_that_hears_nothing_is_kept_alive(client: Client) {
    let servers = Servers::start(1).await;
    let node = client.node(&servers[0].url());
    let (_ear, _listening) = listening(&node).await;
    // The timer of a socket that waits: 02 is keep-alive, and when it fires next in hundredths of a second.
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let remote = format!(":{:04X}", servers[0].port());
    let ours = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ours = ours.filter(|line| line[2].ends_with(&remote) && line[3] == "01");
    let timers: Vec<_> = ours.map(|line| line[5].to_owned()).collect();
    let (kind, fires) = timers.first().expect("a connection").split_once(':').unwrap();
    assert_eq!((timers.len(), kind), (1, "02"), "{timers:?}");
    assert!(u64::from_str_radix(fires, 16).unwrap() <= 1_000, "{timers:?}");
}

#[tokio::test]
async fn either_protocol_listens() {
    let servers = Servers::start(1).await;
    let mut nodes: Vec<Arc<dyn LockNode>> = Vec::new();
    for protocol in ["resp2", "resp3"] {
        let url = format!("{}?protocol={protocol}", servers[0].url());
        nodes.push(Client::Redis.node(&url));
        let plain = redis::Client::open(url).unwrap();
        nodes.push(Arc::new(RedisNode::from_client(plain).unwrap()));
    }
    for version in [RespVersion::RESP2, RespVersion::RESP3] {
        let mut config = Config::from_url(&servers[0].url()).unwrap();
        config.version = version;
        // A client that would connect for ever, and tell of it.
        config.fail_fast = false;
        let mut builder = fred::types::Builder::from_config(config);
        let client = builder.set_policy(ReconnectPolicy::default()).build().unwrap();
        client.init().await.unwrap();
        nodes.push(Arc::new(FredNode::from_client("users", client).unwrap()));
    }
    for (i, node) in nodes.iter().enumerate() {
        assert!(node.features().wake_ups, "{i}");
        let (ear, _listening) = listening(node).await;
        cycle(node, &format!("k{i}")).await;
        ear.until(&[None, Some(&format!("k{i}"))]).await;
    }
    servers[0].kill().await;
    for node in &nodes {
        let error = ending(open(node).1, LIMIT).await;
        assert_eq!(error.fault(), Fault::Refused, "{error}");
    }
}

#[test]
fn outside_of_a_runtime_nobody_listens() {
    for client in Client::ALL {
        let node = client.node("redis://127.0.0.1:1");
        let mut listen = node.listen(Arc::new(Ear::default()), LIMIT);
        match listen.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(error) => assert_eq!(error.fault(), Fault::Unsupported, "{error}"),
            Poll::Pending => panic!("it waits"),
        }
    }
}

#[tokio::test]
async fn a_connection_of_the_users_tells_and_does_not_listen() {
    let servers = Servers::start(1).await;
    let all = Client::Redis.node(&servers[0].url());
    let (ear, _listening) = listening(&all).await;
    let client = redis::Client::open(servers[0].url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let node = RedisNode::from_connection("users", connection).unwrap();
    let node: Arc<dyn LockNode> = Arc::new(node);
    assert!(!node.features().wake_ups && all.features().wake_ups);
    let error = ending(open(&node).1, LIMIT).await;
    assert_eq!(error.fault(), Fault::Unsupported, "{error}");
    cycle(&node, "k").await;
    ear.until(&[None, Some("k")]).await;
}

integration_tests::with_both_clients_on_every_kind! {
    who_leaves_leaves_nothing_on_the_server
    a_server_that_dies_ends_the_listening
    a_hung_server_is_not_waited_for
}

integration_tests::with_both_clients! {
    a_black_hole_ends_the_connecting_in_time
}

#[cfg(target_os = "linux")]
integration_tests::with_both_clients! {
    a_listening_that_hears_nothing_is_kept_alive
}
