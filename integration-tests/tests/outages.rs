//! One and two of five nodes fail, in every way a node can: locks are still had, held and released. Three fail: no lock,
//! in bounded time, and nothing left behind.
//!
//! The node timeout is so long that a call which waited for a bad node could not end in time: that is what the limits
//! around the calls assert.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{ChaosProxy, Mode, Servers};
use redlock_core::{
    ExtendErrorKind, LockErrorKind, LockOptions, LostReason, Redlock, RedlockBuilder, Release,
    Renewal,
};
use tokio::time::{sleep, timeout};

const NODES: usize = 5;
const NODE_TIMEOUT: Duration = Duration::from_secs(240);
/// Far above what healthy nodes need on a busy machine, far below a node timeout.
const AT_ONCE: Duration = Duration::from_secs(60);

fn builder(client: Client, urls: impl IntoIterator<Item = String>) -> RedlockBuilder {
    Redlock::builder()
        .nodes(client.nodes(urls))
        .ttl(Duration::from_secs(3_600))
        .node_timeout(NODE_TIMEOUT)
        .wait_for(NODE_TIMEOUT)
}

/// A handle that has met its nodes while all of them were well.
async fn met(client: Client, urls: impl IntoIterator<Item = String>) -> Redlock {
    let redlock = builder(client, urls).build().unwrap();
    redlock.try_lock("first contact").await.unwrap().release().await.unwrap();
    redlock
}

/// Takes, extends and releases several locks, none of which may wait for a bad node.
async fn works_at_once(redlock: &Redlock, how: &str) {
    for i in 0..5 {
        let work = async {
            let guard = redlock.try_lock(format!("{how}-{i}")).await.expect(how);
            let refused = redlock.try_lock(format!("{how}-{i}")).await.unwrap_err();
            assert_eq!(refused.kind(), LockErrorKind::Contended, "{how}");
            guard.extend(Duration::from_secs(7_200)).await.expect(how);
            assert_eq!(guard.release().await.expect(how), Release::Released);
        };
        timeout(AT_ONCE, work).await.unwrap_or_else(|_| panic!("{how}: waited for a bad node"));
    }
}

async fn a_hung_minority_costs_nothing(client: Client) {
    let servers = Servers::start(NODES).await;
    let redlock = met(client, servers.urls()).await;
    servers[0].pause().await;
    works_at_once(&redlock, "one hung").await;
    servers[1].pause().await;
    works_at_once(&redlock, "two hung").await;
    servers[0].resume().await;
    servers[1].resume().await;
    servers.become_empty().await;
}

async fn a_dead_minority_costs_nothing_and_may_come_back_empty(client: Client) {
    let servers = Servers::start(NODES).await;
    let redlock = met(client, servers.urls()).await;
    servers[0].kill().await;
    works_at_once(&redlock, "one dead").await;
    servers[1].kill().await;
    works_at_once(&redlock, "two dead").await;
    servers[0].start_again().await;
    servers[1].start_again().await;
    works_at_once(&redlock, "two back").await;
    // Those that came back take part again: two others may go.
    for _ in 0..1_000 {
        let guard = redlock.try_lock("again").await.unwrap();
        sleep(Duration::from_millis(50)).await;
        let stands =
            servers[0].get("again").await.is_some() && servers[1].get("again").await.is_some();
        guard.release().await.unwrap();
        if stands {
            servers[3].pause().await;
            servers[4].pause().await;
            works_at_once(&redlock, "two others hung").await;
            servers[3].resume().await;
            servers[4].resume().await;
            return servers.become_empty().await;
        }
    }
    panic!("the nodes that came back are not used");
}

async fn a_partitioned_minority_costs_nothing(client: Client) {
    let servers = Servers::start(NODES).await;
    let mut proxies = Vec::new();
    for server in servers.iter() {
        proxies.push(ChaosProxy::start(server.addr()).await);
    }
    let redlock = met(client, proxies.iter().map(ChaosProxy::url)).await;
    for (mode, how) in [
        (Mode::Stall, "stalled"),
        (Mode::Blackhole, "black hole"),
        (Mode::Refuse, "refused"),
        (Mode::DropReplies, "deaf"),
    ] {
        proxies[0].set(mode).await;
        works_at_once(&redlock, &format!("one {how}")).await;
        proxies[1].set(mode).await;
        works_at_once(&redlock, &format!("two {how}")).await;
        for proxy in &proxies[..2] {
            proxy.set(Mode::Pass).await;
            proxy.cut_all();
        }
        servers.become_empty().await;
    }
}

