//! Servers that do not answer, and what becomes of the commands.

#![allow(clippy::unwrap_used)]

mod common;

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use common::{
    Action, FakeServer, GRANTED, LONG, SHORT, claim, cut, dead_address, obedient, reply, terms,
    verb, word,
};
use redlock_core::node::{Fault, FaultClass, LockNode, Removal};
use redlock_redis::RedisNode;

#[tokio::test]
async fn a_dead_server_refuses() {
    for url in [
        format!("redis://{}", dead_address().await),
        "redis://no.such.host.invalid".into(),
        "redis+unix:///no/such/socket".into(),
    ] {
        let node = Arc::new(RedisNode::connect(&url).unwrap());
        for _ in 0..2 {
            let error = node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
            assert_eq!(
                (error.fault(), error.class()),
                (Fault::Refused, FaultClass::NotApplied),
                "{url} {error}"
            );
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_late_is_nobody_elses() {
    let server = FakeServer::start(obedient).await;
    let node = server.node();
    node.clone().release(claim(&["a"]), LONG).await.unwrap();
    server.hang(true);
    let start = Instant::now();
    let error = node.clone().acquire(claim(&["a"]), terms(), SHORT).await.unwrap_err();
    assert_eq!((error.fault(), error.class()), (Fault::Timeout, FaultClass::Unknown));
    assert!(start.elapsed() >= SHORT, "{:?}", start.elapsed());
    server.hang(false);
    assert_eq!(node.clone().release(claim(&["a"]), LONG).await.unwrap(), Removal::Removed);
    assert_eq!(server.seen(), ["release", "acquire", "release"]);
    server.connections(1).await;
}

#[tokio::test]
async fn a_hung_server_that_returns_gets_the_release_after_the_acquire() {
    let server = FakeServer::start(obedient).await;
    let node = server.node();
    node.clone().release(claim(&["warm up"]), LONG).await.unwrap();
    server.hang(true);
    let lock = claim(&["a"]);
    node.clone().acquire(lock.clone(), terms(), SHORT).await.unwrap_err();
    let release = tokio::spawn(node.release(lock, LONG));
    tokio::time::sleep(SHORT).await;
    server.hang(false);
    release.await.unwrap().unwrap();
    assert_eq!(server.seen(), ["release", "acquire", "release"]);
}

#[tokio::test]
async fn a_command_whose_reply_was_lost_is_not_sent_again() {
    let server = FakeServer::start(|command| match &*verb(command) {
        "acquire" => cut(),
        _ => obedient(command),
    })
    .await;
    let node = server.node();
    let error = node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
    assert_eq!((error.fault(), error.class()), (Fault::ConnectionLost, FaultClass::Unknown));
    assert_eq!(node.release(claim(&["a"]), LONG).await.unwrap(), Removal::Removed);
    assert_eq!(server.seen(), ["acquire", "release"]);
}

#[tokio::test]
async fn a_connection_that_broke_while_idle_costs_no_command() {
    let cut = Arc::new(AtomicBool::new(true));
    let server = FakeServer::start({
        let cut = cut.clone();
        move |_| {
            if cut.swap(false, Ordering::SeqCst) {
                Action::Cut(":1\r\n".into())
            } else {
                reply(":1\r\n")
            }
        }
    })
    .await;
    let node = server.node();
    for _ in 0..5 {
        cut.store(true, Ordering::SeqCst);
        assert_eq!(node.clone().release(claim(&["a"]), LONG).await.unwrap(), Removal::Removed);
        server.connections(0).await;
        // The client's side of the end has its own way to go.
        tokio::time::sleep(SHORT).await;
    }
}

#[tokio::test]
async fn a_connection_of_the_older_protocol_is_replaced_after_it_cost_a_command() {
    let server = FakeServer::start(|command| match &*verb(command) {
        "acquire" => cut(),
        _ => obedient(command),
    })
    .await;
    let url = format!("redis://{}?protocol=resp2", server.address);
    let node = Arc::new(RedisNode::connect(&url).unwrap());
    let error = node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
    assert_eq!(error.fault(), Fault::ConnectionLost);
    assert_eq!(node.clone().release(claim(&["a"]), LONG).await.unwrap(), Removal::Removed);
    assert_eq!(server.seen(), ["acquire", "release"]);
}

#[tokio::test]
async fn without_time_left_nothing_is_sent() {
    let server = FakeServer::start(obedient).await;
    let node = server.node();
    node.clone().release(claim(&["a"]), LONG).await.unwrap();
    let error = node.clone().acquire(claim(&["a"]), terms(), Duration::ZERO).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Timeout);
    node.release(claim(&["a"]), LONG).await.unwrap();
    assert_eq!(server.seen(), ["release", "release"]);
}

#[tokio::test]
async fn a_command_that_waited_too_long_for_the_connection_is_not_sent_later() {
    let server = FakeServer::start(obedient).await;
    let node = server.node();
    server.hang(true);
    let error = node.clone().acquire(claim(&["a"]), terms(), SHORT).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Timeout);
    server.hang(false);
    // The attempt to connect went on meanwhile: the next command uses it.
    node.clone().release(claim(&["a"]), LONG).await.unwrap();
    tokio::time::sleep(SHORT).await;
    assert_eq!(server.seen(), ["release"]);
    server.connections(1).await;
}

#[tokio::test]
async fn the_future_of_a_verb_that_is_dropped_while_connecting_sends_nothing() {
    let server = FakeServer::start(obedient).await;
    let node = server.node();
    server.hang(true);
    tokio::time::timeout(SHORT, node.clone().acquire(claim(&["a"]), terms(), LONG))
        .await
        .unwrap_err();
    server.hang(false);
    node.release(claim(&["a"]), LONG).await.unwrap();
    assert_eq!(server.seen(), ["release"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commands_that_wait_for_the_connection_are_sent_in_their_order() {
    const COMMANDS: usize = 300;
    for _ in 0..10 {
        let server = FakeServer::start(obedient).await;
        let node = server.node();
        server.hang(true);
        let mut waiting = tokio::task::JoinSet::new();
        for index in 0..COMMANDS {
            let mut verb = node.clone().acquire(claim(&[&format!("{index:03}")]), terms(), LONG);
            // Polled here, so that the order is known; finished on whichever thread.
            let polled = poll_fn(|cx| Poll::Ready(verb.as_mut().poll(cx).is_pending())).await;
            assert!(polled);
            waiting.spawn(verb);
        }
        server.hang(false);
        while let Some(result) = waiting.join_next().await {
            assert_eq!(result.unwrap().unwrap(), GRANTED);
        }
        let keys: Vec<String> = server.commands().iter().map(|command| word(command, 3)).collect();
        assert!(keys.is_sorted() && keys.len() == COMMANDS, "{keys:?}");
    }
}

#[tokio::test]
async fn a_command_that_is_not_polled_is_sent_in_its_turn_and_holds_nobody_up() {
    let server = FakeServer::start(obedient).await;
    let node = server.node();
    server.hang(true);
    let mut first = node.clone().acquire(claim(&["a"]), terms(), LONG);
    assert!(poll_fn(|cx| Poll::Ready(first.as_mut().poll(cx).is_pending())).await);
    server.hang(false);
    let second = node.clone().release(claim(&["a"]), LONG);
    assert_eq!(second.await.unwrap(), Removal::Removed);
    assert_eq!(server.seen(), ["acquire", "release"]);
    assert_eq!(first.await.unwrap(), GRANTED);
}

#[tokio::test]
async fn an_attempt_to_connect_that_hangs_is_given_up_and_made_anew() {
    let hellos = Arc::new(AtomicUsize::new(0));
    let server = FakeServer::greeting(
        {
            let hellos = hellos.clone();
            move |_| {
                if hellos.fetch_add(1, Ordering::SeqCst) == 0 {
                    Action::Ignore
                } else {
                    reply("+OK\r\n")
                }
            }
        },
        obedient,
    )
    .await;
    let node = server.node();
    // By the limit for connecting, which is shorter than the command's.
    let error = node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Refused, "{error}");
    assert_eq!(node.acquire(claim(&["a"]), terms(), LONG).await.unwrap(), GRANTED);
    assert_eq!(server.seen(), ["acquire"]);
}
