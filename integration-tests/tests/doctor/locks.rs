//! `inspect`, `watch` and `release` against locks that the test holds.

use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{ChaosProxy, Mode, Server, Servers};
use redlock_core::node::Holder;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::setup::*;

const KEY: &str = "orders:42";
/// No server there: taken and given back by nobody.
const DOWN: &str = "redis://127.0.0.1:1";

fn fields(value: &Value) -> Vec<&str> {
    let mut fields: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    fields
}

async fn inspect_shows_who_holds_each_key_and_never_the_token(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    let hour = Duration::from_secs(3_600);
    let redlock = builder(client, &urls).ttl(hour).build().unwrap();
    let token = redlock.lock(KEY).await.unwrap().leak();
    until_on_all(&servers, KEY).await;
    let holder = Holder::of(token.as_bytes()).to_string();

    let shown = run(client, &urls, &["inspect", KEY, "free one"]).await.expect(0);
    let lines: Vec<_> = shown.out.lines().collect();
    assert!(lines[0].starts_with(&format!("{KEY}: held by {holder}, 5")), "{}", shown.out);
    assert_eq!(
        lines[1].split_whitespace().collect::<Vec<_>>(),
        ["NODE", "STATE", "HOLDER", "LEFT"]
    );
    for (line, server) in lines[2..5].iter().zip(servers.iter()) {
        let row = format!("  {}  held   {holder}  5", server.addr());
        assert!(line.starts_with(&row), "{line:?} {row:?}");
    }
    assert_eq!(lines[5..7], ["", "free one: free"], "{}", shown.out);

    let shown = run(client, &urls, &["inspect", "--json", KEY, "free one"]).await.expect(0);
    let [held, free] = &shown.json()[..] else { panic!("{}", shown.out) };
    assert_eq!(
        fields(held),
        ["expiry", "fence", "holder", "key", "label", "nodes", "permits", "remaining_ms", "state"]
    );
    assert_eq!(
        (&held["key"], &held["state"], &held["holder"]),
        (&json!(KEY), &json!("held"), &json!(holder))
    );
    assert_eq!(held["expiry"], "in");
    let left = held["remaining_ms"].as_u64().unwrap();
    assert!((1..=3_600_000).contains(&left), "{left}");
    assert_eq!(held["nodes"].as_array().unwrap().len(), 3);
    let node = &held["nodes"][2];
    assert_eq!(
        fields(node),
        ["error", "expiry", "holder", "label", "name", "remaining_ms", "state"]
    );
    assert_eq!(
        (&node["name"], &node["error"]),
        (&json!(servers[2].addr().to_string()), &Value::Null)
    );
    assert_eq!((&free["state"], &free["holder"]), (&json!("free"), &Value::Null));
    for shown in [run(client, &urls, &["inspect", KEY]).await.out, shown.out] {
        assert!(!shown.contains(token.expose()), "{shown}");
    }
}

async fn inspect_goes_by_a_majority_and_says_so_when_there_is_none(client: Client) {
    let servers = Servers::start(2).await;
    let urls = [servers.urls(), vec![DOWN.into()]].concat();
    let guard = other(client, &urls).lock(KEY).await.unwrap();
    let shown = run(client, &urls, &["inspect", KEY]).await.expect(0);
    assert!(
        shown.out.contains("held by")
            && shown.out.contains("  failed  -                 -       no connection: "),
        "{}",
        shown.out
    );
    servers[1].kill().await;
    let shown = run(client, &urls, &["inspect", KEY]).await.expect(125);
    let headline = format!("{KEY}: unknown: 1 held, 0 free, 2 failed of 3 nodes, and 2 must agree");
    assert!(shown.out.starts_with(&headline), "{}", shown.out);
    let shown = run(client, &urls, &["inspect", "--json", KEY]).await.expect(125);
    assert_eq!(shown.json()[0]["state"], "unknown");
    drop(guard);
}

async fn a_lock_is_released_by_its_token_and_by_no_other(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    let redlock = other(client, &urls);
    let (first, second) =
        (redlock.lock("a").await.unwrap().leak(), redlock.lock("b").await.unwrap().leak());
    until_on_all(&servers, "a").await;
    until_on_all(&servers, "b").await;

    let wrong = run(client, &urls, &["release", "b", "--token", first.expose()]).await.expect(1);
    let holder = Holder::of(second.as_bytes());
    assert!(wrong.out.starts_with(&format!("b: held by {holder}, ")), "{}", wrong.out);
    assert!(wrong.out.ends_with("this token does not hold it\n"), "{}", wrong.out);
    assert_eq!(servers[0].keys().await, ["a", "b"]);

    let right = run(client, &urls, &["release", "a", "--token", first.expose()]).await.expect(0);
    assert_eq!(right.out, "a: released\n");
    let input = format!("{}\n", second.expose());
    let both = run_with(client, &urls, &["release", "b", "a", "--token", "-"], Some(&input))
        .await
        .expect(1);
    assert_eq!(both.out, "b: released\na: free; this token does not hold it\n");
    servers.become_empty().await;

    let bad = run(client, &urls, &["release", "a", "--token", "hunter2"]).await.expect(125);
    assert!(bad.err.contains("token") && !bad.err.contains("hunter2"), "{}", bad.err);
}

