//! What variables and code say and cannot be used is refused: where it came from, what it is unless it may be a secret, and
//! which rule it breaks.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{around, checked, of_variables};
use redlock_config::{NodeAddress, Settings, SettingsErrorKind};

#[test]
fn a_variable_that_cannot_be_used() {
    let empty = "is set, and says nothing; unset it";
    let no_text = "is set, and is no UTF-8";
    let no_node = "is set, and names no node; name some, or unset it";
    let no_part = "is empty: there is nothing between two commas, or beside one at an end";
    let time = "must be a time with its unit, such as 8s or 1m 30s";
    let one = "must be one node and has a space in it; several nodes are separated by commas";
    let url = "must be `redis://host[:port][/database]`, `rediss://…`, `host[:port]`, `file:/directory` or";
    for (variable, value, origin, shown, rule) in [
        ("REDLOCK_NODES", b"" as &[u8], "REDLOCK_NODES", None, no_node),
        ("REDLOCK_NODES", b" ", "REDLOCK_NODES", None, no_node),
        ("REDLOCK_NODES", b",", "REDLOCK_NODES", None, no_node),
        ("REDLOCK_NODES", b" , ", "REDLOCK_NODES", None, no_node),
        ("REDLOCK_NODES", b"\t\n", "REDLOCK_NODES", None, no_node),
        ("REDLOCK_NODES", b"a:1,", "REDLOCK_NODES, node 2 of 2", None, no_part),
        ("REDLOCK_NODES", b"a:1,,b:1", "REDLOCK_NODES, node 2 of 3", None, no_part),
        ("REDLOCK_NODES", b" ,a:1", "REDLOCK_NODES, node 1 of 2", None, no_part),
        ("REDLOCK_NODES", b"a:1,hunter2\xff", "REDLOCK_NODES", None, no_text),
        ("REDLOCK_NODES", b"http://a", "REDLOCK_NODES", Some("http://a"), url),
        ("REDLOCK_NODES", b"a b", "REDLOCK_NODES", Some("a b"), one),
        ("REDLOCK_NODES", b"a:1\tb:1", "REDLOCK_NODES", Some("a:1 b:1"), one),
        ("REDLOCK_NODES", b"a:1 u:hunter2", "REDLOCK_NODES", Some("<redacted>"), one),
        ("REDLOCK_NODES", b"FILE:/tmp/x", "REDLOCK_NODES", Some("FILE:/tmp/x"), url),
        ("REDLOCK_NODES", b"FILE:/d?x@\x1b", "REDLOCK_NODES", Some("FILE:/d?x@\\u{1b}"), url),
        (
            "REDLOCK_NODES",
            b"a,http://u:hunter2@b",
            "REDLOCK_NODES, node 2 of 2",
            Some("http://<redacted>@b"),
            url,
        ),
        (
            "REDLOCK_NODES",
            b"a,u:hunter2@b,c",
            "REDLOCK_NODES, node 2 of 3",
            Some("<redacted>@b"),
            url,
        ),
        ("REDLOCK_NODES", b"file:d", "REDLOCK_NODES", Some("file:d"), "must name an absolute path"),
        (
            "REDLOCK_NODES",
            b"file:/d?x",
            "REDLOCK_NODES",
            Some("file:/d?x"),
            "must have nothing behind `?` but `shared`",
        ),
        (
            "REDLOCK_NODES",
            b"redis://hunter@a",
            "REDLOCK_NODES",
            Some("redis://<redacted>@a"),
            "names a user and no password",
        ),
        ("REDLOCK_USERNAME", b"\xff", "REDLOCK_USERNAME", None, no_text),
        (
            "REDLOCK_USERNAME",
            b"bob",
            "REDLOCK_USERNAME",
            None,
            "is set, and is of no use without REDLOCK_PASSWORD",
        ),
        ("REDLOCK_PASSWORD", b"hunter2\xff", "REDLOCK_PASSWORD", None, no_text),
        ("REDLOCK_CLIENT", b"", "REDLOCK_CLIENT", None, empty),
        ("REDLOCK_CLIENT", b"\xff", "REDLOCK_CLIENT", None, no_text),
        ("REDLOCK_CLIENT", b"Redis", "REDLOCK_CLIENT", Some("Redis"), "must be `redis` or `fred`"),
        (
            "REDLOCK_CLIENT",
            b"redis://:hunter2@a",
            "REDLOCK_CLIENT",
            Some("redis://<redacted>@a"),
            "must be `redis` or `fred`",
        ),
        (
            "REDLOCK_CLIENT",
            b"a\x1b[2Jb",
            "REDLOCK_CLIENT",
            Some("a\\u{1b}[2Jb"),
            "must be `redis` or `fred`",
        ),
        ("REDLOCK_RESTART_GUARD", b"", "REDLOCK_RESTART_GUARD", None, empty),
        ("REDLOCK_RESTART_GUARD", b"\xff", "REDLOCK_RESTART_GUARD", None, no_text),
        ("REDLOCK_RESTART_GUARD", b"soon", "REDLOCK_RESTART_GUARD", Some("soon"), time),
        (
            "REDLOCK_RESTART_GUARD",
            b"60",
            "REDLOCK_RESTART_GUARD",
            Some("60"),
            "has no unit: write 60s for seconds",
        ),
        (
            "REDLOCK_RESTART_GUARD",
            b"0s",
            "REDLOCK_RESTART_GUARD",
            Some("0s"),
            "must be at least 10 ms",
        ),
        (
            "REDLOCK_RESTART_GUARD",
            b"200years",
            "REDLOCK_RESTART_GUARD",
            Some("200years"),
            "is too long",
        ),
        (
            "REDLOCK_RESTART_GUARD",
            b"1xyzzy u@a",
            "REDLOCK_RESTART_GUARD",
            Some("<redacted>@a"),
            time,
        ),
        ("REDLOCK_TTL", b"", "REDLOCK_TTL", None, empty),
        ("REDLOCK_TTL", b"9ms", "REDLOCK_TTL", Some("9ms"), "must be at least 10 ms"),
        ("REDLOCK_TTL", b"-1s", "REDLOCK_TTL", Some("-1s"), time),
        ("REDLOCK_KEY_PREFIX", b"", "REDLOCK_KEY_PREFIX", None, empty),
        ("REDLOCK_KEY_PREFIX", b"\xff", "REDLOCK_KEY_PREFIX", None, no_text),
        (
            "REDLOCK_KEY_PREFIX",
            b"redlock:fence:",
            "REDLOCK_KEY_PREFIX",
            Some("redlock:fence:"),
            "must not begin with",
        ),
        (
            "REDLOCK_KEY_PREFIX",
            &[b'x'; 512],
            "REDLOCK_KEY_PREFIX",
            Some("512 bytes"),
            "must be below 512 bytes",
        ),
        ("REDLOCK_CONFIG", b"", "REDLOCK_CONFIG", None, "is set, and names no file; unset it"),
        ("HOME", b"relative", "HOME", Some("relative"), "must be an absolute path"),
        ("HOME", b"a\x1b[2J", "HOME", Some("a\\u{1b}[2J"), "must be an absolute path"),
        (
            "XDG_CONFIG_HOME",
            b"./relative",
            "XDG_CONFIG_HOME",
            Some("./relative"),
            "must be an absolute path",
        ),
    ] {
        let error = of_variables(&[(variable, value)]).expect_err(variable);
        let what = format!("{variable}={}", String::from_utf8_lossy(value));
        assert_eq!((error.origin(), error.value()), (origin, shown), "{what}: {error}");
        assert!(error.rule().starts_with(rule), "{what}: {error}");
        assert_eq!(error.kind(), SettingsErrorKind::Invalid, "{what}");
        assert!(error.to_string().starts_with(origin), "{what}: {error}");
        checked(&error, &what);
    }
}

