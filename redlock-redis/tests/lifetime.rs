//! Runtimes that come and go, connections of the user's own, and secrets.

#![allow(clippy::unwrap_used)]

mod common;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::{
    Action, FakeServer, GRANTED, LONG, SHORT, bulk, claim, cut, error, obedient, reply, terms, word,
};
#[cfg(feature = "connection-manager")]
use common::{GRANT, verb};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redlock_core::node::{Fault, LockNode};
use redlock_redis::RedisNode;

const CANARY: &str = "hunter2";

#[test]
fn a_node_is_made_without_a_runtime_and_does_nothing_without_one() {
    let node = Arc::new(RedisNode::connect("redis://127.0.0.1:1").unwrap());
    assert_eq!(node.name(), "127.0.0.1:1");
    let mut verb = pin!(node.acquire(claim(&["a"]), terms(), LONG));
    let Poll::Ready(answer) = verb.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("it waits for a runtime");
    };
    assert_eq!(answer.unwrap_err().fault(), Fault::Unsupported);
}

#[test]
fn a_node_outlives_the_runtime_it_connected_on() {
    let runtime = |threads| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(threads).enable_all().build().unwrap()
    };
    let servers = runtime(1);
    let server = servers.block_on(FakeServer::start(obedient));
    let node = server.node();
    for _ in 0..3 {
        let own = runtime(1);
        assert_eq!(
            own.block_on(node.clone().acquire(claim(&["a"]), terms(), LONG)).unwrap(),
            GRANTED
        );
    }
}

#[test]
fn who_waits_for_a_connection_is_told_when_the_runtime_that_makes_it_ends() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().unwrap()
    };
    let servers = runtime();
    let server = servers.block_on(FakeServer::greeting(|_| Action::Ignore, obedient));
    let node = server.node();
    let connecting = runtime();
    let first = node.clone().acquire(claim(&["a"]), terms(), SHORT);
    connecting.block_on(first).unwrap_err();
    let waiting = runtime();
    let mut second = node.acquire(claim(&["a"]), terms(), LONG);
    // It waits from its first poll on.
    let polled = poll_fn(|cx| Poll::Ready(second.as_mut().poll(cx).is_pending()));
    assert!(waiting.block_on(polled));
    drop(connecting);
    let error = waiting.block_on(second).unwrap_err();
    assert_eq!(error.fault(), Fault::Refused);
    assert_eq!(error.detail(), "the attempt to connect was cut short");
}

#[tokio::test]
async fn nothing_is_sent_before_the_first_verb_and_all_is_closed_with_the_node() {
    let server = FakeServer::start(obedient).await;
    let node = server.node();
    tokio::time::sleep(SHORT).await;
    server.connections(0).await;
    node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap();
    server.connections(1).await;
    drop(node);
    server.connections(0).await;
}

#[tokio::test]
async fn a_node_that_is_dropped_while_it_connects_connects_no_more() {
    let server = FakeServer::greeting(|_| Action::Ignore, obedient).await;
    let node = server.node();
    node.clone().acquire(claim(&["a"]), terms(), SHORT).await.unwrap_err();
    server.connections(1).await;
    drop(node);
    server.connections(0).await;
}

#[tokio::test]
async fn a_connection_of_the_users_own_is_used_as_it_is() {
    let server = FakeServer::start(|command| {
        if word(command, 3) == "hang" { Action::Ignore } else { obedient(command) }
    })
    .await;
    let config = ConnectionManagerConfig::new().set_number_of_retries(0).set_response_timeout(None);
    let multiplexed = server.client().get_multiplexed_async_connection().await.unwrap();
    let manager = ConnectionManager::new_lazy_with_config(server.client(), config).unwrap();
    let nodes = [
        RedisNode::from_connection("mine", multiplexed).unwrap(),
        RedisNode::from_connection("mine", manager).unwrap(),
        RedisNode::from_client(server.client()).unwrap().with_name("mine").unwrap(),
    ];
    for node in nodes.map(Arc::new) {
        assert_eq!(node.name(), "mine");
        assert_eq!(node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap(), GRANTED);
        let error = node.clone().acquire(claim(&["hang"]), terms(), SHORT).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Timeout);
        let error = node.acquire(claim(&["a"]), terms(), Duration::ZERO).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Timeout);
    }
    // Nobody was told of the last one that came.
    server.until_seen(6).await;
    assert_eq!(server.seen(), ["acquire"; 6]);
}

