//! A job that several machines start, and that is to run once: `--at-least`.

use integration_tests::Servers;
use integration_tests::nodes::Client;
use rustix::process::Signal;

use crate::setup::{
    Running, ended, exec, had_by_most, locks, redlock, until, until_free, until_gone,
};

const ONCE: [&str; 3] = ["k", "--at-least", "50s"];

/// `redlock exec` with these flags, of a job that says that it ran.
async fn start(client: Client, servers: &Servers, flags: &[&str]) -> crate::setup::Ended {
    let words = ONCE.iter().chain(flags).chain(&["--", "echo", "ran"]);
    ended(exec(client, servers, words.copied())).await
}

async fn it_runs_once_and_who_comes_after_it_is_skipped(client: Client) {
    let servers = Servers::start(3).await;
    let words = ONCE.iter().chain(&["--", "sh", "-c", "echo ran; exit 3"]);
    let first = ended(exec(client, &servers, words.copied())).await;
    assert_eq!((first.code, &*first.stdout, &*first.stderr), (Some(3), "ran\n", ""));
    let mut kept = 0;
    for server in servers.iter() {
        kept += usize::from(server.get("k").await.is_some_and(|value| value.starts_with("kept:")));
    }
    assert!(kept >= 2, "early as it ended, on {kept} of 3");
    let said = "redlock: k: skipped: another ran it (kept from others for about ";
    let cases: [(&[&str], i32, &str); 5] = [
        (&[], 0, said),
        (&["-v"], 0, said),
        (&["-q"], 0, ""),
        (&["-E", "75"], 75, said),
        (&["-q", "-E", "75"], 75, ""),
    ];
    for (flags, code, said) in cases {
        let late = start(client, &servers, flags).await;
        assert_eq!((late.code, &*late.stdout), (Some(code), ""), "{flags:?}: {late:?}");
        assert!(late.stderr.starts_with(said), "{flags:?}: {late:?}");
        assert_eq!(late.stderr.lines().count(), usize::from(!said.is_empty()), "{late:?}");
        // Nobody renews a mark.
        assert!(!late.stderr.contains("renewed"), "{late:?}");
    }
    // Who has no job that is due once is told so, too.
    for flags in [&["-n"] as &[_], &["-w", "2s"]] {
        let words = flags.iter().chain(&["k", "--", "echo", "ran"]);
        let late = ended(exec(client, &servers, words.copied())).await;
        assert_eq!((late.code, &*late.stdout), (Some(1), ""), "{late:?}");
        let said =
            if flags[0] == "-n" { "kept from others (" } else { "kept from others after 2s (" };
        let said = format!("redlock: k: {said}by a holder that is done; free in about ");
        assert!(late.stderr.starts_with(&said) && !late.stderr.contains("renewed"), "{late:?}");
    }
    had_by_most(&locks(&servers).await, &["k"]);
}

/// Where it cannot be run at all, as on a machine without the program, another is to run it.
async fn a_job_that_does_not_begin_keeps_nobody_from_it(client: Client) {
    let servers = Servers::start(3).await;
    // No test waits as long.
    let job = ["k", "--at-least", "1h", "--ttl", "2h"];
    for flags in [&["--key-prefix", "jobs:"] as &[_], &["--permits", "1"]] {
        for (program, code) in [("/nonexistent/job", 127), ("/dev/null", 126)] {
            let words = job.iter().chain(flags).copied().chain(["--", program]);
            let failed = ended(exec(client, &servers, words)).await;
            assert_eq!((failed.code, &*failed.stdout), (Some(code), ""), "{failed:?}");
            until_free(&servers).await;
        }
    }
    // Who says so by itself did run.
    for (script, said) in [("echo ran; exit 127", "ran\n"), ("echo ran", "")] {
        let words = job.iter().copied().chain(["--", "sh", "-c", script]);
        let ended = ended(exec(client, &servers, words)).await;
        assert_eq!(ended.stdout, said, "{script}: {ended:?}");
    }
}

async fn while_it_runs_who_is_skipped_is_told_by_whom(client: Client) {
    let servers = Servers::start(3).await;
    let holding = ONCE.iter().chain(&["--label=me@here", "--", "sh", "-c", "echo held; cat"]);
    let mut holder = Running::start(exec(client, &servers, holding.copied()));
    assert_eq!(holder.line().await, "held");
    for (flags, code) in [(&[] as &[_], 0), (&["-E", "75"], 75)] {
        let late = start(client, &servers, flags).await;
        assert_eq!((late.code, &*late.stdout), (Some(code), ""), "{late:?}");
        let said = "redlock: k: skipped: held by me@here (free in about ";
        assert!(late.stderr.starts_with(said), "{late:?}");
        assert!(late.stderr.ends_with(" unless renewed)\n"), "{late:?}");
    }
    assert_eq!(holder.end().await.code, Some(0));
}

