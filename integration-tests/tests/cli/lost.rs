//! Locks that are lost while the command runs, and processes that die.

use integration_tests::Servers;
use integration_tests::nodes::Client;
use rustix::process::Signal;

use crate::setup::{Running, ended, exec, forget, state, until, until_free, until_gone};

/// Long enough to be kept on a busy machine, so that only what a test does loses it.
const TTL: &str = "10s";

fn held(client: Client, servers: &Servers, flags: &[&str], script: &str) -> Running {
    let words = ["k", "--ttl", TTL].iter().chain(flags);
    let words = words.copied().chain(["--", "sh", "-c", script]);
    Running::start(exec(client, servers, words))
}

async fn a_lost_lock_ends_the_command(client: Client) {
    let servers = Servers::start(3).await;
    let mut running = held(client, &servers, &[], "echo $$; exec sleep 1000");
    let sleeper = running.pid().await;
    forget(&servers).await;
    let ended = running.end().await;
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert!(ended.stderr.starts_with("redlock: k: lock lost: no majority of nodes"), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert_eq!(state(sleeper), None, "gone before redlock is");
    until_free(&servers).await;
}

async fn a_command_that_ends_well_when_told_to_has_lost_its_lock_all_the_same(client: Client) {
    let servers = Servers::start(3).await;
    let script = "trap 'echo told; exit 0' TERM; echo up; while :; do sleep 0.1; done";
    let mut running = held(client, &servers, &["--lost-exit-code", "7"], script);
    assert_eq!(running.line().await, "up");
    forget(&servers).await;
    let ended = running.end().await;
    assert_eq!((ended.code, &*ended.stdout), (Some(7), "told\n"), "{ended:?}");
}

async fn a_command_that_does_not_end_when_told_to_is_killed(client: Client) {
    let servers = Servers::start(3).await;
    let script = "trap '' TERM; echo $$; while :; do sleep 0.1; done";
    let mut running = held(client, &servers, &["-k", "700ms"], script);
    let stubborn = running.pid().await;
    forget(&servers).await;
    let ended = running.end().await;
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert!(ended.stderr.contains("not ended within 700ms and is killed"), "{ended:?}");
    assert_eq!(state(stubborn), None);
}

async fn a_command_that_is_stopped_is_ended_too(client: Client) {
    let servers = Servers::start(3).await;
    let mut running =
        held(client, &servers, &["-k", "1000s"], "echo $$; kill -STOP $$; echo went on");
    let stopped = running.pid().await;
    until("it is stopped", async || state(stopped) == Some('T')).await;
    forget(&servers).await;
    let ended = running.end().await;
    assert_eq!((ended.code, &*ended.stdout), (Some(124), ""), "{ended:?}");
}

async fn what_a_shell_started_ends_with_it(client: Client) {
    let servers = Servers::start(3).await;
    // The shell ends at once and leaves two behind: one that does as told, and one that does not.
    let script =
        "sleep 1000 & echo $!; (trap '' TERM; while :; do sleep 0.1; done) & echo $!; wait";
    let mut running = held(client, &servers, &["-k", "1s"], script);
    let (one, other) = (running.pid().await, running.pid().await);
    forget(&servers).await;
    let status = running.wait().await;
    assert_eq!(status.code(), Some(124));
    until_gone(one).await;
    until_gone(other).await;
}

async fn a_lock_that_cannot_be_renewed_ends_the_command(client: Client) {
    let servers = Servers::start(3).await;
    let mut running = held(client, &servers, &[], "echo $$; exec sleep 1000");
    running.line().await;
    for server in &servers[..2] {
        server.pause().await;
    }
    let ended = running.end().await;
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert!(ended.stderr.contains("expired while no majority of nodes answered"), "{ended:?}");
    assert!(ended.stderr.contains("warning: not released") || ended.stderr.lines().count() == 1);
    for server in &servers[..2] {
        server.resume().await;
    }
}

async fn the_longest_hold_ends_the_command(client: Client) {
    let servers = Servers::start(3).await;
    let mut running = held(client, &servers, &["--max-hold", TTL], "echo $$; exec sleep 1000");
    running.line().await;
    let ended = running.end().await;
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert!(ended.stderr.contains("the longest hold time has passed"), "{ended:?}");
    until_free(&servers).await;
}

async fn a_lock_is_kept_for_many_times_to_live(client: Client) {
    let servers = Servers::start(3).await;
    let mut running = held(client, &servers, &[], "echo up; cat; echo done");
    running.line().await;
    // It tries several times a second.
    let tried = ended(exec(client, &servers, ["-w", "25s", "k", "--", "echo", "ran"])).await;
    assert_eq!((tried.code, &*tried.stdout), (Some(1), ""), "{tried:?}");
    let ended = running.end().await;
    assert_eq!((ended.code, &*ended.stdout, &*ended.stderr), (Some(0), "done\n", ""), "{ended:?}");
}

async fn one_that_was_stopped_past_its_time_ends_its_command_first(client: Client) {
    let servers = Servers::start(3).await;
    let mut running = held(client, &servers, &[], "echo $$; exec sleep 1000");
    let sleeper = running.pid().await;
    running.signal(Signal::STOP);
    let next = ended(exec(client, &servers, ["-w", "50s", "k", "--", "echo", "mine"])).await;
    assert_eq!(next.code, Some(0), "{next:?}");
    running.signal(Signal::CONT);
    let ended = running.end().await;
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert_eq!(state(sleeper), None);
}

async fn a_command_that_ended_while_nobody_looked_counts_as_having_lost_its_lock(client: Client) {
    let servers = Servers::start(3).await;
    let mut running = held(client, &servers, &[], "echo $$; read line; exit 0");
    let reader = running.pid().await;
    running.signal(Signal::STOP);
    drop(running.stdin.take());
    until_gone(reader).await;
    let next = ended(exec(client, &servers, ["-w", "50s", "k", "--", "echo", "mine"])).await;
    assert_eq!(next.code, Some(0), "{next:?}");
    running.signal(Signal::CONT);
    let ended = running.end().await;
    assert_eq!(ended.code, Some(124), "{ended:?}");
}

async fn killed_it_takes_the_command_along_and_its_lock_frees_itself(client: Client) {
    let servers = Servers::start(3).await;
    // It ignores whatever can be ignored.
    let script = "trap '' HUP INT TERM; echo $$; while :; do sleep 0.1; done";
    let words = ["k", "--ttl", "20s", "--", "sh", "-c", script];
    let mut running = Running::start(exec(client, &servers, words));
    let command = running.pid().await;
    running.signal(Signal::KILL);
    until_gone(command).await;
    assert_eq!(running.wait().await.code(), None);
    let tried = ended(exec(client, &servers, ["-n", "k", "--", "true"])).await;
    assert_eq!(tried.code, Some(1), "held for the rest of its time: {tried:?}");
    let next = ended(exec(client, &servers, ["-w", "50s", "k", "--", "echo", "mine"])).await;
    assert_eq!((next.code, &*next.stdout), (Some(0), "mine\n"), "{next:?}");
}

async fn a_lock_that_is_found_gone_at_the_end_is_said_and_changes_no_code(client: Client) {
    let servers = Servers::start(3).await;
    let words = ["k", "--ttl", "1h", "--", "sh", "-c", "echo up; read line; exit 3"];
    let mut running = Running::start(exec(client, &servers, words));
    running.line().await;
    // Long before the first renewal.
    forget(&servers).await;
    let ended = running.end().await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended.stderr.starts_with("redlock: k: warning: when the command had ended"),
        "{ended:?}"
    );
}

integration_tests::with_both_clients! {
    a_lost_lock_ends_the_command
    a_command_that_ends_well_when_told_to_has_lost_its_lock_all_the_same
    a_command_that_does_not_end_when_told_to_is_killed
    a_command_that_is_stopped_is_ended_too
    what_a_shell_started_ends_with_it
    a_lock_that_cannot_be_renewed_ends_the_command
    the_longest_hold_ends_the_command
    a_lock_is_kept_for_many_times_to_live
    one_that_was_stopped_past_its_time_ends_its_command_first
    a_command_that_ended_while_nobody_looked_counts_as_having_lost_its_lock
    killed_it_takes_the_command_along_and_its_lock_frees_itself
    a_lock_that_is_found_gone_at_the_end_is_said_and_changes_no_code
}
