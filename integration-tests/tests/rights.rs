//! The rights that a lock's user needs on a server, and what a missing one looks like.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{Kind, Server, Servers};
use redlock_core::node::{Claim, Extension, Fault, LockNode, NodeError, Removal, Terms, Vote};
use redlock_core::{LockErrorKind, LockKey, LockOptions, LockState, Redlock, Release, Token};

const LIMIT: Duration = Duration::from_secs(5);
const PASSWORD: &str = "canary-password";

/// What the documentation names as the least a user needs, with room for fencing and the restart guard.
const RIGHTS: [&str; 13] = [
    "+eval",
    "+evalsha",
    "+get",
    "+set",
    "+del",
    "+pexpire",
    "+pttl",
    "+time",
    "+info",
    "+lastsave",
    "+ping",
    "+hello",
    "+script|load",
];

/// A server with a user `locks` that has the least rights and may touch keys under `lock:` only.
async fn server(kind: Kind) -> Servers {
    let servers = Servers::start_kind(kind, 1).await;
    let password = format!(">{PASSWORD}");
    let mut acl = vec![
        "ACL",
        "SETUSER",
        "locks",
        "on",
        &password,
        "resetkeys",
        "~lock:*",
        "resetchannels",
        "-@all",
    ];
    acl.extend(RIGHTS);
    acl.push(if kind == Kind::Redis62 { "+client" } else { "+client|setname" });
    servers[0].exec(&acl).await;
    servers
}

async fn node(client: Client, server: &Server) -> Arc<dyn LockNode> {
    let node = client.node(&server.url_as("locks", PASSWORD));
    Arc::clone(&node).identity(LIMIT).await.unwrap();
    node
}

async fn the_least_rights_suffice_for_everything(client: Client) {
    for kind in Kind::ALL {
        let servers = server(kind).await;
        let node = node(client, &servers[0]).await;
        let identity = Arc::clone(&node).identity(LIMIT).await.unwrap();
        assert!(identity.run_id.is_some(), "{kind:?}");
        let redlock =
            Redlock::builder().nodes([node]).ttl(Duration::from_secs(60)).build().unwrap();
        let options = LockOptions::new().ttl(Duration::from_secs(60));
        for resources in [vec!["lock:k".to_owned()], vec!["lock:a".to_owned(), "lock:b".to_owned()]]
        {
            let guard = redlock.lock_with(resources.clone(), &options).await.expect("acquire");
            let refused = redlock.try_lock(resources.clone()).await.unwrap_err();
            assert_eq!(refused.kind(), LockErrorKind::Contended, "{refused}");
            assert!(refused.retry_after().is_some(), "{refused}");
            guard.extend(Duration::from_secs(90)).await.expect("extend");
            let state = redlock.inspect(resources).await.expect("inspect").state;
            assert!(matches!(state, LockState::Held { .. }));
            assert_eq!(guard.release().await.expect("release"), Release::Released);
        }
        assert_eq!(servers[0].keys().await, [""; 0]);
    }
}

/// What becomes of each verb.
struct Verbs {
    acquire: Result<Vote, NodeError>,
    acquire_several: Result<Vote, NodeError>,
    extend: Result<Extension, NodeError>,
    release: Result<Removal, NodeError>,
}

async fn try_all(node: &Arc<dyn LockNode>, server: &Server, take: &str) -> Verbs {
    let claim = |names: &[&str]| Claim::new(LockKey::all(names).unwrap(), Token::random().unwrap());
    let terms = Terms::new(Duration::from_secs(60));
    let (one, several) = (claim(&["lock:k"]), claim(&["lock:a", "lock:b"]));
    let (before, extended) = (claim(&["lock:before"]), claim(&["lock:extended"]));
    for claim in [&before, &extended] {
        Arc::clone(node).acquire(claim.clone(), terms, LIMIT).await.unwrap();
    }
    server.exec(&["ACL", "SETUSER", "locks", take]).await;
    let verbs = Verbs {
        acquire: Arc::clone(node).acquire(one.clone(), terms, LIMIT).await,
        acquire_several: Arc::clone(node).acquire(several.clone(), terms, LIMIT).await,
        extend: Arc::clone(node).extend(extended.clone(), Terms::new(LIMIT * 100), LIMIT).await,
        release: Arc::clone(node).release(before.clone(), LIMIT).await,
    };
    server.exec(&["ACL", "SETUSER", "locks", &take.replacen('-', "+", 1)]).await;
    for claim in [one, several, before, extended] {
        Arc::clone(node).release(claim, LIMIT).await.expect("the right is back");
    }
    assert_eq!(server.keys().await, [""; 0], "{take}");
    verbs
}