async fn without_a_majority_it_fails_whatever_a_skipped_start_exits_with(client: Client) {
    let servers = Servers::start(3).await;
    servers[0].kill().await;
    servers[1].kill().await;
    for flags in [&["--ttl=1h"] as &[_], &["--ttl=1h", "-E", "75"]] {
        let failed = start(client, &servers, flags).await;
        assert_eq!((failed.code, &*failed.stdout), (Some(125), ""), "{failed:?}");
        let said = "redlock: k: no majority of nodes answered";
        assert!(failed.stderr.starts_with(said), "{failed:?}");
    }
    until("what it gave is given back", async || servers[2].get("k").await.is_none()).await;
}

/// Who would be content with being skipped would never learn that the job runs nowhere.
async fn where_nobody_is_seen_to_have_it_it_fails(client: Client) {
    let servers = Servers::start(3).await;
    for (server, value) in servers.iter().zip(["one", "another", "a third"]) {
        server.exec(&["SET", "k", value]).await;
    }
    for flags in [&[] as &[_], &["-E", "75"]] {
        let failed = start(client, &servers, flags).await;
        assert_eq!((failed.code, &*failed.stdout), (Some(125), ""), "{failed:?}");
        assert!(failed.stderr.starts_with("redlock: k: held by another (0 of 3"), "{failed:?}");
        assert!(failed.stderr.contains("never frees itself"), "{failed:?}");
    }
    assert_eq!(servers[0].get("k").await.as_deref(), Some("one"));
}

async fn a_machine_that_dies_in_the_middle_leaves_it_taken_for_its_time_to_live(client: Client) {
    let servers = Servers::start(3).await;
    let flags = ["k", "--at-least", "10s", "--ttl", "20s", "--label=me@here", "--"];
    let job = ["sh", "-c", "echo $$; exec sleep 1000"];
    let mut dies = Running::start(exec(client, &servers, flags.into_iter().chain(job)));
    let command = dies.pid().await;
    rustix::process::kill_process(dies.own_pid(), Signal::KILL).unwrap();
    until_gone(command).await;
    let skipped = start(client, &servers, &[]).await;
    assert_eq!((skipped.code, &*skipped.stdout), (Some(0), ""), "{skipped:?}");
    assert!(skipped.stderr.contains("skipped: held by me@here (free in about"), "{skipped:?}");
    until_free(&servers).await;
    assert_eq!(start(client, &servers, &[]).await.stdout, "ran\n");
}

async fn a_minority_that_goes_while_it_runs_changes_nothing(client: Client) {
    let servers = Servers::start(5).await;
    let holding = ONCE.iter().chain(&["--", "sh", "-c", "echo held; cat"]);
    let mut holder = Running::start(exec(client, &servers, holding.copied()));
    assert_eq!(holder.line().await, "held");
    servers[0].kill().await;
    servers[1].pause().await;
    let first = holder.end().await;
    assert_eq!((first.code, &*first.stderr), (Some(0), ""), "{first:?}");
    let late = start(client, &servers, &[]).await;
    assert_eq!((late.code, &*late.stdout), (Some(0), ""), "{late:?}");
    assert!(late.stderr.contains("kept from others"), "{late:?}");
}

#[tokio::test]
async fn a_time_that_cannot_be_promised_is_a_line_and_a_code_of_its_own() {
    let servers = Servers::start(1).await;
    let node = servers[0].addr().to_string();
    let cases: [(&[&str], &str); 4] = [
        (
            &["--at-least", "50s", "--ttl", "50s"],
            "redlock: --at-least = `50s`: must be at most 49.498s, the time to live of 50s less the drift allowance\n",
        ),
        (
            &["--at-least", "50s", "--max-hold", "10s"],
            "redlock: --at-least = `50s`: takes a time to live of 50.508s, which --max-hold = `10s` must be at least\n",
        ),
        (
            &["--at-least", "50s", "--restart-guard", "40s"],
            "redlock: --at-least = `50s`: takes a time to live of 50.508s, which must be at most 40s, the longest that \
             `restart_guard` was told\n",
        ),
        (&["--at-least", "50s", "-w", "5s"], "error: "),
    ];
    for (flags, said) in cases {
        let words = ["exec", "--node", &node, "k"].into_iter().chain(flags.iter().copied());
        let wrong = ended(redlock(words.chain(["--", "echo", "ran"]))).await;
        assert_eq!((wrong.code, &*wrong.stdout), (Some(2), ""), "{flags:?}: {wrong:?}");
        assert!(wrong.stderr.starts_with(said), "{flags:?}: {wrong:?}");
        if !said.starts_with("error") {
            assert_eq!(wrong.stderr, said);
        }
    }
    assert_eq!(servers[0].keys().await, [""; 0]);
}

integration_tests::with_both_clients! {
    it_runs_once_and_who_comes_after_it_is_skipped
    a_job_that_does_not_begin_keeps_nobody_from_it
    while_it_runs_who_is_skipped_is_told_by_whom
    without_a_majority_it_fails_whatever_a_skipped_start_exits_with
    where_nobody_is_seen_to_have_it_it_fails
    a_machine_that_dies_in_the_middle_leaves_it_taken_for_its_time_to_live
    a_minority_that_goes_while_it_runs_changes_nothing
}
