//! The rights that a lock's user needs on a server, and what a missing one looks like.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{Kind, Server, Servers};
use redlock_core::node::{
    Claim, Extension, Fault, Holding, LockNode, NodeError, Removal, Terms, Vote,
};
use redlock_core::{
    LockErrorKind, LockKey, LockOptions, LockState, Redlock, Release, Renewal, Token,
};

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

/// Taken away, the right to name the connection: of a server that knows rights to subcommands, and of 6.2.
const NAMING: [&str; 2] = ["-client|setname", "-client"];

/// A server with a user `locks` that has the least rights and may touch keys under `lock:` only.
async fn server(kind: Kind) -> Servers {
    servers(kind, 1).await
}

async fn servers(kind: Kind, count: usize) -> Servers {
    let servers = Servers::start_kind(kind, count).await;
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
    let naming = NAMING[usize::from(kind == Kind::Redis62)];
    let naming = naming.replacen('-', "+", 1);
    acl.push(&naming);
    for server in servers.iter() {
        server.exec(&acl).await;
    }
    servers
}

fn handle(nodes: impl IntoIterator<Item = Arc<dyn LockNode>>) -> Redlock {
    let builder = Redlock::builder().nodes(nodes).ttl(Duration::from_secs(60));
    // Without wake-ups, whose rights have tests of their own.
    builder.node_timeout(LIMIT).wake_ups(false).build().unwrap()
}

async fn node(client: Client, server: &Server) -> Arc<dyn LockNode> {
    let node = client.node(&server.url_as("locks", PASSWORD));
    Arc::clone(&node).identity(LIMIT).await.unwrap();
    node
}

