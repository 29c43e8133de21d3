//! The programs that measure run through: `compare` finds every ratio, and `soak` leaves no key; see `src/bin`. How large the
//! figures are is not asked.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::process::Command;

const NAMES: [&str; 44] = [
    "allocs_over_raw",
    "at_least_cost",
    "client_cpu64_redis",
    "exec_hung1",
    "fencing_cost",
    "hung1",
    "hung2",
    "label_cost",
    "memory_cycle_us",
    "one_task_fred",
    "one_task_redis",
    "one_task_vs_rslock",
    "permit_cost_fred",
    "permit_cost_redis",
    "permits_64_of_64_in_use",
    "permits_64_of_64_rounds",
    "permits_8_of_12_in_use",
    "permits_8_of_12_rounds",
    "permits_8_of_8_in_use",
    "permits_8_of_8_rounds",
    "processes_handovers",
    "processes_share",
    "processes_wait_p99",
    "queue_share",
    "queue_wait_p99",
    "readers64_vs_locks64",
    "readers_of_10_keep",
    "readers_of_30_keep",
    "renewal_us_per_lock_s",
    "server_commands",
    "share_bytes_10",
    "share_bytes_100",
    "share_bytes_1000",
    "share_cost_fred",
    "share_cost_redis",
    "tasks1024_redis",
    "tasks1024_vs_64",
    "tasks64_fred",
    "tasks64_redis",
    "tasks64_vs_rslock",
    "writer_of_10_p50_ms",
    "writer_of_10_p99_ms",
    "writer_of_30_p50_ms",
    "writer_of_30_p99_ms",
];

#[test]
fn every_ratio_is_found_and_no_lock_fails() {
    let file = std::env::temp_dir().join(format!("redlock-compare-{}.json", std::process::id()));
    let mut compare = Command::new(env!("CARGO_BIN_EXE_compare"));
    let output = compare.arg("--smoke").arg("--json").arg(&file).output().unwrap();
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{why}", String::from_utf8_lossy(&output.stdout));

    let json = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let figures = flat_object(&json);
    assert_eq!(figures.keys().copied().collect::<Vec<_>>(), NAMES);
    for (name, value) in figures {
        assert!(value.is_finite(), "{name}: {value}");
        assert!(value > 0.0 || name == "allocs_over_raw", "{name}: {value}");
    }
}

#[test]
fn an_unknown_option_or_section_is_refused() {
    for args in [&["--fast"][..], &["--json"], &["--only", "everything"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_compare")).args(args).output().unwrap();
        assert!(!output.status.success(), "{args:?}");
    }
}

/// The members of a JSON object of numbers.
fn flat_object(json: &str) -> BTreeMap<&str, f64> {
    let inside = json.trim().strip_prefix('{').unwrap().strip_suffix('}').unwrap();
    inside
        .split(',')
        .map(|member| {
            let (name, value) = member.split_once(':').unwrap();
            let name = name.trim().strip_prefix('"').unwrap().strip_suffix('"').unwrap();
            (name, value.trim().parse().unwrap())
        })
        .collect()
}

#[test]
fn nothing_is_left_of_distinct_keys_while_servers_restart_and_a_peer_is_silent() {
    for client in ["redis", "fred"] {
        let mut soak = Command::new(env!("CARGO_BIN_EXE_soak"));
        let output = soak.args(["--client", client, "--seconds", "6"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{why}");
        assert!(said.ends_with(&format!("\n0 keys left, {client}\n")), "{said}");
        // The head, a line for each sixth, and the end.
        assert_eq!(said.lines().count(), 1 + 6 + 1 + 1, "{said}");
    }
}
