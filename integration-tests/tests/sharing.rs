//! Locks that are shared, on real servers: with the rights that the documentation names, and beside clients of other make.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{Kind, Servers};
use redlock_core::node::{Claim, Fault, LockNode, Terms, Vote};
use redlock_core::{
    LockErrorKind, LockKey, LockOptions, LockState, NodeOutcome, Redlock, Release, Token,
};

const LIMIT: Duration = Duration::from_secs(5);
const PASSWORD: &str = "canary-password";

/// What locks need, as `OPERATIONS.md` has it.
const LOCKS: &str = "resetkeys ~lock:* ~redlock:fence:lock:* resetchannels &redlock:released -@all +eval +evalsha +get +set \
                     +del +pexpire +pttl +time +info +lastsave +ping +hello +publish";

/// What shares need beside it.
const SHARES: &str = "+zadd +zrem +zscore +zrange +zcount +zremrangebyscore ~redlock:want:lock:*";

async fn user(servers: &Servers, kind: Kind, rules: &str) {
    let password = format!(">{PASSWORD}");
    let naming = if kind == Kind::Redis62 { "+client" } else { "+client|setname" };
    let mut acl = vec!["ACL", "SETUSER", "locks", "on", &password, naming];
    acl.extend(rules.split_whitespace());
    for server in servers.iter() {
        server.exec(&acl).await;
    }
}

fn handle(node: Arc<dyn LockNode>) -> Redlock {
    Redlock::builder()
        .nodes([node])
        .ttl(Duration::from_secs(60))
        .node_timeout(LIMIT)
        .build()
        .unwrap()
}

async fn the_rights_that_are_named_suffice_to_share(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    user(&servers, kind, LOCKS).await;
    let url = servers[0].url_as("locks", PASSWORD);
    let refused = handle(client.node(&url)).try_read("lock:k").await.unwrap_err();
    assert_eq!(refused.kind(), LockErrorKind::Misconfigured);
    let NodeOutcome::Failed(error) = &refused.nodes()[0].outcome else { panic!("{refused}") };
    assert_eq!(error.fault(), Fault::Permission, "{error}");

    user(&servers, kind, &format!("{LOCKS} {SHARES}")).await;
    let node = client.node(&url);
    let redlock = handle(Arc::clone(&node));
    for names in [vec!["lock:k"], vec!["lock:a", "lock:b"]] {
        for fencing in [false, true] {
            let options = LockOptions::new().fencing(fencing);
            let writer = redlock.lock_with(names.clone(), &options).await.unwrap();
            let one = writer.downgrade();
            one.extend(Duration::from_secs(90)).await.unwrap();
            let other = redlock.read_with(names.clone(), &options).await.unwrap();
            other.extend(Duration::from_secs(90)).await.unwrap();
            let key = LockKey::all(names.clone()).unwrap();
            let wants = Terms::new(LIMIT).with_intent(Some(Duration::from_millis(1)));
            let claim = Claim::new(key, Token::random().unwrap());
            let vote = Arc::clone(&node).acquire(claim, wants, LIMIT).await.unwrap();
            assert!(matches!(vote, Vote::Shared { .. }), "{vote:?}");
            let error = redlock.try_lock(names.clone()).await.unwrap_err();
            assert_eq!(error.kind(), LockErrorKind::Contended, "{error}");
            assert!(error.retry_after().is_some());
            let state = redlock.inspect(names.clone()).await.unwrap().state;
            assert!(matches!(state, LockState::Shared { holders: 2, .. }), "{state:?}");
            assert_eq!(one.release().await.unwrap(), Release::Released);
            assert_eq!(other.release().await.unwrap(), Release::Released);
        }
    }
}

/// As `OPERATIONS.md` has it.
async fn who_may_not_look_at_shares_locks_beside_strings_and_hears_of_shares_as_a_fault(
    client: Client,
    kind: Kind,
) {
    let servers = Servers::start_kind(kind, 1).await;
    let server = &servers[0];
    user(&servers, kind, LOCKS).await;
    let redlock = handle(client.node(&server.url_as("locks", PASSWORD)));
    let all = [(vec!["lock:k"], false), (vec!["lock:a", "lock:k"], false), (vec!["lock:k"], true)];
    for (names, fencing) in &all {
        let options = LockOptions::new().fencing(*fencing);
        let holder = redlock.lock_with(names.clone(), &options).await.unwrap();
        let error = redlock.try_lock_with(names.clone(), &options).await.unwrap_err();
        assert_eq!(error.kind(), LockErrorKind::Contended, "{error}");
        holder.release().await.unwrap();
    }
    let share = format!("{} reader", Token::random().unwrap().expose());
    for put in [&["RPUSH", "lock:k", "x"], &["ZADD", "lock:k", "9999999999999", &share][..]] {
        server.exec(put).await;
        for (names, fencing) in &all {
            let options = LockOptions::new().fencing(*fencing);
            let error = redlock.try_lock_with(names.clone(), &options).await.unwrap_err();
            assert_eq!(error.kind(), LockErrorKind::Misconfigured, "{error}");
            let NodeOutcome::Failed(error) = &error.nodes()[0].outcome else { panic!("{error}") };
            let by_script = kind == Kind::Redis62 || names.len() > 1 || *fencing;
            let wanted = if by_script { Fault::Permission } else { Fault::WrongType };
            assert_eq!(error.fault(), wanted, "{put:?} {names:?} {fencing}: {error}");
        }
        assert_eq!(server.exec(&["EXISTS", "lock:a"]).await, "0");
        assert_eq!(server.exec(&["DEL", "lock:k"]).await, "1");
    }
}

async fn a_client_of_other_make_excludes_readers_and_is_excluded(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    let redlock = handle(client.node(&servers[0].url()));
    let reader = redlock.read("k").await.unwrap();
    let set: [&[u8]; 6] = [b"SET", b"k", b"theirs", b"NX", b"PX", b"60000"];
    assert_eq!(servers[0].command(&set).await.unwrap().text(), None, "it is not free");
    // What every Redlock library releases by, and extends by.
    for change in ["'DEL', KEYS[1]", "'PEXPIRE', KEYS[1], '1'"] {
        let script = format!(
            "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call({change}) end return 0"
        );
        let eval: [&[u8]; 5] = [b"EVAL", script.as_bytes(), b"1", b"k", b"theirs"];
        let reply = servers[0].command(&eval).await.unwrap();
        assert!(reply.error().is_some_and(|error| error.contains("WRONGTYPE")), "{reply}");
    }
    assert!(matches!(redlock.inspect("k").await.unwrap().state, LockState::Shared { .. }));
    assert_eq!(reader.release().await.unwrap(), Release::Released);
    assert_eq!(servers[0].command(&set).await.unwrap().text().as_deref(), Some("OK"));
    let error = redlock.try_read("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Contended, "{error}");
}

integration_tests::with_both_clients_on_every_kind! {
    the_rights_that_are_named_suffice_to_share
    who_may_not_look_at_shares_locks_beside_strings_and_hears_of_shares_as_a_fault
    a_client_of_other_make_excludes_readers_and_is_excluded
}
