//! So many command lines at once: `--permits`.

use integration_tests::Servers;
use integration_tests::nodes::Client;
use rustix::process::Signal;

use crate::setup::{
    Running, ended, exec, forget, had_by_most, locks, redlock, until_free, until_gone,
};

/// Holds until its standard input ends, and tells which one it is first.
const HOLD: [&str; 4] = ["--", "sh", "-c", "echo $REDLOCK_KEY $REDLOCK_SLOT; cat; echo out"];

fn holding(client: Client, servers: &Servers) -> Running {
    Running::start(exec(client, servers, ["--permits", "2", "k"].into_iter().chain(HOLD)))
}

/// The slot of one that began.
async fn slot(running: &mut Running) -> u16 {
    let line = running.line().await;
    line.strip_prefix("k ").unwrap().parse().unwrap()
}

async fn so_many_run_at_once_each_in_a_slot_of_its_own(client: Client) {
    let servers = Servers::start(3).await;
    let mut one = holding(client, &servers);
    let first = slot(&mut one).await;
    let mut other = holding(client, &servers);
    assert_eq!(slot(&mut other).await, 1 - first);
    for (flags, said) in [
        (&["-n"] as &[_], "redlock: k: all 2 permits are taken (one is free in about "),
        (&["-w", "2s"], "redlock: k: all 2 permits are taken after 2s (one is free in "),
        (&["-n", "-q"], ""),
    ] {
        let words = ["--permits=2", "-E", "9", "k"].iter().chain(flags);
        let words = words.chain(&["--", "echo", "ran"]);
        let third = ended(exec(client, &servers, words.copied())).await;
        assert_eq!((third.code, &*third.stdout), (Some(9), ""), "{third:?}");
        assert!(third.stderr.starts_with(said), "{third:?}");
        assert_eq!(third.stderr.lines().count(), usize::from(!said.is_empty()), "{third:?}");
    }
    // The lock of the name is another one, and a slot is a lock as any.
    let lock = ended(exec(client, &servers, ["-n", "k", "--", "true"])).await;
    assert_eq!(lock.code, Some(0), "{lock:?}");
    let lock = ended(exec(client, &servers, ["-n", "k/1", "--", "true"])).await;
    assert_eq!(lock.code, Some(1), "{lock:?}");
    let waiter = Running::start(exec(
        client,
        &servers,
        ["-w", "50s", "--permits=2", "k", "--", "sh", "-c", "echo $REDLOCK_SLOT"],
    ));
    assert_eq!(one.end().await.stdout, "out\n");
    let waiter = waiter.end().await;
    assert_eq!((waiter.code, &*waiter.stdout), (Some(0), &*format!("{first}\n")), "{waiter:?}");
    assert_eq!(other.end().await.code, Some(0));
    until_free(&servers).await;
}

