//! Users who lack one right to what shares and slots are made of.

use std::sync::Arc;

use integration_tests::nodes::Client;
use integration_tests::{Kind, Server};
use redlock_core::key::INTENT_PREFIX;
use redlock_core::node::{Claim, Fault, LockNode, NodeError, Terms};

use crate::setup::*;

const PASSWORD: &str = "canary-password";

/// What is tried without the right. The resources that each stands on are its own.
const TRIED: [&str; 10] = [
    "share",
    "share beside others",
    "extend",
    "downgrade",
    "raise",
    "release",
    "inspect",
    "lock beside shares",
    "slot",
    "no slot",
];

/// Which of [`TRIED`] want each right; all others do without.
const WANTED: [(&str, &[&str]); 15] = [
    (
        "time",
        &[
            "share",
            "share beside others",
            "extend",
            "downgrade",
            "raise",
            "release",
            "inspect",
            "slot",
        ],
    ),
    ("zscore", &["share", "share beside others", "extend", "downgrade", "raise", "release"]),
    (
        "zrange",
        &[
            "share",
            "share beside others",
            "extend",
            "raise",
            "release",
            "inspect",
            "lock beside shares",
        ],
    ),
    ("zadd", &["share", "share beside others", "extend", "downgrade"]),
    ("zremrangebyscore", &["share", "share beside others", "extend", "downgrade", "release"]),
    ("zrem", &["release"]),
    ("zcount", &["inspect"]),
    ("pexpire", &["share", "share beside others", "extend", "downgrade", "release"]),
    (
        "pttl",
        &[
            "share",
            "share beside others",
            "downgrade",
            "raise",
            "inspect",
            "lock beside shares",
            "no slot",
        ],
    ),
    ("get", &["downgrade", "raise", "inspect", "lock beside shares"]),
    ("set", &["raise", "slot"]),
    ("del", &["downgrade"]),
    ("mget", &["slot", "no slot"]),
    ("exists", &["slot"]),
    // Nothing that this version sends.
    ("zrangebyscore", &[]),
];

/// What stands on the server, with what it is and when it ends, in tens of seconds; 0 for what never does.
async fn standing(server: &Server) -> Vec<String> {
    let mut all = Vec::new();
    for key in server.keys().await {
        let (kind, left) = (server.exec(&["TYPE", &key]).await, server.exec(&["PTTL", &key]).await);
        let holds = match &*kind {
            "zset" => server.exec(&["ZRANGE", &key, "0", "-1", "WITHSCORES"]).await,
            _ => server.get(&key).await.unwrap_or_default(),
        };
        // A key outlives its last share by a millisecond.
        let left = (left.parse::<i64>().unwrap() - 2) / 10_000;
        all.push(format!("{key} {kind} {holds} {left}"));
    }
    all
}

fn fault<T>(answer: Result<T, NodeError>) -> Option<Fault> {
    answer.err().map(|error| error.fault())
}

async fn try_one(node: &Arc<dyn LockNode>, what: &str, stands: &Stands) -> Option<Fault> {
    let node = || Arc::clone(node);
    let longer = Terms::new(LIMIT * 40);
    match what {
        "share" => fault(node().acquire(claim(&["new", "other"]).shared(), terms(), LIMIT).await),
        "share beside others" => {
            fault(node().acquire(claim(&["shared"]).shared(), terms(), LIMIT).await)
        }
        "extend" => fault(node().extend(stands.reader.clone(), longer, LIMIT).await),
        "downgrade" => fault(node().extend(stands.whole.clone().shared(), longer, LIMIT).await),
        "raise" => {
            fault(node().raise(stands.reader.clone(), u64::MAX >> 12, LIMIT * 100, LIMIT).await)
        }
        "release" => fault(node().release(stands.reader.clone(), LIMIT).await),
        "inspect" => fault(node().inspect(stands.all.key().clone(), LIMIT).await),
        "lock beside shares" => {
            fault(node().acquire(claim(&["shared", "new"]), terms(), LIMIT).await)
        }
        "slot" => fault(place(&node(), &claim(&["whole", "slot"]), terms()).await),
        "no slot" => fault(place(&node(), &claim(&["full", "whole"]), terms()).await),
        other => panic!("{other}"),
    }
}

