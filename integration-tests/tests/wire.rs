//! What stands on the servers is what every Redlock client writes, and the clients of one set may differ.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::resp::Reply;
use integration_tests::{Kind, Server, Servers};
use redlock_core::node::{Claim, Removal, Terms};
use redlock_core::{
    InMemoryNode, LockErrorKind, LockKey, LockNode, LockOptions, LockState, Redlock, Release, Token,
};

const TTL: Duration = Duration::from_secs(60);
/// The release of every Redlock client since the first.
const COMPARE_AND_DELETE: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end";

fn redlock(nodes: Vec<Arc<dyn LockNode>>) -> Redlock {
    // A release that tells is a script on every server.
    let builder = Redlock::builder().nodes(nodes).ttl(TTL).wake_ups(false);
    builder.node_timeout(Duration::from_secs(10)).build().unwrap()
}

async fn another_clients_lock_excludes_us(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 3).await;
    let redlock = redlock(client.nodes(servers.urls()));
    for server in &servers[..2] {
        assert_eq!(server.exec(&["SET", "k", "theirs", "NX", "PX", "30000"]).await, "OK");
    }
    let error = redlock.try_lock("k").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Contended, "{error}");
    let left = error.retry_after().expect("they said when they expire");
    assert!(left <= Duration::from_secs(30));
    for server in &servers[..2] {
        assert_eq!(server.get("k").await.as_deref(), Some("theirs"));
        server.exec(&["EVAL", COMPARE_AND_DELETE, "1", "k", "theirs"]).await;
    }
    redlock.try_lock("k").await.expect("free").release().await.unwrap();
}

