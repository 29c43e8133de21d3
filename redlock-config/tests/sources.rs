//! What comes from where, and what comes first.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Duration;

use common::{around, of_file, of_variables, urls};
use redlock_config::{ClientKind, NodeAddress, Settings};

const EVERYTHING: &str = r#"
    nodes = ["c:3", { url = "d:4", name = "fourth" }]
    client = "fred"
    ttl = "5s"
    restart_guard = "1m 30s"
    fencing = true
    key_prefix = "file:"
"#;

#[test]
fn code_comes_before_the_environment_before_the_file() {
    let set: common::Set<'_> = &[
        ("REDLOCK_NODES", b"b:2, b:3"),
        ("REDLOCK_CLIENT", b"redis"),
        ("REDLOCK_TTL", b"6s"),
        ("REDLOCK_RESTART_GUARD", b"60s"),
        ("REDLOCK_KEY_PREFIX", b"env:"),
    ];
    let seconds = Duration::from_secs;
    let told = |settings: &Settings| {
        let prefix = settings.key_prefix().to_owned();
        (urls(settings), settings.client(), settings.ttl(), settings.restart_guard(), prefix)
    };
    let file = of_file(EVERYTHING).unwrap();
    let from_file = vec!["redis://c:3".to_owned(), "redis://d:4".to_owned()];
    let guard = Some(seconds(90));
    let expected = (from_file, ClientKind::Fred, Some(seconds(5)), guard, "file:".to_owned());
    assert_eq!(told(&file), expected);
    assert_eq!((file.fencing(), file.nodes()[1].name()), (Some(true), Some("fourth")));

    let both = Settings::new().resolve(&around(set, Some(EVERYTHING))).unwrap();
    let from_env = vec!["redis://b:2".to_owned(), "redis://b:3".to_owned()];
    let guard = Some(seconds(60));
    let expected = (from_env, ClientKind::Redis, Some(seconds(6)), guard, "env:".to_owned());
    assert_eq!(told(&both), expected);
    assert_eq!(both.fencing(), Some(true), "no variable says it");

    let code = Settings::new()
        .with_node(NodeAddress::new("a:1").unwrap())
        .with_client(ClientKind::Fred)
        .with_ttl(seconds(7))
        .with_restart_guard(seconds(70))
        .with_fencing(false)
        .with_key_prefix("code:");
    let all = code.resolve(&around(set, Some(EVERYTHING))).unwrap();
    let guard = Some(seconds(70));
    let from_code = vec!["redis://a:1".to_owned()];
    let expected = (from_code, ClientKind::Fred, Some(seconds(7)), guard, "code:".to_owned());
    assert_eq!(told(&all), expected);
    assert_eq!(all.fencing(), Some(false));
}

#[test]
fn nothing_is_said_where_nothing_is_said() {
    for set in [
        &[] as common::Set<'_>,
        &[("REDLOCK_USERNAME", b""), ("REDLOCK_PASSWORD", b"")],
        &[("HOME", b"/nonexistent")],
        &[("XDG_CONFIG_HOME", b""), ("HOME", b"")],
    ] {
        let settings = of_variables(set).unwrap();
        assert!(settings.nodes().is_empty() && settings.ttl().is_none(), "{set:?}");
        assert!(settings.restart_guard().is_none() && settings.fencing().is_none());
        assert_eq!((settings.client(), settings.key_prefix()), (ClientKind::Redis, ""));
    }
}

