//! What a server answers, and what the node makes of it.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{
    Action, FakeServer, GRANT, LONG, NIL, bulk, claim, error, reply, resource, terms, verb, word,
};
use redlock_fred::redlock_core::key::LockKey;
use redlock_fred::redlock_core::node::{
    Expiry, Extension, Fault, FaultClass, Holder, LockNode, Removal, Vote,
};
use redlock_fred::redlock_core::protocol::ERROR_REPLIES;

const GRANTED: Vote = Vote::Granted { fence: None };

#[tokio::test]
async fn every_error_reply_is_told_apart() {
    for &(text, fault) in ERROR_REPLIES {
        for blob in [false, true] {
            let server = FakeServer::start(move |_| {
                if blob { reply(format!("!{}\r\n{text}\r\n", text.len())) } else { error(text) }
            })
            .await;
            // Two resources, which no plain command can take.
            let answer =
                server.node().acquire(claim(&["a", "b"]), terms(), LONG).await.unwrap_err();
            assert_eq!(answer.fault(), fault, "{text} -> {answer}");
            assert_eq!(server.seen(), ["acquire"], "{text}");
        }
    }
}

#[tokio::test]
async fn a_cluster_members_redirections_are_not_followed() {
    let elsewhere = FakeServer::start(|_| reply(GRANT)).await;
    let address = elsewhere.address;
    for code in ["MOVED", "ASK"] {
        let server = FakeServer::start(move |_| error(&format!("{code} 3999 {address}"))).await;
        let answer = server.node().acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
        assert_eq!(answer.fault(), Fault::ClusterMember);
        assert_eq!(server.seen(), ["acquire"]);
    }
    assert!(elsewhere.seen().is_empty());
}