async fn a_dead_or_hung_majority_is_unreachable_in_bounded_time_and_leaves_nothing(client: Client) {
    let servers = Servers::start(NODES).await;
    // All attempts together are shorter than the silence after which a connection is given up.
    let short = Duration::from_secs(1);
    let redlock = builder(client, servers.urls()).node_timeout(short).build().unwrap();
    redlock.try_lock("first contact").await.unwrap().release().await.unwrap();
    servers[0].pause().await;
    servers[1].kill().await;
    servers[2].pause().await;
    let options = LockOptions::new().wait_for(short * 3);
    let locking = timeout(AT_ONCE, redlock.lock_with("k", &options));
    let error = locking.await.expect("bounded").unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Unreachable);
    assert!(error.attempts() > 1);
    let text = error.to_string();
    assert_eq!(text.matches("no answer in time").count(), 2, "{text}");
    assert_eq!(text.matches("no connection").count(), 1, "{text}");
    for server in [&servers[0], &servers[2]] {
        server.resume().await;
    }
    servers[1].start_again().await;
    servers.become_empty().await;
    drop(redlock.lock("k").await.expect("had again"));
    redlock.close().await;
    servers.become_empty().await;
}

async fn servers_that_start_later_are_no_construction_error(client: Client) {
    let servers = Servers::start(NODES).await;
    for server in servers.iter() {
        server.kill().await;
    }
    let redlock = builder(client, servers.urls()).build().unwrap();
    let error = redlock.try_lock("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Unreachable);
    assert_eq!(error.nodes().len(), NODES);
    let waiting = tokio::spawn({
        let redlock = redlock.clone();
        async move { redlock.lock("k").await.map(drop) }
    });
    for server in &servers[..3] {
        server.start_again().await;
    }
    waiting.await.unwrap().expect("had when a majority is up");
}

async fn a_hold_outlives_outages_of_a_minority_and_repairs_nodes_that_forgot(client: Client) {
    let servers = Servers::start(NODES).await;
    let ttl = Duration::from_secs(10);
    let redlock = builder(client, servers.urls()).ttl(ttl).node_timeout(ttl / 5);
    let redlock = redlock.renewal(Renewal::Auto).build().unwrap();
    let guard = redlock.lock("k").await.unwrap();
    servers[0].restart().await;
    servers[1].pause().await;
    sleep(ttl * 3 / 2).await;
    assert!(!guard.is_lost(), "{:?}", guard.lease());
    servers[1].resume().await;
    for server in &servers[..2] {
        let mut stands = false;
        for _ in 0..1_000 {
            stands = server.get("k").await.is_some();
            if stands {
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
        assert!(stands, "given back to the node that forgot");
    }
    guard.release().await.unwrap();
    redlock.close().await;
    servers.become_empty().await;
}

async fn a_majority_that_forgot_is_told_at_once(client: Client) {
    let servers = Servers::start(NODES).await;
    let redlock = met(client, servers.urls()).await;
    let guard = redlock.lock("k").await.unwrap();
    // What comes in behind the majority must not come in behind this.
    for server in servers.iter() {
        let stands = async {
            while server.get("k").await.is_none() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(AT_ONCE, stands).await.expect("it stands on every node");
    }
    for server in &servers[..3] {
        server.exec(&["FLUSHALL"]).await;
    }
    let error = guard.extend(Duration::from_secs(3_600)).await.unwrap_err();
    assert_eq!(*error.kind(), ExtendErrorKind::Lost(LostReason::Stolen));
    assert_eq!(timeout(AT_ONCE, guard.lease().lost()).await.unwrap(), LostReason::Stolen);
    drop(redlock.try_lock("k").await.expect("free for others"));
    drop(guard);
    redlock.close().await;
    servers.become_empty().await;
}

async fn calls_that_were_dropped_over_hung_nodes_leave_nothing(client: Client) {
    let servers = Servers::start(NODES).await;
    let redlock = Arc::new(met(client, servers.urls()).await);
    for server in &servers[..3] {
        server.pause().await;
    }
    for i in 0..10 {
        let call = redlock.lock(format!("k{i}"));
        assert!(timeout(Duration::from_millis(20 * i), call).await.is_err());
    }
    for server in &servers[..3] {
        server.resume().await;
    }
    servers.become_empty().await;
}

integration_tests::with_both_clients! {
    a_hung_minority_costs_nothing
    a_dead_minority_costs_nothing_and_may_come_back_empty
    a_partitioned_minority_costs_nothing
    a_dead_or_hung_majority_is_unreachable_in_bounded_time_and_leaves_nothing
    servers_that_start_later_are_no_construction_error
    a_hold_outlives_outages_of_a_minority_and_repairs_nodes_that_forgot
    a_majority_that_forgot_is_told_at_once
    calls_that_were_dropped_over_hung_nodes_leave_nothing
}
