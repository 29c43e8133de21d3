//! Servers that read and do not answer.

#![allow(clippy::unwrap_used)]

mod common;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use common::{Action, FakeServer, GRANT, LONG, claim, reply, terms};
use redlock_fred::FredNode;
use redlock_fred::fred::prelude::{Builder, ClientLike, Config};
use redlock_fred::redlock_core::node::{Fault, LockNode, NodeError};

const SHORT: Duration = Duration::from_millis(50);
/// Nothing here takes as long on any machine.
const BOUND: Duration = Duration::from_secs(60);

async fn take(node: &Arc<FredNode>, limit: Duration) -> Result<(), NodeError> {
    node.clone().acquire(claim(&["a"]), terms(), limit).await.map(|_| ())
}

async fn until<F: Future<Output = bool>>(what: &str, mut done: impl FnMut() -> F) {
    let waiting = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(tokio::time::timeout(BOUND, waiting).await.is_ok(), "never: {what}");
}

async fn borrowed(server: &FakeServer) -> Arc<FredNode> {
    let client = Builder::from_config(Config::from_url(&server.url()).unwrap()).build().unwrap();
    client.init().await.unwrap();
    Arc::new(FredNode::from_client("mine", client).unwrap())
}

#[tokio::test]
async fn a_connection_that_answers_nothing_is_given_up_while_commands_go_on() {
    let server = FakeServer::start(|_| reply(GRANT)).await;
    let node = server.node();
    take(&node, LONG).await.unwrap();
    server.mute();
    let busy: Vec<_> = (0..16)
        .map(|_| {
            let node = node.clone();
            tokio::spawn(async move {
                while take(&node, SHORT).await.is_err() {
                    // What is refused at once lets nobody else run.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
        })
        .collect();
    until("served again", || async { busy.iter().all(|task| task.is_finished()) }).await;
    server.connections(1).await;
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn a_server_that_answers_late_keeps_its_connection() {
    let server = FakeServer::start(|_| reply(GRANT)).await;
    let node = server.node();
    take(&node, LONG).await.unwrap();
    for _ in 0..3 {
        server.hang(true);
        for _ in 0..3 {
            assert_eq!(take(&node, SHORT).await.unwrap_err().fault(), Fault::Timeout);
        }
        server.hang(false);
        take(&node, LONG).await.unwrap();
    }
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn what_is_unanswered_is_bounded_over_ones_own_client() {
    let server = FakeServer::start(|_| Action::Ignore).await;
    let node = borrowed(&server).await;
    server.mute();
    let mut kept = 0;
    loop {
        let tasks: Vec<_> = (0..500)
            .map(|_| node.clone().acquire(claim(&["a"]), terms(), SHORT))
            .map(tokio::spawn)
            .collect();
        let mut refused = None;
        for task in tasks {
            match task.await.unwrap().unwrap_err() {
                error if error.fault() == Fault::Timeout => kept += 1,
                error => refused = Some(error),
            }
        }
        if let Some(error) = refused {
            assert_eq!(error.fault(), Fault::Refused);
            assert!(error.detail().contains("unanswered"), "{error}");
            break;
        }
        assert!(kept < 20_000, "no bound");
    }
    // Nothing more is written from now on.
    for _ in 0..100 {
        assert_eq!(take(&node, SHORT).await.unwrap_err().fault(), Fault::Refused);
    }
}

#[tokio::test]
async fn ones_own_client_that_is_not_answered_refuses_until_it_is() {
    let server = FakeServer::start(|_| reply(GRANT)).await;
    let node = borrowed(&server).await;
    take(&node, LONG).await.unwrap();
    server.hang(true);
    until("refused", || async { take(&node, SHORT).await.unwrap_err().fault() == Fault::Refused })
        .await;
    server.hang(false);
    until("served again", || async { take(&node, SHORT).await.is_ok() }).await;
    assert_eq!(server.accepted(), 1);
}