/// `SET` takes another way through fred than all other commands.
#[tokio::test]
async fn an_error_to_set_is_the_servers() {
    let elsewhere = FakeServer::start(|_| reply(GRANT)).await;
    let moved = format!("MOVED 3999 {}", elsewhere.address);
    let cases = [
        (moved.as_str(), Fault::ClusterMember),
        ("NOAUTH Authentication required.", Fault::Authentication),
        ("NOPERM this user has no permissions to run the 'set' command", Fault::Permission),
        ("OOM command not allowed when used memory > 'maxmemory'.", Fault::OutOfMemory),
        ("LOADING Redis is loading the dataset in memory", Fault::Loading),
        ("READONLY You can't write against a read only replica.", Fault::Replica),
    ];
    for (text, fault) in cases {
        let said = text.to_owned();
        let server = FakeServer::start(move |command| match resource(command).as_str() {
            "INFO" => bulk("redis_version:7.0.15\r\n"),
            _ => error(&said),
        })
        .await;
        let node = server.node();
        node.clone().identity(LONG).await.unwrap();
        let answer = node.acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
        assert_eq!(answer.fault(), fault, "{text} -> {answer}");
        assert_eq!(server.seen(), ["INFO", "SET"], "{text}");
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn no_value_before_is_a_grant_and_our_own_token_is_told_apart() {
    let server = FakeServer::start(|command| match resource(command).as_str() {
        "INFO" => bulk("redis_version:7.0.15\r\n"),
        "free" => reply(NIL),
        "ours" => bulk(&word(command, 2)),
        _ => bulk("somebody else's"),
    })
    .await;
    let node = server.node();
    node.clone().identity(LONG).await.unwrap();
    let acquire = |key: &str| node.clone().acquire(claim(&[key]), terms(), LONG);
    assert_eq!(acquire("free").await.unwrap(), GRANTED);
    assert_eq!(acquire("ours").await.unwrap(), Vote::AlreadyOurs);
    assert!(matches!(acquire("theirs").await.unwrap(), Vote::Held { .. }));
    assert_eq!(server.seen(), ["INFO", "SET", "SET", "SET", "PTTL"]);
    let set = &server.commands()[1];
    assert_eq!(set[2].len(), 40);
    assert_eq!(set[3..], [&b"PX"[..], b"10000", b"NX", b"GET"]);
}

#[tokio::test]
async fn a_number_beyond_what_fred_counts_to_arrives_as_it_is() {
    let server = FakeServer::start(|_| reply(GRANT)).await;
    let terms = redlock_fred::redlock_core::node::Terms::new(Duration::MAX);
    server.node().acquire(claim(&["a"]), terms, LONG).await.unwrap();
    assert_eq!(word(&server.commands()[0], 5), u64::MAX.to_string());
}

#[tokio::test]
async fn a_server_that_knows_less_than_it_said_is_asked_with_the_script() {
    let server = FakeServer::start(|command| match word(command, 0).as_str() {
        "INFO" => bulk("redis_version:7.0.15\r\n"),
        "SET" => error("ERR syntax error"),
        _ => reply(GRANT),
    })
    .await;
    let node = server.node();
    node.clone().identity(LONG).await.unwrap();
    for _ in 0..2 {
        assert_eq!(node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap(), GRANTED);
    }
    assert_eq!(server.seen(), ["INFO", "SET", "acquire", "acquire"]);
}

#[tokio::test]
async fn without_a_right_to_the_native_release_the_script_releases() {
    let server = FakeServer::start(|command| match word(command, 0).as_str() {
        "INFO" => bulk("redis_version:7.2.4\r\nvalkey_version:9.1.2\r\n"),
        "DELIFEQ" => error("NOPERM User u has no permissions to run the 'delifeq' command"),
        _ => reply(":1\r\n"),
    })
    .await;
    let node = server.node();
    node.clone().identity(LONG).await.unwrap();
    for _ in 0..2 {
        assert_eq!(node.clone().release(claim(&["a"]), LONG).await.unwrap(), Removal::Removed);
    }
    assert_eq!(server.seen(), ["INFO", "DELIFEQ", "release", "release"]);
}

#[tokio::test]
async fn the_verbs_answer_what_the_scripts_say() {
    let server = FakeServer::start(|command| match verb(command).as_str() {
        "acquire" => reply("*2\r\n:0\r\n:1500\r\n"),
        "extend" => reply(":1\r\n"),
        "release" => reply(":-1\r\n"),
        _ => reply("*3\r\n:1\r\n$5\r\ntoken\r\n:-1\r\n"),
    })
    .await;
    let node = server.node();
    let held = node.clone().acquire(claim(&["a", "b"]), terms(), LONG).await.unwrap();
    assert_eq!(held, Vote::Held { expiry: Expiry::In(Duration::from_millis(1500)), fence: None });
    let extension = node.clone().extend(claim(&["a"]), terms(), LONG).await.unwrap();
    assert_eq!(extension, Extension::Extended);
    assert_eq!(node.clone().release(claim(&["a"]), LONG).await.unwrap(), Removal::Gone);
    let holdings = node.clone().inspect(LockKey::new("a").unwrap(), LONG).await.unwrap();
    let holding = holdings[0].clone().unwrap();
    assert_eq!((holding.holder, holding.expiry), (Holder::of(b"token"), Expiry::Never));
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_leaves_the_fate_unknown() {
    for nonsense in ["%1\r\n+a\r\n:1\r\n", "*1\r\n-ERR inside\r\n", ",1.5\r\n", "?\r\n", "+OK\r\n"]
    {
        let server = FakeServer::start(move |_| reply(nonsense)).await;
        let answer = server.node().acquire(claim(&["a", "b"]), terms(), LONG).await.unwrap_err();
        assert_eq!(answer.class(), FaultClass::Unknown, "{nonsense:?} -> {answer}");
    }
}

#[tokio::test]
async fn what_the_handshake_asks_for_besides_ping_may_be_denied() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let denying = |command: &common::Command| match word(command, 0).as_str() {
        "PING" => common::greet(command),
        _ => error("NOPERM this user has no permissions"),
    };
    let server = FakeServer::on(listener, denying, |_| reply(GRANT));
    assert_eq!(server.node().acquire(claim(&["a"]), terms(), LONG).await.unwrap(), GRANTED);
}

#[tokio::test]
async fn why_a_server_turned_the_connection_down_is_told() {
    let cases = [
        ("WRONGPASS invalid username-password pair or user is disabled.", Fault::Authentication),
        ("NOAUTH Authentication required.", Fault::Authentication),
        ("NOPERM User u has no permissions to run the 'ping' command", Fault::Permission),
        ("ERR max number of clients reached", Fault::TooManyClients),
        ("LOADING Redis is loading the dataset in memory", Fault::Loading),
        ("ERR something new", Fault::Refused),
    ];
    for (text, fault) in cases {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = FakeServer::on(listener, move |_| error(text), |_| Action::Cut);
        let node = server.node();
        // The first waits for the attempt to connect, the next is told at once.
        for _ in 0..3 {
            let answer = node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
            assert_eq!(answer.fault(), fault, "{text} -> {answer}");
        }
        assert!(server.seen().is_empty());
    }
}

#[tokio::test]
async fn a_clients_own_connection_serves_as_a_node() {
    use redlock_fred::fred::prelude::{Builder, ClientLike, Config};
    let server = FakeServer::start(|_| reply(GRANT)).await;
    let client = Builder::from_config(Config::from_url(&server.url()).unwrap()).build().unwrap();
    client.init().await.unwrap();
    let node = Arc::new(redlock_fred::FredNode::from_client("mine", client).unwrap());
    assert_eq!(node.name(), "mine");
    assert_eq!(node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap(), GRANTED);
}
