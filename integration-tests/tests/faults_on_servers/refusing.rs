//! Servers that answer, and do not want to.

use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::resp::Connection;
use integration_tests::{Kind, Server};
use redlock_core::node::{Extension, Fault, Removal, Vote};

use crate::setup::*;

async fn a_full_memory_refuses_to_acquire_but_not_to_release(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    let node = met(client, &servers[0].url()).await;
    let held = claim(&["held"]);
    acquire(&node, &held, LIMIT).await.unwrap();
    servers[0].exec(&["CONFIG", "SET", "maxmemory", "1"]).await;
    expect(&node, &servers[0], Fault::OutOfMemory).await;
    let taker = claim(&["held"]).succeeding(held.token().as_bytes());
    let taken = acquire(&node, &taker, LIMIT).await.unwrap_err();
    assert_eq!(taken.fault(), Fault::OutOfMemory, "and the giver's value stays");
    let extension = Arc::clone(&node).extend(held.clone(), terms(), LIMIT).await;
    assert_eq!(extension, Ok(Extension::Extended), "it takes no memory");
    assert_eq!(Arc::clone(&node).release(held, LIMIT).await, Ok(Removal::Removed));
    assert_eq!(servers[0].keys().await, [""; 0]);
}

/// It writes: the token stands, for longer than the mark would.
async fn a_full_memory_refuses_to_keep(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    let node = met(client, &servers[0].url()).await;
    let held = claim(&["a", "b"]);
    acquire(&node, &held, LIMIT).await.unwrap();
    servers[0].exec(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let kept = Arc::clone(&node).keep(held.clone(), LIMIT, LIMIT).await.unwrap_err();
    assert_eq!(kept.fault(), Fault::OutOfMemory, "{kept}");
    for key in ["a", "b"] {
        assert_eq!(servers[0].get(key).await.as_deref(), Some(held.token().expose()));
    }
    servers[0].exec(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(Arc::clone(&node).keep(held, LIMIT, LIMIT).await, Ok(Removal::Removed));
}

async fn a_loading_server_is_not_ready(client: Client, kind: Kind) {
    let servers = start(kind, debug(kind)).await;
    let server = &servers[0];
    let node = met(client, &server.url()).await;
    // A server that loads looks at its clients every 2 MB, here every 200 keys, at a millisecond each.
    server.exec(&["CONFIG", "SET", "rdbcompression", "no"]).await;
    server.exec(&["DEBUG", "POPULATE", "12000", "x", "10000"]).await;
    server.exec(&["CONFIG", "SET", "key-load-delay", "1000"]).await;
    let mut reload = Connection::connect(server.addr()).await.unwrap();
    reload.send(&["DEBUG", "RELOAD"]).await.unwrap();
    eventually(&node, 1, Fault::Loading).await;
    expect(&node, server, Fault::Loading).await;
    let claim = claim(&["k"]);
    let extension = Arc::clone(&node).extend(claim.clone(), terms(), LIMIT).await.unwrap_err();
    let release = Arc::clone(&node).release(claim, LIMIT).await.unwrap_err();
    assert_eq!([extension.fault(), release.fault()], [Fault::Loading; 2]);
    // Version 6.2 cannot be told so while it loads, and takes its twelve seconds.
    server.command(&["CONFIG", "SET", "key-load-delay", "0"]).await.unwrap();
    eventually_free(&node).await;
    assert_eq!(server.exec(&["EXISTS", "k", "a", "b"]).await, "0");
}

/// From version 7 on `DEBUG` has to be allowed.
fn debug(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Redis62 => &[],
        _ => &["--enable-debug-command", "yes", "--enable-protected-configs", "yes"],
    }
}

async fn a_server_busy_with_a_script_is_not_ready(client: Client, kind: Kind) {
    let servers = start(kind, &["--lua-time-limit", "20"]).await;
    let server = &servers[0];
    let node = met(client, &server.url()).await;
    let mut busy = Connection::connect(server.addr()).await.unwrap();
    busy.send(&["EVAL", "while true do end", "0"]).await.unwrap();
    eventually(&node, 1, Fault::Busy).await;
    expect(&node, server, Fault::Busy).await;
    server.exec(&["SCRIPT", "KILL"]).await;
    eventually_free(&node).await;
    assert_eq!(server.exec(&["EXISTS", "k", "a", "b"]).await, "0");
}

async fn a_server_that_cannot_persist_refuses(client: Client, kind: Kind) {
    let servers = start(kind, debug(kind)).await;
    let server = &servers[0];
    let node = met(client, &server.url()).await;
    let home = server.exec(&["CONFIG", "GET", "dir"]).await;
    let home = home
        .lines()
        .last()
        .unwrap()
        .trim_matches(|c: char| c == '"' || c.is_whitespace())
        .to_owned();
    server.exec(&["CONFIG", "SET", "save", "3600 1"]).await;
    // No file can be made there.
    server.exec(&["CONFIG", "SET", "dir", "/proc"]).await;
    server.exec(&["BGSAVE"]).await;
    eventually(&node, 1, Fault::CannotPersist).await;
    expect(&node, server, Fault::CannotPersist).await;
    let _ = server.command(&["CONFIG", "SET", "dir", &home]).await;
}

async fn a_server_that_insists_on_replicas_refuses(client: Client, kind: Kind) {
    let servers = start(kind, &["--min-replicas-to-write", "1"]).await;
    let node = met(client, &servers[0].url()).await;
    expect(&node, &servers[0], Fault::NoReplicas).await;
}

async fn a_server_with_too_many_clients_refuses(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    let server = &servers[0];
    let mut first = Connection::connect(server.addr()).await.unwrap();
    first.call(&["CONFIG", "SET", "maxclients", "1"]).await.unwrap();
    let node = client.node(&server.url());
    eventually(&node, 1, Fault::TooManyClients).await;
    eventually(&node, 2, Fault::TooManyClients).await;
    expect_of_a_handle(&node, LIMIT, Fault::TooManyClients).await;
    first.call(&["CONFIG", "SET", "maxclients", "100"]).await.unwrap();
    eventually_free(&node).await;
}

async fn flushed_scripts_are_no_fault(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    let node = met(client, &servers[0].url()).await;
    let flush = async |server: &Server| server.exec(&["SCRIPT", "FLUSH"]).await;
    for resources in [&["k"][..], &["a", "b"]] {
        let claim = claim(resources);
        assert_eq!(acquire(&node, &claim, LIMIT).await, Ok(Vote::Granted { fence: None }));
        flush(&servers[0]).await;
        let extension = Arc::clone(&node).extend(claim.clone(), terms(), LIMIT).await;
        assert_eq!(extension, Ok(Extension::Extended));
        flush(&servers[0]).await;
        assert_eq!(Arc::clone(&node).release(claim.clone(), LIMIT).await, Ok(Removal::Removed));
        flush(&servers[0]).await;
        assert_eq!(acquire(&node, &claim, LIMIT).await, Ok(Vote::Granted { fence: None }));
        flush(&servers[0]).await;
        let kept = Arc::clone(&node).keep(claim, Duration::from_millis(1), LIMIT).await;
        assert_eq!(kept, Ok(Removal::Removed));
        flush(&servers[0]).await;
    }
}

/// The server is itself again: a lock is had and released.
async fn eventually_free(node: &Arc<dyn redlock_core::LockNode>) {
    for _ in 0..100 {
        let claim = claim(&["free"]);
        let taken = acquire(node, &claim, LIMIT).await;
        let freed = Arc::clone(node).release(claim, LIMIT).await;
        if taken.is_ok() && freed == Ok(Removal::Removed) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never free again");
}

integration_tests::with_both_clients_on_every_kind! {
    a_full_memory_refuses_to_acquire_but_not_to_release
    a_full_memory_refuses_to_keep
    a_loading_server_is_not_ready
    a_server_busy_with_a_script_is_not_ready
    a_server_that_cannot_persist_refuses
    a_server_that_insists_on_replicas_refuses
    a_server_with_too_many_clients_refuses
    flushed_scripts_are_no_fault
}
