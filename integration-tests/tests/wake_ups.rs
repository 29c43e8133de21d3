//! What becomes of telling and hearing of releases when servers, networks and rights are against it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use integration_tests::nodes::Client;
use integration_tests::{ChaosProxy, Kind, Mode, Server, Servers};
use redlock_core::node::{Claim, Fault, Listener, LockNode, NodeError, Removal, Terms};
use redlock_core::protocol::RELEASED_CHANNEL;
use redlock_core::{LockKey, Token};
use redlock_redis::RedisNode;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const LIMIT: Duration = Duration::from_secs(5);
const SHORT: Duration = Duration::from_millis(300);
const PASSWORD: &str = "canary-password";

/// What is heard: `None` that it listens.
#[derive(Default)]
struct Ear(Mutex<Vec<Option<String>>>);

impl Ear {
    fn heard(&self) -> Vec<Option<String>> {
        self.0.lock().unwrap().clone()
    }

    async fn until(&self, wanted: &[Option<&str>]) {
        let wanted: Vec<_> = wanted.iter().map(|heard| heard.map(str::to_owned)).collect();
        until("heard", async || self.heard() == wanted).await;
    }
}

impl Listener for Ear {
    fn listening(&self) {
        self.0.lock().unwrap().push(None);
    }

    fn released(&self, resource: &[u8]) {
        self.0.lock().unwrap().push(Some(resource.escape_ascii().to_string()));
    }
}

fn open(node: &Arc<dyn LockNode>) -> (Arc<Ear>, JoinHandle<NodeError>) {
    let ear = Arc::new(Ear::default());
    (Arc::clone(&ear), tokio::spawn(Arc::clone(node).listen(ear, LIMIT)))
}

/// Listens, and waits for the subscription.
async fn listening(node: &Arc<dyn LockNode>) -> (Arc<Ear>, JoinHandle<NodeError>) {
    let (ear, listening) = open(node);
    ear.until(&[None]).await;
    (ear, listening)
}

