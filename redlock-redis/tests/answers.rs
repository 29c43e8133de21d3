//! What a server answers, and what the node makes of it.

#![allow(clippy::unwrap_used)]

#[path = "adapter/answers.rs"]
mod cases;
mod common;

use std::time::Duration;

use common::{
    Action, FakeServer, GRANTED, LONG, NIL, bulk, claim, error, obedient, reply, terms, word,
};
use redlock_core::Label;
use redlock_core::key::LockKey;
use redlock_core::node::{Expiry, Extension, Fault, FaultClass, Holder, LockNode, Removal, Vote};

#[tokio::test]
async fn no_value_before_is_a_grant_and_our_own_token_is_told_apart() {
    let server = FakeServer::start(|command| match &*word(command, command.len().min(2) - 1) {
        "INFO" => obedient(command),
        "free" => reply(NIL),
        "free2" => reply("$-1\r\n"),
        "ours" => bulk(&word(command, 2)),
        _ if command.len() == 2 => reply(":1500\r\n"),
        "named" => bulk("0123456789012345678901234567890123456789 me"),
        _ => bulk("somebody else's"),
    })
    .await;
    let node = server.node();
    node.clone().identity(LONG).await.unwrap();
    let acquire = |key: &str| node.clone().acquire(claim(&[key]), terms(), LONG);
    assert_eq!(acquire("free").await.unwrap(), GRANTED);
    assert_eq!(acquire("free2").await.unwrap(), GRANTED);
    assert_eq!(acquire("ours").await.unwrap(), Vote::AlreadyOurs);
    let expiry = Expiry::In(Duration::from_millis(1500));
    let held = |label| Vote::Held { expiry, fence: None, label, kept: false };
    assert_eq!(acquire("theirs").await.unwrap(), held(None));
    assert_eq!(acquire("named").await.unwrap(), held(Some(Label::new("me").unwrap())));
    assert_eq!(server.seen(), ["INFO", "SET", "SET", "SET", "SET", "PTTL", "SET", "PTTL"]);
    let set = &server.commands()[1];
    assert_eq!(set[2].len(), 40);
    assert_eq!(set[3..], [&b"NX"[..], b"PX", b"10000", b"GET"]);
}

#[tokio::test]
async fn info_over_either_protocol_names_the_server() {
    let info = "redis_version:7.0.15\r\nrun_id:abc\r\nrole:slave\r\n";
    for text in [
        format!("${}\r\n{info}\r\n", info.len()),
        // What a server sends over RESP3.
        format!("={}\r\ntxt:{info}\r\n", info.len() + 4),
    ] {
        let server = FakeServer::start(move |_| reply(text.clone())).await;
        let identity = server.node().identity(LONG).await.unwrap();
        assert_eq!((identity.run_id.as_deref(), identity.replica), (Some("abc"), true));
        assert_eq!(server.commands(), [[b"INFO"]]);
    }
}

#[tokio::test]
async fn the_other_verbs_are_one_command_each() {
    let server = FakeServer::start(|command| match &*word(command, 2) {
        "2" => reply("*6\r\n:1\r\n$1\r\nx\r\n:-1\r\n:0\r\n$0\r\n\r\n:-2\r\n"),
        _ => reply(":0\r\n"),
    })
    .await;
    let node = server.node();
    let extension = node.clone().extend(claim(&["a"]), terms(), LONG).await.unwrap();
    assert_eq!(extension, Extension::Foreign);
    assert_eq!(node.clone().release(claim(&["a"]), LONG).await.unwrap(), Removal::Foreign);
    let holdings = node.clone().inspect(LockKey::all(["a", "b"]).unwrap(), LONG).await.unwrap();
    let holding = holdings[0].as_ref().unwrap();
    assert_eq!((holding.holder, holding.expiry), (Holder::of(b"x"), Expiry::Never));
    assert_eq!(holdings[1], None);
    assert_eq!(server.seen(), ["extend", "release", "inspect"]);
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_may_have_been_applied() {
    for text in ["%1\r\n+a\r\n:1\r\n", ",1.5\r\n", "+QUEUED\r\n", "*1\r\n-ERR inner\r\n", ":7\r\n"]
    {
        let server = FakeServer::start(move |_| reply(text)).await;
        let node = server.node();
        let answer = node.clone().acquire(claim(&["a", "b"]), terms(), LONG).await.unwrap_err();
        assert_eq!(
            (answer.fault(), answer.class()),
            (Fault::Unexpected, FaultClass::Unknown),
            "{text}"
        );
        server.connections(1).await;
    }
}

#[tokio::test]
async fn what_is_no_redis_protocol_ends_the_connection_and_is_not_repeated() {
    let server = FakeServer::start(|command| match &*word(command, 0) {
        "EVAL" if command.len() == 6 => reply(format!("@{}\r\n", word(command, 4))),
        _ => obedient(command),
    })
    .await;
    let node = server.node();
    let lock = claim(&["a"]);
    let answer = node.clone().acquire(lock.clone(), terms(), LONG).await.unwrap_err();
    assert_eq!(answer.fault(), Fault::Unexpected);
    assert!(!format!("{answer} {answer:?}").contains(lock.token().expose()), "{answer}");
    assert_eq!(node.release(lock, LONG).await.unwrap(), Removal::Removed);
}

#[tokio::test]
async fn a_server_that_does_not_know_a_command_gives_no_token_away() {
    let server = FakeServer::start(|command| {
        error(&format!(
            "ERR unknown command 'EVAL', with args beginning with: '' '1' 'a' '{}' ",
            word(command, 4)
        ))
    })
    .await;
    let lock = claim(&["a"]);
    let answer = server.node().acquire(lock.clone(), terms(), LONG).await.unwrap_err();
    assert_eq!(answer.fault(), Fault::Unsupported);
    assert!(!answer.to_string().contains(lock.token().expose()), "{answer}");
}

#[tokio::test]
async fn a_push_between_answers_is_no_answer() {
    let server = FakeServer::start(|_| reply(">2\r\n+invalidate\r\n_\r\n:1\r\n")).await;
    let removal = server.node().release(claim(&["a"]), LONG).await.unwrap();
    assert_eq!(removal, Removal::Removed);
}

#[tokio::test]
async fn a_connection_that_was_closed_after_the_answer_still_gave_it() {
    let server = FakeServer::start(|_| Action::Cut(":1\r\n".into())).await;
    assert_eq!(server.node().release(claim(&["a"]), LONG).await.unwrap(), Removal::Removed);
}
