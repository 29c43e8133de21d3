//! Servers that are not what a lock node must be.

use std::sync::Arc;

use integration_tests::nodes::Client;
use integration_tests::{Kind, Server};
use redlock_core::LockErrorKind;
use redlock_core::node::{Extension, Fault, Removal};

use crate::setup::*;

/// Nothing listens there.
const NOWHERE: [&str; 2] = ["127.0.0.1", "1"];

pub(crate) async fn a_replica_is_misconfigured(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    let node = met(client, &servers[0].url()).await;
    servers[0].exec(&["REPLICAOF", NOWHERE[0], NOWHERE[1]]).await;
    assert!(Arc::clone(&node).identity(LIMIT).await.unwrap().replica);
    expect(&node, &servers[0], Fault::Replica).await;
}

pub(crate) async fn a_replica_without_its_master_is_misconfigured(client: Client, kind: Kind) {
    let servers = start(kind, &["--replica-serve-stale-data", "no"]).await;
    let node = met(client, &servers[0].url()).await;
    servers[0].exec(&["REPLICAOF", NOWHERE[0], NOWHERE[1]]).await;
    expect(&node, &servers[0], Fault::Replica).await;
}

pub(crate) async fn a_cluster_member_is_misconfigured(client: Client, kind: Kind) {
    let servers = start(kind, &["--cluster-enabled", "yes"]).await;
    let node = client.node(&servers[0].url());
    assert!(Arc::clone(&node).identity(LIMIT).await.unwrap().cluster);
    expect(&node, &servers[0], Fault::ClusterMember).await;
    let sets = commands(&servers[0], "set").await;
    let error = refused_lock(&node, LIMIT).await;
    assert_eq!(error.kind(), LockErrorKind::Misconfigured);
    assert_eq!(commands(&servers[0], "set").await, sets, "it is not even asked");
}

pub(crate) async fn a_key_of_another_type_is_misconfigured(client: Client, kind: Kind) {
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
    assert_eq!(Arc::clone(&node).release(claim, LIMIT).await, Ok(Removal::Foreign));
    assert_eq!(server.exec(&["TYPE", "k"]).await, "list");
    assert_eq!(server.keys().await, ["b", "k"], "a was not taken either");
}

pub(crate) async fn a_wrong_password_is_misconfigured(client: Client, kind: Kind) {
    let servers = start(kind, &["--requirepass", "right"]).await;
    let node = client.node(&servers[0].url_as("default", "canary-wrong"));
    eventually(&node, 1, Fault::Authentication).await;
    let error = refused_lock(&node, LIMIT).await;
    assert_eq!(error.kind(), LockErrorKind::Misconfigured);
    assert!(!format!("{error} {error:?} {node:?}").contains("canary"), "{error:?}");
}

pub(crate) async fn a_missing_password_is_misconfigured(client: Client, kind: Kind) {
    let servers = start(kind, &["--requirepass", "right"]).await;
    let node = client.node(&servers[0].url());
    expect(&node, &servers[0], Fault::Authentication).await;
}

async fn commands(server: &Server, name: &str) -> Option<String> {
    let stats = server.exec(&["INFO", "commandstats"]).await;
    stats.lines().find(|line| line.contains(&format!("cmdstat_{name}:"))).map(str::to_owned)
}