/// Who holds what before the right is taken.
struct Stands {
    reader: Claim,
    whole: Claim,
    all: Claim,
}

async fn stand(node: &Arc<dyn LockNode>) -> Stands {
    let (reader, whole) = (claim(&["shared"]).shared(), claim(&["whole"]));
    for claim in [&reader, &claim(&["shared"]).shared(), &whole, &claim(&["full"])] {
        acquire(node, claim, LIMIT).await.unwrap();
    }
    Stands { reader, whole, all: claim(&["shared", "whole"]) }
}

async fn a_right_that_lacks_is_named_where_it_is_wanted_and_nothing_is_changed(
    client: Client,
    kind: Kind,
) {
    let servers = start(kind, &[]).await;
    let server = &servers[0];
    let password = format!(">{PASSWORD}");
    server.exec(&["ACL", "SETUSER", "locks", "on", &password, "~*", "&*", "+@all"]).await;
    let free = met(client, &server.url()).await;
    let node = met(client, &server.url_as("locks", PASSWORD)).await;
    let mut wrong = Vec::new();
    for (right, wanted) in WANTED {
        for what in TRIED {
            server.exec(&["FLUSHALL"]).await;
            let stands = stand(&free).await;
            let before = standing(server).await;
            server.exec(&["ACL", "SETUSER", "locks", &format!("-{right}")]).await;
            let fault = try_one(&node, what, &stands).await;
            server.exec(&["ACL", "SETUSER", "locks", "+@all"]).await;
            let lacks = wanted.contains(&what).then_some(Fault::Permission);
            if fault != lacks {
                wrong.push(format!("-{right}: {what}: {fault:?}"));
            }
            let after = standing(server).await;
            // A release that could do a part of it has.
            if lacks.is_some() && before != after && what != "release" {
                wrong.push(format!("-{right}: {what}: {before:#?} became {after:#?}"));
            }
            if after.iter().any(|entry| entry.ends_with(" 0")) {
                wrong.push(format!("-{right}: {what}: without an end: {after:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Intents stand under a prefix of their own.
async fn without_a_right_to_intents_shares_are_refused_and_locks_that_meet_none_are_not(
    client: Client,
    kind: Kind,
) {
    let servers = start(kind, &[]).await;
    let server = &servers[0];
    let password = format!(">{PASSWORD}");
    let keys = ["~k", "~a", "~b", "~redlock:fence:*"];
    let mut acl = vec!["ACL", "SETUSER", "locks", "on", &password, "&*", "+@all"];
    acl.extend(keys);
    server.exec(&acl).await;
    let node = met(client, &server.url_as("locks", PASSWORD)).await;
    let share = claim(&["k"]).shared();
    assert_eq!(fault(acquire(&node, &share, LIMIT).await), Some(Fault::Permission));
    // What is given back to a node that lost it heeds none.
    let heedless = Arc::clone(&node).acquire(share.clone(), terms().heeding(false), LIMIT).await;
    assert_eq!(fault(heedless), None);
    assert_eq!(fault(Arc::clone(&node).release(share, LIMIT).await), None);
    assert_eq!(fault(acquire(&node, &claim(&["k"]), LIMIT).await), None);
    assert_eq!(fault(place(&node, &claim(&["a", "b"]), fenced()).await), None);
    let intents = server.keys().await.iter().filter(|key| key.starts_with(INTENT_PREFIX)).count();
    assert_eq!(intents, 0);
}

integration_tests::with_both_clients_on_every_kind! {
    a_right_that_lacks_is_named_where_it_is_wanted_and_nothing_is_changed
    without_a_right_to_intents_shares_are_refused_and_locks_that_meet_none_are_not
}
