//! Releases that are sent at one moment, in a crowd.

#![allow(clippy::unwrap_used)]

#[path = "../../redlock-redis/tests/adapter/together.rs"]
mod cases;
mod common;

use cases::{begin, crowded, release, sent, serve, together};
use common::{FakeServer, LONG, are_together, claim, terms};
use redlock_fred::redlock_core::node::{LockNode, Removal};

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
    let expected = [
        vec!["SET c".to_owned()],
        vec!["a".to_owned(), "b".to_owned()],
        vec!["SET a".to_owned()],
        vec!["SET b".to_owned()],
        vec!["d".to_owned()],
        vec!["e".to_owned(), "f".to_owned()],
    ];
    assert_eq!(sent(&server), expected);
}

#[tokio::test]
async fn one_whose_caller_left_is_sent_all_the_same() {
    let server = FakeServer::start(serve).await;
    let (node, _crowd) = crowded(&server).await;
    let mut releases = together(&node, ["stays", "left"]).await;
    drop(releases.pop());
    server.hang(false);
    for release in releases {
        assert_eq!(release.await.unwrap(), Removal::Removed);
    }
    assert_eq!(sent(&server), [["stays", "left"]]);
}
