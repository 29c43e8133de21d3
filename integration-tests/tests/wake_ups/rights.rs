//! Users who may tell, hear, both or neither.

use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{Kind, Server, Servers};
use redlock_core::node::{Claim, Fault, Removal, Terms};
use redlock_core::{LockKey, Token};

use crate::setup::*;

const PASSWORD: &str = "canary-password";

/// A user that can lock, and what is granted beyond.
async fn user(server: &Server, more: &[&str]) -> String {
    let password = format!(">{PASSWORD}");
    let least = "+eval +get +set +del +pexpire +pttl +info +hello";
    let mut acl =
        vec!["ACL", "SETUSER", "locks", "reset", "on", &password, "~lock:*", "resetchannels"];
    acl.push("-@all");
    acl.extend(least.split(' '));
    acl.extend(more);
    server.exec(&acl).await;
    server.url_as("locks", PASSWORD)
}

async fn with_the_rights_releases_are_told_and_heard(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    // With and without the right to the ping that fred finds out by.
    for more in [&["+ping"][..], &["-ping"]] {
        let rights = [&["+publish", "+subscribe", "&redlock:released"], more].concat();
        let node = client.node(&user(&servers[0], &rights).await);
        let (ear, _listening) = listening(&node).await;
        cycle(&node, "lock:k").await;
        ear.until(&[None, Some("lock:k")]).await;
    }
}

async fn without_the_right_to_listen_it_says_so(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    let lacking: [&[&str]; 3] =
        [&["+ping", "+subscribe"], &["+subscribe"], &["+ping", "+publish", "&redlock:released"]];
    for rights in lacking {
        let node = client.node(&user(&servers[0], rights).await);
        let (ear, ended) = open(&node);
        let error = ending(ended, LIMIT).await;
        assert_eq!(error.fault(), Fault::Permission, "{rights:?}: {error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        assert_eq!(ear.heard(), [], "{rights:?}");
        assert_eq!(subscribers(&servers[0]).await, "0");
    }
    let node = client.node(&servers[0].url_as("locks", "wrong"));
    let error = ending(open(&node).1, LIMIT).await;
    assert_eq!(error.fault(), Fault::Authentication, "{error}");
}

async fn without_the_right_to_tell_a_release_works_and_is_plain_from_then_on(
    client: Client,
    kind: Kind,
) {
    let servers = Servers::start_kind(kind, 1).await;
    let all = client.node(&servers[0].url());
    let (ear, _listening) = listening(&all).await;
    for rights in [&["&redlock:released"][..], &["+publish"]] {
        let mut rights = rights.to_vec();
        rights.extend((kind == Kind::Valkey91).then_some("+delifeq"));
        let node = client.node(&user(&servers[0], &rights).await);
        Arc::clone(&node).identity(LIMIT).await.unwrap();
        servers[0].exec(&["CONFIG", "RESETSTAT"]).await;
        for _ in 0..3 {
            cycle(&node, "lock:k").await;
        }
        let several = LockKey::all(["lock:a", "lock:b"]).unwrap();
        let claim = Claim::new(several, Token::random().unwrap());
        let terms = Terms::new(Duration::from_secs(60));
        Arc::clone(&node).acquire(claim.clone(), terms, LIMIT).await.unwrap();
        let removal = Arc::clone(&node).release_and_tell(claim, LIMIT).await;
        assert_eq!(removal, Ok(Removal::Removed));
        assert_eq!(servers[0].keys().await, [""; 0]);
        // Of the four releases the first tried to tell. Where there is a native one the next two are that.
        let stats = servers[0].exec(&["INFO", "commandstats"]).await;
        let calls = |command: &str| {
            let line = stats.lines().find_map(|line| {
                line.strip_prefix(&format!("cmdstat_{command}:calls="))?.split(',').next()
            });
            line.map_or(0, |calls| calls.parse::<u32>().unwrap())
        };
        let native = if kind == Kind::Valkey91 { 2 } else { 0 };
        assert_eq!(calls("delifeq"), native, "{rights:?}: {stats}");
        assert_eq!(calls("publish"), 0, "{stats}");
        let scripts = if kind == Kind::Redis62 { 3 } else { 0 } + 5 - native;
        assert_eq!(calls("eval"), scripts, "{rights:?}: {stats}");
    }
    // What was not told is not heard, and what is told is.
    cycle(&all, "lock:k").await;
    ear.until(&[None, Some("lock:k")]).await;
}

async fn a_right_that_is_granted_is_used_at_the_latest_after_the_next_fault(client: Client) {
    let servers = Servers::start(1).await;
    let all = client.node(&servers[0].url());
    let (ear, _listening) = listening(&all).await;
    let node = client.node(&user(&servers[0], &[]).await);
    cycle(&node, "lock:mute").await;
    user(&servers[0], &["+publish", "&redlock:released"]).await;
    cycle(&node, "lock:mute").await;
    servers[0].pause().await;
    let fault = Arc::clone(&node).identity(SHORT).await.unwrap_err().fault();
    assert_eq!(fault, Fault::Timeout);
    servers[0].resume().await;
    cycle(&node, "lock:k").await;
    ear.until(&[None, Some("lock:k")]).await;
}

integration_tests::with_both_clients_on_every_kind! {
    with_the_rights_releases_are_told_and_heard
    without_the_right_to_listen_it_says_so
    without_the_right_to_tell_a_release_works_and_is_plain_from_then_on
}

integration_tests::with_both_clients! {
    a_right_that_is_granted_is_used_at_the_latest_after_the_next_fault
}
