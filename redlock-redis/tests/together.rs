//! Releases that wait at one moment.

#![allow(clippy::unwrap_used)]

#[path = "adapter/together.rs"]
mod cases;
mod common;

use cases::{begin, crowded, release, sent, serve};
use common::{FakeServer, LONG, are_together, claim, terms};
use redlock_core::node::{LockNode, Removal};

#[tokio::test]
async fn one_that_is_alone_goes_by_itself() {
    let server = FakeServer::start(serve).await;
    let (node, crowd) = crowded(&server).await;
    let alone = release(&node, "a").await;
    server.hang(false);
    assert_eq!(alone.await.unwrap(), Removal::Removed);
    for one in crowd {
        one.await.unwrap();
    }
    assert!(!server.commands().iter().any(are_together));
}

#[tokio::test]
async fn none_passes_a_command_that_may_be_on_its_key() {
    let server = FakeServer::start(serve).await;
    let (node, crowd) = crowded(&server).await;
    let acquire = |key| begin(node.clone().acquire(claim(&[key]), terms(), LONG));
    let mut releases = vec![release(&node, "a").await];
    let mut acquires = vec![acquire("b").await, acquire("c").await];
    // In front of the acquires but of its own.
    for key in ["b", "d", "a"] {
        releases.push(release(&node, key).await);
    }
    // Of more resources than anybody looks at.
    releases.push(begin(node.clone().release(claim(&["x", "y", "z"]), LONG)).await);
    releases.push(release(&node, "e").await);
    acquires.push(acquire("a").await);
    server.hang(false);
    for release in releases {
        assert_eq!(release.await.unwrap(), Removal::Removed);
    }
    for acquire in acquires.into_iter().chain(crowd) {
        acquire.await.unwrap();
    }
    let expected: [&[&str]; 7] =
        [&["a", "d", "a"], &["SET b"], &["SET c"], &["b"], &["x", "y", "z"], &["e"], &["SET a"]];
    assert_eq!(sent(&server), expected);
}
