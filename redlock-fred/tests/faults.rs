//! Servers that are slow, gone, or go away.

#![allow(clippy::unwrap_used)]

mod common;

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use common::{
    Action, FakeServer, GRANT, GRANTED, LONG, SHORT, claim, cut, dead_address, greet, reply, terms,
};
use redlock_fred::FredNode;
use redlock_fred::redlock_core::node::{Fault, FaultClass, LockNode, Removal};
use tokio::net::{TcpListener, TcpSocket};

#[tokio::test]
async fn no_answer_within_the_limit_is_a_timeout_and_no_later() {
    let server = FakeServer::start(|_| Action::Ignore).await;
    let node = server.node();
    let start = Instant::now();
    let error = node.clone().acquire(claim(&["a"]), terms(), SHORT).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Timeout);
    assert!(start.elapsed() >= SHORT && start.elapsed() < LONG, "{:?}", start.elapsed());
    // The connection goes on: a release must be able to follow.
    server.connections(1).await;
}

#[tokio::test]
async fn a_limit_of_zero_is_no_time_and_not_for_ever() {
    let server = FakeServer::start(|command| {
        if common::verb(command) == "acquire" { Action::Ignore } else { reply(":1\r\n") }
    })
    .await;
    let node = server.node();
    for _ in 0..2 {
        let answer = node.clone().acquire(claim(&["a"]), terms(), Duration::ZERO);
        let error = tokio::time::timeout(LONG, answer).await.unwrap().unwrap_err();
        assert_eq!(error.fault(), Fault::Timeout);
        // The first time it was not connected, now it is.
        node.clone().release(claim(&["a"]), LONG).await.unwrap();
    }
    assert_eq!(server.seen(), ["release", "release"]);
}

