//! `redlock doctor` on sets with which nothing, or one thing, is wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{ChaosProxy, Kind, Mode, Servers};
use rustix::process::Signal;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::setup::*;

const DOWN: &str = "redis://127.0.0.1:1";

/// What `doctor --json` said.
struct Diagnosis {
    code: i32,
    report: Value,
}

impl Diagnosis {
    async fn of(client: Client, urls: &[String], args: &[&str]) -> Self {
        let time = if args.contains(&"--timeout") { &[] as &[_] } else { &["--timeout", "10s"] };
        let args = [&["doctor", "--json"], time, args].concat();
        let run = run(client, urls, &args).await;
        assert_eq!(run.err, "");
        let report = run.json().remove(0);
        assert_eq!(report["exit_code"], run.code);
        Self { code: run.code, report }
    }

    fn findings(&self) -> &Vec<Value> {
        self.report["findings"].as_array().unwrap()
    }

    /// The worst level of each check that is not `ok`, but for warnings that this machine is slow.
    fn amiss(&self) -> BTreeMap<&str, &str> {
        let mut amiss = BTreeMap::new();
        let says_slow = |finding: &Value| {
            let reason = finding["reason"].as_str().unwrap();
            let slow = ["answers after", "locks failed", "near to the"];
            finding["level"] == "warn" && slow.iter().any(|said| reason.contains(said))
        };
        let findings = self.findings().iter().filter(|finding| finding["level"] != "ok");
        for finding in findings.filter(|finding| !says_slow(finding)) {
            let level = finding["level"].as_str().unwrap();
            let worst = amiss.entry(finding["check"].as_str().unwrap()).or_insert(level);
            if level == "fail" {
                *worst = level;
            }
        }
        amiss
    }