async fn force_takes_a_lock_away_but_asks_somebody_first(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    let guard = other(client, &urls).lock(KEY).await.unwrap();
    until_on_all(&servers, KEY).await;
    let refused = run_with(client, &urls, &["release", "--force", KEY], Some(&format!("{KEY}\n")))
        .await
        .expect(2);
    assert!(refused.err.contains("no terminal; give --yes"), "{}", refused.err);
    assert!(servers[0].get(KEY).await.is_some() && !guard.is_lost());

    let taken = run(client, &urls, &["release", "--force", "--yes", KEY]).await.expect(0);
    assert_eq!(taken.out, format!("{KEY}: taken away, on 3 of 3 nodes\n"));
    servers.become_empty().await;
    assert!(guard.extend(LIMIT).await.unwrap_err().is_lost());
    let free = run(client, &urls, &["release", "--force", "--yes", KEY]).await.expect(0);
    assert_eq!(free.out, format!("{KEY}: free\n"));
}

async fn force_takes_away_what_another_program_stored_and_counts_the_nodes_that_are_down(
    client: Client,
) {
    let servers = Servers::start(2).await;
    let urls = [servers.urls(), vec![DOWN.into()]].concat();
    for server in servers.iter() {
        server.exec(&["SET", "lock:k", "no token of ours"]).await;
    }
    let args = ["release", "--force", "--yes", "--key-prefix", "lock:", "k"];
    let taken = run(client, &urls, &args).await.expect(0);
    assert_eq!(taken.out, "k: taken away, on 2 of 3 nodes\n");
    assert!(taken.err.contains("127.0.0.1:1: "), "{}", taken.err);
    servers.become_empty().await;
    servers[0].kill().await;
    servers[1].exec(&["SET", "lock:k", "x"]).await;
    let failed = run(client, &urls, &args).await.expect(125);
    assert!(failed.out.ends_with("deleted on 1 of 3 nodes\n"), "{}", failed.out);
}

async fn force_takes_a_lock_away_when_its_key_was_typed(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    let token = other(client, &urls).lock(KEY).await.unwrap().leak();
    until_on_all(&servers, KEY).await;
    let wrong = answer(client, &urls, KEY, "yes").await.expect(1);
    assert_eq!(wrong.out, format!("{KEY}: left alone, that is not the key\n"));
    let holder = Holder::of(token.as_bytes());
    assert!(wrong.err.contains(&format!("{KEY}: held by {holder}, ")), "{}", wrong.err);
    assert!(wrong.err.ends_with("Type the key to take it away: "), "{}", wrong.err);
    assert_eq!(servers[0].get(KEY).await.as_deref(), Some(token.expose()));
    let right = answer(client, &urls, KEY, KEY).await.expect(0);
    assert_eq!(right.out, format!("{KEY}: taken away, on 3 of 3 nodes\n"));
    servers.become_empty().await;
}

async fn force_leaves_a_holder_alone_that_came_after_the_one_it_showed(client: Client) {
    let servers = Servers::start(3).await;
    let mut proxies = Vec::new();
    for server in servers.iter() {
        proxies.push(ChaosProxy::start(server.addr()).await);
        proxies.last().unwrap().set(Mode::DelayDown(Duration::from_millis(300))).await;
        server.exec(&["SET", KEY, "shown"]).await;
        server.exec(&["CONFIG", "RESETSTAT"]).await;
    }
    let urls: Vec<_> = proxies.iter().map(ChaosProxy::url).collect();
    let force = redlock(client, &urls, &["release", "--force", "--yes", KEY]).spawn().unwrap();
    // Asked, and the answer is on its way.
    let comes_later = async |server: &Server| {
        until("looked at", async || {
            server.exec(&["INFO", "commandstats"]).await.contains("cmdstat_eval:")
        })
        .await;
        server.exec(&["SET", KEY, "came later"]).await;
    };
    tokio::join!(comes_later(&servers[0]), comes_later(&servers[1]), comes_later(&servers[2]));
    let run = ended(force).await.expect(1);
    assert!(run.out.contains("that holder came in between and was left alone"), "{}", run.out);
    for server in servers.iter() {
        assert_eq!(server.get(KEY).await.as_deref(), Some("came later"));
    }
}

async fn who_waits_hears_that_a_lock_was_taken_away(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    let _ = other(client, &urls).lock(KEY).await.unwrap().leak();
    let waiting = other(client, &urls);
    // So long a pause that only the message can end it in time.
    let pause = redlock_core::RetryPolicy::uniform(LIMIT / 3 * 2, LIMIT).unwrap();
    let options = redlock_core::LockOptions::new().retry(pause).wait_for(LIMIT * 4);
    let waiter = tokio::spawn(async move { waiting.lock_with(KEY, &options).await });
    until("waited for", async || {
        let mut all = true;
        for server in servers.iter() {
            all &= server.exec(&["PUBSUB", "NUMSUB", "redlock:released"]).await.ends_with('1');
        }
        all
    })
    .await;
    run(client, &urls, &["release", "--force", "--yes", KEY]).await.expect(0);
    drop(timeout(LIMIT / 2, waiter).await.expect("woken").unwrap().unwrap());
}