#[tokio::test]
async fn a_dead_server_refuses_at_once_and_serves_when_it_is_back() {
    let address = dead_address().await;
    let node = Arc::new(FredNode::connect(&format!("redis://{address}")).unwrap());
    let start = Instant::now();
    for _ in 0..20 {
        let error = node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Refused);
    }
    assert!(start.elapsed() < LONG, "{:?}", start.elapsed());

    let server = FakeServer::on(TcpListener::bind(address).await.unwrap(), greet, |_| reply(GRANT));
    server.connections(1).await;
    tokio::time::timeout(LONG, async {
        while node.clone().acquire(claim(&["a"]), terms(), LONG).await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(server.seen(), ["acquire"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_dies_refuses_from_the_first_moment() {
    for _ in 0..20 {
        let server = FakeServer::start(|_| reply(GRANT)).await;
        let node = server.node();
        node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap();
        let verbs: Vec<_> = (0..4)
            .map(|_| {
                let node = node.clone();
                tokio::spawn(async move {
                    let mut refused = 0;
                    // For longer than it takes to try to connect again.
                    while refused < 1_000 {
                        match node.clone().acquire(claim(&["a"]), terms(), LONG).await {
                            Err(error) if error.fault() == Fault::Refused => refused += 1,
                            Err(error) => assert_eq!(error.fault(), Fault::ConnectionLost),
                            Ok(_) => assert_eq!(refused, 0, "it was dead"),
                        }
                    }
                })
            })
            .collect();
        server.stop().await;
        for verb in verbs {
            verb.await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_first_verbs_wait_for_the_connection() {
    let server = FakeServer::start(|_| reply(GRANT)).await;
    let node = server.node();
    let verbs: Vec<_> =
        (0..20).map(|_| tokio::spawn(node.clone().acquire(claim(&["a"]), terms(), LONG))).collect();
    for verb in verbs {
        assert_eq!(verb.await.unwrap().unwrap(), GRANTED);
    }
    server.connections(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_waits_for_the_first_connection_is_sent_in_the_order_it_came() {
    for _ in 0..20 {
        let server = FakeServer::start(|_| reply(GRANT)).await;
        let node = server.node();
        let keys: Vec<_> = (0..50).map(|i| i.to_string()).collect();
        let mut verbs = Vec::new();
        for key in &keys {
            let mut verb = node.clone().acquire(claim(&[key]), terms(), LONG);
            // Its first poll is what counts; any thread may go on with it.
            let early = poll_fn(|cx| Poll::Ready(verb.as_mut().poll(cx))).await;
            verbs.push(tokio::spawn(async move {
                match early {
                    Poll::Ready(vote) => vote,
                    Poll::Pending => verb.await,
                }
            }));
            tokio::task::yield_now().await;
        }
        for verb in verbs {
            assert_eq!(verb.await.unwrap().unwrap(), GRANTED);
        }
        let sent: Vec<_> = server.commands().iter().map(common::resource).collect();
        assert_eq!(sent, keys);
    }
}

#[tokio::test]
async fn a_command_whose_connection_is_cut_is_sent_once_and_its_fate_unknown() {
    let count = AtomicUsize::new(0);
    let server = FakeServer::start(move |_| {
        if count.fetch_add(1, Ordering::SeqCst) == 0 { cut() } else { reply(GRANT) }
    })
    .await;
    let node = server.node();
    let error = node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap_err();
    assert_eq!((error.fault(), error.class()), (Fault::ConnectionLost, FaultClass::Unknown));
    server.connections(0).await;

    // fred would send it again as soon as it has a connection.
    server.connections(1).await;
    tokio::time::sleep(SHORT).await;
    assert_eq!(server.seen(), ["acquire"]);
    assert_eq!(node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap(), GRANTED);
}

#[tokio::test]
async fn of_many_commands_on_a_cut_connection_none_is_sent_twice() {
    let server = FakeServer::start(|command| match common::resource(command).as_str() {
        "warm up" => reply(GRANT),
        "last" => cut(),
        _ => Action::Ignore,
    })
    .await;
    let node = server.node();
    node.clone().acquire(claim(&["warm up"]), terms(), LONG).await.unwrap();
    let _ = node.clone().acquire(claim(&["first"]), terms(), SHORT).await;
    let keys = ["b", "c", "d", "last"];
    let verbs: Vec<_> =
        keys.map(|key| tokio::spawn(node.clone().acquire(claim(&[key]), terms(), LONG))).into();
    for verb in verbs {
        assert_eq!(verb.await.unwrap().unwrap_err().class(), FaultClass::Unknown);
    }
    server.connections(1).await;
    tokio::time::sleep(SHORT).await;
    assert_eq!(server.seen().len(), 6);
}

#[tokio::test]
async fn a_hung_server_that_returns_gets_the_acquire_and_then_its_release() {
    let server = FakeServer::start(|command| {
        if common::verb(command) == "acquire" { reply(GRANT) } else { reply(":1\r\n") }
    })
    .await;
    let node = server.node();
    node.clone().acquire(claim(&["warm up"]), terms(), LONG).await.unwrap();
    server.hang(true);
    let lock = claim(&["a"]);
    let error = node.clone().acquire(lock.clone(), terms(), SHORT).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Timeout);
    let error = node.clone().release(lock.clone(), SHORT).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Timeout);

    server.hang(false);
    assert_eq!(node.clone().release(lock, LONG).await.unwrap(), Removal::Removed);
    assert_eq!(server.seen(), ["acquire", "acquire", "release", "release"]);
}

#[tokio::test]
async fn a_command_whose_time_ran_out_before_it_was_written_is_not_sent_later() {
    // A server whose buffers are full: fred's writer is stuck, and what comes after waits in its queue.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let server = FakeServer::on(socket.listen(8).unwrap(), greet, |_| reply(":0\r\n"));
    let node = server.node();
    node.clone().extend(claim(&["warm up"]), terms(), LONG).await.unwrap();
    server.hang(true);

    let big: Vec<String> = (0..64).map(|i| format!("{i:0>500}")).collect();
    let big = claim(&big.iter().map(String::as_str).collect::<Vec<_>>());
    let mut stuck = Vec::new();
    for _ in 0..400 {
        let mut verb = node.clone().extend(big.clone(), terms(), LONG);
        // Its first poll is what counts: the late one comes behind them all.
        assert!(poll_fn(|cx| Poll::Ready(verb.as_mut().poll(cx).is_pending())).await);
        stuck.push(tokio::spawn(verb));
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(SHORT).await;

    let error = node.clone().acquire(claim(&["late"]), terms(), SHORT).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Timeout);
    server.hang(false);
    for verb in stuck {
        let _ = verb.await.unwrap();
    }
    node.clone().extend(claim(&["after"]), terms(), LONG).await.unwrap();
    let seen = server.seen();
    assert!(seen.len() > 300, "{}", seen.len());
    assert!(!seen.contains(&"acquire".to_owned()), "sent after its time");
}

#[tokio::test]
async fn a_command_whose_time_ran_out_while_reconnecting_is_not_sent_later() {
    let greeted = Arc::new(AtomicUsize::new(0));
    let count = greeted.clone();
    let slow_second_time = move |command: &common::Command| match common::word(command, 0).as_str()
    {
        "PING" if count.fetch_add(1, Ordering::SeqCst) > 0 => Action::Ignore,
        _ => greet(command),
    };
    let server = FakeServer::greeting(slow_second_time, |command| {
        if common::verb(command) == "acquire" { reply(GRANT) } else { cut() }
    })
    .await;
    let node = server.node();
    node.clone().release(claim(&["a"]), LONG).await.unwrap_err();
    let mut faults = Vec::new();
    for _ in 0..200 {
        match node.clone().acquire(claim(&["a"]), terms(), Duration::from_millis(1)).await {
            Err(error) => faults.push(error.fault()),
            Ok(vote) => unreachable!("{vote:?} without a connection"),
        }
    }
    assert!(faults.contains(&Fault::Refused), "{faults:?}");
    // The third attempt greets properly.
    greeted.store(0, Ordering::SeqCst);
    tokio::time::timeout(2 * LONG, async {
        while node.clone().acquire(claim(&["live"]), terms(), LONG).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(server.seen(), ["release", "acquire"]);
}

#[tokio::test]
async fn a_command_whose_time_ran_out_while_connecting_is_not_sent_later() {
    let server = FakeServer::start(|_| reply(GRANT)).await;
    server.hang(true);
    let node = server.node();
    let error = node.clone().acquire(claim(&["late"]), terms(), SHORT).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Timeout);
    let left = node.clone().acquire(claim(&["left"]), terms(), LONG);
    tokio::time::timeout(SHORT, left).await.unwrap_err();
    server.hang(false);
    // Where the machine was slow the attempt to connect ran out of time too, and another one follows.
    tokio::time::timeout(LONG, async {
        while node.clone().acquire(claim(&["live"]), terms(), LONG).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(server.commands().iter().map(common::resource).collect::<Vec<_>>(), ["live"]);
}

#[tokio::test]
async fn a_future_that_is_not_polled_sends_nothing() {
    let server = FakeServer::start(|_| reply(GRANT)).await;
    let node = server.node();
    node.clone().acquire(claim(&["a"]), terms(), LONG).await.unwrap();
    drop(node.clone().acquire(claim(&["b"]), terms(), LONG));
    tokio::time::sleep(SHORT).await;
    assert_eq!(server.seen(), ["acquire"]);
}