async fn our_lock_excludes_another_client_and_can_be_released_by_it(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 3).await;
    let redlock = redlock(client.nodes(servers.urls()));
    let token = redlock.lock("orders:{42}").await.unwrap().leak();
    for server in servers.iter() {
        // Stragglers come in behind the majority, and a node that is met late later still.
        let stands = async {
            loop {
                match server.get("orders:{42}").await {
                    Some(value) => break value,
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        let value = tokio::time::timeout(TTL / 2, stands).await.expect("it stands on every node");
        assert_eq!(value, token.expose());
        assert_eq!(
            server.exec(&["SET", "orders:{42}", "theirs", "NX", "PX", "30000"]).await,
            "(nil)"
        );
        let left: u128 = server.exec(&["PTTL", "orders:{42}"]).await.trim().parse().unwrap();
        assert!(left > 0 && left <= TTL.as_millis());
        let release = ["EVAL", COMPARE_AND_DELETE, "1", "orders:{42}", token.expose()];
        assert_eq!(server.command(&release).await.unwrap(), Reply::Int(1));
    }
    assert_eq!(redlock.inspect("orders:{42}").await.unwrap().state, LockState::Free);
}

#[tokio::test]
async fn a_server_calls_each_script_by_our_digest() {
    for kind in Kind::ALL {
        let servers = Servers::start_kind(kind, 1).await;
        for (digest, text) in redlock_protocol::scripts() {
            assert_eq!(servers[0].exec(&["SCRIPT", "LOAD", text]).await.trim(), digest, "{text}");
        }
    }
}

async fn any_bytes_are_a_name(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 3).await;
    let redlock = redlock(client.nodes(servers.urls()));
    let names: [&[u8]; 7] =
        [b"\r\nDEL x\r\n", b"\0", b"\"'`", b"{}", b"}{a}", b"\xff\xfe", &[b'x'; 512]];
    for name in names {
        let key = LockKey::new(name).unwrap();
        let guard = redlock.lock(&key).await.unwrap();
        assert_eq!(redlock.try_lock(&key).await.unwrap_err().kind(), LockErrorKind::Contended);
        let stored = servers[0].command(&[b"EXISTS".as_slice(), name]).await.unwrap();
        let elsewhere = servers[1].command(&[b"EXISTS".as_slice(), name]).await.unwrap();
        assert!(stored == Reply::Int(1) || elsewhere == Reply::Int(1), "{key}");
        guard.extend(TTL * 2).await.unwrap();
        let state = redlock.inspect(&key).await.unwrap().state;
        assert!(matches!(state, LockState::Held { .. }), "{key}: {state:?}");
        assert_eq!(guard.release().await.unwrap(), Release::Released);
    }
    let all: Vec<&[u8]> = names.to_vec();
    redlock.lock(LockKey::all(all).unwrap()).await.unwrap().release().await.unwrap();
    // The release on whoever answers last may still be on its way.
    servers.become_empty().await;
}

async fn the_native_release_is_used_where_the_server_has_it(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    let redlock = redlock(client.nodes(servers.urls()));
    redlock.lock("k").await.unwrap().release().await.unwrap();
    let called = commands(&servers[0]).await;
    let used = |name: &str| called.contains(&format!("cmdstat_{name}:"));
    assert_eq!(used("delifeq"), kind == Kind::Valkey91, "{called}");
    assert_eq!(used("eval"), kind != Kind::Valkey91, "{called}");
    assert!(used("set"), "{called}");
}

async fn commands(server: &Server) -> String {
    server.exec(&["INFO", "commandstats"]).await
}

/// Five nodes: two over each client, and one in this process.
fn mixed(servers: &Servers, memory: &Arc<InMemoryNode>, clients: [Client; 4]) -> Redlock {
    let mut nodes: Vec<Arc<dyn LockNode>> = vec![Arc::clone(memory) as Arc<dyn LockNode>];
    nodes.extend(servers.iter().zip(clients).map(|(server, client)| client.node(&server.url())));
    redlock(nodes)
}

#[tokio::test]
async fn nodes_over_both_clients_and_in_memory_make_one_set() {
    use Client::{Fred, Redis};
    let servers = Servers::start(4).await;
    let memory = Arc::new(InMemoryNode::new("here"));
    let one = mixed(&servers, &memory, [Redis, Fred, Redis, Fred]);
    let other = mixed(&servers, &memory, [Fred, Redis, Fred, Redis]);
    for (holder, contender) in [(&one, &other), (&other, &one)] {
        let guard = holder.lock(["a", "b"]).await.unwrap();
        assert_eq!(contender.try_lock("a").await.unwrap_err().kind(), LockErrorKind::Contended);
        guard.extend(TTL * 2).await.unwrap();
        let inspection = contender.inspect("b").await.unwrap();
        assert!(matches!(inspection.state, LockState::Held { .. }), "{inspection:?}");
        assert_eq!(guard.release().await.unwrap(), Release::Released);
        contender.try_lock("a").await.unwrap().release().await.unwrap();
    }
    one.close().await;
    other.close().await;
    assert!(memory.keys().is_empty());
}

#[tokio::test]
async fn a_mixed_set_bears_the_loss_of_any_two() {
    use Client::{Fred, Redis};
    let servers = Servers::start(4).await;
    let memory = Arc::new(InMemoryNode::new("here"));
    let redlock = mixed(&servers, &memory, [Redis, Fred, Redis, Fred]);
    redlock.lock("k").await.unwrap().release().await.unwrap();
    for (a, b) in [(0, 1), (1, 2), (2, 3)] {
        servers[a].pause().await;
        servers[b].pause().await;
        redlock.try_lock("k").await.expect("three are left").release().await.unwrap();
        servers[a].resume().await;
        servers[b].resume().await;
        servers.become_empty().await;
    }
}

async fn an_older_server_behind_the_same_address_is_spoken_to_as_such(client: Client) {
    let now = replaced(client, Kind::Valkey91, Kind::Redis62, false).await;
    assert!(now.contains("cmdstat_eval:") && !now.contains("cmdstat_delifeq:"), "{now}");
}

async fn a_newer_server_behind_the_same_address_is_spoken_to_as_such(client: Client) {
    // A node is asked who it is again after it failed, and until then spoken to as before.
    let now = replaced(client, Kind::Redis62, Kind::Valkey91, true).await;
    assert!(now.contains("cmdstat_set:") && now.contains("cmdstat_delifeq:"), "{now}");
}

/// Locks with a server of one kind, then with one of another kind in its place; what that one was asked.
async fn replaced(client: Client, before: Kind, after: Kind, fails: bool) -> String {
    let first = Servers::start_kind(before, 1).await;
    let redlock = redlock(vec![client.node(&first[0].url())]);
    redlock.lock("k").await.unwrap().release().await.unwrap();
    let held = redlock.lock("held").await.unwrap();
    first[0].kill().await;
    if fails {
        let error = redlock.try_lock("k").await.unwrap_err();
        assert_eq!(error.kind(), LockErrorKind::Unreachable, "{error}");
    }
    let second = Servers::start_kind(after, 1).await;
    let bridge = forward(first[0].port(), second[0].addr()).await;
    let options = LockOptions::new().wait_for(Duration::from_secs(60));
    let guard = redlock.lock_with("k", &options).await.unwrap();
    guard.extend(TTL * 2).await.unwrap();
    assert_eq!(guard.release().await.unwrap(), Release::Released);
    // What was held there is gone, and is not made anew.
    assert!(held.extend(TTL).await.unwrap_err().is_lost());
    assert_eq!(second[0].keys().await, [""; 0]);
    bridge.abort();
    commands(&second[0]).await
}

/// Listens on the port and passes everything on to the server.
async fn forward(port: u16, to: std::net::SocketAddr) -> tokio::task::JoinHandle<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = tokio::net::TcpStream::connect(to).await.unwrap();
            tokio::spawn(
                async move { tokio::io::copy_bidirectional(&mut client, &mut server).await },
            );
        }
    })
}