async fn no_more_than_so_many_are_ever_inside(client: Client) {
    let servers = Servers::start(3).await;
    let log =
        std::env::temp_dir().join(format!("redlock-permits-{}-{client:?}", std::process::id()));
    let script = format!(
        "echo in $REDLOCK_SLOT >>{0}; sleep 0.05; echo out $REDLOCK_SLOT >>{0}",
        log.display()
    );
    let words = ["-w", "50s", "--permits", "3", "k", "--", "sh", "-c", &script];
    let all: Vec<Running> = (0..9).map(|_| Running::start(exec(client, &servers, words))).collect();
    for one in all {
        let ended = one.end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let mut inside: Vec<String> = Vec::new();
    let story = std::fs::read_to_string(&log).unwrap();
    assert_eq!(story.lines().count(), 18, "{story}");
    for line in story.lines() {
        match line.split_once(' ').unwrap() {
            ("in", slot) => {
                assert!(!inside.iter().any(|other| other == slot), "two in {slot}: {story}");
                inside.push(slot.to_owned());
            }
            (_, slot) => inside.retain(|other| other != slot),
        }
        assert!(inside.len() <= 3, "{story}");
    }
    std::fs::remove_file(log).unwrap();
}

async fn every_holder_of_a_slot_has_a_greater_number(client: Client) {
    let servers = Servers::start(3).await;
    let script = "echo $REDLOCK_FENCE";
    let mut last = 0;
    for _ in 0..3 {
        let words = ["--permits=1", "k", "--", "sh", "-c", script];
        let ended = ended(exec(client, &servers, words)).await;
        let fence: u64 = ended.stdout.trim().parse().unwrap();
        assert!(fence > last, "{fence} after {last}");
        last = fence;
    }
    let told = ended(exec(client, &servers, ["-v", "--permits=1", "k", "--", "true"])).await;
    assert!(told.stderr.starts_with("redlock: k: has permit 0 of 0 to 0 (fence "), "{told:?}");
    assert!(told.stderr.ends_with("redlock: k: released\n"), "{told:?}");
}

async fn a_job_runs_so_often_and_who_comes_after_that_is_skipped(client: Client) {
    let servers = Servers::start(3).await;
    let job = ["--permits=2", "k", "--at-least", "50s", "--label=me@here", "--"];
    let start = |command: [&'static str; 3]| exec(client, &servers, job.into_iter().chain(command));
    let first = ended(start(["sh", "-c", "echo ran"])).await;
    assert_eq!((first.code, &*first.stdout), (Some(0), "ran\n"), "{first:?}");
    let mut second = Running::start(start(["sh", "-c", "echo held; cat"]));
    assert_eq!(second.line().await, "held");
    let third = ended(start(["sh", "-c", "echo ran"])).await;
    assert_eq!((third.code, &*third.stdout), (Some(0), ""), "{third:?}");
    let said = "redlock: k: skipped: all 2 permits are taken, the one that is free first: ";
    assert!(third.stderr.starts_with(said), "{third:?}");
    assert_eq!(second.end().await.code, Some(0));
    let fourth = ended(start(["sh", "-c", "echo ran"])).await;
    assert_eq!((fourth.code, &*fourth.stdout), (Some(0), ""), "{fourth:?}");
    assert!(fourth.stderr.contains("another ran it (kept from others for about "), "{fourth:?}");
    had_by_most(&locks(&servers).await, &["k/0", "k/1"]);
}

/// Who would be content with being skipped would never learn that the job runs nowhere.
async fn where_nobody_is_seen_to_have_a_permit_it_fails(client: Client) {
    let servers = Servers::start(3).await;
    for (server, value) in servers.iter().zip(["one", "another", "a third"]) {
        server.exec(&["SET", "k/0", value]).await;
        server.exec(&["SET", "k/1", "mine"]).await;
    }
    let words = ["--permits=2", "k", "--at-least", "50s", "--", "echo", "ran"];
    let failed = ended(exec(client, &servers, words)).await;
    assert_eq!((failed.code, &*failed.stdout), (Some(125), ""), "{failed:?}");
    assert_eq!(servers[0].get("k/0").await.as_deref(), Some("one"));
}

/// Of several that began in one moment each may be given a part of the nodes.
async fn a_job_that_nobody_is_seen_to_have_is_tried_again(client: Client) {
    let servers = Servers::start(3).await;
    for (server, value) in servers.iter().zip(["one", "another", "a third"]) {
        server.exec(&["SET", "k/0", value, "PX", "1500"]).await;
    }
    let words = ["--permits=1", "k", "--at-least", "50s", "--", "echo", "ran"];
    let ended = ended(exec(client, &servers, words)).await;
    assert_eq!((ended.code, &*ended.stdout), (Some(0), "ran\n"), "{ended:?}");
}

async fn a_permit_that_is_lost_ends_the_command(client: Client) {
    let servers = Servers::start(3).await;
    let words = ["--permits=2", "--ttl=10s", "k", "--", "sh", "-c", "echo $$; exec sleep 1000"];
    let mut lost = Running::start(exec(client, &servers, words));
    let sleeper = lost.pid().await;
    forget(&servers).await;
    let lost = lost.end().await;
    assert_eq!(lost.code, Some(124), "{lost:?}");
    assert!(lost.stderr.starts_with("redlock: k: lock lost: "), "{lost:?}");
    until_gone(sleeper).await;
    until_free(&servers).await;
}

async fn one_that_is_killed_leaves_its_slot_to_the_time_to_live(client: Client) {
    let servers = Servers::start(3).await;
    let words = ["--permits=1", "--ttl=20s", "k", "--", "sh", "-c", "echo $$; exec sleep 1000"];
    let mut dies = Running::start(exec(client, &servers, words));
    let command = dies.pid().await;
    dies.signal(Signal::KILL);
    until_gone(command).await;
    let tried = ended(exec(client, &servers, ["-n", "--permits=1", "k", "--", "true"])).await;
    assert_eq!(tried.code, Some(1), "{tried:?}");
    assert!(tried.stderr.starts_with("redlock: k: the permit is taken (one is free"), "{tried:?}");
    let next =
        ended(exec(client, &servers, ["-w", "50s", "--permits=1", "k", "--", "echo", "mine"]))
            .await;
    assert_eq!((next.code, &*next.stdout), (Some(0), "mine\n"), "{next:?}");
}

#[tokio::test]
async fn what_contradicts_itself_is_a_wrong_command_line() {
    let servers = Servers::start(1).await;
    let node = servers[0].addr().to_string();
    let cases: [(&[&str], &str); 5] = [
        (&["k", "--permits=2", "--shared"], "cannot be used with '--shared'"),
        (&["k", "--permits=0"], "0 is not in 1..=64"),
        (&["k", "--permits=65"], "65 is not in 1..=64"),
        (&["k", "--permits=some"], "invalid value 'some' for '--permits <N>'"),
        (&["a", "b", "--permits=2"], "redlock: --permits = `2`: takes one KEY, not 2\n"),
    ];
    for (flags, said) in cases {
        let words = ["exec", "--node", &node].into_iter().chain(flags.iter().copied());
        let wrong = ended(redlock(words.chain(["--", "echo", "ran"]))).await;
        assert_eq!((wrong.code, &*wrong.stdout), (Some(2), ""), "{flags:?}: {wrong:?}");
        assert!(wrong.stderr.contains(said), "{flags:?}: {wrong:?}");
    }
    assert_eq!(servers[0].keys().await, [""; 0]);
}

integration_tests::with_both_clients! {
    so_many_run_at_once_each_in_a_slot_of_its_own
    no_more_than_so_many_are_ever_inside
    every_holder_of_a_slot_has_a_greater_number
    a_job_runs_so_often_and_who_comes_after_that_is_skipped
    where_nobody_is_seen_to_have_a_permit_it_fails
    a_job_that_nobody_is_seen_to_have_is_tried_again
    a_permit_that_is_lost_ends_the_command
    one_that_is_killed_leaves_its_slot_to_the_time_to_live
}
