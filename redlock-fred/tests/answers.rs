//! What a server answers, and what the node makes of it.

#![allow(clippy::unwrap_used)]

#[path = "../../redlock-redis/tests/adapter/answers.rs"]
mod cases;
mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{
    FakeServer, GRANT, GRANTED, LONG, NIL, bulk, claim, cut, error, reply, resource, terms, verb,
    word,
};
use redlock_fred::redlock_core::key::LockKey;
use redlock_fred::redlock_core::node::{
    Expiry, Extension, Fault, FaultClass, Holder, LockNode, Removal, Vote,
};
use redlock_protocol::TURNED_DOWN;

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
async fn the_verbs_answer_what_the_scripts_say() {
    let server = FakeServer::start(|command| match verb(command).as_str() {
        "acquire" => reply("*3\r\n:0\r\n:1500\r\n$1\r\nx\r\n"),
        "extend" => reply(":1\r\n"),
        "release" => reply(":-1\r\n"),
        _ => reply("*3\r\n:1\r\n$5\r\ntoken\r\n:-1\r\n"),
    })
    .await;
    let node = server.node();
    let held = node.clone().acquire(claim(&["a", "b"]), terms(), LONG).await.unwrap();
    assert_eq!(
        held,
        Vote::Held {
            expiry: Expiry::In(Duration::from_millis(1500)),
            fence: None,
            label: None,
            kept: false
        }
    );
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
    let denying = |command: &common::Command| match word(command, 0).as_str() {
        "PING" => common::greet(command),
        _ => error("NOPERM this user has no permissions"),
    };
    let server = FakeServer::greeting(denying, |_| reply(GRANT)).await;
    assert_eq!(server.node().acquire(claim(&["a"]), terms(), LONG).await.unwrap(), GRANTED);
}

#[tokio::test]
async fn why_a_server_turned_the_connection_down_is_told() {
    for &(text, fault) in TURNED_DOWN {
        // To fred this is no refusal.
        if text == "ERR Client sent AUTH, but no password is set" {
            continue;
        }
        let server = FakeServer::greeting(move |_| error(text), |_| cut()).await;
        let node = server.node();
        // The first waits for the attempt to connect, the next is told at once.
        for _ in 0..3 {
            let answer = node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
            assert_eq!(answer.fault(), fault, "{text} -> {answer}");
        }
        assert!(server.seen().is_empty());
    }
}

/// Listens, says `text` to whoever connects and closes the connection at once.
async fn turning_away(text: &'static [u8]) -> Arc<redlock_fred::FredNode> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, text).await;
        }
    });
    Arc::new(redlock_fred::FredNode::connect(&url).unwrap())
}

#[tokio::test]
async fn what_is_said_before_the_connection_is_closed_is_heard() {
    let cases: [(&[u8], Fault); 4] = [
        (b"-DENIED Redis is running in protected mode\r\n", Fault::ProtectedMode),
        (b"-ERR max number of clients reached\r\n", Fault::TooManyClients),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Fault::Protocol),
        (b"\x15\x03\x03\x00\x02\x02\x46", Fault::Protocol),
    ];
    for (said, fault) in cases {
        let node = turning_away(said).await;
        let answer = node.acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
        assert_eq!(answer.fault(), fault, "{answer}");
    }
}

#[tokio::test]
async fn why_there_is_no_connection_reads_as_a_sentence() {
    let dead = common::dead_address().await;
    let closing = turning_away(b"").await;
    let refused = Arc::new(redlock_fred::FredNode::connect(&format!("redis://{dead}")).unwrap());
    let unknown = redlock_fred::FredNode::connect("redis://no-such-host.invalid").unwrap();
    for node in [refused, closing, Arc::new(unknown)] {
        let answer = node.acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
        assert_eq!(answer.fault(), Fault::Refused);
        let detail = answer.detail();
        assert!(!detail.is_empty() && !detail.contains(['{', '"', '(']), "{answer}");
    }
}

/// `+QUEUED` says that the connection stands in a transaction: nothing was applied yet.
#[tokio::test]
async fn a_foreign_value_that_reads_queued_is_a_holder_and_a_queued_command_is_unknown() {
    for (said, held) in [("$6\r\nQUEUED\r\n", true), ("+QUEUED\r\n", false)] {
        let server = FakeServer::start(move |command| match word(command, 0).as_str() {
            "INFO" => bulk("redis_version:7.0.15\r\n"),
            "PTTL" => reply(":1500\r\n"),
            _ => reply(said),
        })
        .await;
        let node = server.node();
        node.clone().identity(LONG).await.unwrap();
        match node.acquire(claim(&["a"]), terms(), LONG).await {
            Ok(Vote::Held { .. }) => assert!(held),
            Err(error) => assert!(!held && error.class() == FaultClass::Unknown, "{error}"),
            other => unreachable!("{other:?}"),
        }
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
