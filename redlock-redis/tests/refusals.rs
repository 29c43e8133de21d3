//! Servers that turn connections down, and those that must not be used any more.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{
    Action, FakeServer, GRANTED, LONG, bulk, claim, cut, error, obedient, reply, terms, verb, word,
};
use redlock_core::node::{Fault, FaultClass, LockNode, NodeError};
use redlock_protocol::TURNED_DOWN;
use redlock_redis::RedisNode;

/// Waits until the node grants.
async fn until_granted(node: &Arc<RedisNode>) {
    let granting = async {
        while node.clone().acquire(claim(&["a"]), terms(), LONG).await != Ok(GRANTED) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, granting).await.unwrap();
}

async fn refused(node: &Arc<RedisNode>) -> NodeError {
    node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap_err()
}

#[tokio::test]
async fn a_server_that_turns_the_connection_down_says_why_and_is_asked_again() {
    let servers = TURNED_DOWN.iter().filter(|(said, _)| said.contains(' '));
    // Over either protocol, with one command in the handshake or with two, and where there is none.
    for (way, &(text, fault)) in servers.enumerate() {
        let open = Arc::new(AtomicBool::new(false));
        let opened = open.clone();
        let down = move |command: &common::Command| {
            if opened.load(Ordering::SeqCst) {
                if word(command, 0) == "HELLO" { reply("+OK\r\n") } else { obedient(command) }
            } else {
                Action::Cut(format!("-{text}\r\n"))
            }
        };
        let greet = {
            let open = open.clone();
            move |_: &common::Command| {
                if open.load(Ordering::SeqCst) {
                    reply("+OK\r\n")
                } else {
                    Action::Cut(format!("-{text}\r\n"))
                }
            }
        };
        let server = FakeServer::greeting(greet, down).await;
        let query = ["", "/3", "/3?protocol=resp2"][way % 3];
        let url = format!("redis://{}{query}", server.address);
        let node = Arc::new(RedisNode::connect(&url).unwrap());
        for _ in 0..5 {
            let error = refused(&node).await;
            assert_eq!(error.fault(), fault, "{url} {text} -> {error}");
            assert_ne!(error.class(), FaultClass::Unknown);
        }
        assert_eq!(server.seen(), [""; 0]);
        open.store(true, Ordering::SeqCst);
        until_granted(&node).await;
    }
}

