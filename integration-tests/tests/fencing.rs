//! Fencing numbers and the restart guard on real servers, through both clients.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{Kind, Server, Servers};
use redlock_core::node::{Claim, Fault, FenceTerms, LockNode, NodeError, Terms, Vote};
use redlock_core::{
    LockErrorKind, LockKey, LockOptions, NodeOutcome, Redlock, RedlockBuilder, RetryPolicy, Token,
};

const LIMIT: Duration = Duration::from_secs(5);

fn builder(nodes: Vec<Arc<dyn LockNode>>) -> RedlockBuilder {
    Redlock::builder().nodes(nodes).ttl(Duration::from_secs(60)).node_timeout(LIMIT)
}

fn patient() -> LockOptions {
    let retry = RetryPolicy::uniform(Duration::from_millis(20), Duration::from_millis(60)).unwrap();
    LockOptions::new().wait_for(Duration::from_secs(60)).retry(retry)
}

fn guarded(guard: Duration) -> Terms {
    let fencing = FenceTerms { hint: 0, life: Duration::from_secs(600) };
    Terms::new(Duration::from_secs(60)).with_fencing(Some(fencing)).with_guard(Some(guard))
}

async fn acquire(node: &Arc<dyn LockNode>, key: &str, terms: Terms) -> Result<Vote, NodeError> {
    let claim = Claim::new(LockKey::new(key).unwrap(), Token::random().unwrap());
    Arc::clone(node).acquire(claim, terms, LIMIT).await
}

