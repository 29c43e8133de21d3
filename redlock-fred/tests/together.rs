//! Releases that are sent at one moment, in a crowd.

#![allow(clippy::unwrap_used)]

mod common;

use std::future::{poll_fn, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use common::{
    Action, Command, FakeServer, LONG, SHORT, bulk, claim, cut, error, obedient, reply, terms,
    verb, word,
};
use redlock_fred::FredNode;
use redlock_fred::redlock_core::node::{Fault, LockNode, NodeError, Removal, Vote};

type Verb<T> = Pin<Box<dyn Future<Output = Result<T, NodeError>> + Send>>;

/// Whether a command is several releases.
fn are_together(command: &Command) -> bool {
    word(command, 0) == "EVAL" && word(command, 1).contains("answers[i]")
}

/// The keys of a script's command.
fn keys(command: &Command) -> Vec<String> {
    let count = word(command, 2).parse::<usize>().unwrap();
    (3..3 + count).map(|index| word(command, index)).collect()
}

/// What each of several releases finds, by the name of its key.
fn each(command: &Command) -> Action {
    let keys = keys(command);
    let found = keys.iter().map(|key| match key.as_str() {
        "gone" => ":-1\r\n".to_owned(),
        "foreign" => ":0\r\n".to_owned(),
        "forbidden" => "*1\r\n$19\r\nNOPERM not this key\r\n".to_owned(),
        _ => ":1\r\n".to_owned(),
    });
    reply(format!("*{}\r\n{}", keys.len(), found.collect::<String>()))
}

fn serve(command: &Command) -> Action {
    if are_together(command) { each(command) } else { obedient(command) }
}

/// The verb, polled once.
async fn begin<T: Send + 'static>(mut verb: Verb<T>) -> Verb<T> {
    match poll_fn(|cx| Poll::Ready(verb.as_mut().poll(cx))).await {
        Poll::Ready(answer) => Box::pin(ready(answer)),
        Poll::Pending => verb,
    }
}

/// All that is begun by this is of one moment, however busy the machine is: the clock stands still. It must not wait.
async fn at_once<T>(begin: impl Future<Output = T>) -> T {
    tokio::time::pause();
    let begun = begin.await;
    tokio::time::resume();
    begun
}

/// Releases of one moment.
async fn together<const N: usize>(node: &Arc<FredNode>, keys: [&str; N]) -> Vec<Verb<Removal>> {
    at_once(async {
        let mut releases = Vec::new();
        for key in keys {
            releases.push(release(node, key).await);
        }
        releases
    })
    .await
}

async fn release(node: &Arc<FredNode>, key: &str) -> Verb<Removal> {
    begin(node.clone().release(claim(&[key]), LONG)).await
}

/// A node that knows its server, and a server that hangs with so many commands that releases are sent together.
async fn crowded(server: &FakeServer) -> (Arc<FredNode>, Vec<Verb<Vote>>) {
    let node = server.node();
    node.clone().identity(LONG).await.unwrap();
    node.clone().release(claim(&["warm up"]), LONG).await.unwrap();
    server.hang(true);
    let mut crowd = Vec::new();
    for index in 0..8 {
        let acquire = node.clone().acquire(claim(&[&format!("crowd {index}")]), terms(), LONG);
        crowd.push(begin(acquire).await);
    }
    (node, crowd)
}

/// What was sent behind the crowd: the keys of each command.
fn behind(server: &FakeServer) -> Vec<Vec<String>> {
    let commands = server.commands();
    let last = commands.iter().rposition(|command| word(command, 1).starts_with("crowd")).unwrap();
    let keys = |command: &Command| match verb(command).as_str() {
        "SET" => vec![format!("SET {}", word(command, 1))],
        _ => keys(command),
    };
    commands[last + 1..].iter().map(keys).collect()
}

#[tokio::test]
async fn releases_of_one_moment_are_one_command_and_each_has_its_own_answer() {
    let server = FakeServer::start(serve).await;
    let (node, crowd) = crowded(&server).await;
    let names = ["ours", "gone", "foreign", "forbidden", "ours too", "left"];
    let mut releases = together(&node, names).await;
    // Its caller leaves: it is sent all the same.
    drop(releases.pop());
    server.hang(false);
    let mut answers = Vec::new();
    for release in releases {
        answers.push(release.await.map_err(|error| error.fault()));
    }
    let removed = Ok(Removal::Removed);
    let found = [removed, Ok(Removal::Gone), Ok(Removal::Foreign), Err(Fault::Permission), removed];
    assert_eq!(answers, found);
    assert_eq!(behind(&server), [["ours", "gone", "foreign", "forbidden", "ours too", "left"]]);
    for one in crowd {
        one.await.unwrap();
    }
}

