//! `list` over servers and directories, with locks, counters and whatever else stands there.

use integration_tests::nodes::Client;
use integration_tests::{Kind, Servers};
use redlock_core::LockOptions;
use redlock_core::node::Holder;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::setup::*;

/// Takes connections, and says nothing.
async fn deaf() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// The first column of the rows.
fn keys(run: &Run) -> Vec<&str> {
    let rows = run.out.lines().skip(1).take_while(|line| !line.is_empty());
    rows.map(|row| row.split_whitespace().next().unwrap()).collect()
}

async fn list_shows_what_a_majority_holds_and_what_nobody_is_sure_of(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    let redlock = builder(client, &urls).key_prefix("shop:").fencing(true).build().unwrap();
    let options = LockOptions::new().label("orders@pod-7");
    let token = redlock.lock_with("orders:42", &options).await.unwrap().leak();
    let options = LockOptions::new().at_least(LIMIT / 2);
    redlock.lock_with("report", &options).await.unwrap().release().await.unwrap();
    let outside = other(client, &urls).lock("orders:42").await.unwrap();
    until_on_all(&servers, "shop:orders:42").await;
    servers[0].exec(&["SET", "shop:left behind", "x"]).await;
    servers[1].exec(&["SET", "shop:left behind", "y"]).await;
    for server in servers.iter() {
        server.exec(&["SADD", "shop:set", "x"]).await;
        server.exec(&["SET", "shop:[*?\\", "\u{1b}[2J"]).await;
    }

    let list = ["list", "--key-prefix", "shop:"];
    let shown = run(client, &urls, &list).await.expect(0);
    assert_eq!(keys(&shown), ["[*?\\", "left", "orders:42", "report", "set"], "{}", shown.out);
    let row = |key: &str| shown.out.lines().find(|line| line.starts_with(key)).unwrap();
    let holder = |value: &str| Holder::of(value.as_bytes()).to_string();
    let value = format!("{} orders@pod-7", token.expose());
    let held = format!("orders:42    exclusive  orders@pod-7 ({})  ", holder(&value));
    assert!(row("orders:42").starts_with(&held), "{held:?}\n{}", shown.out);
    assert!(row("orders:42").ends_with("  3 of 3"), "{}", shown.out);
    assert!(row("report").contains("  kept       "), "{}", shown.out);
    assert!(row("left").ends_with("2 of 3  no majority agrees"), "{}", shown.out);
    assert!(row("set").contains("unknown  ") && row("set").contains("key of another type"));
    let summary = shown.out.lines().last().unwrap();
    assert_eq!(summary, "2 locks held, 1 kept, 2 unknown");

    let json = run(client, &urls, &[&list[..], &["--json"]].concat()).await.expect(0).json();
    let [json] = &json[..] else { panic!("{json:?}") };
    let of = |key: &str| {
        let locks = json["locks"].as_array().unwrap();
        locks.iter().find(|lock| lock["key"] == key).unwrap()
    };
    let mut fields: Vec<_> = of("report").as_object().unwrap().keys().cloned().collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "bytes",
            "error",
            "expiry",
            "holder",
            "key",
            "label",
            "mode",
            "of",
            "on",
            "remaining_ms",
            "state"
        ]
    );
    assert_eq!((&of("report")["state"], &of("report")["mode"]), (&json!("kept"), &json!("kept")));
    assert_eq!((&of("set")["state"], &of("set")["on"]), (&json!("unknown"), &json!(3)));
    assert_eq!(of("orders:42")["label"], "orders@pod-7");
    assert_eq!((&json["more"], &json["answered"]), (&json!(0), &json!(true)));
    assert_eq!(json["nodes"][2], json!({"name": servers[2].addr().to_string(), "error": null}));

    // A prefix is no pattern.
    for (prefix, found) in [("[*?\\", vec!["[*?\\"]), ("*", vec![]), ("o", vec!["orders:42"])] {
        let some = run(client, &urls, &[&list[..], &[prefix]].concat()).await.expect(0);
        assert_eq!(keys(&some), found, "{prefix}: {}", some.out);
    }
    // Without the key prefix all of it is there, and what is beside it; but no counter.
    let all = run(client, &urls, &["list", "--limit", "3"]).await.expect(0);
    assert_eq!(keys(&all), ["orders:42", "shop:[*?\\", "shop:left"]);
    let summary = all.out.lines().last().unwrap();
    assert!(summary.starts_with("2 locks held, 1 unknown, about "), "{summary}");
    assert!(summary.ends_with(" more (--limit)"), "{summary}");
    let all = run(client, &urls, &["list"]).await.expect(0);
    assert!(!all.out.contains("redlock:fence"), "{}", all.out);
    for shown in [shown.out, all.out] {
        assert!(!shown.contains(token.expose()) && !shown.contains('\u{1b}'), "{shown}");
    }
    outside.release().await.unwrap();
}

