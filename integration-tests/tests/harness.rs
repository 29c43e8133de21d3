//! The harness keeps its promises: otherwise a test that passes proves nothing.

// clippy.toml's exemption covers test functions, not their helpers.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, ErrorKind};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use integration_tests::resp::{Connection, Reply};
use integration_tests::{ChaosProxy, Kind, Mode, Servers, resp, shared};
use tokio::time::{sleep, timeout};

/// Long enough for an answer on loopback, short enough to wait for silence.
const SILENCE: Duration = Duration::from_millis(300);

fn ok() -> Reply {
    Reply::Simple("OK".to_owned())
}

async fn connect(addr: SocketAddr) -> Connection {
    Connection::connect(addr).await.unwrap()
}

/// Waits for something that must come true soon.
async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !condition().await {
        assert!(begin.elapsed() < Duration::from_secs(20), "{what} did not happen");
        sleep(Duration::from_millis(10)).await;
    }
}

async fn refused(addr: SocketAddr) -> bool {
    matches!(Connection::connect(addr).await, Err(e) if e.kind() == ErrorKind::ConnectionRefused)
}

mod servers {
    use super::*;

    #[tokio::test]
    async fn every_kind_starts_and_is_what_it_says() {
        for (kind, version) in [
            (Kind::Redis70, "redis "),
            (Kind::Valkey91, "valkey 9.1."),
            (Kind::Redis62, "redis 6.2."),
        ] {
            let servers = Servers::start_kind(kind, 1).await;
            let is = servers[0].version().await;
            assert!(is.starts_with(version), "{kind:?} is {is}");
        }
    }

    #[tokio::test]
    async fn five_are_independent_and_empty() {
        let begin = Instant::now();
        let servers = Servers::start(5).await;
        println!("five servers in {:?}", begin.elapsed());
        servers[0].exec(&["SET", "key", "value"]).await;
        for server in &servers[1..] {
            assert_eq!(server.keys().await, Vec::<String>::new());
        }
        assert_eq!(servers[0].keys().await, ["key"]);
        assert_eq!(servers[0].get("key").await.as_deref(), Some("value"));
        assert_eq!(servers[0].get("other").await, None);
    }

    #[tokio::test]
    async fn a_paused_one_is_silent_and_later_executes_what_it_got() {
        let servers = Servers::start(1).await;
        let server = &servers[0];
        let mut before = connect(server.addr()).await;
        server.pause().await;
        let silent = timeout(SILENCE, before.call(&["SET", "late", "1"])).await;
        assert!(silent.is_err(), "an old connection got {silent:?}");
        let silent = timeout(SILENCE, resp::call(server.addr(), &["PING"])).await;
        assert!(silent.is_err(), "a new connection got {silent:?}");
        server.resume().await;
        assert_eq!(before.receive().await.unwrap(), ok());
        assert_eq!(server.get("late").await.as_deref(), Some("1"));
    }

    #[tokio::test]
    async fn a_killed_one_refuses_and_a_restarted_one_is_empty_on_its_port() {
        let servers = Servers::start(1).await;
        let server = &servers[0];
        let (addr, url) = (server.addr(), server.url());
        let mut old = connect(addr).await;
        server.exec(&["SET", "key", "value"]).await;
        server.kill().await;
        assert!(refused(addr).await);
        assert!(old.call(&["PING"]).await.is_err());
        server.start_again().await;
        assert_eq!((server.addr(), server.url()), (addr, url));
        assert!(server.keys().await.is_empty());
        server.exec(&["SET", "key", "value"]).await;
        server.restart().await;
        assert!(server.keys().await.is_empty());
    }

    #[tokio::test]
    async fn a_paused_one_can_be_killed() {
        let servers = Servers::start(1).await;
        servers[0].pause().await;
        servers[0].kill().await;
        assert!(refused(servers[0].addr()).await);
        servers[0].start_again().await;
        assert!(servers[0].keys().await.is_empty());
    }

    #[tokio::test]
    async fn a_dropped_one_is_gone() {
        let servers = Servers::start(2).await;
        let addrs: Vec<_> = servers.iter().map(|server| server.addr()).collect();
        servers[0].pause().await; // hung ones too
        drop(servers);
        for addr in addrs {
            assert!(refused(addr).await, "{addr} is still there");
        }
    }

