//! Command lines that share: `--shared`.

use integration_tests::Servers;
use integration_tests::nodes::Client;

use crate::setup::{Running, ended, exec, forget, had_by_most, locks, redlock, until_free};

/// Holds until its standard input ends, and tells its number first.
const HOLD: [&str; 4] = ["--", "sh", "-c", "echo $REDLOCK_FENCE; cat; echo out"];

async fn readers_run_beside_one_another_and_never_beside_who_does_not_share(client: Client) {
    let servers = Servers::start(3).await;
    let reader = |flag| ["k", "--label=me@here", flag].into_iter().chain(HOLD);
    let mut one = Running::start(exec(client, &servers, reader("--shared")));
    let first: u64 = one.line().await.parse().unwrap();
    let mut other = Running::start(exec(client, &servers, reader("-s")));
    assert_eq!(other.line().await.parse(), Ok(first), "nobody wrote in between");
    for flags in [&["-n"] as &[_], &["-w", "2s"]] {
        let words = ["k"].iter().chain(flags).chain(&["--", "echo", "ran"]);
        let writer = ended(exec(client, &servers, words.copied())).await;
        assert_eq!((writer.code, &*writer.stdout), (Some(1), ""), "{writer:?}");
        assert!(writer.stderr.starts_with("redlock: k: held by me@here"), "{writer:?}");
    }
    let waiter = Running::start(exec(
        client,
        &servers,
        ["-w", "50s", "k", "--", "sh", "-c", "echo $REDLOCK_FENCE"],
    ));
    assert_eq!(one.end().await.stdout, "out\n");
    assert_eq!(other.end().await.stdout, "out\n", "it held to its own end");
    let waiter = waiter.end().await;
    assert_eq!(waiter.code, Some(0), "{waiter:?}");
    assert!(waiter.stdout.trim().parse::<u64>().unwrap() > first, "{first}: {waiter:?}");

    let mut writer =
        Running::start(exec(client, &servers, ["k", "--label=me@here"].into_iter().chain(HOLD)));
    let number: u64 = writer.line().await.parse().unwrap();
    let refused = ended(exec(client, &servers, ["-ns", "k", "--", "echo", "ran"])).await;
    assert_eq!((refused.code, &*refused.stdout), (Some(1), ""), "{refused:?}");
    let said = "redlock: k: held by me@here (free in about ";
    assert!(refused.stderr.starts_with(said), "{refused:?}");
    let reader = Running::start(exec(
        client,
        &servers,
        ["-s", "-w", "50s", "k", "--", "sh", "-c", "echo $REDLOCK_FENCE"],
    ));
    assert_eq!(writer.end().await.code, Some(0));
    let reader = reader.end().await;
    assert!(reader.stdout.trim().parse::<u64>().unwrap() > number, "{number}: {reader:?}");
    until_free(&servers).await;
}

async fn several_keys_are_shared_together(client: Client) {
    let servers = Servers::start(3).await;
    let mut reader =
        Running::start(exec(client, &servers, ["-s", "b", "a"].into_iter().chain(HOLD)));
    reader.line().await;
    let cases: [(&[&str], i32); 4] =
        [(&["-s", "a"], 0), (&["-s", "b", "c"], 0), (&["a"], 1), (&["b", "c"], 1)];
    for (words, code) in cases {
        let words = ["-n"].iter().chain(words).chain(&["--", "true"]);
        let ended = ended(exec(client, &servers, words.copied())).await;
        assert_eq!(ended.code, Some(code), "{ended:?}");
    }
    assert_eq!(reader.end().await.code, Some(0));
    until_free(&servers).await;
}

async fn a_share_that_is_lost_ends_the_command_and_no_other(client: Client) {
    let servers = Servers::start(3).await;
    let flags = ["-v", "-s", "--ttl", "10s", "k", "--", "sh", "-c"];
    let lost = exec(client, &servers, flags.into_iter().chain(["echo held; exec sleep 1000"]));
    let mut lost = Running::start(lost);
    assert_eq!(lost.line().await, "held");
    forget(&servers).await;
    let mut other = Running::start(exec(client, &servers, ["-s", "k"].into_iter().chain(HOLD)));
    other.line().await;
    let lost = lost.end().await;
    assert_eq!(lost.code, Some(124), "{lost:?}");
    assert!(lost.stderr.starts_with("redlock: k: shared (fence "), "{lost:?}");
    assert!(lost.stderr.contains("redlock: k: lock lost: "), "{lost:?}");
    had_by_most(&locks(&servers).await, &["k"]);
    assert_eq!(other.end().await.code, Some(0));
    until_free(&servers).await;
}

#[tokio::test]
async fn who_shares_cannot_keep_others_out_for_a_time() {
    let servers = Servers::start(1).await;
    let node = servers[0].addr().to_string();
    let words = ["exec", "--node", &node, "k", "--shared", "--at-least", "50s", "--", "true"];
    let wrong = ended(redlock(words)).await;
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    let said = "the argument '--shared' cannot be used with '--at-least <DURATION>'";
    assert!(wrong.stderr.contains(said), "{wrong:?}");
    assert_eq!(servers[0].keys().await, [""; 0]);
}

integration_tests::with_both_clients! {
    readers_run_beside_one_another_and_never_beside_who_does_not_share
    several_keys_are_shared_together
    a_share_that_is_lost_ends_the_command_and_no_other
}
