//! Servers that turn connections away, or are of no use: how often they are asked.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{
    Action, Command, FakeServer, GRANT, LONG, claim, cut, error, greet, reply, terms, word,
};
use redlock_fred::redlock_core::node::{Fault, LockNode};

const REPLICA: &str = "READONLY You can't write against a read only replica.";

type Answer = fn(&Command) -> Action;

#[tokio::test]
async fn a_server_of_no_use_is_asked_at_once_and_then_with_growing_pauses() {
    let wrong_password: Answer = |command| match word(command, 0).as_str() {
        "AUTH" => error("WRONGPASS invalid username-password pair or user is disabled."),
        _ => greet(command),
    };
    let kinds: [(&str, Answer, Answer); 5] = [
        ("closes at once", |_| cut(), |_| cut()),
        ("has too many clients", |_| error("ERR max number of clients reached"), |_| cut()),
        ("knows another password", wrong_password, |_| cut()),
        ("closes at the first command", greet, |_| cut()),
        ("is a replica", greet, |_| error(REPLICA)),
    ];
    let mut running = tokio::task::JoinSet::new();
    for (kind, handshake, answer) in kinds {
        let server = FakeServer::greeting(handshake, answer).await;
        let url = format!("redis://:secret@{}", server.address);
        let node = Arc::new(redlock_fred::FredNode::connect(&url).unwrap());
        running.spawn(async move {
            let start = Instant::now();
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..16 {
                let node = node.clone();
                tasks.spawn(async move {
                    loop {
                        node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                });
            }
            tokio::time::sleep(Duration::from_secs(3)).await;
            let asked = server.accepted();
            let seconds = start.elapsed().as_secs();
            println!("{kind}: {asked} connections in {seconds} s");
            // 5 ms doubling to 2 s, at least half of each, and then one a second.
            assert!(asked as u64 <= 13 + seconds, "{kind}: {asked} in {seconds} s");
            tokio::time::timeout(LONG * 4, async {
                while server.accepted() < 5 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
            .await
            .unwrap_or_else(|_| panic!("{kind}: not asked again"));
        });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn a_connection_to_a_replica_is_given_up_and_made_anew() {
    let demoted = Arc::new(AtomicBool::new(false));
    let is_demoted = demoted.clone();
    let server = FakeServer::start(move |_| {
        if is_demoted.load(Ordering::SeqCst) { error(REPLICA) } else { reply(GRANT) }
    })
    .await;
    let node = server.node();
    let take = || node.clone().acquire(claim(&["a"]), terms(), LONG);
    take().await.unwrap();
    demoted.store(true, Ordering::SeqCst);
    tokio::time::timeout(4 * LONG, async {
        while server.accepted() < 4 {
            // Also while there is no connection, what is wrong is told.
            assert_eq!(take().await.unwrap_err().fault(), Fault::Replica);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .unwrap();
    demoted.store(false, Ordering::SeqCst);
    tokio::time::timeout(4 * LONG, async {
        while take().await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .unwrap();
    server.connections(1).await;
}

#[tokio::test]
async fn a_server_that_says_in_info_that_it_is_a_replica_is_left() {
    let server = FakeServer::start(|command| match word(command, 0).as_str() {
        "INFO" => common::bulk("redis_version:7.2.4\r\nrun_id:abc\r\nrole:slave\r\n"),
        _ => reply(GRANT),
    })
    .await;
    let node = server.node();
    tokio::time::timeout(4 * LONG, async {
        while server.accepted() < 4 {
            match node.clone().identity(LONG).await {
                Ok(identity) => assert!(identity.replica),
                // Also while there is no connection, what is wrong is told.
                Err(error) => assert_eq!(error.fault(), Fault::Replica),
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .expect("not left");
}