#[tokio::test]
async fn a_manager_of_the_users_own_tells_a_refusal_from_a_loss() {
    let server = FakeServer::start(|_| cut()).await;
    let config = ConnectionManagerConfig::new().set_number_of_retries(0);
    let manager = ConnectionManager::new_lazy_with_config(server.client(), config).unwrap();
    let node = Arc::new(RedisNode::from_connection("mine", manager).unwrap());
    let lost = node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
    assert_eq!(lost.fault(), Fault::ConnectionLost);
    drop(server);
    tokio::time::sleep(SHORT).await;
    // How the manager's own attempt in between ended.
    node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
    let refused = node.acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
    assert_eq!(refused.fault(), Fault::Refused, "{refused}");
}

#[cfg(feature = "connection-manager")]
#[tokio::test]
async fn a_manager_that_was_set_up_here_finds_a_connection_closed_while_idle() {
    // It answers, and is gone.
    let server = FakeServer::start(|command| match &*verb(command) {
        "acquire" => Action::Cut(GRANT.to_owned()),
        _ => obedient(command),
    })
    .await;
    let manager =
        redlock_redis::connection_manager(redis::Client::open(server.url()).unwrap()).unwrap();
    let node = Arc::new(RedisNode::from_connection("mine", manager).unwrap());
    for connection in 1..=3 {
        assert_eq!(node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap(), GRANTED);
        // Nothing is asked of it meanwhile.
        let again = async {
            while server.accepted() == connection {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, again).await.unwrap();
    }
    assert_eq!(server.seen(), ["acquire"; 3], "nothing was sent to find out");
}

#[tokio::test]
async fn all_urls_of_a_list_are_nodes_or_the_one_at_fault_is_named() {
    let named = |urls: &[&str]| -> Vec<String> {
        let nodes = RedisNode::connect_all(urls).unwrap();
        nodes.iter().map(|node| node.name().to_owned()).collect()
    };
    assert_eq!(
        named(&["redis://u:pw@a", " b:7000 ", "valkey://c"]),
        ["a:6379", "b:7000", "c:6379"]
    );
    assert_eq!(named(&[]), [""; 0]);
    let error = RedisNode::connect_all("a,redis://u:hunter2@b:0,c".split(',')).unwrap_err();
    assert_eq!((error.field(), error.value()), ("url", "redis://<redacted>@b:0 (2 of 3)"));
    assert_eq!(error.rule(), "must have a port other than 0");
    let error = RedisNode::connect_all([String::new()]).unwrap_err();
    assert_eq!(error.value(), "(1 of 1)");
}

#[tokio::test]
async fn a_name_is_the_address_or_the_users_and_never_empty() {
    let named = |url: &str| RedisNode::connect(url).unwrap().name().to_owned();
    assert_eq!(named("redis://u:hunter2@a"), "a:6379");
    assert_eq!(named("redis://:hunter2@[::1]:7000/3"), "[::1]:7000");
    assert_eq!(named("redis+unix:///r.sock?pass=hunter2"), "/r.sock");
    let server = FakeServer::start(obedient).await;
    let connection = server.client().get_multiplexed_async_connection().await.unwrap();
    for error in [
        RedisNode::from_connection(" ", connection).unwrap_err(),
        RedisNode::from_client(server.client()).unwrap().with_name("").unwrap_err(),
    ] {
        assert_eq!((error.field(), error.rule()), ("name", "must not be empty"));
    }
}

#[tokio::test]
async fn nothing_shows_the_password() {
    let quoting = |command: &common::Command| {
        error(&format!(
            "ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' '{}' ",
            word(command, 4)
        ))
    };
    let reading = |_: &common::Command| bulk("anything");
    let server = FakeServer::greeting(quoting, reading).await;
    for (server, fault) in [
        (server, Fault::Unsupported),
        (
            FakeServer::greeting(|_| error("WRONGPASS for hunter2"), reading).await,
            Fault::Authentication,
        ),
        (
            FakeServer::greeting(|command| reply(format!("@{}", word(command, 4))), reading).await,
            Fault::Protocol,
        ),
        (FakeServer::greeting(|_| cut(), reading).await, Fault::Refused),
    ] {
        let url = format!("redis://{CANARY}:{CANARY}@{}", server.address);
        let node = Arc::new(RedisNode::connect(&url).unwrap());
        assert_eq!(format!("{node:?}"), format!("RedisNode(\"{}\")", server.address));
        let error = node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
        assert_eq!(error.fault(), fault, "{error}");
        assert!(!format!("{error} {error:?} {node:?}").contains(CANARY), "{error}");
    }
}

#[cfg(feature = "tls-rustls")]
#[tokio::test]
async fn a_server_without_tls_is_a_refusal_and_no_panic() {
    let server = FakeServer::start(obedient).await;
    let node = Arc::new(RedisNode::connect(&format!("rediss://{}", server.address)).unwrap());
    let error = node.acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Refused);
    assert_ne!(error.detail(), "the attempt to connect was cut short", "it panicked");
}
