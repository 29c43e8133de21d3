//! When a node connects, and when it lets go.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::{FakeServer, GRANT, LONG, claim, reply, terms};
use redlock_fred::FredNode;
use redlock_fred::redlock_core::node::{Fault, LockNode};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

#[test]
fn a_node_is_made_outside_a_runtime_and_its_verbs_do_not_panic_there() {
    let node = Arc::new(FredNode::connect("redis://127.0.0.1:1").unwrap());
    let mut verb = node.acquire(claim(&["a"]), terms(), LONG);
    match verb.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(error)) => assert_eq!(error.fault(), Fault::Unsupported),
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn a_node_outlives_the_runtime_it_was_first_used_on() {
    let serving = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = serving.block_on(FakeServer::start(|_| reply(GRANT)));
    let node = server.node();
    for _ in 0..3 {
        let using = Builder::new_current_thread().enable_all().build().unwrap();
        using.block_on(node.clone().acquire(claim(&["a"]), terms(), LONG)).unwrap();
        drop(using);
        serving.block_on(server.connections(0));
    }
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn nothing_connects_before_the_first_verb() {
    let server = FakeServer::start(|_| reply(GRANT)).await;
    let node = server.node();
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.connections(0).await;
    node.acquire(claim(&["a"]), terms(), LONG).await.unwrap();
}

#[tokio::test]
async fn the_connection_is_closed_with_the_last_handle() {
    let server = FakeServer::start(|_| reply(GRANT)).await;
    let node = server.node();
    let other = node.clone();
    node.acquire(claim(&["a"]), terms(), LONG).await.unwrap();
    server.connections(1).await;
    other.acquire(claim(&["a"]), terms(), LONG).await.unwrap();
    server.connections(0).await;
    // Nor does it come back.
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.connections(0).await;
}

#[tokio::test]
async fn a_node_that_is_dropped_stops_trying_to_connect() {
    let address = common::dead_address().await;
    let node = Arc::new(FredNode::connect(&format!("redis://{address}")).unwrap());
    node.acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
    let listener = TcpListener::bind(address).await.unwrap();
    let again = tokio::time::timeout(Duration::from_millis(500), listener.accept()).await;
    assert!(again.is_err(), "it came back");
}

#[tokio::test]
async fn a_node_that_is_dropped_while_it_connects_does_not_stay() {
    let server = FakeServer::start(|_| reply(GRANT)).await;
    server.hang(true);
    let short = Duration::from_millis(50);
    let node = server.node();
    let error = node.clone().acquire(claim(&["a"]), terms(), short).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Timeout);
    server.connections(1).await;
    drop(node);
    // Now the handshake goes on, and ends well.
    server.hang(false);
    server.connections(0).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.connections(0).await;
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_renamed_node_works_as_before() {
    let server = FakeServer::start(|_| reply(GRANT)).await;
    let node = FredNode::connect(&server.url()).unwrap();
    assert_eq!(node.name(), server.address.to_string());
    let node = Arc::new(node.with_name("one").unwrap());
    assert_eq!(node.name(), "one");
    node.acquire(claim(&["a"]), terms(), LONG).await.unwrap();
}
