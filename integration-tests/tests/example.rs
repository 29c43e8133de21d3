//! The examples of the README, as they are run by hand: in memory, over servers, and stopped on the way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Stdio;
use std::time::Duration;

use integration_tests::Servers;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Several times what it takes on a machine that is busy with other tests.
const LIMIT: Duration = Duration::from_secs(90);

fn workers(servers: Option<&Servers>) -> Child {
    start(env!("CARGO_BIN_EXE_workers-example"), servers)
}

fn start(example: &str, servers: Option<&Servers>) -> Child {
    let mut command = Command::new(example);
    match servers {
        Some(servers) => command.env("REDLOCK_NODES", servers.urls().join(",")),
        None => command.env_remove("REDLOCK_NODES"),
    };
    // This user may have a file with nodes.
    command.env("HOME", "/nonexistent").env_remove("XDG_CONFIG_HOME").env_remove("REDLOCK_CONFIG");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true).spawn().unwrap()
}

/// What it prints, when it ends well.
async fn printed(workers: Child) -> String {
    let output = timeout(LIMIT, workers.wait_with_output()).await.expect("in time").unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{printed}\n{errors}", output.status);
    printed
}

/// Three workers did three jobs each and never met, and none of them lost the lock under the outage.
fn assert_report(printed: &str) {
    let (story, table) = printed.split_once("\nworker ").expect("a table");
    assert_eq!(story.matches("has the lock").count(), 9, "{printed}");
    assert!(!story.contains("lost the lock"), "{printed}");
    for event in [" hangs", " refuses connections", " is back"] {
        assert!(story.contains(event), "{printed}");
    }
    let rows = table.lines().skip(1).take_while(|line| !line.is_empty());
    let rows: Vec<Vec<&str>> = rows.map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 9, "{printed}");
    for worker in ["ada", "bob", "cyd"] {
        let jobs = rows.iter().filter(|row| row[0] == worker).map(|row| row[1]);
        assert_eq!(jobs.collect::<Vec<_>>(), ["1", "2", "3"], "{printed}");
    }
    assert!(rows.iter().all(|row| row.last() == Some(&"0")), "overlaps in {printed}");
    let renewals = rows.iter().map(|row| row[row.len() - 2].parse::<u32>().unwrap());
    assert!(renewals.sum::<u32>() > 0, "the long jobs outlast a lock: {printed}");
    assert!(table.contains("afterwards the lock is Free"), "{printed}");
}

#[tokio::test]
async fn the_example_runs_in_memory() {
    assert_report(&printed(workers(None)).await);
}

#[tokio::test]
async fn the_example_runs_over_servers_and_leaves_nothing() {
    let servers = Servers::start(5).await;
    assert_report(&printed(workers(Some(&servers))).await);
    for server in servers.iter() {
        assert_eq!(server.keys().await, [""; 0], "it waited for its releases");
    }
}

#[tokio::test]
async fn ctrl_c_releases_what_the_example_holds() {
    let servers = Servers::start(5).await;
    let mut workers = workers(Some(&servers));
    let mut story = BufReader::new(workers.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("has the lock") {
        line.clear();
        let length = timeout(LIMIT, story.read_line(&mut line)).await.expect("in time").unwrap();
        assert!(length > 0, "it ended without a lock");
    }
    let pid = i32::try_from(workers.id().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::INT).unwrap();
    let status = timeout(LIMIT, workers.wait()).await.expect("in time").unwrap();
    // It ended by itself, and says with its status that the work is not done.
    assert_eq!(status.code(), Some(1));
    let mut rest = String::new();
    timeout(LIMIT, story.read_to_string(&mut rest)).await.expect("in time").unwrap();
    assert!(rest.contains("stopped by Ctrl-C"), "{rest}");
    assert!(!rest.contains("overlaps"), "nothing was finished: {rest}");
    servers.become_empty().await;
}

#[tokio::test]
async fn in_the_leaders_example_another_leads_when_the_leader_is_killed() {
    let servers = Servers::start(3).await;
    let printed = printed(start(env!("CARGO_BIN_EXE_leader-example"), Some(&servers))).await;
    let terms = printed.lines().filter_map(|line| line.split_once(" leads in term "));
    let terms: Vec<(&str, u64)> = terms.map(|(name, term)| (name, term.parse().unwrap())).collect();
    assert!(terms.len() >= 2 && terms.is_sorted_by(|a, b| a.1 < b.1), "{printed}");
    assert!(printed.contains(&format!("--- {} is killed", terms[0].0)), "{printed}");
    assert!(printed.contains(&format!("--- {} leads, ", terms[1].0)), "{printed}");
    assert_eq!(printed.matches(" ends").count(), 2, "in order: {printed}");
    for server in servers.iter() {
        assert_eq!(server.get("example:leader").await, None, "the last one resigned");
    }
}
