//! The example services, as two replicas of one service that share real servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod replica;

use std::time::{Duration, Instant};

use integration_tests::Servers;
use replica::{LIMIT, Replica, ask};
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

/// What a payment and a refund take, each.
const WORK: Duration = Duration::from_secs(2);

/// What its own account says of overlaps.
async fn assert_no_overlap(replica: &Replica, id: u64) {
    let shown = ask(replica.addr, "GET", &format!("/orders/{id}")).await;
    assert!(shown.body.contains(" 0 overlaps ever"), "{}", shown.body);
}

async fn two_replicas_never_work_on_one_order_at_once(program: &str, client: &str) {
    let nodes = Servers::start(5).await;
    let mut replicas = [
        Replica::start(program, Some(&nodes), client).await,
        Replica::start(program, Some(&nodes), client).await,
    ];
    let [a, b] = [replicas[0].addr, replicas[1].addr];
    // One of many payments at once is made, in whichever process.
    let spellings = ["/orders/42/pay", "/orders/042/pay", "/orders/+42/pay"];
    let began = Instant::now();
    let all = (0..20).map(|i| tokio::spawn(ask([a, b][i % 2], "POST", spellings[i % 3])));
    let mut paid = 0;
    for answer in all.collect::<Vec<_>>() {
        let answer = answer.await.unwrap();
        match answer.status {
            200 => paid += 1,
            409 => {
                assert!(answer.head.contains("retry-after: "), "{}", answer.head);
                assert!(answer.body.contains("contended"), "{}", answer.body);
            }
            other => panic!("{other}: {}", answer.body),
        }
    }
    // Of those that came late, where the machine is slow, another one.
    assert!(paid >= 1 && began.elapsed() >= paid * WORK, "{paid} in {:?}", began.elapsed());
    // The next one is not refused by the one before, whose answer is there.
    assert_eq!(ask(b, "POST", "/orders/42/pay").await.status, 200);
    // Two refunds wait for each other, in whichever process, and for nobody else's order.
    let began = Instant::now();
    let (one, two, other) = tokio::join!(
        ask(a, "POST", "/orders/42/refund"),
        ask(b, "POST", "/orders/42/refund"),
        ask(b, "POST", "/orders/7/pay"),
    );
    assert_eq!((one.status, two.status, other.status), (200, 200, 200), "{}", one.body);
    assert!(began.elapsed() >= 2 * WORK, "two refunds overlapped");
    for replica in &replicas {
        assert_no_overlap(replica, 42).await;
    }
    // A dead process leaves its lock to the time to live, and nothing else.
    let held = tokio::spawn(async move {
        let mut stream = TcpStream::connect(a).await.unwrap();
        stream
            .write_all(b"POST /orders/9/pay HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all).await;
        all.len()
    });
    replicas[0].line_with("order 9: payment begins").await;
    replicas[0].signal(Signal::KILL);
    assert_eq!(held.await.unwrap(), 0);
    assert_eq!(ask(b, "POST", "/orders/9/pay").await.status, 409);
    let [_, survivor] = replicas;
    survivor.signal(Signal::TERM);
    let printed = survivor.end().await;
    assert!(printed.contains("all locks are released"), "{printed}");
    for server in nodes.iter() {
        let keys = server.keys().await;
        assert!(keys.iter().all(|key| key == "order:9"), "{keys:?}");
    }
}

async fn without_a_majority_it_is_503_until_the_servers_are_back(program: &str, client: &str) {
    let nodes = Servers::start(5).await;
    let replica = Replica::start(program, Some(&nodes), client).await;
    for server in &nodes[..2] {
        server.pause().await;
    }
    assert_eq!(ask(replica.addr, "POST", "/orders/1/pay").await.status, 200);
    let ready = ask(replica.addr, "GET", "/ready").await;
    assert_eq!(ready.status, 200, "{}", ready.body);
    assert_eq!(ready.body, "ready: 3 of 5 nodes answer, and 3 are needed\n");
    nodes[2].pause().await;
    let ready = ask(replica.addr, "GET", "/ready").await;
    assert_eq!(ready.status, 503, "{}", ready.body);
    assert!(ready.head.contains("application/problem+json"), "{}", ready.head);
    let detail = r#""detail":"2 of 5 nodes answer, and 3 are needed""#;
    assert!(ready.body.contains(detail) && !ready.body.contains("127.0.0.1"), "{}", ready.body);
    let answer = ask(replica.addr, "POST", "/orders/1/pay").await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.head.contains("retry-after: 1"), "{}", answer.head);
    assert!(!answer.body.contains("127.0.0.1"), "{}", answer.body);
    for server in &nodes[..3] {
        server.resume().await;
    }
    let mut status = 0;
    for _ in 0..100 {
        status = ask(replica.addr, "POST", "/orders/2/pay").await.status;
        if status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(status, 200, "the service came back");
    assert_eq!(ask(replica.addr, "GET", "/ready").await.status, 200);
    replica.signal(Signal::TERM);
    replica.end().await;
    for server in nodes.iter() {
        assert_eq!(server.keys().await, [""; 0]);
    }
}

async fn until_held(nodes: &Servers, key: &str) {
    let held = async {
        // Which of them have it is not said.
        loop {
            for node in nodes.iter() {
                if node.keys().await.iter().any(|held| held == key) {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LIMIT, held).await.unwrap_or_else(|_| panic!("{key} is not held"));
}

async fn requests_in_flight_finish_when_it_is_told_to_stop(program: &str, client: &str) {
    let nodes = Servers::start(3).await;
    let mut replica = Replica::start(program, Some(&nodes), client).await;
    let addr = replica.addr;
    let export = tokio::spawn(ask(addr, "GET", "/orders/7/export"));
    until_held(&nodes, "export:7").await;
    let paying = tokio::spawn(ask(addr, "POST", "/orders/42/pay"));
    replica.line_with("payment begins").await;
    replica.signal(Signal::TERM);
    let export = export.await.unwrap();
    assert!(export.body.contains("line 5 of 5"), "cut off: {}", export.body);
    let answer = paying.await.unwrap();
    assert_eq!((answer.status, answer.body.contains("1000 cents")), (200, true), "{}", answer.body);
    let printed = replica.end().await;
    assert!(printed.contains("all locks are released"), "{printed}");
    for server in nodes.iter() {
        assert_eq!(server.keys().await, [""; 0]);
    }
}

async fn it_runs_on_in_memory_nodes_as_the_readme_says(program: &str, client: &str) {
    let replica = Replica::start(program, None, client).await;
    let first = replica.printed.lines().next().unwrap();
    let said = "no nodes are named: locks are in the memory of this process, and no other process sees them";
    assert!(first.starts_with(said), "{}", replica.printed);
    let addr = replica.addr;
    let export = || ask(addr, "GET", "/orders/42/export");
    let (one, other) = tokio::join!(export(), export());
    let (exported, refused) = if one.status == 200 { (one, other) } else { (other, one) };
    assert_eq!((exported.status, refused.status), (200, 409), "locked to its last line");
    assert!(exported.body.contains("line 5 of 5"), "{}", exported.body);
    assert!(refused.body.contains("contended"), "{}", refused.body);
    let shown = ask(addr, "GET", "/orders/42").await;
    assert!(shown.body.contains("0 cents booked"), "{}", shown.body);
    let metrics = ask(addr, "GET", "/metrics").await.body;
    for line in [
        "redlock_acquire_total{outcome=\"acquired\",mode=\"exclusive\"} 1",
        "redlock_acquire_total{outcome=\"contended\",mode=\"exclusive\"} 1",
        "redlock_acquire_total{outcome=\"unreachable\",mode=\"exclusive\"} 0",
        "redlock_acquire_duration_seconds_bucket{outcome=\"acquired\",mode=\"exclusive\",le=\"+Inf\"} 1",
        "# TYPE redlock_acquire_duration_seconds histogram",
        "redlock_held 0",
        "redlock_handles{nodes=\"5\",fencing=\"false\",restart_guard=\"false\",wake_ups=\"true\"} 1",
    ] {
        assert!(metrics.lines().any(|said| said == line), "no `{line}` in\n{metrics}");
    }
    assert!(!metrics.contains("export:"), "{metrics}");
    assert!(
        metrics.lines().any(|said| said.starts_with("redlock_node_set{fingerprint=\"")),
        "{metrics}"
    );
    assert_eq!(ask(addr, "GET", "/ready").await.status, 200);
    replica.signal(Signal::INT);
    replica.end().await;
}

async fn invoices_are_read_beside_one_another_and_beside_no_payment(program: &str, client: &str) {
    let nodes = Servers::start(3).await;
    let mut replicas = [
        Replica::start(program, Some(&nodes), client).await,
        Replica::start(program, Some(&nodes), client).await,
    ];
    let [a, b] = [replicas[0].addr, replicas[1].addr];
    // Two at once, in different processes, and none that pays meanwhile.
    let invoices = [a, b].map(|addr| tokio::spawn(ask(addr, "GET", "/orders/42/invoice")));
    let both = async {
        // Two majorities have a node in common.
        loop {
            for node in nodes.iter() {
                if node.exec(&["ZCARD", "order:42"]).await == "2" {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LIMIT, both).await.expect("two shares at once");
    let refused = ask(b, "POST", "/orders/42/pay").await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(refused.head.contains("retry-after: "), "{}", refused.head);
    for invoice in invoices {
        let invoice = invoice.await.unwrap();
        assert_eq!(invoice.status, 200, "{}", invoice.body);
        assert!(invoice.body.contains("over 0 cents, and 0 when"), "{}", invoice.body);
    }
    // An invoice waits for a payment, in the same process and in another one.
    let paying = tokio::spawn(ask(a, "POST", "/orders/42/pay"));
    replicas[0].line_with("payment begins").await;
    let (here, there) =
        tokio::join!(ask(a, "GET", "/orders/42/invoice"), ask(b, "GET", "/orders/42/invoice"));
    assert!(paying.is_finished(), "they were read after it");
    assert_eq!((here.status, there.status), (200, 200), "{}", there.body);
    assert!(here.body.contains("over 1000 cents, and 1000 when"), "{}", here.body);
    assert_eq!(paying.await.unwrap().status, 200);
    for replica in &replicas {
        assert_no_overlap(replica, 42).await;
    }
    for replica in replicas {
        replica.signal(Signal::TERM);
        replica.end().await;
    }
    for server in nodes.iter() {
        assert_eq!(server.keys().await, [""; 0]);
    }
}

async fn two_exports_of_a_tenant_run_at_a_time_and_the_third_is_refused(
    program: &str,
    client: &str,
) {
    let nodes = Servers::start(3).await;
    let mut replicas = [
        Replica::start(program, Some(&nodes), client).await,
        Replica::start(program, Some(&nodes), client).await,
    ];
    let [a, b] = [replicas[0].addr, replicas[1].addr];
    let export = |addr| tokio::spawn(ask(addr, "POST", "/tenants/acme/exports"));
    let (one, other) = (export(a), export(b));
    replicas[0].line_with("tenant acme: an export begins").await;
    replicas[1].line_with("tenant acme: an export begins").await;
    for addr in [a, b] {
        let third = ask(addr, "POST", "/tenants/acme/exports").await;
        assert_eq!(third.status, 429, "{}", third.body);
        assert!(third.head.contains("retry-after: "), "{}", third.head);
        assert!(third.body.contains(r#""reason":"contended""#), "{}", third.body);
    }
    // They are not each other's tenants.
    let elsewhere = ask(b, "POST", "/tenants/zeta/exports").await;
    assert_eq!(elsewhere.status, 200, "{}", elsewhere.body);
    let mut desks = Vec::new();
    for export in [one, other] {
        let export = export.await.unwrap();
        assert_eq!(export.status, 200, "{}", export.body);
        desks.push(export.body.trim_end().rsplit(' ').next().unwrap().to_owned());
    }
    desks.sort();
    assert_eq!(desks, ["0", "1"]);
    assert_eq!(ask(a, "POST", "/tenants/acme/exports").await.status, 200, "room again");
    for replica in replicas {
        replica.signal(Signal::TERM);
        replica.end().await;
    }
    for server in nodes.iter() {
        assert_eq!(server.keys().await, [""; 0]);
    }
}

/// It does not lock in memory because of a slip.
async fn nodes_that_cannot_be_used_end_it_before_it_listens(program: &str, client: &str) {
    for (name, value, said) in [
        ("REDLOCK_NODES", ",", "REDLOCK_NODES is set, and names no node"),
        ("REDLOCK_NODES", "a,http://b", "REDLOCK_NODES, node 2 of 2: `http://b` must be"),
        ("REDLOCK_CONFIG", "/nonexistent/redlock.toml", "/nonexistent/redlock.toml: there is no"),
        ("REDLOCK_RESTART_GUARD", "60", "REDLOCK_RESTART_GUARD: `60` has no unit"),
    ] {
        let mut command = Command::new(program);
        command.env("PORT", "0").env("REDLOCK_CLIENT", client).env_remove("REDLOCK_NODES");
        command.env("HOME", "/nonexistent").env(name, value).kill_on_drop(true);
        let output = timeout(LIMIT, command.output()).await.expect("in time").unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
        assert!(errors.contains(said), "{errors}");
    }
}

macro_rules! for_both_frameworks {
    ($($test:ident)*) => {$(
        mod $test {
            #[tokio::test]
            async fn axum() {
                super::$test(env!("CARGO_BIN_EXE_orders-axum"), "redis").await;
            }

            #[tokio::test]
            async fn actix() {
                super::$test(env!("CARGO_BIN_EXE_orders-actix"), "fred").await;
            }
        }
    )*};
}

for_both_frameworks! {
    two_replicas_never_work_on_one_order_at_once
    without_a_majority_it_is_503_until_the_servers_are_back
    requests_in_flight_finish_when_it_is_told_to_stop
    it_runs_on_in_memory_nodes_as_the_readme_says
    invoices_are_read_beside_one_another_and_beside_no_payment
    two_exports_of_a_tenant_run_at_a_time_and_the_third_is_refused
    nodes_that_cannot_be_used_end_it_before_it_listens
}
