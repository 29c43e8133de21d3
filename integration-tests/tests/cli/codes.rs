//! What it exits with.

use integration_tests::Servers;
use integration_tests::nodes::Client;

use crate::setup::{Running, ended, exec, redlock, until, until_free};

async fn it_exits_as_its_command_does_and_leaves_nothing(client: Client) {
    let servers = Servers::start(3).await;
    let plain = std::env::temp_dir()
        .join(format!("redlock-not-executable-{}-{client:?}", std::process::id()));
    std::fs::write(&plain, "#!/bin/sh\n").unwrap();
    let plain = plain.to_str().unwrap();
    let cases: [(&[&str], i32, &str); 8] = [
        (&["true"], 0, ""),
        (&["sh", "-c", "exit 3"], 3, ""),
        (&["sh", "-c", "exit 124"], 124, ""),
        (&["sh", "-c", "kill -TERM $$"], 143, ""),
        (&["sh", "-c", "kill -KILL $$"], 137, ""),
        (&["/nonexistent/command"], 127, "redlock: /nonexistent/command: No such file"),
        (&["no-such-command-anywhere"], 127, "redlock: no-such-command-anywhere: No such file"),
        (&[plain], 126, "Permission denied"),
    ];
    for (command, code, said) in cases {
        let words = ["--ttl=1h", "k", "--"].iter().chain(command);
        let ended = ended(exec(client, &servers, words.copied())).await;
        assert_eq!(ended.code, Some(code), "{command:?}: {ended:?}");
        assert_eq!(ended.stdout, "", "{command:?}");
        assert_eq!(ended.stderr.is_empty(), said.is_empty(), "{command:?}: {ended:?}");
        assert!(ended.stderr.contains(said), "{command:?}: {ended:?}");
        // Sent before it ended, and nothing else would free it within the hour.
        until_free(&servers).await;
    }
    std::fs::remove_file(plain).unwrap();
}

async fn a_lock_that_is_held_has_a_code_of_its_own(client: Client) {
    let servers = Servers::start(3).await;
    let mut holder = Running::start(exec(
        client,
        &servers,
        ["k", "--label=me@here", "--", "sh", "-c", "echo held; cat"],
    ));
    assert_eq!(holder.line().await, "held");
    let cases: [(&[&str], i32, &str); 5] = [
        (&["-n"], 1, "redlock: k: held by me@here (free in about "),
        (&["-w", "0s"], 1, "redlock: k: held by me@here (free in about "),
        (&["-n", "-E", "9"], 9, "redlock: k: held by me@here (free in about "),
        (&["-w", "2s", "-E", "0"], 0, "redlock: k: held by me@here after 2s (free in about "),
        (&["-n", "-q"], 1, ""),
    ];
    for (flags, code, said) in cases {
        let words = ["k"].iter().chain(flags).chain(&["--", "echo", "ran"]);
        let ended = ended(exec(client, &servers, words.copied())).await;
        assert_eq!((ended.code, &*ended.stdout), (Some(code), ""), "{flags:?}: {ended:?}");
        assert!(ended.stderr.starts_with(said), "{flags:?}: {ended:?}");
        assert_eq!(ended.stderr.lines().count(), usize::from(!said.is_empty()), "{ended:?}");
    }
    assert_eq!(holder.end().await.code, Some(0));
    until_free(&servers).await;
}

async fn without_a_majority_it_fails_and_says_what_each_node_said(client: Client) {
    let servers = Servers::start(3).await;
    for server in &servers[..2] {
        server.kill().await;
    }
    for wait in [&["-n"][..], &["-w", "500ms"]] {
        let words = ["k", "--ttl=1h"].iter().chain(wait).chain(&["--", "echo", "ran"]);
        let ended = ended(exec(client, &servers, words.copied())).await;
        assert_eq!((ended.code, &*ended.stdout), (Some(125), ""), "{ended:?}");
        assert!(ended.stderr.starts_with("redlock: k: no majority of nodes answered"), "{ended:?}");
        for server in &servers[..2] {
            assert!(ended.stderr.contains(&server.addr().to_string()), "{ended:?}");
        }
    }
    until("what the third gave is given back", async || servers[2].get("k").await.is_none()).await;
}

async fn one_server_listed_twice_is_a_failure_and_no_lock(client: Client) {
    let servers = Servers::start(1).await;
    // With a third the others might make a majority before the second is met.
    let nodes = format!("{},localhost:{}", servers[0].addr(), servers[0].port());
    let mut command = exec(client, &servers, ["-n", "k", "--", "echo", "ran"]);
    command.env("REDLOCK_NODES", nodes);
    let ended = ended(command).await;
    assert_eq!((ended.code, &*ended.stdout), (Some(125), ""), "{ended:?}");
    assert!(ended.stderr.contains("the same server as"), "{ended:?}");
    until_free(&servers).await;
}

async fn a_hung_minority_does_not_keep_it(client: Client) {
    let servers = Servers::start(5).await;
    servers[0].pause().await;
    servers[1].pause().await;
    let ended = ended(exec(client, &servers, ["k", "--", "sh", "-c", "exit 3"])).await;
    assert_eq!((ended.code, &*ended.stderr), (Some(3), ""), "{ended:?}");
    servers[0].resume().await;
    servers[1].resume().await;
    until_free(&servers).await;
}

#[tokio::test]
async fn a_wrong_command_line_is_two_as_everywhere() {
    let cases: [&[&str]; 6] = [
        &[],
        &["exec"],
        &["exec", "k"],
        &["exec", "--", "true"],
        &["exec", "k", "-n", "-w", "1s", "--", "true"],
        &["exec", "k", "--ttl", "soon", "--", "true"],
    ];
    for words in cases {
        let ended = ended(redlock(words.iter().copied())).await;
        assert_eq!(ended.code, Some(2), "{words:?}: {ended:?}");
    }
}

#[tokio::test]
async fn a_setting_that_breaks_a_rule_is_a_failure_that_names_it() {
    let cases: [(&[&str], &str); 7] = [
        (&["k", "--ttl", "1ms"], "redlock: --ttl = `1ms`: must be at least 10 ms"),
        (
            &["k", "--restart-guard", "10s"],
            "redlock: --ttl = `30s`: must be at most 10s, the longest",
        ),
        (&["k", "--node", "http://a"], "redlock: --node: `http://a` must be "),
        (
            &["k", "--node", "127.0.0.1:99999"],
            "redlock: --node: `redis://127.0.0.1:99999` must have the form",
        ),
        (
            &["k", "--node", "a:1 b:1"],
            "redlock: --node: `a:1 b:1` must be one node and has a space",
        ),
        (&["k", "--node", "FILE:/tmp/x"], "redlock: --node: `FILE:/tmp/x` must be "),
        (&["k", "k"], "redlock: k, k: invalid input: key = `k`: must name every resource once"),
    ];
    for (words, said) in cases {
        let words = ["exec", "--node", "127.0.0.1:1"].iter().chain(words).chain(&["--", "true"]);
        let ended = ended(redlock(words.copied())).await;
        assert_eq!(ended.code, Some(125), "{ended:?}");
        assert!(ended.stderr.starts_with(said), "{ended:?}");
    }
}

integration_tests::with_both_clients! {
    it_exits_as_its_command_does_and_leaves_nothing
    a_lock_that_is_held_has_a_code_of_its_own
    without_a_majority_it_fails_and_says_what_each_node_said
    one_server_listed_twice_is_a_failure_and_no_lock
    a_hung_minority_does_not_keep_it
}
