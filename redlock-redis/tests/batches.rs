//! Commands that wait at one moment and are sent in one piece.

#![allow(clippy::unwrap_used)]

mod common;

use std::future::{poll_fn, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use common::{
    Action, FakeServer, GRANTED, LONG, SHORT, claim, cut, error, obedient, terms, verb, word,
};
use redlock_core::node::{Fault, FaultClass, LockNode, NodeError, Removal, Vote};
use redlock_redis::RedisNode;

type Verb = Pin<Box<dyn Future<Output = Result<Vote, NodeError>> + Send>>;

/// An acquire of `key`, polled once.
async fn begin(node: &Arc<RedisNode>, key: &str, timeout: Duration) -> Verb {
    let mut verb = Arc::clone(node).acquire(claim(&[key]), terms(), timeout);
    match poll_fn(|cx| Poll::Ready(verb.as_mut().poll(cx))).await {
        Poll::Ready(answer) => Box::pin(ready(answer)),
        Poll::Pending => verb,
    }
}

async fn connected(server: &FakeServer) -> Arc<RedisNode> {
    let node = server.node();
    node.clone().release(claim(&["warm up"]), LONG).await.unwrap();
    node
}

fn keys(server: &FakeServer) -> Vec<String> {
    server.commands().iter().map(|command| word(command, 3)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn order_is_kept_within_a_batch_and_from_batch_to_batch() {
    const COMMANDS: usize = 300;
    for hung in [false, true] {
        let server = FakeServer::start(obedient).await;
        let node = connected(&server).await;
        server.hang(hung);
        let mut waiting = tokio::task::JoinSet::new();
        for index in 0..COMMANDS {
            waiting.spawn(begin(&node, &format!("{index:03}"), LONG).await);
            if index % 7 == 0 {
                tokio::time::sleep(Duration::from_micros(index as u64)).await;
            }
        }
        server.hang(false);
        while let Some(result) = waiting.join_next().await {
            assert_eq!(result.unwrap().unwrap(), GRANTED);
        }
        let keys = keys(&server).split_off(1);
        assert!(keys.is_sorted() && keys.len() == COMMANDS, "{keys:?}");
        server.connections(1).await;
    }
}

#[tokio::test]
async fn an_error_in_a_batch_is_its_own_commands_only() {
    let server = FakeServer::start(|command| match &*word(command, 3) {
        "full" => error("OOM command not allowed when used memory > 'maxmemory'."),
        "slow" => error("BUSY Redis is busy running a script."),
        _ => obedient(command),
    })
    .await;
    let node = connected(&server).await;
    let mut verbs = Vec::new();
    for key in ["a", "full", "b", "slow", "c"] {
        verbs.push(begin(&node, key, LONG).await);
    }
    let mut faults = Vec::new();
    for verb in verbs {
        faults.push(verb.await.err().map(|error| error.fault()));
    }
    assert_eq!(faults, [None, Some(Fault::OutOfMemory), None, Some(Fault::Busy), None]);
    server.connections(1).await;
}

#[tokio::test]
async fn a_command_that_is_dropped_before_its_batch_is_sent_is_not_sent() {
    let server = FakeServer::start(obedient).await;
    let node = connected(&server).await;
    let first = begin(&node, "a", LONG).await;
    let second = begin(&node, "b", LONG).await;
    let third = begin(&node, "c", LONG).await;
    drop(second);
    assert_eq!((first.await.unwrap(), third.await.unwrap()), (GRANTED, GRANTED));
    drop(begin(&node, "d", LONG).await);
    node.clone().release(claim(&["e"]), LONG).await.unwrap();
    assert_eq!(keys(&server), ["warm up", "a", "c", "e"]);
}

#[tokio::test]
async fn a_command_is_under_way_at_its_first_poll_where_none_met_another_for_some_time() {
    let server = FakeServer::start(obedient).await;
    let node = connected(&server).await;
    for _ in 0..8 {
        node.clone().release(claim(&["alone"]), LONG).await.unwrap();
    }
    drop(begin(&node, "sent", LONG).await);
    node.clone().release(claim(&["next"]), LONG).await.unwrap();
    let mut company = Vec::new();
    for key in ["a", "b", "c"] {
        company.push(begin(&node, key, LONG).await);
    }
    for verb in company {
        assert_eq!(verb.await.unwrap(), GRANTED);
    }
    drop(begin(&node, "not sent", LONG).await);
    node.clone().release(claim(&["last"]), LONG).await.unwrap();
    let keys = keys(&server);
    assert_eq!(keys[9..], ["sent", "next", "a", "b", "c", "last"]);
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_fate_of_a_whole_batch_unknown() {
    let server = FakeServer::start(|command| match &*word(command, 3) {
        "cut" => cut(),
        _ => obedient(command),
    })
    .await;
    for protocol in ["resp2", "resp3"] {
        let url = format!("redis://{}?protocol={protocol}", server.address);
        let node = Arc::new(RedisNode::connect(&url).unwrap());
        node.clone().release(claim(&["warm up"]), LONG).await.unwrap();
        let before = server.commands().len();
        let mut verbs = Vec::new();
        for key in ["a", "cut", "b"] {
            verbs.push(begin(&node, key, LONG).await);
        }
        for verb in verbs {
            let error = verb.await.unwrap_err();
            assert_eq!(
                (error.fault(), error.class()),
                (Fault::ConnectionLost, FaultClass::Unknown)
            );
        }
        assert_eq!(node.release(claim(&["a"]), LONG).await.unwrap(), Removal::Removed);
        let seen: Vec<_> = server.commands()[before..].iter().map(verb).collect();
        assert_eq!(seen, ["acquire", "acquire", "release"], "nothing is sent again");
    }
}

#[tokio::test]
async fn a_command_that_runs_out_of_time_takes_none_of_its_batch_with_it() {
    let server = FakeServer::start(obedient).await;
    let node = connected(&server).await;
    server.hang(true);
    let limits = [LONG, SHORT * 2, SHORT, LONG];
    let mut verbs = Vec::new();
    for (key, limit) in ["a", "b", "c", "d"].into_iter().zip(limits) {
        verbs.push(begin(&node, key, limit).await);
    }
    let last = verbs.pop().unwrap();
    for _ in 0..2 {
        let error = verbs.pop().unwrap().await.unwrap_err();
        assert_eq!((error.fault(), error.class()), (Fault::Timeout, FaultClass::Unknown));
    }
    server.hang(false);
    assert_eq!((verbs.pop().unwrap().await.unwrap(), last.await.unwrap()), (GRANTED, GRANTED));
    // What came too late was sent with the rest, and its answer is nobody else's.
    assert_eq!(keys(&server), ["warm up", "a", "b", "c", "d"]);
}

#[tokio::test]
async fn a_time_limit_passes_while_answers_to_others_keep_coming() {
    let silent = Arc::new(AtomicBool::new(false));
    let server = FakeServer::start({
        let silent = silent.clone();
        move |command| {
            if silent.load(Ordering::SeqCst) { Action::Ignore } else { obedient(command) }
        }
    })
    .await;
    let node = connected(&server).await;
    for _ in 0..20 {
        begin(&node, "a", LONG).await.await.unwrap();
    }
    silent.store(true, Ordering::SeqCst);
    let start = Instant::now();
    for round in 1..=3 {
        // Longer than this takes one that is never told.
        let told = tokio::time::timeout(LONG, begin(&node, "b", SHORT).await);
        assert_eq!(told.await.unwrap().unwrap_err().fault(), Fault::Timeout);
        assert!(start.elapsed() >= SHORT * round, "too early in round {round}");
    }
}

#[tokio::test]
async fn more_than_may_be_unanswered_waits_in_order_and_within_its_time() {
    const UNANSWERED: usize = 4_096;
    let server = FakeServer::start(obedient).await;
    let node = connected(&server).await;
    server.hang(true);
    let mut verbs = Vec::new();
    for index in 0..UNANSWERED + 100 {
        verbs.push(begin(&node, &format!("{index:04}"), LONG).await);
        // So that it is a batch of its own.
        tokio::task::yield_now().await;
    }
    let late = begin(&node, "late", SHORT).await;
    verbs.push(begin(&node, "last", LONG).await);
    assert_eq!(late.await.unwrap_err().fault(), Fault::Timeout);
    server.hang(false);
    for verb in verbs {
        assert_eq!(verb.await.unwrap(), GRANTED);
    }
    let keys = keys(&server).split_off(1);
    assert_eq!((keys.len(), &*keys[keys.len() - 1]), (UNANSWERED + 101, "last"));
    assert!(keys.is_sorted());
}

#[test]
fn a_time_limit_passes_when_the_connections_own_runtime_stands_still() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let servers = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let server = servers.block_on(FakeServer::start(obedient));
    let (still, other) = (runtime(), runtime());
    let node = still.block_on(connected(&server));
    let start = Instant::now();
    let verb = node.clone().acquire(claim(&["a"]), terms(), SHORT);
    assert_eq!(other.block_on(verb).unwrap_err().fault(), Fault::Timeout);
    assert!(start.elapsed() >= SHORT, "{:?}", start.elapsed());
    still.block_on(node.release(claim(&["b"]), LONG)).unwrap();
    assert_eq!(keys(&server), ["warm up", "b"], "a command came after its time");
}
