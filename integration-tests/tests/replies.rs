//! Requests and replies that get lost on the way to real servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{ChaosProxy, Mode, Servers};
use redlock_core::{LockErrorKind, LockGuard, Redlock};
use tokio::time::sleep;

const TTL: Duration = Duration::from_secs(60);

/// Servers, each behind a proxy, and a handle that has met them.
struct Net {
    servers: Servers,
    proxies: Vec<ChaosProxy>,
    redlock: Redlock,
}

async fn net(client: Client, count: usize, node_timeout: Duration) -> Net {
    let servers = Servers::start(count).await;
    let mut proxies = Vec::new();
    for server in servers.iter() {
        proxies.push(ChaosProxy::start(server.addr()).await);
    }
    let nodes = client.nodes(proxies.iter().map(ChaosProxy::url));
    let redlock =
        Redlock::builder().nodes(nodes).ttl(TTL).node_timeout(node_timeout).build().unwrap();
    redlock.try_lock("first contact").await.unwrap().release().await.unwrap();
    Net { servers, proxies, redlock }
}

async fn a_reply_lost_after_the_server_granted_leaves_nothing_and_nothing_is_sent_twice(
    client: Client,
) {
    let net = net(client, 1, Duration::from_secs(3)).await;
    let proxy = &net.proxies[0];
    let sent = proxy.seen(b"PX");
    proxy.set(Mode::DropReplies).await;
    let error = net.redlock.try_lock("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Unreachable);
    assert_eq!(proxy.seen(b"PX"), sent + 1, "once per attempt");
    proxy.set(Mode::Pass).await;
    // No bytes go missing inside of a connection that lives on.
    proxy.cut_all();
    net.servers.become_empty().await;

    proxy.set(Mode::CutAfterRequest { times: 1, containing: b"PX" }).await;
    let sent = proxy.seen(b"PX");
    let guard = net.redlock.lock("k").await.expect("our own leftover does not refuse us");
    assert!(proxy.seen(b"PX") <= sent + 3, "a new attempt is a new command, not the old one again");
    guard.release().await.unwrap();
    net.servers.become_empty().await;
}

async fn a_request_that_arrives_after_the_caller_gave_up_leaves_nothing(client: Client) {
    let net = net(client, 1, Duration::from_secs(3)).await;
    net.proxies[0].set(Mode::Stall).await;
    let error = net.redlock.try_lock("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Unreachable);
    assert_eq!(net.servers[0].keys().await, [""; 0], "it has not arrived");
    net.proxies[0].set(Mode::Pass).await;
    net.servers.become_empty().await;
    // Not only by chance not yet there: the acquire really came.
    assert!(net.proxies[0].seen(b"PX") > 1);
}

async fn a_server_listed_twice_is_found_at_first_contact(client: Client) {
    let servers = Servers::start(2).await;
    // Each of them twice, so that no majority is met without it: those that are slower than one are not waited for.
    let mut proxies = Vec::new();
    for server in servers.iter() {
        proxies.push(ChaosProxy::start(server.addr()).await);
    }
    let urls: Vec<_> =
        servers.urls().into_iter().chain(proxies.iter().map(ChaosProxy::url)).collect();
    let builder = Redlock::builder().nodes(client.nodes(&urls)).ttl(TTL);
    let redlock = builder.node_timeout(Duration::from_secs(10)).build().unwrap();
    for _ in 0..3 {
        let error = redlock.try_lock("k").await.unwrap_err();
        assert_eq!(error.kind(), LockErrorKind::Misconfigured);
        assert!(error.to_string().contains("the same server as"), "{error}");
    }
    let by_name = servers.urls().into_iter().map(|url| url.replace("127.0.0.1", "localhost"));
    let urls: Vec<_> = servers.urls().into_iter().chain(by_name).collect();
    let builder = Redlock::builder().nodes(client.nodes(&urls)).ttl(TTL);
    let redlock = builder.node_timeout(Duration::from_secs(10)).build().unwrap();
    assert_eq!(redlock.lock("k").await.unwrap_err().kind(), LockErrorKind::Misconfigured);
    for server in servers.iter() {
        assert_eq!(server.keys().await, [""; 0]);
    }
}

async fn a_guard_that_is_dropped_frees_the_lock_and_close_waits_for_it(client: Client) {
    let net = net(client, 3, Duration::from_secs(10)).await;
    drop(net.redlock.lock("k").await.unwrap());
    net.redlock.close().await;
    for server in net.servers.iter() {
        assert_eq!(server.keys().await, [""; 0]);
    }
}

async fn scripts_flushed_in_the_middle_of_a_hold_change_nothing(client: Client) {
    let net = net(client, 3, Duration::from_secs(10)).await;
    let flush = async || {
        for server in net.servers.iter() {
            server.exec(&["SCRIPT", "FLUSH"]).await;
        }
    };
    let guard = net.redlock.lock(["a", "b"]).await.unwrap();
    flush().await;
    guard.extend(TTL * 2).await.unwrap();
    flush().await;
    guard.release().await.unwrap();
    net.servers.become_empty().await;
}

/// Polls the call `polls` times, with what the servers answer coming in between, and drops it.
async fn dropped_after<T>(polls: usize, call: impl Future<Output = T>) -> bool {
    let mut call = pin!(call);
    for _ in 0..polls {
        if call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return true;
        }
        sleep(Duration::from_micros(300)).await;
    }
    false
}

async fn a_call_dropped_after_any_poll_leaves_nothing(client: Client) {
    let net = net(client, 3, Duration::from_secs(3)).await;
    let redlock = Arc::new(net.redlock);
    for polls in 0..25 {
        // Each with nodes of its own, so that connecting and first contact are dropped too.
        let nodes = client.nodes(net.proxies.iter().map(ChaosProxy::url));
        let fresh = Redlock::builder().nodes(nodes).ttl(TTL).build().unwrap();
        dropped_after(polls, fresh.lock(format!("fresh-{polls}"))).await;
        dropped_after(polls, redlock.lock(format!("met-{polls}"))).await;
        let guard: LockGuard = redlock.lock(format!("held-{polls}")).await.unwrap();
        dropped_after(polls, guard.extend(TTL)).await;
        dropped_after(polls, guard.release()).await;
        net.servers.become_empty().await;
        fresh.close().await;
    }
}

integration_tests::with_both_clients! {
    a_reply_lost_after_the_server_granted_leaves_nothing_and_nothing_is_sent_twice
    a_request_that_arrives_after_the_caller_gave_up_leaves_nothing
    a_server_listed_twice_is_found_at_first_contact
    a_guard_that_is_dropped_frees_the_lock_and_close_waits_for_it
    scripts_flushed_in_the_middle_of_a_hold_change_nothing
    a_call_dropped_after_any_poll_leaves_nothing
}
