//! `redlock bench` on real servers.

use integration_tests::Servers;
use integration_tests::nodes::Client;
use rustix::process::Signal;
use serde_json::Value;

use crate::setup::*;

async fn every_kind_of_run_counts_cycles_and_leaves_nothing(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    for more in [
        &[] as &[_],
        &["--contended"],
        &["--fencing"],
        &["--contended", "--fencing", "--key-prefix", "p:"],
    ] {
        let args = [&["bench", "--json", "--tasks", "3", "--duration", "500ms"], more].concat();
        let run = run(client, &urls, &args).await.expect(0);
        let report = run.json().remove(0);
        let cycles = report["cycles"].as_u64().unwrap();
        assert!(cycles > 0, "{report:#}");
        let bars = report["histogram"].as_array().unwrap();
        assert_eq!(bars.iter().map(|bar| bar["count"].as_u64().unwrap()).sum::<u64>(), cycles);
        for part in ["take", "release", "cycle"] {
            let at = |name: &str| report["latency_us"][part][name].as_u64().unwrap();
            assert!(at("p50") <= at("p90") && at("p90") <= at("p99") && at("p99_9") <= at("max"));
        }
        assert_eq!(report["contended"], more.contains(&"--contended"));
        assert_eq!(
            (&report["tasks"], &report["nodes"], &report["interrupted"]),
            (&3.into(), &3.into(), &false.into())
        );
        assert_eq!(run.err, "", "no progress bar without a terminal");
        for server in servers.iter() {
            assert_eq!(server.keys().await, [""; 0], "{more:?}");
        }
    }
    // Time is up before the first cycle is: one is measured all the same.
    for server in servers.iter() {
        server.command(&["CLIENT", "PAUSE", "300"]).await.unwrap();
    }
    let args = ["bench", "--duration", "1ms", "--ttl", "60s"];
    let text = run(client, &urls, &args).await.expect(0).out;
    assert!(text.starts_with("1 task each with a lock of its own, 3 nodes\n"), "{text}");
    assert!(text.contains(" cycles/s\n") && text.contains('#') && text.contains("P99.9"), "{text}");
}

async fn an_interrupted_run_prints_what_it_has_and_leaves_nothing(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    for (signal, more) in [(Signal::INT, "--contended"), (Signal::TERM, "--fencing")] {
        let args = ["bench", "--json", "--tasks", "4", "--duration", "1h", more];
        let bench = Running::start(client, &urls, &args);
        until("begun", async || !servers[0].keys().await.is_empty()).await;
        bench.signal(signal);
        let (_, lines) = bench.end().await;
        let report: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(report["interrupted"], true);
        for server in servers.iter() {
            assert_eq!(server.keys().await, [""; 0], "{more}");
        }
    }
}

async fn failures_are_counted_by_kind(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    servers[0].kill().await;
    servers[1].kill().await;
    let args = ["bench", "--json", "--duration", "300ms", "--ttl", "1s"].as_slice();
    for more in [&[] as &[_], &["--contended"]] {
        let run = run(client, &urls, &[args, more].concat()).await.expect(125);
        let report = run.json().remove(0);
        assert_eq!(report["cycles"], 0);
        let failures = &report["failures"]["no majority of nodes answered with a vote"];
        assert!(failures.as_u64() > Some(0), "{report:#}");
        assert!(run.err.contains("no lock was had") && run.err.contains("refused"), "{}", run.err);
    }
    let bad = run(client, &urls, &["bench", "--ttl", "1ms"]).await.expect(125);
    assert!(bad.err.contains("ttl = `1ms`"), "{}", bad.err);
}

integration_tests::with_both_clients! {
    every_kind_of_run_counts_cycles_and_leaves_nothing
    an_interrupted_run_prints_what_it_has_and_leaves_nothing
    failures_are_counted_by_kind
}
