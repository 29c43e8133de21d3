//! Other Redlock libraries on the same servers and the same key: each excludes the other. What they send is in
//! `docs/MIGRATING.md`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use integration_tests::Servers;
use integration_tests::nodes::Client;
use redlock_core::{LockErrorKind, LockState, Redlock};
use rslock::LockManager;

const KEY: &str = "orders:42";
const TTL: Duration = Duration::from_secs(60);

fn ours(servers: &Servers, client: Client) -> Redlock {
    let nodes = client.nodes(servers.urls());
    let builder = Redlock::builder().nodes(nodes).ttl(TTL).label("orders@pod-7");
    builder.node_timeout(TTL / 6).build().unwrap()
}

/// Of one attempt, so that a refusal is told at once.
fn theirs(servers: &Servers) -> LockManager {
    let mut manager = LockManager::new(servers.urls());
    manager.set_retry(1, Duration::from_millis(1));
    manager
}

#[tokio::test]
async fn rslock_and_we_exclude_each_other() {
    let servers = Servers::start(3).await;
    let theirs = theirs(&servers);
    for client in [Client::Redis, Client::Fred] {
        let ours = ours(&servers, client);

        let lock = theirs.lock(KEY, TTL).await.unwrap();
        assert_eq!(ours.try_lock(KEY).await.unwrap_err().kind(), LockErrorKind::Contended);
        assert_eq!(ours.try_read(KEY).await.unwrap_err().kind(), LockErrorKind::Contended);
        theirs.unlock(&lock).await;

        let guard = ours.try_lock(KEY).await.unwrap();
        assert!(theirs.lock(KEY, TTL).await.is_err(), "we hold it");
        guard.release().await.unwrap();

        let reader = ours.try_read(KEY).await.unwrap();
        assert!(theirs.lock(KEY, TTL).await.is_err(), "we read");
        reader.release().await.unwrap();

        let lock = theirs.lock(KEY, TTL).await.unwrap();
        theirs.unlock(&lock).await;
    }
}

/// The values of the others, as their sources make them.
const VALUES: [&str; 3] = [
    "3q2+7wAAAAAAAAAAAAAAAA==",         // redsync: 16 bytes in base64
    "0123456789abcdef0123456789abcdef", // node-redlock: 16 bytes in hexadecimal
    "ADDED:2026-11-29T12:00:00.000Z@pod-7:2f1e5c1e-8a53-4c53-9f57-1f0ad2f0e4b1", // ShedLock
];

#[tokio::test]
async fn what_other_libraries_store_is_somebody_elses_lock() {
    let servers = Servers::start(3).await;
    for (client, value) in [Client::Redis, Client::Fred]
        .into_iter()
        .flat_map(|client| VALUES.map(|value| (client, value)))
    {
        let ours = ours(&servers, client);
        for server in servers.iter() {
            assert_eq!(server.exec(&["SET", KEY, value, "NX", "PX", "60000"]).await, "OK");
        }
        assert_eq!(
            ours.try_lock(KEY).await.unwrap_err().kind(),
            LockErrorKind::Contended,
            "{value}"
        );
        assert!(
            matches!(ours.inspect(KEY).await.unwrap().state, LockState::Held { .. }),
            "{value}"
        );
        for server in servers.iter() {
            assert_eq!(server.get(KEY).await.as_deref(), Some(value), "it was left alone");
            server.exec(&["DEL", KEY]).await;
        }
        ours.try_lock(KEY).await.unwrap().release().await.unwrap();
        // A majority has answered by then.
        servers.become_empty().await;
    }
}

/// ShedLock's releases do so unless `safeUpdate` is on.
#[tokio::test]
async fn a_release_without_a_look_at_the_value_takes_our_lock_away() {
    let servers = Servers::start(3).await;
    let ours = ours(&servers, Client::Redis);
    let guard = ours.try_lock(KEY).await.unwrap();
    for server in servers.iter() {
        server.exec(&["DEL", KEY]).await;
    }
    guard.extend(TTL).await.unwrap_err();
    assert!(guard.is_lost());
}
