//! Servers that give no answer.

use std::sync::Arc;

use integration_tests::nodes::Client;
use integration_tests::{ChaosProxy, Kind, Mode};
use redlock_core::LockErrorKind;
use redlock_core::node::{Fault, Removal};

use crate::setup::*;

async fn a_hung_server_is_unknown(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    let node = met(client, &servers[0].url()).await;
    servers[0].pause().await;
    let claim = claim(&["k"]);
    let error = acquire(&node, &claim, SHORT).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Timeout);
    expect_of_a_handle(&node, SHORT, Fault::Timeout).await;
    // The release waits behind the acquire: what the server does when it goes on leaves nothing.
    let release = tokio::spawn(Arc::clone(&node).release(claim, LIMIT));
    tokio::time::sleep(SHORT / 3).await;
    servers[0].resume().await;
    assert!(matches!(release.await.unwrap(), Ok(Removal::Removed | Removal::Gone)));
    until_only(&servers[0], &[]).await;
}

async fn a_server_that_holds_writes_back_is_unknown(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    let node = met(client, &servers[0].url()).await;
    servers[0].exec(&["CLIENT", "PAUSE", "60000", "WRITE"]).await;
    for resources in [&["k"][..], &["a", "b"]] {
        let error = acquire(&node, &claim(resources), SHORT).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Timeout, "{error}");
    }
    // It answers when asked who it is, and is then silent.
    let redlock = handle(&node, SHORT);
    let error = redlock.try_lock("by a handle").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Unreachable, "{error}");
    servers[0].exec(&["CLIENT", "UNPAUSE"]).await;
    // The verbs alone leave what they took; the handle makes up for it.
    until_only(&servers[0], &["a", "b", "k"]).await;
    redlock.close().await;
    assert_eq!(servers[0].exec(&["EXISTS", "by a handle"]).await, "0");
}

async fn a_dead_server_is_refused(client: Client, kind: Kind) {
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

async fn a_connection_cut_after_the_request_is_unknown_and_released(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    let proxy = ChaosProxy::start(servers[0].addr()).await;
    let node = met(client, &proxy.url()).await;
    for resources in [&["k"][..], &["a", "b"]] {
        let claim = claim(resources);
        let by_script = resources.len() > 1 || kind == Kind::Redis62;
        let containing: &[u8] = if by_script { b"EVAL" } else { b"PX" };
        proxy.set(Mode::CutAfterRequest { times: 1, containing }).await;
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
    // A handle does so by itself.
    let redlock = handle(&node, LIMIT);
    redlock.inspect("k").await.unwrap();
    proxy.set(Mode::CutAfterRequest { times: 1, containing: b"by a handle" }).await;
    let error = redlock.try_lock("by a handle").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Unreachable, "{error}");
    assert_eq!(proxy.cuts(), 3);
    until_only(&servers[0], &[]).await;
    redlock.close().await;
}

integration_tests::with_both_clients_on_every_kind! {
    a_hung_server_is_unknown
    a_server_that_holds_writes_back_is_unknown
    a_dead_server_is_refused
    a_connection_cut_after_the_request_is_unknown_and_released
}