#[test]
fn credentials_come_from_the_url_then_the_table_then_the_environment() {
    let text = r#"
        nodes = [
            "redis://own:secret@a",
            { url = "redis://b", username = "bob", password = "p@ss" },
            { url = "redis://c", password_env = "SECRET", name = "third" },
            "rediss://dora@d:7/1",
            "redis+unix:///run/e?db=1",
            { url = "redis://f", username = "fay", password_env = "SECRET" },
        ]
    "#;
    let set: common::Set<'_> =
        &[("REDLOCK_USERNAME", b"eve"), ("REDLOCK_PASSWORD", b"w/d"), ("SECRET", b"hunter2")];
    let settings = Settings::new().resolve(&around(set, Some(text))).unwrap();
    assert_eq!(
        urls(&settings),
        [
            "redis://own:secret@a",
            "redis://bob:p%40ss@b",
            "redis://:hunter2@c",
            "rediss://dora:w%2Fd@d:7/1",
            "redis+unix:///run/e?db=1&pass=w%2Fd&user=eve",
            "redis://fay:hunter2@f",
        ]
    );
    assert_eq!(settings.nodes()[2].name(), Some("third"));
    let shown = format!("{settings:?} {settings:#?}");
    let each = settings.nodes().iter().map(|node| format!("{node} {node:?}"));
    let shown = each.fold(shown, |all, one| all + &one);
    for secret in ["secret", "p@ss", "p%40ss", "hunter2", "w/d", "w%2Fd"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn a_user_keeps_its_name_where_the_password_comes_from_elsewhere_and_needs_one() {
    let text =
        "nodes = [{ url = 'a', username = 'b b' }, { url = 'redis+unix:///s', username = 'c' }]";
    let set: common::Set<'_> = &[("REDLOCK_USERNAME", b"eve"), ("REDLOCK_PASSWORD", b"p")];
    let settings = Settings::new().resolve(&around(set, Some(text))).unwrap();
    assert_eq!(urls(&settings), ["redis://b%20b:p@a", "redis+unix:///s?user=c&pass=p"]);
    for text in
        [text, "nodes = [{ url = 'redis+unix:///s', username = 'c' }]", "nodes = ['redis://u@a']"]
    {
        let error = of_file(text).unwrap_err();
        assert_eq!(error.origin(), "redlock.toml, line 1, nodes[0]");
        assert!(error.rule().starts_with("names a user and no password"), "{error}");
    }
}

#[test]
fn directories_are_nodes_and_say_whose() {
    let settings = of_variables(&[("REDLOCK_NODES", b"file:/a,file:///b?shared")]).unwrap();
    assert_eq!(urls(&settings), ["/a", "/b shared"]);
    let shown: Vec<_> = settings.nodes().iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["file:/a", "file:/b?shared"]);
    let origins: Vec<_> = settings.nodes().iter().map(NodeAddress::origin).collect();
    assert_eq!(origins, ["REDLOCK_NODES, node 1 of 2", "REDLOCK_NODES, node 2 of 2"]);
}

#[test]
fn what_comes_first_is_enough_where_the_rest_is_empty() {
    let code = Settings::new().with_node(NodeAddress::new("a:1").unwrap());
    let empty = around(&[("REDLOCK_NODES", b",")], Some("nodes = []"));
    assert_eq!(urls(&code.resolve(&empty).unwrap()), ["redis://a:1"]);
    let listed = around(&[("REDLOCK_NODES", b"b:1")], Some("nodes = []"));
    assert_eq!(urls(&Settings::new().resolve(&listed).unwrap()), ["redis://b:1"]);
}

/// The user's before the system's, and the one that is named before both.
#[test]
fn the_file_is_looked_for_in_its_usual_places() {
    let looked = |set: common::Set<'_>| {
        let asked = std::cell::RefCell::new(Vec::new());
        let var = |name: &str| {
            let value = set.iter().find(|(variable, _)| *variable == name);
            value.map(|(_, value)| String::from_utf8(value.to_vec()).unwrap().into())
        };
        let file = |path: &std::path::Path| {
            asked.borrow_mut().push(path.display().to_string());
            Ok(None)
        };
        let settings = Settings::new().resolve(&redlock_config::Surroundings::new(var, file));
        (settings.map(drop), asked.into_inner())
    };
    for (set, places) in [
        (
            &[("HOME", b"/h" as &[u8])] as common::Set<'_>,
            &["/h/.config/redlock.toml", "/etc/redlock.toml"] as &[_],
        ),
        (&[("HOME", b"/h"), ("XDG_CONFIG_HOME", b"/x")], &["/x/redlock.toml", "/etc/redlock.toml"]),
        (&[], &["/etc/redlock.toml"]),
    ] {
        let (settings, asked) = looked(set);
        assert!(settings.is_ok());
        assert_eq!(asked, places, "{set:?}");
    }
    let (settings, asked) = looked(&[("HOME", b"/h"), ("REDLOCK_CONFIG", b"/c.toml")]);
    assert_eq!(asked, ["/c.toml"]);
    assert_eq!(settings.unwrap_err().to_string(), "/c.toml: there is no such file");
}