async fn a_missing_right_is_named_as_such_and_hurts_no_verb_that_does_not_need_it(client: Client) {
    for kind in Kind::ALL {
        let servers = server(kind).await;
        let node = node(client, &servers[0]).await;
        let by_script = kind == Kind::Redis62;
        // Valkey's native release is a right beyond these, without which the script is used.
        // Right taken; which of acquire, acquire several, extend, release then lack it.
        let cases = [
            ("-eval", by_script, true, true, true),
            ("-get", by_script, true, true, true),
            ("-set", true, true, false, false),
            ("-pexpire", false, false, true, false),
            ("-pttl", false, false, true, false),
            ("-del", false, false, false, true),
            ("-evalsha", false, false, false, false),
            ("-ping", false, false, false, false),
            ("-hello", false, false, false, false),
            ("-time", false, false, false, false),
        ];
        for (take, acquire, several, extend, release) in cases {
            let verbs = try_all(&node, &servers[0], take).await;
            let lacks = |result: Option<&NodeError>| match result {
                None => false,
                Some(error) if error.fault() == Fault::Permission => true,
                Some(error) => panic!("{kind:?} {take}: {error}"),
            };
            assert_eq!(lacks(verbs.acquire.as_ref().err()), acquire, "{kind:?} {take} acquire");
            assert_eq!(
                lacks(verbs.acquire_several.as_ref().err()),
                several,
                "{kind:?} {take} several"
            );
            assert_eq!(lacks(verbs.extend.as_ref().err()), extend, "{kind:?} {take} extend");
            assert_eq!(lacks(verbs.release.as_ref().err()), release, "{kind:?} {take} release");
        }
    }
}

async fn a_key_outside_of_the_users_pattern_is_a_missing_right(client: Client) {
    for kind in Kind::ALL {
        let servers = server(kind).await;
        let node = node(client, &servers[0]).await;
        let redlock =
            Redlock::builder().nodes([node]).ttl(Duration::from_secs(60)).build().unwrap();
        for key in [vec!["other".to_owned()], vec!["lock:a".to_owned(), "other".to_owned()]] {
            let error = redlock.try_lock(key).await.unwrap_err();
            assert_eq!(error.kind(), LockErrorKind::Misconfigured, "{error}");
            assert!(error.to_string().contains("missing right"), "{error}");
        }
        redlock.close().await;
        assert_eq!(servers[0].keys().await, [""; 0]);
    }
}

async fn a_user_without_info_can_still_lock(client: Client) {
    let servers = server(Kind::Redis70).await;
    servers[0].exec(&["ACL", "SETUSER", "locks", "-info"]).await;
    let node = client.node(&servers[0].url_as("locks", PASSWORD));
    let redlock = Redlock::builder().nodes([node]).ttl(Duration::from_secs(60)).build().unwrap();
    let guard = redlock.try_lock("lock:k").await.unwrap();
    assert_eq!(guard.release().await.unwrap(), Release::Released);
}

async fn no_password_shows_in_anything_printed(client: Client) {
    let servers = server(Kind::Redis70).await;
    let node = client.node(&servers[0].url_as("locks", PASSWORD));
    let redlock =
        Redlock::builder().nodes([Arc::clone(&node)]).ttl(Duration::from_secs(60)).build().unwrap();
    let missing = redlock.try_lock("other").await.unwrap_err();
    servers[0].exec(&["ACL", "DELUSER", "locks"]).await;
    let rejected = redlock.try_lock("lock:k").await.unwrap_err();
    let printed = format!("{node:?} {redlock:?} {missing} {missing:?} {rejected} {rejected:?}");
    assert!(!printed.contains("canary"), "{printed}");
}

integration_tests::with_both_clients! {
    the_least_rights_suffice_for_everything
    a_missing_right_is_named_as_such_and_hurts_no_verb_that_does_not_need_it
    a_key_outside_of_the_users_pattern_is_a_missing_right
    a_user_without_info_can_still_lock
    no_password_shows_in_anything_printed
}
