//! What is answered to the locks' own commands. The same for every adapter.

use std::time::Duration;

use redlock_core::node::{Fault, LockNode, Removal, Terms};
use redlock_protocol::ERROR_REPLIES;

use crate::common::{FakeServer, GRANTED, LONG, bulk, claim, error, obedient, reply, terms, word};

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
    let elsewhere = FakeServer::start(obedient).await;
    let address = elsewhere.address;
    for code in ["MOVED", "ASK"] {
        let server = FakeServer::start(move |_| error(&format!("{code} 3999 {address}"))).await;
        let answer = server.node().acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
        assert_eq!(answer.fault(), Fault::ClusterMember);
        assert_eq!(server.seen(), ["acquire"]);
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn a_time_to_live_beyond_a_signed_number_arrives_as_it_is() {
    let server = FakeServer::start(obedient).await;
    server.node().acquire(claim(&["a"]), Terms::new(Duration::MAX), LONG).await.unwrap();
    assert_eq!(word(&server.commands()[0], 5), u64::MAX.to_string());
}

#[tokio::test]
async fn a_server_that_knows_less_than_it_said_is_asked_with_the_script() {
    let server = FakeServer::start(|command| match &*word(command, 0) {
        "SET" => error("ERR syntax error"),
        _ => obedient(command),
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
async fn the_servers_own_release_is_used_and_without_a_right_to_it_the_script() {
    for (version, command) in [
        ("valkey_version:9.0.0", "DELIFEQ"),
        ("redis_version:7.2.4\r\nvalkey_version:9.1.2\r\n", "DELIFEQ"),
        ("redis_version:8.4.0", "DELEX"),
    ] {
        for allowed in [true, false] {
            let server = FakeServer::start(move |sent| match &*word(sent, 0) {
                "INFO" => bulk(version),
                "EVAL" => reply(":1\r\n"),
                _ if allowed => reply(":1\r\n"),
                _ => error("NOPERM this user has no permissions to run the 'delifeq' command"),
            })
            .await;
            let node = server.node();
            node.clone().identity(LONG).await.unwrap();
            for _ in 0..2 {
                let removal = node.clone().release(claim(&["a"]), LONG).await.unwrap();
                assert_eq!(removal, Removal::Removed);
            }
            let wanted = if allowed {
                ["INFO", command, command].to_vec()
            } else {
                ["INFO", command, "release", "release"].to_vec()
            };
            assert_eq!(server.seen(), wanted);
        }
    }
}