#[test]
fn a_node_that_is_named_in_code() {
    let error = NodeAddress::new("http://u:hunter2@a").unwrap_err();
    assert!(error.to_string().starts_with("node: `http://<redacted>@a` must be"), "{error}");
    let error = NodeAddress::at("--node", "").unwrap_err();
    assert!(error.to_string().starts_with("--node: `` must be"), "{error}");
    let user = Settings::new().with_node(NodeAddress::new("redis://u@a").unwrap());
    let error = user.clone().resolve(&around(&[], None)).unwrap_err();
    assert!(error.to_string().starts_with("node: `redis://<redacted>@a` names a user"), "{error}");
    let error = user.open().unwrap_err();
    assert!(error.to_string().starts_with("node: `redis://<redacted>@a` names a user"), "{error}");
}

/// The rules that are checked when settings are read are those of the builder, which would come to them later.
#[test]
fn what_is_refused_is_what_a_builder_refuses() {
    use redlock_core::{InMemoryNode, Redlock};
    use std::time::Duration;

    let builder = || Redlock::builder().node(InMemoryNode::new("a"));
    let second = Duration::from_secs(1);
    let nine = Duration::from_millis(9);
    for (variable, value, refused) in [
        ("REDLOCK_TTL", "9ms".to_owned(), builder().ttl(nine).build()),
        (
            "REDLOCK_RESTART_GUARD",
            "9ms".to_owned(),
            builder().ttl(second).restart_guard(nine).build(),
        ),
        (
            "REDLOCK_KEY_PREFIX",
            "x".repeat(512),
            builder().ttl(second).key_prefix("x".repeat(512)).build(),
        ),
        (
            "REDLOCK_KEY_PREFIX",
            "redlock:fence:".to_owned(),
            builder().ttl(second).key_prefix("redlock:fence:").build(),
        ),
        (
            "REDLOCK_KEY_PREFIX",
            "redlock:want:a".to_owned(),
            builder().ttl(second).key_prefix("redlock:want:a").build(),
        ),
    ] {
        let rule = refused.unwrap_err().rule().to_owned();
        let error = of_variables(&[(variable, value.as_bytes())]).unwrap_err();
        assert_eq!(error.rule(), rule, "{variable}");
    }
    let least: common::Set<'_> = &[
        ("REDLOCK_TTL", b"10ms"),
        ("REDLOCK_RESTART_GUARD", b"10ms"),
        ("REDLOCK_KEY_PREFIX", &[b'x'; 511]),
    ];
    let settings = of_variables(least).unwrap();
    assert!(
        settings.builder_over([std::sync::Arc::new(InMemoryNode::new("a")) as _]).build().is_ok()
    );
}