/// How a listening ended, within `limit`.
async fn ending(listening: JoinHandle<NodeError>, limit: Duration) -> NodeError {
    timeout(limit, listening).await.expect("an end").unwrap()
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    for _ in 0..500 {
        if holds().await {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("not {what}");
}

async fn cycle(node: &Arc<dyn LockNode>, key: &str) {
    let claim = Claim::new(LockKey::new(key).unwrap(), Token::random().unwrap());
    let terms = Terms::new(Duration::from_secs(60));
    Arc::clone(node).acquire(claim.clone(), terms, LIMIT).await.unwrap();
    let removal = Arc::clone(node).release_and_tell(claim, LIMIT).await;
    assert_eq!(removal, Ok(Removal::Removed));
}

async fn subscribers(server: &Server) -> String {
    let counted = server.exec(&["PUBSUB", "NUMSUB", RELEASED_CHANNEL]).await;
    counted.split_whitespace().last().unwrap().to_owned()
}

async fn who_leaves_leaves_nothing_on_the_server(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    let node = client.node(&servers[0].url());
    let clients = async || servers[0].exec(&["CLIENT", "LIST"]).await.lines().count();
    cycle(&node, "k").await;
    let before = clients().await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(listening(&node).await.1);
    }
    until("subscribed", async || subscribers(&servers[0]).await.ends_with('5')).await;
    for one in all {
        one.abort();
        assert!(one.await.unwrap_err().is_cancelled());
    }
    // Nor does one that leaves while it connects.
    for polls in 0..20 {
        let mut early = Arc::clone(&node).listen(Arc::new(Ear::default()), LIMIT);
        let _ = timeout(Duration::from_micros(100 * polls), &mut early).await;
    }
    until("gone", async || subscribers(&servers[0]).await.ends_with('0')).await;
    until("closed", async || clients().await == before).await;
    let (ear, _listening) = listening(&node).await;
    cycle(&node, "k").await;
    ear.until(&[None, Some("k")]).await;
}

async fn a_server_that_dies_ends_the_listening(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    let node = client.node(&servers[0].url());
    let (_, ended) = listening(&node).await;
    servers[0].kill().await;
    let error = ending(ended, LIMIT).await;
    assert_eq!(error.fault(), Fault::ConnectionLost, "{error}");
    let error = ending(open(&node).1, LIMIT).await;
    assert_eq!(error.fault(), Fault::Refused, "{error}");
    servers[0].start_again().await;
    let (ear, _listening) = listening(&node).await;
    until("back", async || Arc::clone(&node).identity(LIMIT).await.is_ok()).await;
    cycle(&node, "k").await;
    ear.until(&[None, Some("k")]).await;
}

async fn a_hung_server_is_not_waited_for(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    let node = client.node(&servers[0].url());
    servers[0].pause().await;
    for limit in [SHORT, Duration::ZERO] {
        let (ear, began) = (Arc::new(Ear::default()), Instant::now());
        let error = Arc::clone(&node).listen(Arc::clone(&ear) as _, limit).await;
        assert_eq!(error.fault(), Fault::Timeout, "{error}");
        assert!(began.elapsed() >= limit && began.elapsed() < limit + LIMIT / 2);
        assert_eq!(ear.heard(), []);
    }
    servers[0].resume().await;
    until("gone", async || subscribers(&servers[0]).await.ends_with('0')).await;
}

async fn a_black_hole_ends_the_connecting_in_time(client: Client) {
    let servers = Servers::start(1).await;
    let proxy = ChaosProxy::start(servers[0].addr()).await;
    let node = client.node(&proxy.url());
    let (ear, connected) = listening(&node).await;
    cycle(&node, "k").await;
    ear.until(&[None, Some("k")]).await;
    proxy.set(Mode::Blackhole).await;
    let ear = Arc::new(Ear::default());
    let error = Arc::clone(&node).listen(Arc::clone(&ear) as _, SHORT).await;
    assert_eq!(error.fault(), Fault::Timeout, "{error}");
    proxy.cut_all();
    let error = ending(connected, LIMIT).await;
    assert_eq!(error.fault(), Fault::ConnectionLost, "{error}");
}

/// A user that can lock, and what is granted beyond.
async fn user(server: &Server, more: &[&str]) -> String {
    let password = format!(">{PASSWORD}");
    let least = "+eval +get +set +del +pexpire +pttl +info +hello";
    let mut acl =
        vec!["ACL", "SETUSER", "locks", "reset", "on", &password, "~lock:*", "resetchannels"];
    acl.push("-@all");
    acl.extend(least.split(' '));
    acl.extend(more);
    server.exec(&acl).await;
    server.url_as("locks", PASSWORD)
}

async fn with_the_rights_releases_are_told_and_heard(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    // With and without the right to the ping that fred finds out by.
    for more in [&["+ping"][..], &["-ping"]] {
        let rights = [&["+publish", "+subscribe", "&redlock:released"], more].concat();
        let node = client.node(&user(&servers[0], &rights).await);
        let (ear, _listening) = listening(&node).await;
        cycle(&node, "lock:k").await;
        ear.until(&[None, Some("lock:k")]).await;
    }
}

async fn without_the_right_to_listen_it_says_so(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    let lacking: [&[&str]; 3] =
        [&["+ping", "+subscribe"], &["+subscribe"], &["+ping", "+publish", "&redlock:released"]];
    for rights in lacking {
        let node = client.node(&user(&servers[0], rights).await);
        let (ear, ended) = open(&node);
        let error = ending(ended, LIMIT).await;
        assert_eq!(error.fault(), Fault::Permission, "{rights:?}: {error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        assert_eq!(ear.heard(), [], "{rights:?}");
        assert_eq!(subscribers(&servers[0]).await, "0");
    }
    let node = client.node(&servers[0].url_as("locks", "wrong"));
    let error = ending(open(&node).1, LIMIT).await;
    assert_eq!(error.fault(), Fault::Authentication, "{error}");
}

async fn without_the_right_to_tell_a_release_works_and_is_plain_from_then_on(
    client: Client,
    kind: Kind,
) {
    let servers = Servers::start_kind(kind, 1).await;
    let all = client.node(&servers[0].url());
    let (ear, _listening) = listening(&all).await;
    for rights in [&["&redlock:released"][..], &["+publish"]] {
        let mut rights = rights.to_vec();
        rights.extend((kind == Kind::Valkey91).then_some("+delifeq"));
        let node = client.node(&user(&servers[0], &rights).await);
        Arc::clone(&node).identity(LIMIT).await.unwrap();
        servers[0].exec(&["CONFIG", "RESETSTAT"]).await;
        for _ in 0..3 {
            cycle(&node, "lock:k").await;
        }
        let several = LockKey::all(["lock:a", "lock:b"]).unwrap();
        let claim = Claim::new(several, Token::random().unwrap());
        let terms = Terms::new(Duration::from_secs(60));
        Arc::clone(&node).acquire(claim.clone(), terms, LIMIT).await.unwrap();
        let removal = Arc::clone(&node).release_and_tell(claim, LIMIT).await;
        assert_eq!(removal, Ok(Removal::Removed));
        assert_eq!(servers[0].keys().await, [""; 0]);
        // Of the four releases the first tried to tell. Where there is a native one the next two are that.
        let stats = servers[0].exec(&["INFO", "commandstats"]).await;
        let calls = |command: &str| {
            let line = stats.lines().find_map(|line| {
                line.strip_prefix(&format!("cmdstat_{command}:calls="))?.split(',').next()
            });
            line.map_or(0, |calls| calls.parse::<u32>().unwrap())
        };
        let native = if kind == Kind::Valkey91 { 2 } else { 0 };
        assert_eq!(calls("delifeq"), native, "{rights:?}: {stats}");
        assert_eq!(calls("publish"), 0, "{stats}");
        let scripts = if kind == Kind::Redis62 { 3 } else { 0 } + 5 - native;
        assert_eq!(calls("eval"), scripts, "{rights:?}: {stats}");
    }
    // What was not told is not heard, and what is told is.
    cycle(&all, "lock:k").await;
    ear.until(&[None, Some("lock:k")]).await;
}

async fn a_right_that_is_granted_is_used_at_the_latest_after_the_next_fault(client: Client) {
    let servers = Servers::start(1).await;
    let all = client.node(&servers[0].url());
    let (ear, _listening) = listening(&all).await;
    let node = client.node(&user(&servers[0], &[]).await);
    cycle(&node, "lock:mute").await;
    user(&servers[0], &["+publish", "&redlock:released"]).await;
    cycle(&node, "lock:mute").await;
    servers[0].pause().await;
    let fault = Arc::clone(&node).identity(SHORT).await.unwrap_err().fault();
    assert_eq!(fault, Fault::Timeout);
    servers[0].resume().await;
    cycle(&node, "lock:k").await;
    ear.until(&[None, Some("lock:k")]).await;
}

#[tokio::test]
async fn a_connection_of_the_users_tells_and_does_not_listen() {
    let servers = Servers::start(1).await;
    let all = Client::Redis.node(&servers[0].url());
    let (ear, _listening) = listening(&all).await;
    let client = redis::Client::open(servers[0].url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let node = RedisNode::from_connection("users", connection).unwrap();
    let node: Arc<dyn LockNode> = Arc::new(node);
    assert!(!node.features().wake_ups && all.features().wake_ups);
    let error = ending(open(&node).1, LIMIT).await;
    assert_eq!(error.fault(), Fault::Unsupported, "{error}");
    cycle(&node, "k").await;
    ear.until(&[None, Some("k")]).await;
}

integration_tests::with_both_clients_on_every_kind! {
    who_leaves_leaves_nothing_on_the_server
    a_server_that_dies_ends_the_listening
    a_hung_server_is_not_waited_for
    with_the_rights_releases_are_told_and_heard
    without_the_right_to_listen_it_says_so
    without_the_right_to_tell_a_release_works_and_is_plain_from_then_on
}

integration_tests::with_both_clients! {
    a_black_hole_ends_the_connecting_in_time
    a_right_that_is_granted_is_used_at_the_latest_after_the_next_fault
}