async fn a_node_that_moved_to_anothers_server_is_not_counted_twice(client: Client) {
    let servers = Servers::start(3).await;
    let redlock = redlock(client.nodes(servers.urls()));
    redlock.lock("k").await.unwrap().release().await.unwrap();
    redlock.inspect("k").await.unwrap();
    // The second address leads to the first server from now on, and the third to none: one server is left.
    servers[1].kill().await;
    servers[2].kill().await;
    let bridge = forward(servers[1].port(), servers[0].addr()).await;
    // The clients notice by themselves that the connection went, and make another.
    tokio::time::sleep(Duration::from_millis(500)).await;
    for _ in 0..3 {
        let error = redlock.try_lock("k").await.expect_err("one server is no majority of three");
        assert_ne!(error.kind(), LockErrorKind::Contended, "{error}");
    }
    redlock.close().await;
    bridge.abort();
}

/// A client may send them together.
async fn in_a_crowd_each_release_finds_what_it_would_find_alone(client: Client, kind: Kind) {
    const LIMIT: Duration = Duration::from_secs(20);
    const CROWD: usize = 48;
    let servers = Servers::start_kind(kind, 1).await;
    let (server, node) = (&servers[0], client.node(&servers.urls()[0]));
    node.clone().identity(LIMIT).await.unwrap();
    let scripts = async || {
        let stats = server.exec(&["INFO", "commandstats"]).await;
        let calls = |line: &str| {
            let calls = line.trim().strip_prefix("cmdstat_eval")?.split_once("calls=")?.1;
            calls.split(',').next()?.parse::<usize>().ok()
        };
        stats.lines().filter_map(calls).sum::<usize>()
    };
    for told in [false, true] {
        let release = async |claim| match told {
            false => node.clone().release(claim, LIMIT).await,
            true => node.clone().release_and_tell(claim, LIMIT).await,
        };
        let claim = |key: &str| Claim::new(LockKey::new(key).unwrap(), Token::random().unwrap());
        // Scripts are called by their digests from now on.
        release(claim("nothing")).await.unwrap();
        let mut releases = Vec::new();
        for index in 0..CROWD {
            let key = format!("k:{index}");
            let claim = claim(&key);
            node.clone().acquire(claim.clone(), Terms::new(TTL), LIMIT).await.unwrap();
            let found = match index % 4 {
                0 => Removal::Removed,
                1 => {
                    server.exec(&["DEL", &key]).await;
                    Removal::Gone
                }
                2 => {
                    server.exec(&["SET", &key, "theirs"]).await;
                    Removal::Foreign
                }
                _ => {
                    server.exec(&["DEL", &key]).await;
                    server.exec(&["LPUSH", &key, "theirs"]).await;
                    Removal::Foreign
                }
            };
            releases.push((claim, found));
        }
        let before = scripts().await;
        let all = releases.into_iter().map(async |(claim, found)| {
            assert_eq!(release(claim).await.unwrap(), found);
        });
        futures_util::future::join_all(all).await;
        assert_eq!(server.keys().await.len(), CROWD / 2);
        if client == Client::Fred && kind != Kind::Valkey91 {
            let calls = scripts().await - before;
            assert!(calls < CROWD / 2, "{calls} commands");
        }
        server.exec(&["FLUSHALL"]).await;
    }
}

integration_tests::with_both_clients_on_every_kind! {
    another_clients_lock_excludes_us
    in_a_crowd_each_release_finds_what_it_would_find_alone
    our_lock_excludes_another_client_and_can_be_released_by_it
    any_bytes_are_a_name
    the_native_release_is_used_where_the_server_has_it
}

integration_tests::with_both_clients! {
    an_older_server_behind_the_same_address_is_spoken_to_as_such
    a_newer_server_behind_the_same_address_is_spoken_to_as_such
    a_node_that_moved_to_anothers_server_is_not_counted_twice
}