#[tokio::test]
async fn without_a_crowd_each_goes_by_itself() {
    let server = FakeServer::start(serve).await;
    let node = server.node();
    node.clone().release(claim(&["warm up"]), LONG).await.unwrap();
    for key in ["a", "b"] {
        node.clone().release(claim(&[key]), LONG).await.unwrap();
    }
    assert!(!server.commands().iter().any(are_together));
}

#[tokio::test]
async fn what_comes_next_on_a_key_comes_behind_its_release() {
    let server = FakeServer::start(serve).await;
    let (node, crowd) = crowded(&server).await;
    let releases = together(&node, ["a", "b"]).await;
    let mut acquires = Vec::new();
    for key in ["c", "a", "b"] {
        acquires.push(begin(node.clone().acquire(claim(&[key]), terms(), LONG)).await);
    }
    // Of several resources: nobody looks whose keys they are.
    let more = release(&node, "d").await;
    let last = begin(node.clone().release(claim(&["e", "f"]), LONG)).await;
    server.hang(false);
    for release in releases.into_iter().chain([more, last]) {
        assert_eq!(release.await.unwrap(), Removal::Removed);
    }
    for acquire in acquires.into_iter().chain(crowd) {
        acquire.await.unwrap();
    }
    let sent = [
        vec!["SET c".to_owned()],
        vec!["a".to_owned(), "b".to_owned()],
        vec!["SET a".to_owned()],
        vec!["SET b".to_owned()],
        vec!["d".to_owned()],
        vec!["e".to_owned(), "f".to_owned()],
    ];
    assert_eq!(behind(&server), sent);
}

#[tokio::test]
async fn what_is_refused_together_is_sent_by_each_and_not_together_again_at_once() {
    let server = FakeServer::start(|command| {
        if are_together(command) { error("NOPERM no right to a key") } else { obedient(command) }
    })
    .await;
    let (node, _crowd) = crowded(&server).await;
    let began = Instant::now();
    let releases = together(&node, ["a", "b"]).await;
    server.hang(false);
    for release in releases {
        assert_eq!(release.await.unwrap(), Removal::Removed);
    }
    assert_eq!(behind(&server), [vec!["a", "b"], vec!["a"], vec!["b"]]);
    server.hang(true);
    let releases = together(&node, ["c", "d", "e", "f", "g", "h"]).await;
    let soon = began.elapsed() < Duration::from_secs(1);
    server.hang(false);
    for release in releases {
        release.await.unwrap();
    }
    if soon {
        assert_eq!(behind(&server)[3..], [["c"], ["d"], ["e"], ["f"], ["g"], ["h"]]);
    }
}

#[tokio::test]
async fn a_server_that_forgot_the_script_is_sent_it_again() {
    let forgets = AtomicUsize::new(0);
    let server = FakeServer::start(move |command| {
        if are_together(command) && forgets.fetch_add(1, Ordering::SeqCst) == 1 {
            return error("NOSCRIPT No matching script. Please use EVAL.");
        }
        serve(command)
    })
    .await;
    let (node, _crowd) = crowded(&server).await;
    for _ in 0..3 {
        server.hang(true);
        let releases = together(&node, ["a", "b", "c", "d", "e", "f", "g", "h"]).await;
        server.hang(false);
        for release in releases {
            assert_eq!(release.await.unwrap(), Removal::Removed);
        }
    }
    let together = server.commands().iter().filter(|command| are_together(command)).count();
    assert_eq!(together, 3);
}

#[tokio::test]
async fn those_sent_together_run_out_of_time_or_are_lost_together() {
    let server =
        FakeServer::start(|command| if are_together(command) { cut() } else { obedient(command) })
            .await;
    let (node, _crowd) = crowded(&server).await;
    let late = |key: &str| begin(node.clone().release(claim(&[key]), SHORT));
    for release in at_once(async { [late("a").await, late("b").await] }).await {
        assert_eq!(release.await.unwrap_err().fault(), Fault::Timeout);
    }
    let lost = together(&node, ["c", "d"]).await;
    server.hang(false);
    for release in lost {
        assert_eq!(release.await.unwrap_err().fault(), Fault::ConnectionLost);
    }
    server.connections(1).await;
    assert_eq!(behind(&server), [["a", "b"]]);
}

#[tokio::test]
async fn a_server_that_answers_them_with_something_else_leaves_their_fate_unknown() {
    let server =
        FakeServer::start(
            |command| {
                if are_together(command) { bulk("nonsense") } else { obedient(command) }
            },
        )
        .await;
    let (node, _crowd) = crowded(&server).await;
    let releases = together(&node, ["a", "b"]).await;
    server.hang(false);
    for release in releases {
        assert_eq!(release.await.unwrap_err().fault(), Fault::Unexpected);
    }
}