#[tokio::test]
async fn a_server_that_turns_the_first_command_down_says_why() {
    for text in [
        "DENIED Redis is running in protected mode because protected mode is enabled",
        "ERR max number of clients reached",
    ] {
        let server = FakeServer::start(move |_| Action::Cut(format!("-{text}\r\n"))).await;
        let url = format!("redis://{}?protocol=resp2", server.address);
        let node = Arc::new(RedisNode::connect(&url).unwrap());
        let first = refused(&node).await;
        assert_ne!(first.class(), FaultClass::Unknown, "{first}");
        for _ in 0..5 {
            assert_eq!(refused(&node).await, first);
        }
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_misconfigured() {
    let greet = |command: &common::Command| match &*word(command, 0) {
        "SELECT" => error("ERR DB index is out of range"),
        _ => reply("+OK\r\n"),
    };
    let server = FakeServer::greeting(greet, obedient).await;
    let node = Arc::new(RedisNode::connect(&format!("redis://{}/99", server.address)).unwrap());
    let error = refused(&node).await;
    assert_eq!((error.fault(), error.detail()), (Fault::Database, "ERR DB index is out of range"));
    assert_eq!(error.class(), FaultClass::Misconfigured);
}

#[tokio::test]
async fn a_server_that_cannot_select_for_now_is_not_misconfigured() {
    let greet = |command: &common::Command| match &*word(command, 0) {
        "SELECT" => error("ERR upstream failure"),
        _ => reply("+OK\r\n"),
    };
    let server = FakeServer::greeting(greet, obedient).await;
    let node = Arc::new(RedisNode::connect(&format!("redis://{}/3", server.address)).unwrap());
    let error = refused(&node).await;
    assert_eq!((error.fault(), error.class()), (Fault::Refused, FaultClass::NotApplied), "{error}");
    assert_eq!(error.detail(), "ERR upstream failure");
}

#[tokio::test]
async fn what_does_not_speak_the_protocol_is_misconfigured() {
    let alert = "\u{15}\u{3}\u{3}\0\u{2}\u{2}F";
    for said in ["HTTP/1.1 400 Bad Request\r\n\r\n", alert] {
        let server = FakeServer::greeting(move |_| Action::Cut(said.into()), obedient).await;
        let error = refused(&server.node()).await;
        assert_eq!(error.fault(), Fault::Protocol, "{said:?} -> {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_turns_every_connection_down_is_not_hammered() {
    const SPAN: Duration = Duration::from_secs(3);
    let shut = |text: &'static str| move |_: &common::Command| Action::Cut(text.into());
    let full = shut("-ERR max number of clients reached\r\n");
    let ways = [
        ("closes at once", FakeServer::greeting(shut(""), obedient).await, Fault::Refused),
        ("has too many clients", FakeServer::greeting(full, obedient).await, Fault::TooManyClients),
        (
            "knows another password",
            FakeServer::greeting(shut("-WRONGPASS\r\n"), obedient).await,
            Fault::Authentication,
        ),
        ("closes at the first command", FakeServer::start(shut("")).await, Fault::Refused),
        (
            "answers the first command with an error, and closes",
            FakeServer::start(shut("-ERR upstream failure\r\n")).await,
            Fault::Refused,
        ),
    ];
    let mut running = tokio::task::JoinSet::new();
    for (way, server, fault) in ways {
        // Alone, or others are left without an answer.
        let callers = if way.starts_with("answers") { 1 } else { 16 };
        running.spawn(async move {
            let (node, start) = (server.node(), std::time::Instant::now());
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..callers {
                let node = node.clone();
                tasks.spawn(async move {
                    let mut last = refused(&node).await;
                    while start.elapsed() < SPAN {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        last = refused(&node).await;
                    }
                    last
                });
            }
            while let Some(last) = tasks.join_next().await {
                let last = last.unwrap();
                let sent = [Fault::ConnectionLost, Fault::Unexpected].contains(&last.fault());
                assert!(last.fault() == fault || sent, "{way}: {last}");
            }
            let (asked, seconds) = (server.accepted(), start.elapsed().as_secs());
            println!("{way}: {asked} connections in {seconds} s");
            // 50 ms doubling to 2 s, at least half of each, and then one a second.
            assert!(asked as u64 <= 10 + seconds, "{way}: {asked} in {seconds} s");
        });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}

/// A server that says it is a replica: to each command that writes, or when it is asked.
async fn replica(demoted: Arc<AtomicBool>) -> FakeServer {
    FakeServer::start(move |command| {
        if !demoted.load(Ordering::SeqCst) {
            return obedient(command);
        }
        match &*verb(command) {
            "INFO" => bulk("redis_version:7.0.15\r\nrole:slave\r\n"),
            _ => error("READONLY You can't write against a read only replica."),
        }
    })
    .await
}

#[tokio::test]
async fn a_connection_to_a_replica_is_given_up_and_made_anew_with_pauses() {
    for asks in [false, true] {
        let demoted = Arc::new(AtomicBool::new(false));
        let server = replica(demoted.clone()).await;
        let node = server.node();
        until_granted(&node).await;
        assert_eq!(server.accepted(), 1);
        demoted.store(true, Ordering::SeqCst);
        for call in 0..200 {
            if asks {
                let identity = node.clone().identity(LONG).await;
                assert!(
                    identity.as_ref().map_or_else(
                        |error| error.fault() == Fault::Replica,
                        |identity| identity.replica
                    ),
                    "{call}: {identity:?}"
                );
            } else {
                assert_eq!(refused(&node).await.fault(), Fault::Replica);
            }
        }
        let connections = server.accepted();
        assert!(connections > 1 && connections < 50, "{connections}");
        demoted.store(false, Ordering::SeqCst);
        until_granted(&node).await;
        // And it is kept again.
        let connections = server.accepted();
        until_granted(&node).await;
        assert_eq!(server.accepted(), connections);
    }
}

#[tokio::test]
async fn a_connection_that_lasted_is_made_anew_at_once_when_its_server_is_demoted() {
    let (open, demoted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (opened, is_demoted) = (Arc::clone(&open), Arc::clone(&demoted));
    let greet = move |_: &common::Command| match opened.load(Ordering::SeqCst) {
        true => reply("+OK\r\n"),
        false => cut(),
    };
    let answer = move |command: &common::Command| match is_demoted.load(Ordering::SeqCst) {
        true => error("READONLY You can't write against a read only replica."),
        false => obedient(command),
    };
    let server = FakeServer::greeting(greet, answer).await;
    let node = server.node();
    // An outage, after which pauses are long.
    while server.accepted() < 6 {
        assert_eq!(refused(&node).await.fault(), Fault::Refused);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    open.store(true, Ordering::SeqCst);
    until_granted(&node).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = server.accepted();
    demoted.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        assert_eq!(refused(&node).await.fault(), Fault::Replica);
    }
    assert_eq!(server.accepted(), before + 1);
}
