//! `redlock doctor` as users with fewer rights, and with wrong passwords.

use integration_tests::nodes::Client;
use integration_tests::{Kind, Servers};
use serde_json::Value;

use crate::setup::*;

const PASSWORD: &str = "canary-password";

/// Servers with a user `locks` that may do everything but this; their URLs as that user.
async fn without(kind: Kind, rules: &[&str]) -> (Servers, Vec<String>) {
    let servers = Servers::start_kind(kind, 3).await;
    for server in servers.iter() {
        let password = format!(">{PASSWORD}");
        let mut acl = vec!["ACL", "SETUSER", "locks", "on", &password, "~*", "&*", "+@all"];
        acl.extend(rules);
        server.exec(&acl).await;
    }
    let urls = servers.iter().map(|server| server.url_as("locks", PASSWORD)).collect();
    (servers, urls)
}

/// The code, and the findings of `check` as text.
async fn doctor(client: Client, urls: &[String], args: &[&str], check: &str) -> (i32, String, Run) {
    let args = [&["doctor", "--json", "--timeout", "5s"], args].concat();
    let run = run(client, urls, &args).await;
    assert!(!format!("{run:?}").contains(PASSWORD), "{run:?}");
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let of = findings.filter(|finding| finding["check"] == check && finding["level"] != "ok");
    (run.code, of.map(ToString::to_string).collect::<Vec<_>>().join("\n"), run)
}

async fn a_missing_right_is_named(client: Client) {
    // Taken away; the check that says so; its level; what is to be granted.
    let cases = [
        ("-set", "rights", 2, "grant +set to the user"),
        ("-eval", "rights", 2, "grant +eval to the user"),
        ("-pexpire", "rights", 2, "grant +pexpire to the user"),
        ("-del", "rights", 2, "grant +del to the user"),
        ("-pttl", "rights", 2, "grant +pttl to the user"),
        ("-time", "rights", 1, "grant +time to the user"),
        ("-zadd", "sharing", 1, "grant +zadd to the user (ACL SETUSER), or --accept sharing where"),
        ("-zremrangebyscore", "sharing", 1, "grant +zremrangebyscore to the user"),
        ("-mget", "permits", 1, "grant +mget to the user (ACL SETUSER), or --accept permits where"),
        ("-exists", "permits", 1, "grant +exists to the user"),
        ("-scan", "listing", 1, "grant +scan to the user"),
        ("-getrange", "listing", 1, "grant +getrange to the user"),
        ("-publish", "wake-ups", 1, "grant +publish to the user"),
        ("-subscribe", "wake-ups", 1, "+subscribe &redlock:released to the user"),
    ];
    for kind in [Kind::Redis70, Kind::Valkey91] {
        for (take, check, code, grant) in cases {
            let (_servers, urls) = without(kind, &[take]).await;
            let (exit, said, run) = doctor(client, &urls, &[], check).await;
            assert_eq!(exit, code, "{kind:?} {take}: {}", run.out);
            assert!(
                said.contains("missing right") && said.contains(grant),
                "{kind:?} {take}: {said}"
            );
        }
    }
}

async fn the_guard_needs_info_only_where_it_is_asked_for(client: Client) {
    let (_servers, urls) = without(Kind::Redis70, &["-info"]).await;
    let (code, said, run) = doctor(client, &urls, &[], "rights").await;
    assert_eq!(code, 1, "{}", run.out);
    assert!(said.contains("restart guard cannot tell") && said.contains("grant +info"), "{said}");
    let (code, ..) = doctor(client, &urls, &["--restart-guard", "1s"], "rights").await;
    assert_eq!(code, 2);
}

async fn a_managed_service_that_hides_things_is_no_failure(client: Client) {
    let (servers, urls) = without(Kind::Redis70, &["-config", "-info", "-acl"]).await;
    let (code, said, run) = doctor(client, &urls, &[], "persistence").await;
    assert_eq!(code, 1, "{}", run.out);
    assert!(said.contains("could not be checked: no right to CONFIG"), "{said}");
    let said = doctor(client, &urls, &[], "eviction").await.1;
    assert!(said.contains("could not be checked: no right to INFO"), "{said}");
    servers.become_empty().await;
}

async fn keys_that_the_user_may_not_touch_are_named(client: Client) {
    let (servers, urls) = without(Kind::Redis70, &["resetkeys", "~lock:*"]).await;
    let (code, said, run) = doctor(client, &urls, &[], "rights").await;
    assert_eq!(code, 2, "{}", run.out);
    assert!(said.contains("locks cannot be taken") && said.contains("--key-prefix"), "{said}");
    // Under the locks' own prefix only the counters are out of reach.
    let (code, said, run) = doctor(client, &urls, &["--key-prefix", "lock:"], "rights").await;
    assert_eq!(code, 1, "{}", run.out);
    assert!(said.contains("--no-fence") && said.contains("~redlock:"), "{said}");
    servers.become_empty().await;
}

async fn a_wrong_password_fails_and_is_never_shown(client: Client) {
    let servers = Servers::builder().count(3).arg("--requirepass").arg("right").start().await;
    let urls: Vec<_> = servers.iter().map(|server| server.url_as("", PASSWORD)).collect();
    let (code, said, _) = doctor(client, &urls, &[], "reachable").await;
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("password"), "{said}");
    for args in [
        &["doctor"] as &[_],
        &["inspect", "k"],
        &["release", "k", "--force", "--yes"],
        &["watch", "k"],
    ] {
        let shown = if args[0] == "watch" {
            let mut watch = Running::start(client, &urls, args);
            watch.line().await
        } else {
            let run = run(client, &urls, args).await;
            assert_ne!(run.code, 0);
            format!("{run:?}")
        };
        assert!(!shown.contains(PASSWORD) && !shown.contains("right@"), "{shown}");
    }
    let (code, said, _) = doctor(client, &servers.urls(), &[], "reachable").await;
    assert_eq!(code, 2, "{said}");
    let right: Vec<_> = servers.iter().map(|server| server.url_as("", "right")).collect();
    assert_eq!(doctor(client, &right, &[], "reachable").await.0, 1);
}

integration_tests::with_both_clients! {
    a_missing_right_is_named
    the_guard_needs_info_only_where_it_is_asked_for
    a_managed_service_that_hides_things_is_no_failure
    keys_that_the_user_may_not_touch_are_named
    a_wrong_password_fails_and_is_never_shown
}
