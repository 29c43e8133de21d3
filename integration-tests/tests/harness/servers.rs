use super::*;

#[tokio::test]
async fn every_kind_starts_and_is_what_it_says() {
    for (kind, version) in
        [(Kind::Redis70, "redis "), (Kind::Valkey91, "valkey 9.1."), (Kind::Redis62, "redis 6.2.")]
    {
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
    until("replication", async || replicas[0].get("key").await.as_deref() == Some("value")).await;
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

#[tokio::test]
async fn one_can_have_a_clock_of_its_own() {
    let servers = Servers::builder().kind(Kind::Valkey91).count(2).clock("+3600 x1").start().await;
    let seconds = async |server: &integration_tests::Server| {
        let time = server.exec(&["TIME"]).await;
        time.lines().next().unwrap().parse::<u64>().unwrap()
    };
    let ours = || std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    // A server that is busy may answer by the time it read before.
    let until_ahead = async |by| {
        for _ in 0..500 {
            if seconds(&servers[0]).await >= ours() + by {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("its clock is not ahead by {by} s");
    };
    until_ahead(3_500).await;
    servers[0].exec(&["SET", "key", "value", "PX", "60000"]).await;
    servers[0].set_clock("+7200 x1").await;
    until_ahead(7_100).await;
    assert_eq!(servers[0].get("key").await, None, "its time to live is the wall clock's");
    servers[0].restart().await;
    until_ahead(7_100).await;
    assert!(seconds(&servers[1]).await < ours() + 7_000, "each has its own");
}