async fn watch_prints_a_line_for_each_change_until_it_is_told_to_end(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    let redlock = other(client, &urls);
    let mut text = Running::start(client, &urls, &["watch", KEY, "--interval", "20ms"]);
    let mut json = Running::start(client, &urls, &["watch", KEY, "--interval", "20ms", "--json"]);
    let line = text.line().await;
    assert!(line.ends_with(&format!("  seen     {KEY}: free")), "{line}");
    let value: Value = serde_json::from_str(&json.line().await).unwrap();
    assert_eq!(
        fields(&value),
        [
            "at",
            "differ",
            "event",
            "expiry",
            "holder",
            "key",
            "label",
            "nodes",
            "remaining_ms",
            "state"
        ]
    );
    assert_eq!(value["event"], "seen");

    let guard = redlock.lock(KEY).await.unwrap();
    // A look in the middle of it may see no majority first.
    let mut line = text.line().await;
    while !line.contains("held by") {
        line = text.line().await;
    }
    let mut held: Value = serde_json::from_str(&json.line().await).unwrap();
    while held["state"] != "held" {
        held = serde_json::from_str(&json.line().await).unwrap();
    }
    assert!(line.contains(held["holder"].as_str().unwrap()), "{line} {held}");
    assert!(held["at"].as_str().unwrap().starts_with("20"), "{held}");

    servers[2].kill().await;
    let address = servers[2].addr().to_string();
    while !(line.contains("differ: ") && line.contains(&format!("{address} ("))) {
        line = text.line().await;
    }
    guard.release().await.unwrap();
    while !line.contains(&format!("{KEY}: free")) {
        line = text.line().await;
    }
    let mut last: Value = held;
    while last["state"] != "free" {
        last = serde_json::from_str(&json.line().await).unwrap();
    }
    text.signal(Signal::INT);
    assert_eq!(text.end().await.0, Some(0));
    json.signal(Signal::TERM);
    assert_eq!(json.end().await.0, Some(0));
    assert_eq!(last["differ"][0]["name"], json!(address), "{last}");
}

#[tokio::test]
async fn every_key_is_released_though_nothing_can_be_said_of_it() {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    let token = other(Client::Redis, &urls).lock(["a", "b"]).await.unwrap().leak();
    until_on_all(&servers, "a").await;
    for words in [
        &["release", "a", "b", "--token", token.expose()] as &[_],
        &["release", "c", "d", "--force", "--yes"],
    ] {
        servers[0].exec(&["SET", "c", "x"]).await;
        servers[0].exec(&["SET", "d", "x"]).await;
        let child = redlock(Client::Redis, &urls, words).stdout(full()).spawn().unwrap();
        let run = ended(child).await.expect(125);
        assert!(run.err.contains("redlock: standard output: No space left"), "{}", run.err);
        for key in &words[1..3] {
            until("released", async || servers[0].get(key).await.is_none()).await;
        }
    }
}

/// `| head -1`.
#[tokio::test]
async fn watch_ends_when_nobody_reads_any_more() {
    let servers = Servers::start(1).await;
    let urls = servers.urls();
    let redlock = other(Client::Redis, &urls);
    let mut watch = Running::start(Client::Redis, &urls, &["watch", KEY, "--interval", "20ms"]);
    watch.line().await;
    let mut child = watch.into_child();
    let _guard = redlock.lock(KEY).await.unwrap();
    let status = timeout(LIMIT, child.wait()).await.expect("ends").unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn a_lock_in_a_directory_cannot_be_forced_and_the_command_says_what_to_do() {
    let node = format!("file:{}/force", env!("CARGO_TARGET_TMPDIR"));
    let urls = [node.clone()];
    let run = run(Client::Redis, &urls, &["release", "--force", "--yes", KEY]).await.expect(125);
    assert!(run.err.contains(&format!("`{node}` is no server")), "{}", run.err);
    assert!(run.err.contains("wait until it expires"), "{}", run.err);
}

integration_tests::with_both_clients! {
    inspect_shows_who_holds_each_key_and_never_the_token
    inspect_goes_by_a_majority_and_says_so_when_there_is_none
    a_lock_is_released_by_its_token_and_by_no_other
    force_takes_a_lock_away_but_asks_somebody_first
    force_takes_a_lock_away_when_its_key_was_typed
    force_leaves_a_holder_alone_that_came_after_the_one_it_showed
    force_takes_away_what_another_program_stored_and_counts_the_nodes_that_are_down
    who_waits_hears_that_a_lock_was_taken_away
    watch_prints_a_line_for_each_change_until_it_is_told_to_end
}
