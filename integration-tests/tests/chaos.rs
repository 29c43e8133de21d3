//! Everything breaks, and the lock and its fences hold: see `src/bin/chaos.rs`. What is printed of a failed run has its
//! seed and the events that break a rule.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;

use tokio::process::Command;
use tokio::sync::Mutex;

/// A machine that is busy with two runs gives neither its time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

async fn run(profile: &str, seconds: &str) {
    let _turn = ONE_AT_A_TIME.lock().await;
    let mut chaos = Command::new(env!("CARGO_BIN_EXE_chaos"));
    let timeline = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("chaos-{profile}.html"));
    chaos.args(["--profile", profile, "--seconds", seconds]).arg("--timeline").arg(&timeline);
    chaos.kill_on_drop(true);
    let output = chaos.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{why}");
    let drawn = std::fs::read_to_string(timeline).unwrap();
    for part in [">worker 0</text>", ">server 4</text>", "<rect class=\"hold "] {
        assert!(drawn.contains(part), "{part} is not drawn of {profile}");
    }
}

#[tokio::test]
async fn locks_exclude_and_fences_order_while_servers_links_and_processes_fail() {
    run("mixed", "30").await;
}

#[tokio::test]
async fn readers_writers_permits_and_plain_clients_keep_apart_while_all_fails() {
    run("modes", "30").await;
}

#[tokio::test]
async fn clocks_within_the_drift_allowance_break_nothing() {
    run("clocks", "12").await;
}

#[tokio::test]
async fn clocks_beyond_all_assumptions_break_the_lock_and_not_the_fences() {
    run("broken-clocks", "10").await;
}