    #[tokio::test]
    async fn arguments_reach_the_server() {
        for kind in Kind::ALL {
            let servers = Servers::builder().kind(kind).arg("--maxmemory").arg("10mb");
            let servers = servers.arg("--requirepass").arg("secret").start().await;
            let server = &servers[0];
            assert_eq!(server.exec(&["CONFIG", "GET", "maxmemory"]).await, "maxmemory\n10485760");
            let stranger = resp::call(server.addr(), &["PING"]).await.unwrap();
            assert!(stranger.error().is_some_and(|why| why.starts_with("NOAUTH")), "{stranger:?}");
            assert_eq!(server.url_as("", "secret"), server.url().replace("//", "//:secret@"));
        }
    }

    #[tokio::test]
    async fn cluster_mode_works() {
        let servers = Servers::builder().arg("--cluster-enabled").arg("yes").start().await;
        let refusal = servers[0].command(&["SET", "key", "value"]).await.unwrap();
        assert!(refusal.error().is_some_and(|why| why.starts_with("CLUSTERDOWN")), "{refusal:?}");
        servers[0].exec(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
        until("an ok cluster", async || {
            servers[0].command(&["SET", "key", "value"]).await.unwrap() == ok()
        })
        .await;
    }

    #[tokio::test]
    async fn one_can_be_the_replica_of_another() {
        let masters = Servers::start(1).await;
        let (host, port) = masters[0].peer().await;
        let replicas =
            Servers::builder().arg("--replicaof").arg(host).arg(port.to_string()).start().await;
        masters[0].exec(&["SET", "key", "value"]).await;
        until("replication", async || replicas[0].get("key").await.as_deref() == Some("value"))
            .await;
        let refusal = replicas[0].command(&["SET", "key", "other"]).await.unwrap();
        assert!(refusal.error().is_some_and(|why| why.starts_with("READONLY")), "{refusal:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn they_work_while_the_tests_clock_stands_still() {
        let servers = Servers::start(1).await;
        servers[0].restart().await;
        assert_eq!(servers[0].exec(&["PING"]).await, "PONG");
    }

    // Each with a runtime of its own, which ends while the server lives on.
    mod the_shared_one_outlives_each_runtime {
        use super::*;

        async fn use_it(key: &str) {
            let server = shared(Kind::Redis70).await;
            server.exec(&["SET", key, "value"]).await;
            assert_eq!(server.get(key).await.as_deref(), Some("value"));
        }

        #[tokio::test]
        async fn first() {
            use_it("harness-first").await;
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn second() {
            use_it("harness-second").await;
        }
    }
}

mod watchdog {
    use super::*;

    /// Directories and containers of the process.
    fn traces(pid: u32) -> Vec<String> {
        let mark = format!("redlock-test-{pid}-");
        let directories = std::fs::read_dir(std::env::temp_dir()).unwrap();
        let directories =
            directories.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let docker = Command::new("docker").args(["ps", "-a", "--format", "{{.Names}}"]).output();
        let docker = docker
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default();
        let containers = docker.lines().map(str::to_owned);
        directories.chain(containers).filter(|name| name.starts_with(&mark)).collect()
    }

    #[tokio::test]
    async fn nothing_survives_the_sigkill_of_a_test_process() {
        let mut leaker = Command::new(env!("CARGO_BIN_EXE_server-leaker"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(leaker.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addrs: Vec<SocketAddr> = line
            .split_whitespace()
            .map(|port| format!("127.0.0.1:{port}").parse().unwrap())
            .collect();
        assert_eq!(addrs.len(), 3);
        for addr in &addrs {
            assert_eq!(
                resp::call(*addr, &["PING"]).await.unwrap(),
                Reply::Simple("PONG".to_owned())
            );
        }
        assert!(!traces(leaker.id()).is_empty());

        leaker.kill().unwrap(); // SIGKILL
        leaker.wait().unwrap();
        for addr in addrs {
            until("the end of an orphaned server", async || refused(addr).await).await;
        }
        until("the end of all traces", async || traces(leaker.id()).is_empty()).await;
    }
}

mod proxy {
    use super::*;

    /// A server, and a proxy in front of it. Keys are not shared: each test has a server of its own.
    async fn pair() -> (Servers, ChaosProxy) {
        let servers = Servers::start(1).await;
        let proxy = ChaosProxy::start(servers[0].addr()).await;
        (servers, proxy)
    }

    async fn assert_silent(connection: &mut Connection) {
        let silent = timeout(SILENCE, connection.receive()).await;
        assert!(silent.is_err(), "got {silent:?}");
    }

    #[tokio::test]
    async fn pass_forwards_and_counts() {
        let (servers, proxy) = pair().await;
        assert_eq!(proxy.url(), format!("redis://{}", proxy.addr()));
        let mut client = connect(proxy.addr()).await;
        assert_eq!(client.call(&["SET", "key", "a SET in a value"]).await.unwrap(), ok());
        client.send(&["GET", "key"]).await.unwrap();
        client.send(&["PING"]).await.unwrap(); // a pipeline
        assert_eq!(client.receive().await.unwrap().text().unwrap(), "a SET in a value");
        assert_eq!(client.receive().await.unwrap().text().unwrap(), "PONG");
        assert_eq!((proxy.connections(), proxy.live(), proxy.requests()), (1, 1, 3));
        let bytes = [&["SET", "key", "a SET in a value"][..], &["GET", "key"], &["PING"]]
            .map(resp::encode)
            .concat();
        assert_eq!(proxy.request_bytes(), bytes.len() as u64);
        assert_eq!((proxy.seen(b"SET"), proxy.seen(b"key"), proxy.seen(b"DEL")), (2, 2, 0));
        assert_eq!(servers[0].keys().await, ["key"]);
    }

    #[tokio::test]
    async fn large_values_pass() {
        let (servers, proxy) = pair().await;
        let value = "v".repeat(1_000_000);
        let mut client = connect(proxy.addr()).await;
        assert_eq!(client.call(&["SET", "key", &value]).await.unwrap(), ok());
        assert_eq!(client.call(&["GET", "key"]).await.unwrap().text().unwrap(), value);
        assert_eq!(servers[0].get("key").await.unwrap(), value);
    }

    #[tokio::test]
    async fn refuse_closes_and_refuses_and_comes_back_on_its_port() {
        let (_servers, proxy) = pair().await;
        for _ in 0..3 {
            let mut client = connect(proxy.addr()).await;
            client.call(&["PING"]).await.unwrap();
            proxy.set(Mode::Refuse).await;
            assert!(refused(proxy.addr()).await);
            assert!(client.call(&["PING"]).await.is_err());
            assert_eq!(proxy.live(), 0);
            proxy.set(Mode::Pass).await;
            assert!(resp::call(proxy.addr(), &["PING"]).await.is_ok());
        }
    }

    #[tokio::test]
    async fn stall_holds_both_ways_and_pass_lets_go() {
        let (servers, proxy) = pair().await;
        let mut old = connect(proxy.addr()).await;
        old.call(&["PING"]).await.unwrap();
        proxy.set(Mode::Stall).await;
        old.send(&["SET", "old", "1"]).await.unwrap();
        assert_silent(&mut old).await;
        let mut new = connect(proxy.addr()).await;
        new.send(&["SET", "new", "1"]).await.unwrap();
        assert_silent(&mut new).await;
        let mut gone = connect(proxy.addr()).await;
        gone.send(&["SET", "gone", "1"]).await.unwrap();
        drop(gone);
        sleep(SILENCE).await;
        assert!(servers[0].keys().await.is_empty());

        proxy.set(Mode::Pass).await;
        assert_eq!(old.receive().await.unwrap(), ok());
        assert_eq!(new.receive().await.unwrap(), ok());
        // A request outlives its client in the network.
        until("the late request", async || servers[0].get("gone").await.is_some()).await;
    }

    #[tokio::test]
    async fn stall_holds_a_reply_that_was_on_its_way() {
        let (servers, proxy) = pair().await;
        let mut client = connect(proxy.addr()).await;
        client.call(&["PING"]).await.unwrap();
        servers[0].pause().await;
        client.send(&["SET", "key", "1"]).await.unwrap();
        until("forwarding", async || proxy.requests() == 2).await;
        proxy.set(Mode::Stall).await;
        servers[0].resume().await;
        assert_silent(&mut client).await;
        assert_eq!(servers[0].keys().await, ["key"]);
        proxy.set(Mode::Pass).await;
        assert_eq!(client.receive().await.unwrap(), ok());
    }

    #[tokio::test]
    async fn blackhole_discards_for_good() {
        let (servers, proxy) = pair().await;
        let mut client = connect(proxy.addr()).await;
        client.call(&["PING"]).await.unwrap();
        proxy.set(Mode::Stall).await;
        client.send(&["SET", "held", "1"]).await.unwrap();
        until("reading", async || proxy.seen(b"held") == 1).await;
        proxy.set(Mode::Blackhole).await;
        client.send(&["SET", "later", "1"]).await.unwrap();
        assert_silent(&mut client).await;
        servers[0].restart().await; // nobody tells the client
        assert_silent(&mut client).await;
        proxy.set(Mode::Pass).await;
        assert!(client.receive().await.is_err());
        assert!(servers[0].keys().await.is_empty());
        assert_eq!(proxy.requests(), 1);
    }

    #[tokio::test]
    async fn drop_replies_lets_requests_through() {
        let (servers, proxy) = pair().await;
        proxy.set(Mode::DropReplies).await;
        let mut client = connect(proxy.addr()).await;
        client.send(&["SET", "key", "1"]).await.unwrap();
        assert_silent(&mut client).await;
        assert_eq!(servers[0].keys().await, ["key"]);
        proxy.set(Mode::Pass).await;
        assert_eq!(client.call(&["GET", "key"]).await.unwrap().text().unwrap(), "1");
    }

    #[tokio::test]
    async fn cut_after_request_loses_the_reply_not_the_effect() {
        let (servers, proxy) = pair().await;
        let (times, containing) = (2, &b""[..]);
        proxy.set(Mode::CutAfterRequest { times, containing }).await;
        for n in 1..=2 {
            let mut client = connect(proxy.addr()).await;
            assert!(client.call(&["INCR", "count"]).await.is_err());
            // Already executed when the client learns of it.
            assert_eq!(servers[0].get("count").await.unwrap(), n.to_string());
            assert_eq!(proxy.cuts(), n);
        }
        assert_eq!(proxy.mode(), Mode::Pass);
        assert_eq!(resp::call(proxy.addr(), &["INCR", "count"]).await.unwrap(), Reply::Int(3));
    }

    #[tokio::test]
    async fn cut_after_request_can_wait_for_its_request_in_a_pipeline() {
        let (servers, proxy) = pair().await;
        let (times, containing) = (1, &b"SET"[..]);
        proxy.set(Mode::CutAfterRequest { times, containing }).await;
        let mut client = connect(proxy.addr()).await;
        client.call(&["PING"]).await.unwrap();
        for command in [&["SET", "first", "1"], &["SET", "second", "1"]] {
            let _ = client.send(command).await;
        }
        assert!(client.receive().await.is_err());
        assert_eq!(servers[0].keys().await, ["first"]);
        assert_eq!((proxy.cuts(), proxy.mode()), (1, Mode::Pass));
    }

    #[tokio::test]
    async fn delays_are_one_way_and_do_not_add_up() {
        let (servers, proxy) = pair().await;
        let delay = Duration::from_millis(400);
        for mode in [Mode::DelayUp(delay), Mode::DelayDown(delay)] {
            servers[0].exec(&["DEL", "key"]).await;
            proxy.set(mode).await;
            let mut client = connect(proxy.addr()).await;
            let begin = Instant::now();
            for _ in 0..4 {
                client.send(&["APPEND", "key", "x"]).await.unwrap();
            }
            sleep(delay / 2).await;
            let arrived = servers[0].get("key").await.is_some();
            assert_eq!(arrived, matches!(mode, Mode::DelayDown(_)), "{mode:?}");
            for n in 1..=4 {
                assert_eq!(client.receive().await.unwrap(), Reply::Int(n));
            }
            let took = begin.elapsed();
            assert!(took >= delay && took < delay * 3, "{mode:?} took {took:?}");
        }
    }

    #[tokio::test]
    async fn cut_all_closes_at_once_and_new_connections_work() {
        let (_servers, proxy) = pair().await;
        let mut clients = Vec::new();
        for _ in 0..3 {
            let mut client = connect(proxy.addr()).await;
            client.call(&["PING"]).await.unwrap();
            clients.push(client);
        }
        proxy.cut_all();
        for client in &mut clients {
            let closed = timeout(Duration::from_secs(5), client.receive()).await;
            assert!(closed.is_ok_and(|result| result.is_err()));
        }
        assert!(resp::call(proxy.addr(), &["PING"]).await.is_ok());
        assert_eq!(proxy.connections(), 4);
    }

    #[tokio::test]
    async fn a_dead_server_closes_the_connection() {
        let (servers, proxy) = pair().await;
        servers[0].kill().await;
        let closed = timeout(Duration::from_secs(5), resp::call(proxy.addr(), &["PING"])).await;
        assert!(closed.is_ok_and(|result| result.is_err()));
        servers[0].start_again().await;
        assert!(resp::call(proxy.addr(), &["PING"]).await.is_ok());
    }

    #[tokio::test]
    async fn a_dropped_proxy_closes_everything() {
        let (_servers, proxy) = pair().await;
        let addr = proxy.addr();
        let mut client = connect(addr).await;
        client.call(&["PING"]).await.unwrap();
        drop(proxy);
        assert!(client.call(&["PING"]).await.is_err());
        until("the end of the listener", async || refused(addr).await).await;
    }
}
