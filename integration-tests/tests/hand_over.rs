//! A lock that goes from one process to another, over real servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Stdio;
use std::time::Duration;

use integration_tests::Servers;
use integration_tests::nodes::Client;
use redlock_core::{Handover, LockErrorKind, LostReason, Redlock, Release};
use tokio::process::Command;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(90);

fn redlock(client: Client, servers: &Servers, fencing: bool) -> Redlock {
    let builder = Redlock::builder().nodes(client.nodes(servers.urls()));
    let builder = builder.ttl(Duration::from_secs(60)).node_timeout(Duration::from_secs(10));
    builder.fencing(fencing).build().unwrap()
}

#[tokio::test]
async fn the_example_hands_over_from_one_process_to_another_and_leaves_nothing() {
    let servers = Servers::start(3).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_hand-over-example"));
    command.env("REDLOCK_NODES", servers.urls().join(","));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = timeout(LIMIT, command.output()).await.expect("in time").unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 5, "{printed}");
    let fence = |line: &str| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
    let given = fence(lines[0]);
    assert_eq!(lines[2], format!("worker: goes on where fence {given} stopped"));
    assert!(fence(lines[3]) > given, "{printed}");
    assert_eq!(lines[4], "worker: released, Released");
    let mut counted = 0;
    for server in servers.iter() {
        let keys = server.keys().await;
        assert!(keys.iter().all(|key| key == "redlock:fence:example:order:42"), "{keys:?}");
        counted += keys.len();
    }
    // One that is slow to say who it is may never have been asked.
    assert!(counted >= 2, "{counted}");
}

/// Who hands over and who takes over need not use the same client.
async fn a_lock_is_taken_over_through_the_other_client(client: Client) {
    let servers = Servers::start(3).await;
    let other = match client {
        Client::Redis => Client::Fred,
        Client::Fred => Client::Redis,
    };
    for (fencing, key) in [(true, "fenced"), (false, "plain")] {
        let (giver, taker) =
            (redlock(client, &servers, fencing), redlock(other, &servers, fencing));
        let guard = giver.try_lock([key, "another"]).await.unwrap();
        let lease = guard.lease();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let text = guard.hand_over().expose();
        assert_eq!(lease.lost_reason(), Some(LostReason::HandedOver));
        let handover = Handover::parse(&text).unwrap();
        let taken = taker.take_over(&handover).await.unwrap();
        assert_eq!(taken.continued(), fencing);
        assert!(!fencing || taken.fence() > handover.fence());
        let second = giver.take_over(&handover).await.unwrap_err();
        assert_eq!(second.kind(), LockErrorKind::Contended);
        assert_eq!(taken.release().await.unwrap(), Release::Released);
        let again = giver.take_over(&handover).await.unwrap();
        assert!(!again.continued(), "the first taker was in between");
        again.release().await.unwrap();
    }
}

/// A queue that delivers at least once, to workers that all begin at once.
async fn of_many_who_are_told_one_holds_at_the_most_and_none_beside_a_stranger(client: Client) {
    let servers = Servers::start(3).await;
    let giver = redlock(client, &servers, true);
    let takers: Vec<_> = (0..8).map(|_| redlock(client, &servers, true)).collect();
    // So that all nodes are met.
    for taker in &takers {
        taker.try_lock("first contact").await.unwrap().release().await.unwrap();
    }
    for round in 0..20 {
        let key = format!("k{round}");
        let text = giver.try_lock(key.as_str()).await.unwrap().hand_over().expose();
        let handover = Handover::parse(&text).unwrap();
        let tries = takers.iter().map(|taker| taker.take_over(&handover));
        let won: Vec<_> = futures_util::future::join_all(tries)
            .await
            .into_iter()
            .filter_map(Result::ok)
            .collect();
        assert!(won.len() <= 1, "{round}: {won:?}");
        let guard = match won.into_iter().next() {
            Some(guard) => guard,
            // Each may have been given a part of the nodes.
            None => takers[0].lock(key.as_str()).await.unwrap(),
        };
        for taker in &takers {
            let late = taker.take_over(&handover).await.unwrap_err();
            assert_eq!(late.kind(), LockErrorKind::Contended, "{round}");
        }
        assert!(!guard.is_lost());
        assert_eq!(guard.release().await.unwrap(), Release::Released);
    }
}

/// What was handed on is none of those who had it before.
async fn an_older_text_takes_nothing_and_continues_nothing(client: Client) {
    let servers = Servers::start(3).await;
    let redlock = redlock(client, &servers, true);
    let first = redlock.try_lock("k").await.unwrap().hand_over();
    let mut stale = None;
    for server in servers.iter() {
        stale = stale.or(server.get("k").await);
    }
    let stale = stale.unwrap();
    let second = redlock.take_over(&first).await.unwrap().hand_over();
    let refused = redlock.take_over(&first).await.unwrap_err();
    assert_eq!(refused.kind(), LockErrorKind::Contended);
    let third = redlock.take_over(&second).await.unwrap();
    assert!(third.continued() && third.fence() > second.fence());
    for older in [&first, &second] {
        let refused = redlock.take_over(older).await.unwrap_err();
        assert_eq!(refused.kind(), LockErrorKind::Contended);
    }
    assert_eq!(third.release().await.unwrap(), Release::Released);
    // A request of the first one's that is as late as can be.
    for server in servers.iter() {
        server.exec(&["SET", "k", &stale, "PX", "60000"]).await;
    }
    let taken = redlock.take_over(&first).await.unwrap();
    assert!(!taken.continued(), "others were in between");
    assert!(taken.fence() > second.fence());
    assert_eq!(taken.release().await.unwrap(), Release::Released);
}

integration_tests::with_both_clients! {
    of_many_who_are_told_one_holds_at_the_most_and_none_beside_a_stranger
    an_older_text_takes_nothing_and_continues_nothing
    a_lock_is_taken_over_through_the_other_client
}
