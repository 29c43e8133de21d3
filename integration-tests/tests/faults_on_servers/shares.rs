//! What becomes of shares and of slots on servers that refuse, or hold something else.

use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{Kind, Server};
use redlock_core::node::{Claim, Expiry, Extension, Fault, LockNode, Removal, Vote};

use crate::setup::*;

async fn extend(node: &Arc<dyn LockNode>, claim: &Claim) -> Extension {
    let longer = redlock_core::node::Terms::new(Duration::from_secs(90));
    Arc::clone(node).extend(claim.clone(), longer, LIMIT).await.unwrap()
}

async fn release(node: &Arc<dyn LockNode>, claim: &Claim) -> Removal {
    Arc::clone(node).release(claim.clone(), LIMIT).await.unwrap()
}

async fn left(server: &Server, key: &str) -> i64 {
    server.exec(&["PTTL", key]).await.parse().unwrap()
}

async fn a_full_memory_refuses_new_shares_and_none_that_stands(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    let (server, node) = (&servers[0], met(client, &servers[0].url()).await);
    let (reader, writer) = (claim(&["a", "b"]).shared(), claim(&["c", "d"]));
    acquire(&node, &reader, LIMIT).await.unwrap();
    acquire(&node, &writer, LIMIT).await.unwrap();
    server.exec(&["CONFIG", "SET", "maxmemory", "1"]).await;
    // One that joins others is new as well.
    for resources in [&["k"][..], &["a", "b"]] {
        let late = claim(resources).shared();
        let error = acquire(&node, &late, LIMIT).await.unwrap_err();
        assert_eq!(error.fault(), Fault::OutOfMemory, "{error}");
        let fenced = Arc::clone(&node).acquire(late, fenced(), LIMIT).await.unwrap_err();
        assert_eq!(fenced.fault(), Fault::OutOfMemory, "{fenced}");
    }
    assert_eq!(server.exec(&["ZCARD", "a"]).await, "1");
    assert_eq!(extend(&node, &reader).await, Extension::Extended);
    assert!(left(server, "a").await > 60_001 && left(server, "b").await > 60_001);
    let downgraded = writer.shared();
    assert_eq!(extend(&node, &downgraded).await, Extension::Extended);
    assert_eq!(server.exec(&["TYPE", "d"]).await, "zset");
    for claim in [reader, downgraded] {
        assert_eq!(release(&node, &claim).await, Removal::Removed);
    }
    assert_eq!(server.keys().await, [""; 0]);
}

async fn what_is_no_share_is_not_the_readers_and_takes_a_slot(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    let (server, node) = (&servers[0], met(client, &servers[0].url()).await);
    server.exec(&["RPUSH", "a", "x"]).await;
    server.exec(&["ZADD", "b", "7", "seven"]).await;
    server.exec(&["PEXPIRE", "b", "3600000"]).await;
    for resources in [&["a"][..], &["a", "b"]] {
        let reader = claim(resources).shared();
        let error = acquire(&node, &reader, LIMIT).await.unwrap_err();
        assert_eq!(error.fault(), Fault::WrongType, "{error}");
        assert_eq!(extend(&node, &reader).await, Extension::Foreign);
        assert_eq!(release(&node, &reader).await, Removal::Foreign);
    }
    let full = place(&node, &claim(&["a", "b"]), fenced()).await.unwrap();
    let Vote::Held { expiry: Expiry::In(left), .. } = full.vote else { panic!("{full:?}") };
    assert!(left <= Duration::from_secs(3_600) && full.taken == 0b11, "{full:?}");
    let slots = claim(&["a", "b", "c"]);
    let given = place(&node, &slots, fenced()).await.unwrap();
    assert_eq!((given.slot, given.taken), (Some(2), 0b011));
    assert_eq!(release(&node, &slots).await, Removal::Foreign);
    let keys = ["a", "b", "redlock:fence:c"];
    assert_eq!(server.keys().await, keys, "and no other slot's counter");
    assert_eq!(server.exec(&["TYPE", "a"]).await, "list");
    assert_eq!(server.exec(&["ZRANGE", "b", "0", "-1"]).await, "seven");
}

async fn flushed_scripts_are_no_fault_of_shares_and_slots(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    let (server, node) = (&servers[0], met(client, &servers[0].url()).await);
    for _ in 0..2 {
        let (reader, slots) = (claim(&["k"]).shared(), claim(&["a", "b"]));
        assert_eq!(acquire(&node, &reader, LIMIT).await, Ok(Vote::Granted { fence: None }));
        server.exec(&["SCRIPT", "FLUSH"]).await;
        assert_eq!(extend(&node, &reader).await, Extension::Extended);
        assert_eq!(place(&node, &slots, terms()).await.unwrap().slot, Some(0));
        server.exec(&["SCRIPT", "FLUSH"]).await;
        assert_eq!(release(&node, &reader).await, Removal::Removed);
        assert_eq!(release(&node, &slots).await, Removal::Gone);
        server.exec(&["SCRIPT", "FLUSH"]).await;
    }
    assert_eq!(server.keys().await, [""; 0]);
}

integration_tests::with_both_clients_on_every_kind! {
    a_full_memory_refuses_new_shares_and_none_that_stands
    what_is_no_share_is_not_the_readers_and_takes_a_slot
    flushed_scripts_are_no_fault_of_shares_and_slots
}
