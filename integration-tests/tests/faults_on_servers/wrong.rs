//! Servers that are not what a lock node must be.

use std::sync::Arc;

use integration_tests::Kind;
use integration_tests::nodes::Client;
use redlock_core::LockErrorKind;
use redlock_core::node::{Extension, Fault, Removal};

use crate::setup::*;

/// Nothing listens there.
const NOWHERE: [&str; 2] = ["127.0.0.1", "1"];

async fn a_replica_is_misconfigured(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    let node = met(client, &servers[0].url()).await;
    servers[0].exec(&["REPLICAOF", NOWHERE[0], NOWHERE[1]]).await;
    assert!(Arc::clone(&node).identity(LIMIT).await.unwrap().replica);
    expect(&node, &servers[0], Fault::Replica).await;
    expect_not_asked(client, &servers[0], Fault::Replica).await;
}

async fn a_replica_without_its_master_is_misconfigured(client: Client, kind: Kind) {
    let servers = start(kind, &["--replica-serve-stale-data", "no"]).await;
    let node = met(client, &servers[0].url()).await;
    servers[0].exec(&["REPLICAOF", NOWHERE[0], NOWHERE[1]]).await;
    expect(&node, &servers[0], Fault::Replica).await;
    servers[0].exec(&["REPLICAOF", "NO", "ONE"]).await;
    assert_eq!(servers[0].keys().await, [""; 0]);
}

async fn a_cluster_member_is_misconfigured(client: Client, kind: Kind) {
    let servers = start(kind, &["--cluster-enabled", "yes"]).await;
    let node = client.node(&servers[0].url());
    assert!(Arc::clone(&node).identity(LIMIT).await.unwrap().cluster);
    expect(&node, &servers[0], Fault::ClusterMember).await;
    expect_not_asked(client, &servers[0], Fault::ClusterMember).await;
}

async fn a_key_of_another_type_is_misconfigured(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    let server = &servers[0];
    let node = met(client, &server.url()).await;
    for key in ["k", "b"] {
        server.exec(&["RPUSH", key, "x"]).await;
    }
    expect(&node, server, Fault::WrongType).await;
    let claim = claim(&["k"]);
    let extension = Arc::clone(&node).extend(claim.clone(), terms(), LIMIT).await;
    assert_eq!(extension, Ok(Extension::Foreign));
    assert_eq!(Arc::clone(&node).keep(claim.clone(), LIMIT, LIMIT).await, Ok(Removal::Foreign));
    assert_eq!(Arc::clone(&node).release(claim, LIMIT).await, Ok(Removal::Foreign));
    assert_eq!(server.exec(&["TYPE", "k"]).await, "list");
    assert_eq!(server.keys().await, ["b", "k"], "a was not taken either");
}

async fn a_wrong_password_is_misconfigured(client: Client, kind: Kind) {
    let servers = start(kind, &["--requirepass", "right"]).await;
    let node = client.node(&servers[0].url_as("default", "canary-wrong"));
    eventually(&node, 1, Fault::Authentication).await;
    let error = refused_lock(&node, LIMIT).await;
    assert_eq!(error.kind(), LockErrorKind::Misconfigured);
    assert!(!format!("{error} {error:?} {node:?}").contains("canary"), "{error:?}");
}

async fn a_missing_password_is_misconfigured(client: Client, kind: Kind) {
    let servers = start(kind, &["--requirepass", "right"]).await;
    let node = client.node(&servers[0].url());
    expect(&node, &servers[0], Fault::Authentication).await;
}

async fn a_server_without_scripts_is_not_supported_where_they_are_needed(
    client: Client,
    kind: Kind,
) {
    let servers = start(kind, &["--rename-command", "EVAL", "renamed"]).await;
    let node = client.node(&servers[0].url());
    for resources in [&["k"][..], &["a", "b"]] {
        let error = acquire(&node, &claim(resources), LIMIT).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Unsupported, "{error}");
    }
    let extension = Arc::clone(&node).extend(claim(&["k"]), terms(), LIMIT).await.unwrap_err();
    let release = Arc::clone(&node).release(claim(&["k"]), LIMIT).await.unwrap_err();
    let kept = Arc::clone(&node).keep(claim(&["k"]), LIMIT, LIMIT).await.unwrap_err();
    assert_eq!([extension.fault(), release.fault(), kept.fault()], [Fault::Unsupported; 3]);
    assert!(!format!("{extension} {release}").contains("'1'"), "arguments are not repeated");
    let error = handle(&node, LIMIT).try_lock(["a", "b"]).await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Misconfigured, "{error}");
    assert_eq!(servers[0].keys().await, [""; 0]);
}

async fn a_server_that_evicts_says_so(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    let node = client.node(&servers[0].url());
    let evicts = async || Arc::clone(&node).identity(LIMIT).await.unwrap().evicts;
    servers[0].exec(&["CONFIG", "SET", "maxmemory-policy", "volatile-ttl"]).await;
    assert!(!evicts().await, "memory has no limit");
    servers[0].exec(&["CONFIG", "SET", "maxmemory", "100mb"]).await;
    assert!(evicts().await);
    servers[0].exec(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    assert!(!evicts().await);
}

integration_tests::with_both_clients_on_every_kind! {
    a_replica_is_misconfigured
    a_replica_without_its_master_is_misconfigured
    a_cluster_member_is_misconfigured
    a_key_of_another_type_is_misconfigured
    a_wrong_password_is_misconfigured
    a_missing_password_is_misconfigured
    a_server_without_scripts_is_not_supported_where_they_are_needed
    a_server_that_evicts_says_so
}
