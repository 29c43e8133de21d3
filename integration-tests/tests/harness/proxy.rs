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
    until("the request", async || servers[0].keys().await == ["key"]).await;
    assert_silent(&mut client).await;
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
    until("the request", async || servers[0].keys().await == ["key"]).await;
    assert_silent(&mut client).await;
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
    const REQUESTS: u32 = 150;
    let (servers, proxy) = pair().await;
    let mut client = connect(proxy.addr()).await;
    let hour = Duration::from_secs(3_600);
    proxy.set(Mode::DelayDown(hour)).await;
    client.send(&["SET", "down", "1"]).await.unwrap();
    until("the request", async || servers[0].get("down").await.is_some()).await;
    assert_silent(&mut client).await;
    proxy.set(Mode::Pass).await;
    assert_eq!(client.receive().await.unwrap(), ok());
    proxy.set(Mode::DelayUp(hour)).await;
    client.send(&["SET", "up", "1"]).await.unwrap();
    assert_silent(&mut client).await;
    assert_eq!(servers[0].get("up").await, None);
    proxy.set(Mode::Pass).await;
    assert_eq!(client.receive().await.unwrap(), ok());

    let delay = Duration::from_millis(400);
    for mode in [Mode::DelayUp(delay), Mode::DelayDown(delay)] {
        servers[0].exec(&["DEL", "key"]).await;
        proxy.set(mode).await;
        let mut client = connect(proxy.addr()).await;
        let begin = Instant::now();
        for _ in 0..REQUESTS {
            client.send(&["APPEND", "key", "x"]).await.unwrap();
            // So that the replies do not come in one piece.
            sleep(Duration::from_millis(1)).await;
        }
        for n in 1..=REQUESTS {
            assert_eq!(client.receive().await.unwrap(), Reply::Int(n.into()));
        }
        let took = begin.elapsed();
        assert!(took >= delay && took < delay * (REQUESTS / 2), "{mode:?} took {took:?}");
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
        let closed = timeout(LONG, client.receive()).await;
        assert!(closed.is_ok_and(|result| result.is_err()));
    }
    assert!(resp::call(proxy.addr(), &["PING"]).await.is_ok());
    assert_eq!(proxy.connections(), 4);
}

#[tokio::test]
async fn a_dead_server_closes_the_connection() {
    let (servers, proxy) = pair().await;
    servers[0].kill().await;
    let closed = timeout(LONG, resp::call(proxy.addr(), &["PING"])).await;
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

#[tokio::test]
async fn a_forgetful_one_forwards_and_keeps_nothing() {
    let servers = Servers::start(1).await;
    let proxy = ChaosProxy::start_forgetful(servers[0].addr()).await;
    assert_eq!(resp::call(proxy.addr(), &["SET", "key", "value"]).await.unwrap(), ok());
    assert_eq!(servers[0].keys().await, ["key"]);
    assert_eq!((proxy.requests(), proxy.seen(b"key")), (1, 0));
}