async fn the_least_rights_suffice_for_everything(client: Client, kind: Kind) {
    let servers = server(kind).await;
    let node = node(client, &servers[0]).await;
    let identity = Arc::clone(&node).identity(LIMIT).await.unwrap();
    assert!(identity.run_id.is_some());
    let redlock = handle([node]);
    for resources in [vec!["lock:k".to_owned()], vec!["lock:a".to_owned(), "lock:b".to_owned()]] {
        let guard = redlock.lock(resources.clone()).await.expect("acquire");
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

async fn the_least_rights_suffice_to_renew_and_repair(client: Client, kind: Kind) {
    let servers = servers(kind, 3).await;
    let mut nodes = Vec::new();
    for server in servers.iter() {
        nodes.push(node(client, server).await);
    }
    let builder = Redlock::builder().nodes(nodes).ttl(Duration::from_secs(60));
    let redlock = builder.node_timeout(Duration::from_secs(3)).build().unwrap();
    // Renewed every five seconds.
    let options = LockOptions::new().ttl(Duration::from_secs(15)).renewal(Renewal::Auto);
    let guard = redlock.lock_with("lock:renewed", &options).await.unwrap();
    until("used up", async || guard.remaining() < Duration::from_secs(12)).await;
    until("renewed", async || guard.remaining() > Duration::from_secs(12)).await;
    guard.release().await.unwrap();

    let guard = redlock.lock("lock:k").await.unwrap();
    redlock.inspect("lock:k").await.unwrap();
    // Whoever forgets below is the only one that lacks it.
    for server in servers.iter() {
        until("everywhere", async || server.get("lock:k").await.is_some()).await;
    }
    for forgetful in servers.iter() {
        forgetful.exec(&["DEL", "lock:k"]).await;
        guard.extend(Duration::from_secs(90)).await.unwrap();
        until("repaired", async || forgetful.get("lock:k").await.is_some()).await;
    }
    assert!(!guard.is_lost());
    assert_eq!(guard.release().await.unwrap(), Release::Released);
    redlock.close().await;
    for server in servers.iter() {
        assert_eq!(server.keys().await, [""; 0]);
    }
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    for _ in 0..3000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not {what}");
}

/// What becomes of each verb.
struct Verbs {
    acquire: Result<Vote, NodeError>,
    acquire_several: Result<Vote, NodeError>,
    extend: Result<Extension, NodeError>,
    release: Result<Removal, NodeError>,
    inspect: Result<Vec<Option<Holding>>, NodeError>,
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
        inspect: Arc::clone(node).inspect(extended.key().clone(), LIMIT).await,
    };
    // What was refused changed nothing.
    let mut stand = vec!["lock:extended"];
    stand.extend(verbs.release.is_err().then_some("lock:before"));
    stand.extend(verbs.acquire.is_ok().then_some("lock:k"));
    stand.extend(
        verbs.acquire_several.is_ok().then_some(["lock:a", "lock:b"]).into_iter().flatten(),
    );
    stand.sort_unstable();
    assert_eq!(server.keys().await, stand, "{take}");
    let left: u128 = server.exec(&["PTTL", "lock:extended"]).await.parse().unwrap();
    assert_eq!(left > 60_000, verbs.extend.is_ok(), "{take}");
    server.exec(&["ACL", "SETUSER", "locks", &take.replacen('-', "+", 1)]).await;
    for claim in [one, several, before, extended] {
        Arc::clone(node).release(claim, LIMIT).await.expect("the right is back");
    }
    assert_eq!(server.keys().await, [""; 0], "{take}");
    verbs
}

async fn a_missing_right_is_named_as_such_and_hurts_no_verb_that_does_not_need_it(
    client: Client,
    kind: Kind,
) {
    let servers = server(kind).await;
    let node = node(client, &servers[0]).await;
    let by_script = kind == Kind::Redis62;
    // Valkey's native release is a right beyond these, without which the script is used.
    // Right taken; which of acquire, acquire several, extend, release, inspect then lack it.
    let cases = [
        // Whoever lacks `EVAL` alone can still run what the server has run before, by its digest.
        ("-@scripting", [by_script, true, true, true, true]),
        ("-get", [by_script, true, true, true, true]),
        ("-set", [true, true, false, false, false]),
        ("-pexpire", [false, false, true, false, false]),
        ("-pttl", [false, false, true, false, true]),
        ("-del", [false, false, false, true, false]),
        ("-evalsha", [false; 5]),
        ("-script|load", [false; 5]),
        ("-ping", [false; 5]),
        ("-hello", [false; 5]),
        ("-time", [false; 5]),
        ("-info", [false; 5]),
        ("-lastsave", [false; 5]),
        (NAMING[usize::from(by_script)], [false; 5]),
    ];
    for (take, wanted) in cases {
        // Version 6.2 does not take a subcommand away alone.
        let take = if by_script && take == "-script|load" { "-script" } else { take };
        let verbs = try_all(&node, &servers[0], take).await;
        let lacks = |error: Option<&NodeError>| match error {
            None => false,
            Some(error) if error.fault() == Fault::Permission => true,
            Some(error) => panic!("{take}: {error}"),
        };
        let lacking = [
            lacks(verbs.acquire.as_ref().err()),
            lacks(verbs.acquire_several.as_ref().err()),
            lacks(verbs.extend.as_ref().err()),
            lacks(verbs.release.as_ref().err()),
            lacks(verbs.inspect.as_ref().err()),
        ];
        assert_eq!(lacking, wanted, "{take}");
    }
}

/// The same rights taken away before the handle knows anything: what a misconfigured user looks like in the end.
async fn a_handle_that_lacks_a_right_gets_no_lock_or_one_that_says_what_is_amiss(
    client: Client,
    kind: Kind,
) {
    for take in ["-eval", "-get", "-set", "-pexpire", "-pttl", "-del"] {
        let servers = server(kind).await;
        servers[0].exec(&["ACL", "SETUSER", "locks", take]).await;
        let redlock = handle([client.node(&servers[0].url_as("locks", PASSWORD))]);
        let guard = match redlock.try_lock("lock:k").await {
            Ok(guard) => guard,
            Err(error) => {
                assert_eq!(error.kind(), LockErrorKind::Misconfigured, "{take}: {error}");
                assert!(error.to_string().contains("missing right"), "{take}: {error}");
                redlock.close().await;
                assert_eq!(servers[0].keys().await, [""; 0], "{take}");
                continue;
            }
        };
        // It is held, so the server goes by a single command. What needs more says so and the lock expires.
        assert!(take != "-set" && (kind != Kind::Redis62 || !["-eval", "-get"].contains(&take)));
        if let Err(error) = guard.extend(Duration::from_secs(90)).await {
            assert!(!error.is_lost(), "{take}: {error}");
            assert!(error.nodes()[0].outcome.to_string().contains("missing right"), "{take}");
        }
        if let Err(error) = guard.release().await {
            assert!(error.to_string().contains("missing right"), "{take}: {error}");
            let left: u128 = servers[0].exec(&["PTTL", "lock:k"]).await.parse().unwrap();
            assert!(left > 0, "{take}: it never expires");
        } else {
            assert_eq!(servers[0].keys().await, [""; 0], "{take}");
        }
    }
}

async fn a_key_outside_of_the_users_pattern_is_a_missing_right(client: Client, kind: Kind) {
    let servers = server(kind).await;
    let redlock = handle([node(client, &servers[0]).await]);
    for key in [vec!["other".to_owned()], vec!["lock:a".to_owned(), "other".to_owned()]] {
        let error = redlock.try_lock(key).await.unwrap_err();
        assert_eq!(error.kind(), LockErrorKind::Misconfigured, "{error}");
        assert!(error.to_string().contains("missing right"), "{error}");
    }
    redlock.close().await;
    assert_eq!(servers[0].keys().await, [""; 0]);
}

async fn a_user_without_info_can_still_lock(client: Client, kind: Kind) {
    let servers = server(kind).await;
    servers[0].exec(&["ACL", "SETUSER", "locks", "-info"]).await;
    let redlock = handle([client.node(&servers[0].url_as("locks", PASSWORD))]);
    let guard = redlock.try_lock("lock:k").await.unwrap();
    guard.extend(Duration::from_secs(90)).await.unwrap();
    assert_eq!(guard.release().await.unwrap(), Release::Released);
}

async fn the_native_release_is_used_with_a_right_to_it(client: Client) {
    let servers = server(Kind::Valkey91).await;
    let redlock = handle([node(client, &servers[0]).await]);
    let used = async || {
        let stats = servers[0].exec(&["INFO", "commandstats"]).await;
        let line = stats.lines().find(|line| line.starts_with("cmdstat_delifeq:"));
        line.is_some_and(|line| !line.contains(":calls=0,"))
    };
    redlock.try_lock("lock:k").await.unwrap().release().await.unwrap();
    assert!(!used().await);
    servers[0].exec(&["ACL", "SETUSER", "locks", "+delifeq"]).await;
    let redlock = handle([node(client, &servers[0]).await]);
    redlock.try_lock("lock:k").await.unwrap().release().await.unwrap();
    assert!(used().await);
}

async fn no_password_shows_in_anything_printed(client: Client) {
    let servers = server(Kind::Redis70).await;
    let node = client.node(&servers[0].url_as("locks", PASSWORD));
    let redlock = handle([Arc::clone(&node)]);
    let missing = redlock.try_lock("other").await.unwrap_err();
    servers[0].exec(&["ACL", "DELUSER", "locks"]).await;
    let rejected = redlock.try_lock("lock:k").await.unwrap_err();
    let printed = format!("{node:?} {redlock:?} {missing} {missing:?} {rejected} {rejected:?}");
    assert!(!printed.contains("canary"), "{printed}");
}

integration_tests::with_both_clients_on_every_kind! {
    the_least_rights_suffice_for_everything
    the_least_rights_suffice_to_renew_and_repair
    a_missing_right_is_named_as_such_and_hurts_no_verb_that_does_not_need_it
    a_handle_that_lacks_a_right_gets_no_lock_or_one_that_says_what_is_amiss
    a_key_outside_of_the_users_pattern_is_a_missing_right
    a_user_without_info_can_still_lock
}

integration_tests::with_both_clients! {
    the_native_release_is_used_with_a_right_to_it
    no_password_shows_in_anything_printed
}
