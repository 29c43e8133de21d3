//! Servers that give no answer.

use std::sync::Arc;

use integration_tests::nodes::Client;
use integration_tests::{ChaosProxy, Kind, Mode};
use redlock_core::node::{Fault, Removal};

use crate::setup::*;

pub(crate) async fn a_hung_server_is_unknown(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    let node = met(client, &servers[0].url()).await;
    servers[0].pause().await;
    let claim = claim(&["k"]);
    let error = acquire(&node, &claim, SHORT).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Timeout);
    // The release waits behind the acquire: what the server does when it goes on leaves nothing.
    let release = tokio::spawn(Arc::clone(&node).release(claim, LIMIT));
    tokio::time::sleep(SHORT / 3).await;
    servers[0].resume().await;
    assert!(matches!(release.await.unwrap(), Ok(Removal::Removed | Removal::Gone)));
    assert_eq!(servers[0].keys().await, [""; 0]);
}

pub(crate) async fn a_dead_server_is_refused(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    let node = met(client, &servers[0].url()).await;
    servers[0].kill().await;
    eventually(&node, 1, Fault::Refused).await;
    expect(&node, &servers[0], Fault::Refused).await;
    // Somebody starts it again, and the node finds it without being told.
    servers[0].start_again().await;
    for _ in 0..100 {
        let claim = claim(&["k"]);
        if acquire(&node, &claim, LIMIT).await.is_ok() {
            assert_eq!(Arc::clone(&node).release(claim, LIMIT).await, Ok(Removal::Removed));
            return;
        }
        tokio::time::sleep(SHORT / 3).await;
    }
    panic!("never had again");
}

pub(crate) async fn a_connection_cut_after_the_request_is_unknown_and_released(
    client: Client,
    kind: Kind,
) {
    let servers = start(kind, &[]).await;
    let proxy = ChaosProxy::start(servers[0].addr()).await;
    let node = met(client, &proxy.url()).await;
    for resources in [&["k"][..], &["a", "b"]] {
        let claim = claim(resources);
        proxy.set(Mode::CutAfterRequest { times: 1, containing: b"PX" }).await;
        if resources.len() > 1 || kind == Kind::Redis62 {
            proxy.set(Mode::CutAfterRequest { times: 1, containing: b"EVAL" }).await;
        }
        let error = acquire(&node, &claim, LIMIT).await.unwrap_err();
        assert_eq!(error.fault(), Fault::ConnectionLost, "{error}");
        assert_eq!(servers[0].keys().await, resources, "the server did it");
        let mut removed = Arc::clone(&node).release(claim.clone(), LIMIT).await;
        for _ in 0..50 {
            if removed.is_ok() {
                break;
            }
            tokio::time::sleep(SHORT / 6).await;
            removed = Arc::clone(&node).release(claim.clone(), LIMIT).await;
        }
        assert_eq!(removed, Ok(Removal::Removed));
    }
}
