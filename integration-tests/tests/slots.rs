//! One of several slots, on real servers: with the rights that the documentation names, and beside clients of other make.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{Kind, Server, Servers};
use redlock_core::node::{
    Claim, Extension, Fault, FenceTerms, LockNode, NodeError, Placed, Removal, Terms, Vote,
};
use redlock_core::{LockKey, Token};

const LIMIT: Duration = Duration::from_secs(5);
const TTL: Duration = Duration::from_secs(60);
const PASSWORD: &str = "canary-password";

/// What locks need, as `OPERATIONS.md` has it.
const LOCKS: &str = "resetkeys ~lock:* ~redlock:fence:lock:* -@all +eval +evalsha +get +set +del +pexpire +pttl +time +info \
                     +lastsave +ping +hello";

/// What slots need beside it.
const SLOTS: &str = "+mget +exists";

async fn user(server: &Server, rules: &str) {
    let password = format!(">{PASSWORD}");
    let naming = if server.kind() == Kind::Redis62 { "+client" } else { "+client|setname" };
    let mut acl = vec!["ACL", "SETUSER", "locks", "on", &password, naming];
    acl.extend(rules.split_whitespace());
    server.exec(&acl).await;
}

fn slots() -> Claim {
    let key = LockKey::all((0..4).map(|slot| format!("lock:n/{slot}"))).unwrap();
    Claim::new(key, Token::random().unwrap())
}

fn all_terms() -> [Terms; 2] {
    let fencing = FenceTerms { hint: 0, life: TTL * 10 };
    [Terms::new(TTL), Terms::new(TTL).with_fencing(Some(fencing))]
}

async fn place(node: &Arc<dyn LockNode>, slots: &Claim, terms: Terms) -> Result<Placed, NodeError> {
    Arc::clone(node).acquire_any(slots.clone(), terms, 0, LIMIT).await
}

async fn the_rights_that_are_named_suffice_for_slots(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    let server = &servers[0];
    user(server, LOCKS).await;
    let node = client.node(&server.url_as("locks", PASSWORD));
    for terms in all_terms() {
        let error = place(&node, &slots(), terms).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Permission, "{error}");
    }
    assert_eq!(server.keys().await, [""; 0]);

    user(server, &format!("{LOCKS} {SLOTS}")).await;
    for terms in all_terms() {
        server.exec(&["RPUSH", "lock:n/0", "x"]).await;
        let claims = [slots(), slots(), slots()];
        for (claim, slot) in claims.iter().zip(1..) {
            let placed = place(&node, claim, terms).await.unwrap();
            assert_eq!(placed.slot, Some(slot), "{placed:?}");
            let again = place(&node, claim, terms).await.unwrap();
            assert_eq!((again.vote, again.slot), (Vote::AlreadyOurs, Some(slot)));
        }
        let full = place(&node, &slots(), terms).await.unwrap();
        assert!(matches!(full.vote, Vote::Held { .. }) && full.taken == 0b1111, "{full:?}");
        for (claim, slot) in claims.iter().zip(1..) {
            let one = claim.on(claim.key().only(slot).unwrap());
            let extended = Arc::clone(&node).extend(one, terms, LIMIT).await;
            assert_eq!(extended, Ok(Extension::Extended));
            let released = Arc::clone(&node).release(claim.clone(), LIMIT).await;
            assert_eq!(released, Ok(Removal::Foreign), "of a list it is nobody's");
        }
        assert_eq!(server.exec(&["DEL", "lock:n/0"]).await, "1");
    }
    let guarded = Terms::new(TTL).with_guard(Some(Duration::from_millis(1)));
    let claim = slots();
    // It has just begun to run.
    let vote = place(&node, &claim, guarded).await.unwrap().vote;
    assert!(matches!(vote, Vote::Warming { .. } | Vote::Granted { .. }), "{vote:?}");
    Arc::clone(&node).release(claim, LIMIT).await.unwrap();
    let keys = server.keys().await;
    assert!(keys.iter().all(|key| key.starts_with("redlock:fence:lock:n/")), "{keys:?}");
}

async fn clients_of_other_make_take_slots_and_are_kept_out_of_them(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    let (server, node) = (&servers[0], client.node(&servers[0].url()));
    let set = ["SET", "lock:n/0", "theirs", "NX", "PX", "60000"];
    assert_eq!(server.exec(&set).await, "OK");
    let ours = slots();
    assert_eq!(place(&node, &ours, Terms::new(TTL)).await.unwrap().slot, Some(1));
    assert_eq!(server.exec(&["SET", "lock:n/1", "theirs", "NX", "PX", "60000"]).await, "(nil)");
    // What every Redlock library releases by.
    let release = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";
    assert_eq!(server.exec(&["EVAL", release, "1", "lock:n/1", "theirs"]).await, "0");
    assert_eq!(server.exec(&["EVAL", release, "1", "lock:n/0", "theirs"]).await, "1");
    assert_eq!(place(&node, &slots(), Terms::new(TTL)).await.unwrap().slot, Some(0));
    assert_eq!(server.get("lock:n/1").await.as_deref(), Some(ours.token().expose()));
}

integration_tests::with_both_clients_on_every_kind! {
    the_rights_that_are_named_suffice_for_slots
    clients_of_other_make_take_slots_and_are_kept_out_of_them
}
