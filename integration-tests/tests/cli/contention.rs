//! Several command lines that want one lock.

use integration_tests::Servers;
use integration_tests::nodes::Client;
use rustix::process::Signal;

use crate::setup::{Running, ended, exec, had_by_most, locks, until, until_free};

/// Holds until its standard input ends.
const HOLD: [&str; 4] = ["--", "sh", "-c", "echo held; cat; echo out"];

async fn who_waits_runs_when_the_holder_has_ended(client: Client) {
    let servers = Servers::start(3).await;
    let mut holder = Running::start(exec(client, &servers, ["k"].into_iter().chain(HOLD)));
    assert_eq!(holder.line().await, "held");
    let tried = ended(exec(client, &servers, ["-n", "k", "--", "true"])).await;
    assert_eq!(tried.code, Some(1), "{tried:?}");
    let waiter = Running::start(exec(client, &servers, ["-w", "50s", "k", "--", "echo", "mine"]));
    let holder = holder.end().await;
    assert_eq!((holder.code, &*holder.stdout), (Some(0), "out\n"), "{holder:?}");
    let waiter = waiter.end().await;
    assert_eq!((waiter.code, &*waiter.stdout), (Some(0), "mine\n"), "{waiter:?}");
    until_free(&servers).await;
}

async fn no_two_are_ever_inside(client: Client) {
    let servers = Servers::start(3).await;
    let log =
        std::env::temp_dir().join(format!("redlock-inside-{}-{client:?}", std::process::id()));
    let script = format!("echo in >>{0}; sleep 0.05; echo out >>{0}", log.display());
    let run =
        || Running::start(exec(client, &servers, ["-w", "50s", "k", "--", "sh", "-c", &script]));
    let all: Vec<Running> = (0..6).map(|_| run()).collect();
    for one in all {
        let ended = one.end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "in\nout\n".repeat(6));
    std::fs::remove_file(log).unwrap();
}

async fn locks_over_several_keys_exclude_each_other_where_they_meet(client: Client) {
    let servers = Servers::start(3).await;
    let mut holder = Running::start(exec(client, &servers, ["b", "a"].into_iter().chain(HOLD)));
    assert_eq!(holder.line().await, "held");
    let cases: [(&[&str], i32); 6] = [
        (&["a"], 1),
        (&["b"], 1),
        (&["b", "c"], 1),
        (&["a", "b"], 1),
        (&["c"], 0),
        (&["c", "d"], 0),
    ];
    for (keys, code) in cases {
        let words = ["-n"].iter().chain(keys).chain(&["--", "true"]);
        let ended = ended(exec(client, &servers, words.copied())).await;
        assert_eq!(ended.code, Some(code), "{keys:?}: {ended:?}");
    }
    assert_eq!(holder.end().await.code, Some(0));
    until_free(&servers).await;
}

async fn who_is_refused_gives_back_what_it_got(client: Client) {
    let servers = Servers::start(5).await;
    for server in &servers[..3] {
        server.exec(&["SET", "k", "another", "PX", "1000000"]).await;
    }
    for flags in [["-n", "--no-fence"], ["-w", "1s"]] {
        for _ in 0..5 {
            let words = flags.into_iter().chain(["--ttl", "1h", "k", "--", "echo", "ran"]);
            let ended = ended(exec(client, &servers, words)).await;
            assert_eq!((ended.code, &*ended.stdout), (Some(1), ""), "{ended:?}");
            let only_the_other_s = async || locks(&servers).await == ["k"; 3];
            until("what it got is given back", only_the_other_s).await;
        }
    }
}

async fn who_is_told_to_end_while_waiting_leaves_nothing(client: Client) {
    let servers = Servers::start(3).await;
    let mut holder = Running::start(exec(client, &servers, ["k"].into_iter().chain(HOLD)));
    assert_eq!(holder.line().await, "held");
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        // The one before may not have been missed yet.
        until("nobody waits", async || waiting(&servers).await == 0).await;
        let waiter =
            Running::start(exec(client, &servers, ["-w", "50s", "k", "--", "echo", "ran"]));
        until("it waits", async || waiting(&servers).await > 0).await;
        waiter.signal(signal);
        let ended = waiter.end().await;
        assert_eq!((ended.code, &*ended.stdout), (Some(code), ""), "{ended:?}");
    }
    had_by_most(&locks(&servers).await, &["k"]);
    assert_eq!(holder.end().await.code, Some(0));
    until_free(&servers).await;
}

/// How many hear of releases: who was refused, and waits.
async fn waiting(servers: &Servers) -> usize {
    let told = servers[0].exec(&["PUBSUB", "NUMSUB", "redlock:released"]).await;
    told.lines().last().unwrap().parse().unwrap()
}

integration_tests::with_both_clients! {
    who_waits_runs_when_the_holder_has_ended
    no_two_are_ever_inside
    locks_over_several_keys_exclude_each_other_where_they_meet
    who_is_refused_gives_back_what_it_got
    who_is_told_to_end_while_waiting_leaves_nothing
}