    /// The findings of one check that are not `ok`, as text.
    fn of_check(&self, check: &str) -> String {
        let of = self
            .findings()
            .iter()
            .filter(|finding| finding["check"] == check && finding["level"] != "ok");
        of.map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[track_caller]
    fn expect(&self, code: i32, amiss: &[(&str, &str)]) {
        // These are on one machine and keep nothing: that is always said.
        let mut wanted: BTreeMap<_, _> = [("hosts", "warn"), ("persistence", "warn")].into();
        wanted.extend(amiss.iter().copied().filter(|(_, level)| *level != "ok"));
        for (check, _) in amiss.iter().filter(|(_, level)| *level == "ok") {
            wanted.remove(check);
        }
        assert_eq!((self.code, self.amiss()), (code, wanted), "{:#}", self.report);
    }
}

async fn a_good_set_is_warned_of_its_one_machine_and_of_restarts_alone(client: Client) {
    for kind in Kind::ALL {
        let servers = Servers::start_kind(kind, 3).await;
        let urls = servers.urls();
        Diagnosis::of(client, &urls, &[]).await.expect(1, &[]);
        for server in servers.iter() {
            assert_eq!(server.keys().await, [""; 0], "{kind:?}: it removes what it made");
        }
    }
}

async fn a_good_set_under_the_guard_passes_once_it_has_warmed_up(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    // This machine may be slow.
    let accepted = ["--accept", "hosts", "--accept", "latency", "--accept", "reachable"];
    let args = [&["doctor", "--timeout", "10s", "--restart-guard", "1s"], &accepted[..]].concat();
    until("fit", async || {
        let run = run(client, &urls, &args).await;
        let warming = run.code == 2 && run.out.contains("FAIL  warm");
        assert!(run.code == 0 || warming, "{}", run.out);
        run.code == 0
    })
    .await;
    let text = run(client, &urls, &args).await.expect(0).out;
    assert!(text.is_ascii() && !text.contains('\x1b'), "no terminal, no symbols: {text}");
    let summary = text.lines().last().unwrap().strip_suffix(" accepted").expect(&text);
    let (ok, accepted) = summary.split_once(" ok, ").expect(&text);
    let findings: usize = [ok, accepted].iter().map(|count| count.parse::<usize>().unwrap()).sum();
    assert!(text.starts_with("3 nodes over ") && findings >= 17, "{text}");
    for line in text.lines() {
        assert_eq!(line.trim_end(), line);
    }
    assert_eq!(servers[0].keys().await, [""; 0]);
}

async fn persistence_that_forgets_nothing_passes(client: Client) {
    let builder = Servers::builder().count(3).arg("--appendonly").arg("yes");
    let servers = builder.clone().arg("--appendfsync").arg("always").start().await;
    Diagnosis::of(client, &servers.urls(), &[]).await.expect(1, &[("persistence", "ok")]);
    let servers = builder.start().await;
    let diagnosis = Diagnosis::of(client, &servers.urls(), &[]).await;
    diagnosis.expect(1, &[]);
    assert!(diagnosis.of_check("persistence").contains("appendfsync everysec"));
}

async fn the_report_has_the_documented_fields(client: Client) {
    let servers = Servers::start(3).await;
    let urls = [&servers.urls()[..2], &[DOWN.to_owned()]].concat();
    let report = Diagnosis::of(client, &urls, &[]).await.report;
    let fields = |value: &Value| {
        let mut fields: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        fields.sort_unstable();
        fields.join(" ")
    };
    assert_eq!(
        fields(&report),
        "client exit_code findings latency node_set nodes restart_guard_ms verdict"
    );
    assert_eq!(
        fields(&report["nodes"][0]),
        "clock_ahead_us clock_error_us connect_us error name ping_us role run_id server uptime_s"
    );
    assert_eq!(fields(&report["findings"][0]), "check level nodes reason remedy");
    assert_eq!(fields(&report["latency"]), "failed p50_us p99_us rounds");
    assert_eq!((&report["verdict"], &report["client"]), (&"fail".into(), &client.name().into()));
    assert!(report["nodes"][2]["error"].as_str().unwrap().contains("refused"), "{report:#}");
    // It gives up after three that failed.
    let latency = &report["latency"];
    assert!(latency["rounds"] == 50 || latency["failed"] == 3, "{report:#}");
}

async fn one_server_listed_twice_fails(client: Client) {
    let servers = Servers::start(2).await;
    let [one, two] = [servers[0].url(), servers[1].url()];
    let again = one.replace("127.0.0.1", "localhost");
    for again in [again, one.clone()] {
        let diagnosis = Diagnosis::of(client, &[one.clone(), two.clone(), again], &[]).await;
        assert_eq!(
            (diagnosis.code, diagnosis.amiss()["distinct"]),
            (2, "fail"),
            "{:#}",
            diagnosis.report
        );
        assert!(!diagnosis.amiss().contains_key("rights"), "{:#}", diagnosis.report);
    }
    servers.become_empty().await;
}

async fn a_replica_fails(client: Client) {
    let servers = Servers::start(2).await;
    let (host, port) = servers[0].peer().await;
    let builder = Servers::builder().arg("--replicaof").arg(host).arg(port.to_string());
    let replica = builder.start().await;
    let master = &servers[0];
    until("attached", async || {
        master.exec(&["INFO", "replication"]).await.contains("connected_slaves:1")
    })
    .await;
    let urls = [servers.urls(), replica.urls()].concat();
    let diagnosis = Diagnosis::of(client, &urls, &[]).await;
    let amiss = [("masters", "fail"), ("replicas", "warn"), ("rights", "fail"), ("latency", "ok")];
    diagnosis.expect(2, &amiss);
    assert!(diagnosis.of_check("replicas").contains(&master.addr().to_string()));
    let (master, node) = (servers[0].port().to_string(), replica[0].addr().to_string());
    let said = diagnosis.of_check("masters");
    assert!(said.contains("is a replica of") && said.contains(&node), "{said}");
    assert!(said.contains(&master) || servers[0].peer().await.1 != servers[0].port(), "{said}");
}

async fn a_policy_that_evicts_fails_where_there_is_a_limit_and_warns_where_there_is_none(
    client: Client,
) {
    let servers = Servers::start(3).await;
    servers[1].exec(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    Diagnosis::of(client, &servers.urls(), &[]).await.expect(1, &[("eviction", "warn")]);
    servers[1].exec(&["CONFIG", "SET", "maxmemory", "100mb"]).await;
    let diagnosis = Diagnosis::of(client, &servers.urls(), &[]).await;
    diagnosis.expect(2, &[("eviction", "fail")]);
    assert!(diagnosis.of_check("eviction").contains(&servers[1].addr().to_string()));
    servers[1].exec(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    servers[1].exec(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let full = Diagnosis::of(client, &servers.urls(), &[]).await;
    assert_eq!((full.code, full.amiss()["memory"]), (2, "fail"), "{:#}", full.report);
    assert_eq!(full.amiss()["rights"], "fail", "{:#}", full.report);
}

async fn a_server_that_takes_few_more_clients_warns(client: Client) {
    let servers = Servers::start(3).await;
    servers[1].exec(&["CONFIG", "SET", "maxclients", "20"]).await;
    let mut others = Vec::new();
    for _ in 0..16 {
        others.push(TcpStream::connect(servers[1].addr()).await.unwrap());
    }
    let diagnosis = Diagnosis::of(client, &servers.urls(), &[]).await;
    assert_eq!(diagnosis.amiss()["clients"], "warn", "{:#}", diagnosis.report);
    let said = diagnosis.of_check("clients");
    assert!(said.contains(&servers[1].addr().to_string()) && said.contains("of 20"), "{said}");
    drop(others);
}

async fn a_clock_that_is_wrong_warns_and_one_that_is_far_wrong_fails(client: Client) {
    let servers = Servers::builder().kind(Kind::Valkey91).count(3).clock("+0 x1").start().await;
    let urls = servers.urls();
    Diagnosis::of(client, &urls, &[]).await.expect(1, &[]);
    for (clock, level, code) in
        [("+20 x1", "warn", 1), ("+400 x1", "warn", 1), ("+700 x1", "fail", 2)]
    {
        servers[2].set_clock(clock).await;
        let diagnosis = Diagnosis::of(client, &urls, &[]).await;
        diagnosis.expect(code, &[("clocks", level)]);
        assert!(diagnosis.of_check("clocks").contains(&servers[2].addr().to_string()));
        let ahead = diagnosis.report["nodes"][2]["clock_ahead_us"].as_i64().unwrap();
        assert!(ahead > 10_000_000, "{ahead}");
    }
    // It is before the server's own start then, which the restart guard cannot do with.
    servers[2].set_clock("-60 x1").await;
    let behind = Diagnosis::of(client, &urls, &[]).await;
    behind.expect(1, &[("clocks", "warn"), ("rights", "warn")]);
    assert!(behind.of_check("rights").contains("before its start"), "{:#}", behind.report);
    for server in servers.iter() {
        server.set_clock("+30 x1").await;
    }
    let diagnosis = Diagnosis::of(client, &urls, &[]).await;
    diagnosis.expect(1, &[("clocks", "warn")]);
    assert!(diagnosis.of_check("clocks").contains("this machine's clock"));
}

async fn nodes_that_are_down_or_hang_fail_and_no_majority_is_not_measured(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    servers[2].pause().await;
    let hung = Diagnosis::of(client, &urls, &["--timeout", "3s"]).await;
    hung.expect(2, &[("reachable", "fail")]);
    assert!(hung.of_check("reachable").contains("no answer within 3.0 s"), "{:#}", hung.report);
    servers[2].kill().await;
    let down = Diagnosis::of(client, &urls, &[]).await;
    down.expect(2, &[("reachable", "fail")]);
    assert!(down.report["latency"]["rounds"].as_u64() > Some(0));
    servers[1].kill().await;
    let outage = Diagnosis::of(client, &urls, &[]).await;
    outage.expect(2, &[("reachable", "fail"), ("latency", "warn")]);
    assert!(outage.of_check("latency").contains("no majority of nodes answers"));
}

async fn what_is_left_out_of_a_set_is_warned_of(client: Client) {
    let servers = Servers::start(4).await;
    let urls = servers.urls();
    Diagnosis::of(client, &urls, &[]).await.expect(1, &[("count", "warn")]);
    Diagnosis::of(client, &urls[..2], &[]).await.expect(1, &[("count", "warn")]);
    Diagnosis::of(client, &urls[..1], &[]).await.expect(1, &[("count", "warn"), ("hosts", "ok")]);
}

async fn an_interrupted_diagnosis_removes_what_it_made(client: Client) {
    let servers = Servers::start(3).await;
    let mut proxies = Vec::new();
    for server in servers.iter() {
        proxies.push(ChaosProxy::start(server.addr()).await);
        proxies.last().unwrap().set(Mode::DelayDown(Duration::from_millis(100))).await;
    }
    let urls: Vec<_> = proxies.iter().map(ChaosProxy::url).collect();
    for (index, signal) in [Signal::INT, Signal::TERM].into_iter().enumerate() {
        let doctor = Running::start(client, &urls, &["doctor", "--timeout", "10s"]);
        let taken = async || {
            let mut all = true;
            for server in servers.iter() {
                all &= server.keys().await.iter().any(|key| key.starts_with("redlock:doctor:"));
            }
            all
        };
        until("begun", taken).await;
        doctor.signal(signal);
        let (code, lines) = doctor.end().await;
        assert_eq!((code, lines), (Some(125), Vec::new()), "{index}");
        for server in servers.iter() {
            assert_eq!(server.keys().await, [""; 0], "{index}");
        }
    }
}

#[tokio::test]
async fn a_directory_is_looked_at_too() {
    let directory = format!("{}/doctor-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    std::fs::create_dir_all(&directory).unwrap();
    let diagnosis = Diagnosis::of(Client::Redis, &[format!("file:{directory}")], &[]).await;
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(diagnosis.code, 1, "{:#}", diagnosis.report);
    assert_eq!(
        diagnosis.amiss().into_keys().collect::<Vec<_>>(),
        ["count"],
        "{:#}",
        diagnosis.report
    );
}

integration_tests::with_both_clients! {
    a_good_set_is_warned_of_its_one_machine_and_of_restarts_alone
    a_good_set_under_the_guard_passes_once_it_has_warmed_up
    persistence_that_forgets_nothing_passes
    the_report_has_the_documented_fields
    one_server_listed_twice_fails
    a_replica_fails
    a_server_that_takes_few_more_clients_warns
    a_policy_that_evicts_fails_where_there_is_a_limit_and_warns_where_there_is_none
    a_clock_that_is_wrong_warns_and_one_that_is_far_wrong_fails
    nodes_that_are_down_or_hang_fail_and_no_majority_is_not_measured
    what_is_left_out_of_a_set_is_warned_of
    an_interrupted_diagnosis_removes_what_it_made
}