async fn a_majority_that_restarted_empty_gives_no_second_lock_within_the_guard(
    client: Client,
    kind: Kind,
) {
    let servers = Servers::start_kind(kind, 3).await;
    // The second is asked while those that restarted warm up.
    let guard = Duration::from_secs(8);
    let handle = || {
        let builder = builder(client.nodes(servers.urls())).fencing(true).restart_guard(guard);
        builder.ttl(guard).node_timeout(guard / 5).build().unwrap()
    };
    let holder = handle().lock_with("k", &patient()).await.expect("the guard passes");
    tokio::join!(servers[0].restart(), servers[1].restart());
    let second = handle();
    let error = second.try_lock("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Unreachable, "{error}");
    assert!(error.to_string().contains("restarted"), "{error}");
    let warming = |outcome: &NodeOutcome| matches!(outcome, NodeOutcome::Warming { .. });
    assert_eq!(error.nodes().iter().filter(|node| warming(&node.outcome)).count(), 2, "{error}");
    assert!(error.retry_after().is_some(), "{error}");
    for server in &servers[..2] {
        assert_eq!(server.keys().await, [""; 0]);
    }
    let next = second.lock_with("k", &patient()).await.expect("the guard passes");
    assert!(holder.is_lost(), "both hold it");
    assert!(next.fence() > holder.fence());
}

/// `LASTSAVE` stands in for the start until the server saves.
async fn a_save_neither_opens_the_guard_nor_closes_it(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    let node = client.node(&servers[0].url());
    let young = guarded(Duration::from_secs(3600));
    for save in [&["SAVE"][..], &["BGSAVE"]] {
        servers[0].exec(save).await;
        let vote = acquire(&node, "k", young).await.unwrap();
        assert!(matches!(vote, Vote::Warming { .. }), "{save:?}: {vote:?}");
        assert_eq!(servers[0].keys().await, [""; 0]);
    }
    let saving = async || servers[0].exec(&["INFO", "persistence"]).await;
    while !saving().await.contains("rdb_bgsave_in_progress:0") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let old = guarded(Duration::from_secs(1));
    let mut vote = acquire(&node, "k", old).await.unwrap();
    while let Vote::Warming { remaining, .. } = vote {
        tokio::time::sleep(remaining).await;
        vote = acquire(&node, "k", old).await.unwrap();
    }
    servers[0].exec(&["SAVE"]).await;
    let vote = acquire(&node, "after a save", old).await.unwrap();
    assert!(matches!(vote, Vote::Granted { fence: Some(_) }), "{vote:?}");
}

async fn fences_grow_over_both_clients_and_restarts_of_a_minority(kind: Kind) {
    let servers = Servers::start_kind(kind, 5).await;
    let mixed = |first: usize| {
        let nodes = servers.iter().enumerate();
        let client = |i: usize| Client::ALL[(i + first) % 2];
        let nodes = nodes.map(|(i, server)| client(i).node(&server.url())).collect();
        builder(nodes).fencing(true).build().unwrap()
    };
    let handles = [mixed(0), mixed(1)];
    let mut last = None;
    for i in 0..20 {
        if i % 5 == 4 {
            servers[i / 5].restart().await;
        }
        let guard = handles[i % 2].lock_with("k", &patient()).await.unwrap();
        assert!(guard.fence() > last, "{:?} after {last:?}", guard.fence());
        last = guard.fence();
        guard.release().await.unwrap();
    }
}

async fn a_counter_is_a_key_of_its_own_and_the_lock_what_it_was(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    let server = &servers[0];
    let redlock = builder(client.nodes(servers.urls())).fencing(true).build().unwrap();
    let guard = redlock.try_lock("k").await.unwrap();
    let fence = guard.fence().unwrap();
    assert_eq!(server.keys().await, ["k", "redlock:fence:k"]);
    assert_eq!(server.get("redlock:fence:k").await, Some(fence.to_string()));
    assert_eq!(server.exec(&["SET", "k", "theirs", "NX", "PX", "30000"]).await, "(nil)");
    let token = guard.leak();
    assert_eq!(server.get("k").await.as_deref(), Some(token.expose()));
    server.exec(&["DEL", "k"]).await;
    // And the other way round.
    server.exec(&["SET", "k", "theirs", "NX", "PX", "30000"]).await;
    let error = redlock.try_lock("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Contended, "{error}");
    assert_eq!(server.get("redlock:fence:k").await, Some(fence.to_string()));
}

/// A user with the rights that fencing and the guard need.
async fn user(server: &Server, kind: Kind) {
    let naming = if kind == Kind::Redis62 { "+client" } else { "+client|setname" };
    let acl = "ACL SETUSER locks on >secret resetkeys ~lock:* ~redlock:fence:lock:* resetchannels -@all +eval \
               +get +set +del +pexpire +pttl +time +info +lastsave +ping +hello";
    let mut words: Vec<&str> = acl.split_whitespace().collect();
    words.push(naming);
    server.exec(&words).await;
}

async fn fencing_and_the_guard_name_the_right_they_lack(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    let server = &servers[0];
    user(server, kind).await;
    let node = client.node(&server.url_as("locks", "secret"));
    let terms = guarded(Duration::from_secs(3600));
    let fenced = terms.with_guard(None);
    assert!(matches!(acquire(&node, "lock:k", terms).await, Ok(Vote::Warming { .. })));
    for (take, terms, named) in [
        ("-time", fenced, "TIME"),
        ("-time", terms, "TIME"),
        ("-info", terms, "INFO"),
        ("-get", fenced, ""),
        ("-set", fenced, ""),
    ] {
        server.exec(&["ACL", "SETUSER", "locks", take]).await;
        let error = acquire(&node, "lock:k", terms).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Permission, "{take}: {error}");
        assert!(error.to_string().contains(named), "{take}: {error}");
        assert_eq!(server.keys().await, [""; 0], "{take}");
        server.exec(&["ACL", "SETUSER", "locks", &take.replacen('-', "+", 1)]).await;
    }
    // Without the shortcut the guard asks at length.
    server.exec(&["ACL", "SETUSER", "locks", "-lastsave"]).await;
    assert!(matches!(acquire(&node, "lock:k", terms).await, Ok(Vote::Warming { .. })));
    // Fencing alone needs neither.
    server.exec(&["ACL", "SETUSER", "locks", "-lastsave", "-info"]).await;
    let vote = acquire(&node, "lock:k", fenced).await.unwrap();
    assert!(matches!(vote, Vote::Granted { fence: Some(_) }), "{vote:?}");
    // Locks alone are not enough of a pattern.
    server.exec(&["ACL", "SETUSER", "locks", "resetkeys", "~lock:*"]).await;
    let error = acquire(&node, "lock:other", fenced).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Permission, "{error}");
    assert_eq!(server.keys().await, ["lock:k", "redlock:fence:lock:k"]);
}

integration_tests::with_both_clients_on_every_kind! {
    a_majority_that_restarted_empty_gives_no_second_lock_within_the_guard
    a_save_neither_opens_the_guard_nor_closes_it
    a_counter_is_a_key_of_its_own_and_the_lock_what_it_was
    fencing_and_the_guard_name_the_right_they_lack
}

#[tokio::test]
async fn fences_grow_over_both_clients_on_redis_7_0() {
    fences_grow_over_both_clients_and_restarts_of_a_minority(Kind::Redis70).await;
}

#[tokio::test]
async fn fences_grow_over_both_clients_on_valkey_9_1() {
    fences_grow_over_both_clients_and_restarts_of_a_minority(Kind::Valkey91).await;
}

#[tokio::test]
async fn fences_grow_over_both_clients_on_redis_6_2() {
    fences_grow_over_both_clients_and_restarts_of_a_minority(Kind::Redis62).await;
}