async fn a_server_that_hangs_or_refuses_is_said_and_the_rest_is_listed(client: Client) {
    let servers = Servers::start(3).await;
    let (_deaf, url) = deaf().await;
    let hung = format!("\n{}: ", url.strip_prefix("redis://").unwrap());
    servers[2].exec(&["ACL", "SETUSER", "default", "-scan"]).await;
    let guard = other(client, &servers.urls()).lock("k").await.unwrap();
    until_on_all(&servers, "k").await;
    let urls = [servers.urls(), vec![url]].concat();
    // Two of four told all, which is no majority, though three hold it.
    let shown = run(client, &urls, &["list"]).await.expect(125);
    let said = |out: &str, text: &str| assert!(out.contains(text), "no `{text}` in\n{out}");
    said(&shown.out, "1 unknown, 2 of 4 nodes told all, and 3 must");
    said(&shown.out, &format!("\n{}: missing right: ", servers[2].addr()));
    said(&shown.out, &hung);
    servers[2].exec(&["ACL", "SETUSER", "default", "+scan"]).await;
    let shown = run(client, &urls, &["list"]).await.expect(0);
    said(&shown.out, &format!("1 lock held{hung}"));
    let json = run(client, &urls, &["list", "--json"]).await.expect(0).json().remove(0);
    assert_eq!((&json["locks"][0]["on"], &json["locks"][0]["of"]), (&json!(3), &json!(4)));
    assert!(json["nodes"][3]["error"].as_str().is_some(), "{json}");
    guard.release().await.unwrap();
}

