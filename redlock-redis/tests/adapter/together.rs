//! Releases of one moment, sent as one. The same for every adapter that does so.

use std::future::{poll_fn, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use redlock_core::node::{Fault, LockNode, NodeError, Removal, Vote};

use crate::common::{
    Action, Command, FakeServer, LONG, Node, SHORT, are_together, bulk, claim, cut, error, keys,
    obedient, reply, terms, verb, word,
};

pub(crate) type Verb<T> = Pin<Box<dyn Future<Output = Result<T, NodeError>> + Send>>;

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

pub(crate) fn serve(command: &Command) -> Action {
    if are_together(command) { each(command) } else { obedient(command) }
}

/// The verb, polled once.
pub(crate) async fn begin<T: Send + 'static>(mut verb: Verb<T>) -> Verb<T> {
    match poll_fn(|cx| Poll::Ready(verb.as_mut().poll(cx))).await {
        Poll::Ready(answer) => Box::pin(ready(answer)),
        Poll::Pending => verb,
    }
}

/// All that is begun by this is of one moment, however busy the machine is: the clock stands still. It must not wait.
pub(crate) async fn at_once<T>(begin: impl Future<Output = T>) -> T {
    tokio::time::pause();
    let begun = begin.await;
    tokio::time::resume();
    begun
}

/// Releases of one moment.
pub(crate) async fn together<const N: usize>(
    node: &Arc<Node>,
    keys: [&str; N],
) -> Vec<Verb<Removal>> {
    at_once(async {
        let mut releases = Vec::new();
        for key in keys {
            releases.push(release(node, key).await);
        }
        releases
    })
    .await
}

pub(crate) async fn release(node: &Arc<Node>, key: &str) -> Verb<Removal> {
    begin(node.clone().release(claim(&[key]), LONG)).await
}

/// A node that knows its server, and a server that hangs with so many commands that releases are sent together.
pub(crate) async fn crowded(server: &FakeServer) -> (Arc<Node>, Vec<Verb<Vote>>) {
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

/// What was sent beside the crowd: the keys of each command.
pub(crate) fn sent(server: &FakeServer) -> Vec<Vec<String>> {
    let keys = |command: &Command| match verb(command).as_str() {
        "INFO" => Vec::new(),
        "SET" => vec![format!("SET {}", word(command, 1))],
        _ => keys(command),
    };
    let is_own = |keys: &Vec<String>| {
        !keys.is_empty() && !keys[0].starts_with("SET crowd") && keys[0] != "warm up"
    };
    server.commands().iter().map(keys).filter(is_own).collect()
}

#[tokio::test]
async fn releases_of_one_moment_are_one_command_and_each_has_its_own_answer() {
    let server = FakeServer::start(serve).await;
    let (node, crowd) = crowded(&server).await;
    let names = ["ours", "gone", "foreign", "forbidden", "ours too"];
    let releases = together(&node, names).await;
    server.hang(false);
    let mut answers = Vec::new();
    for release in releases {
        answers.push(release.await.map_err(|error| error.fault()));
    }
    let removed = Ok(Removal::Removed);
    let found = [removed, Ok(Removal::Gone), Ok(Removal::Foreign), Err(Fault::Permission), removed];
    assert_eq!(answers, found);
    assert_eq!(sent(&server), [["ours", "gone", "foreign", "forbidden", "ours too"]]);
    for one in crowd {
        one.await.unwrap();
    }
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
    assert_eq!(sent(&server), [vec!["a", "b"], vec!["a"], vec!["b"]]);
    server.hang(true);
    let releases = together(&node, ["c", "d", "e", "f", "g", "h"]).await;
    let soon = began.elapsed() < Duration::from_secs(1);
    server.hang(false);
    for release in releases {
        release.await.unwrap();
    }
    if soon {
        assert_eq!(sent(&server)[3..], [["c"], ["d"], ["e"], ["f"], ["g"], ["h"]]);
    }
}

#[tokio::test]
async fn a_server_that_forgot_the_script_is_sent_it_again() {
    let (asked, forgotten) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let forgets = Arc::clone(&forgotten);
    let server = FakeServer::start(move |command| {
        if are_together(command) && asked.fetch_add(1, Ordering::SeqCst) == 1 {
            forgets.fetch_add(1, Ordering::SeqCst);
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
    assert_eq!(forgotten.load(Ordering::SeqCst), 1);
    let last = sent(&server).pop().unwrap();
    assert!(last.len() > 1, "sent together again: {last:?}");
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
    // What was lost is not sent again by the next connection.
    while node.clone().identity(LONG).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(sent(&server), [["a", "b"]]);
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
