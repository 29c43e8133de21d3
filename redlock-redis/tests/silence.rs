//! Peers that read on and answer nothing.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{FakeServer, GRANTED, LONG, SHORT, claim, obedient, terms, word};
use redlock_core::node::{Fault, FaultClass, Listener, LockNode, Removal};
use redlock_redis::RedisNode;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// As many commands as may be unanswered.
const MOST: usize = 4_096;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_whose_oldest_command_is_not_answered_is_given_up_and_the_node_comes_back() {
    let server = FakeServer::start(obedient).await;
    let node = server.node();
    node.clone().release(claim(&["warm up"]), LONG).await.unwrap();
    server.mute();
    let mut tasks = JoinSet::new();
    for task in 0..16 {
        let node = node.clone();
        tasks.spawn(async move {
            let lock = claim(&[&task.to_string()]);
            // Until the node is back. All that was on the way is unknown.
            loop {
                match node.clone().acquire(lock.clone(), terms(), SHORT).await {
                    Ok(vote) => assert_eq!(vote, GRANTED),
                    Err(error) => {
                        assert_eq!(error.class(), FaultClass::Unknown, "{error}");
                        let _ = node.clone().release(lock.clone(), SHORT).await;
                        continue;
                    }
                }
                assert_eq!(node.clone().release(lock, LONG).await, Ok(Removal::Removed));
                return;
            }
        });
    }
    let back = async { while tasks.join_next().await.transpose().unwrap().is_some() {} };
    tokio::time::timeout(LONG, back).await.expect("the node did not come back");
    assert_eq!(server.accepted(), 2);
    server.connections(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unanswered_is_bounded_on_any_connection() {
    let own = FakeServer::start(obedient).await;
    let theirs = FakeServer::start(obedient).await;
    let connection = theirs.client().get_multiplexed_async_connection().await.unwrap();
    let borrowed = Arc::new(RedisNode::from_connection("theirs", connection).unwrap());
    for (server, node) in [(&own, own.node()), (&theirs, borrowed)] {
        node.clone().release(claim(&["warm up"]), LONG).await.unwrap();
        server.mute();
        let mut verbs = JoinSet::new();
        for _ in 0..2 * MOST {
            verbs.spawn(node.clone().acquire(claim(&["a"]), terms(), SHORT * 10));
        }
        while let Some(answer) = verbs.join_next().await {
            answer.unwrap().ok();
        }
        // And those few that are sent to see whether it answers again.
        let unanswered = server.unanswered();
        assert!(unanswered > MOST / 2 && unanswered <= MOST + 10, "{unanswered}");
    }
}

#[tokio::test]
async fn a_connection_that_is_handed_over_has_room_again_when_its_server_answers() {
    let server = FakeServer::start(obedient).await;
    let connection = server.client().get_multiplexed_async_connection().await.unwrap();
    let node = Arc::new(RedisNode::from_connection("mine", connection).unwrap());
    server.hang(true);
    let mut verbs = JoinSet::new();
    for _ in 0..MOST {
        verbs.spawn(node.clone().acquire(claim(&["a"]), terms(), SHORT * 10));
    }
    while let Some(answer) = verbs.join_next().await {
        assert_eq!(answer.unwrap().unwrap_err().fault(), Fault::Timeout);
    }
    // One is sent now and then, and times out.
    let full = async {
        loop {
            let error = node.clone().acquire(claim(&["b"]), terms(), SHORT).await.unwrap_err();
            if error.fault() == Fault::Refused {
                return error;
            }
        }
    };
    let error = tokio::time::timeout(LONG, full).await.unwrap();
    assert_eq!(error.class(), FaultClass::NotApplied, "{error}");
    server.hang(false);
    let back = async {
        while node.clone().acquire(claim(&["c"]), terms(), LONG).await != Ok(GRANTED) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, back).await.unwrap();
    let last = word(server.commands().last().unwrap(), 3);
    assert_eq!(last, "c");
}

struct Ear(UnboundedSender<()>);

impl Listener for Ear {
    fn listening(&self) {
        self.0.send(()).unwrap();
    }

    fn released(&self, _: &[u8]) {}
}

#[tokio::test]
async fn a_subscription_that_is_not_answered_ends() {
    let server = FakeServer::start(|command| match &*word(command, 0) {
        "SUBSCRIBE" => common::reply(">3\r\n$9\r\nsubscribe\r\n$16\r\nredlock:released\r\n:1\r\n"),
        "PING" => common::error("NOPERM this user has no permissions to run the 'ping' command"),
        _ => obedient(command),
    })
    .await;
    let (tell, mut heard) = unbounded_channel();
    let listening = tokio::spawn(server.node().listen(Arc::new(Ear(tell)), LONG));
    heard.recv().await.unwrap();
    // Asked once, and answered by a refusal, which is an answer.
    let asked = async {
        while !server.seen().iter().any(|name| name == "PING") {
            tokio::time::sleep(SHORT).await;
        }
    };
    tokio::time::timeout(LONG, asked).await.unwrap();
    tokio::time::sleep(SHORT).await;
    assert!(!listening.is_finished());
    server.mute();
    let ended = tokio::time::timeout(LONG, listening).await.unwrap().unwrap();
    assert_eq!(ended.fault(), Fault::ConnectionLost, "{ended}");
    server.connections(0).await;
}