async fn list_follows_what_changes_until_it_is_told_to_end(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    let redlock = other(client, &urls);
    let first = redlock.lock("a").await.unwrap();
    until_on_all(&servers, "a").await;
    let words = ["list", "--watch", "--interval", "20ms"];
    let mut text = Running::start(client, &urls, &words);
    let mut json = Running::start(client, &urls, &[&words[..], &["--json"]].concat());
    let line = text.line().await;
    assert!(line.contains("  seen     a: held by "), "{line}");
    let seen: Value = serde_json::from_str(&json.line().await).unwrap();
    assert_eq!(
        (&seen["event"], &seen["key"], &seen["on"]),
        (&json!("seen"), &json!("a"), &json!(3))
    );
    let second = redlock.lock("b").await.unwrap();
    let line = text.line().await;
    assert!(line.contains("  taken    b: held by "), "{line}");
    assert!(json.line().await.contains(r#""event":"taken","key":"b""#));
    first.release().await.unwrap();
    let line = text.line().await;
    assert!(line.ends_with("  freed    a: free"), "{line}");
    json.line().await;
    second.release().await.unwrap();
    assert!(text.line().await.ends_with("  freed    b: free"));
    for (running, signal) in [(text, Signal::INT), (json, Signal::TERM)] {
        running.signal(signal);
        assert_eq!(running.end().await.0, Some(0));
    }
}

#[tokio::test]
async fn list_ends_when_nobody_reads_any_more() {
    let servers = Servers::start(1).await;
    servers[0].exec(&["SET", "k", "x"]).await;
    let words = ["list", "--watch", "--interval", "20ms"];
    let mut watch = Running::start(Client::Redis, &servers.urls(), &words);
    watch.line().await;
    let mut child = watch.into_child();
    drop(child.stdout.take());
    let status = timeout(LIMIT, child.wait()).await.expect("an end").unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn many_locks_are_listed_page_by_page_and_no_keys_command_is_sent() {
    let servers = Servers::start(3).await;
    for server in servers.iter() {
        let fill = "for i = 1, 3000 do redis.call('SET', 'k' .. string.format('%04d', i), 'x', 'PX', 600000) end";
        server.exec(&["EVAL", fill, "0"]).await;
        server.exec(&["CONFIG", "RESETSTAT"]).await;
    }
    for (client, limit, more) in [(Client::Redis, "3000", 0), (Client::Fred, "100", 2_900)] {
        let words = ["list", "--json", "--limit", limit];
        let json = run(client, &servers.urls(), &words).await.expect(0).json().remove(0);
        let locks = json["locks"].as_array().unwrap();
        assert_eq!((locks.len().to_string().as_str(), &json["more"]), (limit, &json!(more)));
        assert!(locks.iter().all(|lock| lock["state"] == "held" && lock["on"] == 3));
    }
    let stats = servers[0].exec(&["INFO", "commandstats"]).await;
    let calls = |command: &str| -> u64 {
        let line = stats.lines().find(|line| line.starts_with(&format!("cmdstat_{command}:")));
        line.map_or(0, |line| line.split(['=', ',']).nth(1).unwrap().parse().unwrap())
    };
    assert_eq!(calls("keys"), 0);
    // Some hundred names at each, twice over.
    assert!((40..=100).contains(&calls("scan")), "{stats}");
}

#[tokio::test]
async fn a_directory_is_listed_as_servers_are() {
    let directory = std::env::temp_dir().join(format!("redlock-list-{}", std::process::id()));
    let url = format!("file:{}", directory.display());
    let held = ["exec", "held", "also", "--node", &url, "--", "true"];
    run(Client::Redis, &[], &held).await;
    let mut sleeping = redlock(Client::Redis, &[], &["exec", "held", "--node", &url]);
    let mut sleeping = sleeping.args(["--", "sleep", "1000"]).spawn().unwrap();
    until("held", async || {
        let shown = run(Client::Redis, &[], &["list", "--node", &url]).await;
        shown.code == 0 && keys(&shown) == ["held"] && shown.out.ends_with("\n\n1 lock held\n")
    })
    .await;
    sleeping.kill().await.unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
}

async fn a_user_without_the_right_to_list_lacks_nothing_else(client: Client) {
    for kind in Kind::ALL {
        let servers = Servers::start_kind(kind, 1).await;
        servers[0].exec(&["SET", "elsewhere", "x"]).await;
        let rights = "+eval +evalsha +get +set +del +pexpire +pttl +info +ping +hello";
        let words = ["ACL", "SETUSER", "locks", "on", ">secret", "resetkeys", "~lock:*", "-@all"];
        let words: Vec<_> = words.into_iter().chain(rights.split(' ')).collect();
        servers[0].exec(&words).await;
        let urls = [servers[0].url_as("locks", "secret")];
        let redlock = builder(client, &urls).key_prefix("lock:").wake_ups(false).build().unwrap();
        let guard = redlock.lock("k").await.unwrap();
        let shown = run(client, &urls, &["list"]).await.expect(125);
        assert!(shown.out.contains(": missing right"), "{kind:?}: {}", shown.out);
        for right in ["+scan", "+getrange"] {
            let shown = run(client, &urls, &["list", "lock:"]).await.expect(125);
            assert!(shown.out.contains(": missing right"), "{kind:?}: {}", shown.out);
            servers[0].exec(&["ACL", "SETUSER", "locks", right]).await;
        }
        let shown = run(client, &urls, &["list", "lock:"]).await.expect(0);
        assert_eq!(keys(&shown), ["lock:k"], "{kind:?}");
        // What the user may not read is there all the same.
        let shown = run(client, &urls, &["list"]).await.expect(0);
        assert_eq!(keys(&shown), ["elsewhere", "lock:k"], "{kind:?}: {}", shown.out);
        assert!(shown.out.contains("unknown  ") && shown.out.contains("missing right"));
        guard.release().await.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_listed_is_refused_with_field_value_and_rule() {
    use std::os::unix::ffi::OsStrExt;

    let servers = Servers::start(1).await;
    let urls = servers.urls();
    let mut command = redlock(Client::Redis, &urls, &["list"]);
    command.arg(std::ffi::OsStr::from_bytes(b"a\xff"));
    let bytes = ended(command.spawn().unwrap()).await.expect(2);
    assert!(
        bytes.err.contains("'[PREFIX]'") && bytes.err.contains("must be text in UTF-8"),
        "{}",
        bytes.err
    );
    for (words, code, said) in [
        (&["list", "--limit", "0"] as &[_], 2, "0 is not in 1..=100000"),
        (&["list", "--limit", "100001"], 2, "100001 is not in 1..=100000"),
        (&["list", "--interval", "1s"], 2, "--watch"),
        (&["list", "--watch", "--interval", "0s"], 125, "--interval: `0s` must be above zero"),
        (&["list", "redlock:fence:a"], 125, "prefix = `redlock:fence:a`: must not begin with"),
        (&["list", "-x"], 2, "-- -x"),
    ] {
        let run = run(Client::Redis, &urls, words).await.expect(code);
        assert!(run.err.contains(said), "{words:?}: {}", run.err);
    }
}

#[tokio::test]
async fn inspect_shows_the_fencing_counter_that_a_majority_has() {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    let redlock = builder(Client::Redis, &urls).fencing(true).build().unwrap();
    let guard = redlock.lock("k").await.unwrap();
    let fence = guard.fence().unwrap();
    until_on_all(&servers, "redlock:fence:k").await;
    let shown = run(Client::Redis, &urls, &["inspect", "k"]).await.expect(0);
    let headline = shown.out.lines().next().unwrap();
    assert!(headline.ends_with(&format!("; fencing counter {fence}")), "{headline}");
    guard.release().await.unwrap();
    // It outlives the lock, and one node that forgot it.
    servers[0].exec(&["DEL", "redlock:fence:k"]).await;
    let json =
        run(Client::Redis, &urls, &["inspect", "k", "other", "--json"]).await.expect(0).json();
    assert_eq!((&json[0]["state"], &json[0]["fence"]), (&json!("free"), &json!(fence.get())));
    assert_eq!(json[1]["fence"], Value::Null);
    // What is no number is nobody's counter.
    servers[1].exec(&["SET", "redlock:fence:k", "x"]).await;
    let shown = run(Client::Redis, &urls, &["inspect", "k"]).await.expect(0);
    assert_eq!(shown.out.lines().next(), Some("k: free"));
}

async fn what_is_shared_is_shown_and_not_taken_away(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    let redlock = builder(client, &urls).label("reports@pod-1").build().unwrap();
    let first = redlock.read("catalogue").await.unwrap();
    let second = redlock.read("catalogue").await.unwrap();
    let shares = async |count: &str| {
        for server in servers.iter() {
            let counted = async || server.exec(&["ZCARD", "catalogue"]).await == count;
            until("on all", counted).await;
        }
    };
    shares("2").await;
    // A writer waits, whose intent is no lock.
    for server in servers.iter() {
        server.exec(&["SET", "redlock:want:catalogue", "1", "PX", "60000"]).await;
    }

    let shown = run(client, &urls, &["list"]).await.expect(0);
    let row = shown.out.lines().find(|line| line.starts_with("catalogue")).unwrap();
    assert!(row.starts_with("catalogue  shared  2 holders  "), "{}", shown.out);
    assert!(row.ends_with("  3 of 3") && shown.out.ends_with("\n1 shared\n"), "{}", shown.out);
    let json = run(client, &urls, &["inspect", "--json", "catalogue"]).await.expect(0).json();
    assert_eq!((&json[0]["state"], &json[0]["holders"]), (&json!("shared"), &json!(2)));
    assert_eq!(json[0]["label"], "reports@pod-1");
    let unsaid = run(client, &urls, &["release", "catalogue"]).await.expect(2);
    assert!(unsaid.err.contains("a share is released by its holder alone"), "{}", unsaid.err);
    let forced =
        run(client, &urls, &["release", "--force", "--yes", "catalogue"]).await.expect(125);
    assert!(
        forced.out.contains("shared by 2 holders, the last of them reports@pod-1"),
        "{forced:?}"
    );

    first.release().await.unwrap();
    let after = run(client, &urls, &["inspect", "catalogue"]).await.expect(0);
    assert!(
        after.out.starts_with("catalogue: shared by 1 holder reports@pod-1, "),
        "{}",
        after.out
    );
    second.release().await.unwrap();
    shares("0").await;
    assert_eq!(run(client, &urls, &["list"]).await.expect(0).out, "no locks\n");
}

integration_tests::with_both_clients! {
    what_is_shared_is_shown_and_not_taken_away
    list_shows_what_a_majority_holds_and_what_nobody_is_sure_of
    a_server_that_hangs_or_refuses_is_said_and_the_rest_is_listed
    list_follows_what_changes_until_it_is_told_to_end
    a_user_without_the_right_to_list_lacks_nothing_else
}
