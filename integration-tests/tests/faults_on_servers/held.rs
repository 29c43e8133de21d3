//! Servers on which somebody else holds the lock: healthy ones.

use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{Kind, Server};
use redlock_core::LockErrorKind;
use redlock_core::node::{Expiry, Extension, LockNode, Removal, Vote};

use crate::setup::*;

async fn a_held_key_is_contended_for_as_long_as_it_lives(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    servers[0].exec(&["SET", "k", "theirs", "PX", "3600000"]).await;
    for node in asked_and_not(client, &servers[0].url()).await {
        for expiry in refused(&node, &servers[0]).await {
            let Expiry::In(left) = expiry else { panic!("{expiry:?}") };
            assert!(!left.is_zero() && left <= Duration::from_secs(3_600), "{left:?}");
        }
        let error = refused_lock(&node, LIMIT).await;
        assert_eq!(error.kind(), LockErrorKind::Contended, "{error}");
        assert!(error.retry_after().unwrap() <= Duration::from_secs(3_600), "{error:?}");
    }
    assert_eq!(servers[0].keys().await, ["k"]);
}

async fn a_held_key_without_expiry_is_contended_and_said_to_stay(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    servers[0].exec(&["SET", "k", "theirs"]).await;
    for node in asked_and_not(client, &servers[0].url()).await {
        assert_eq!(refused(&node, &servers[0]).await, [Expiry::Never; 2]);
        let error = refused_lock(&node, LIMIT).await;
        assert_eq!(error.kind(), LockErrorKind::Contended, "{error}");
        assert_eq!(error.retry_after(), None);
        assert!(error.to_string().contains("never frees itself"), "{error}");
    }
    assert_eq!(servers[0].exec(&["PTTL", "k"]).await, "-1");
    assert_eq!(servers[0].keys().await, ["k"]);
}

/// A node that may use the newer commands, and one that keeps to scripts.
async fn asked_and_not(client: Client, url: &str) -> [Arc<dyn LockNode>; 2] {
    [met(client, url).await, client.node(url)]
}

/// Tries for `k` alone and among others, and tells what was said about its life. It stays what it was.
async fn refused(node: &Arc<dyn LockNode>, server: &Server) -> Vec<Expiry> {
    let mut expiries = Vec::new();
    for resources in [&["k"][..], &["a", "k", "b"]] {
        let claim = claim(resources);
        match acquire(node, &claim, LIMIT).await {
            Ok(Vote::Held { expiry, .. }) => expiries.push(expiry),
            other => panic!("{other:?}"),
        }
        let extension = Arc::clone(node).extend(claim.clone(), terms(), LIMIT).await;
        assert_eq!(extension, Ok(Extension::Foreign));
        let kept = Arc::clone(node).keep(claim.clone(), LIMIT, LIMIT).await;
        assert_eq!(kept, Ok(Removal::Foreign));
        assert_eq!(Arc::clone(node).release(claim, LIMIT).await, Ok(Removal::Foreign));
        assert_eq!(server.get("k").await.as_deref(), Some("theirs"));
    }
    expiries
}

integration_tests::with_both_clients_on_every_kind! {
    a_held_key_is_contended_for_as_long_as_it_lives
    a_held_key_without_expiry_is_contended_and_said_to_stay
}
