//! What a file says and cannot be used is refused: its line and field, what it is unless it may be a secret, and which rule
//! it breaks.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{checked, of_file};
use redlock_config::{Settings, SettingsErrorKind};

#[test]
fn a_line_of_a_file_that_cannot_be_used() {
    let one = "must be one node and has a space in it; several nodes are separated by commas";
    let url = "must be `redis://host[:port][/database]`";
    let time = "must be a time with its unit, such as 8s or 1m 30s";
    let twice = "stands beside the one that the node has; give one of them";
    let directory = "is for servers, and this node is a directory";
    for (text, origin, shown, rule) in [
        ("nodes = []", "line 1, nodes", Some("[]"), "must name one node at least"),
        (
            "nodes = [\n'a',\n'http://u:hunter2@b']",
            "line 3, nodes[1]",
            Some("http://<redacted>@b"),
            url,
        ),
        ("nodes = ['']", "line 1, nodes[0]", Some(""), url),
        (
            "nodes = ['file:/d?share']",
            "line 1, nodes[0]",
            Some("file:/d?share"),
            "must have nothing behind `?`",
        ),
        ("nodes = [{ url = 'http://a' }]", "line 1, nodes[0].url", Some("http://a"), url),
        ("[[nodes]]\nname = 'x'\nurl = 'a b'", "line 3, nodes[0].url", Some("a b"), one),
        ("\n[[nodes]]\nurl = 'a'\nname = ' '", "line 4, nodes[0].name", None, "must not be empty"),
        (
            "nodes = [{ url = 'a', password_env = 'NOT_SET' }]",
            "line 1, nodes[0].password_env",
            Some("NOT_SET"),
            "is not set in the environment",
        ),
        (
            "nodes = [{ url = 'a', password = 'hunter2', password_env = 'SECRET' }]",
            "line 1, nodes[0].password_env",
            None,
            twice,
        ),
        (
            "nodes = [{ url = 'redis://u:hunter2@a', password = 'hunter2' }]",
            "line 1, nodes[0].password",
            None,
            twice,
        ),
        (
            "nodes = [{ url = 'redis://u:hunter2@a', username = 'v' }]",
            "line 1, nodes[0].username",
            None,
            twice,
        ),
        ("nodes = [{ url = 'file:/d', name = 'x' }]", "line 1, nodes[0].name", None, directory),
        (
            "nodes = [{ url = 'file:/d', password_env = 'SECRET' }]",
            "line 1, nodes[0].password_env",
            None,
            directory,
        ),
        ("\nttl = 'soon'", "line 2, ttl", Some("soon"), time),
        (
            "ttl = 30",
            "line 1, ttl",
            Some("30"),
            "has no unit: write 30s for seconds, 30ms for milliseconds",
        ),
        ("ttl = '9ms'", "line 1, ttl", Some("9ms"), "must be at least 10 ms"),
        ("ttl = true", "line 1, ttl", Some("true"), time),
        ("ttl = '1xyzzy u@a'", "line 1, ttl", Some("<redacted>@a"), time),
        ("restart_guard = '0s'", "line 1, restart_guard", Some("0s"), "must be at least 10 ms"),
        ("client = 'hunter'", "line 1, client", Some("hunter"), "must be `redis` or `fred`"),
        (
            "client = 'redis://:a`, expected hunter2@h'",
            "line 1, client",
            Some("redis://<redacted>@h"),
            "must be `redis` or `fred`",
        ),
        ("client = \"\"", "line 1, client", Some(""), "must be `redis` or `fred`"),
        (
            "fencing = 'redis://:hunter2@h'",
            "line 1, fencing",
            Some("redis://<redacted>@h"),
            "must be true or false, without quotes",
        ),
        ("fencing = 1", "line 1, fencing", Some("1"), "must be true or false, without quotes"),
        ("key_prefix = 7", "line 1, key_prefix", Some("7"), "must be text in quotes"),
        (
            "key_prefix = 'redlock:fence:x'",
            "line 1, key_prefix",
            Some("redlock:fence:x"),
            "must not begin with `redlock:fence:`",
        ),
    ] {
        let error = of_file(text).expect_err(text);
        assert_eq!(error.origin(), format!("redlock.toml, {origin}"), "{text}: {error}");
        assert_eq!(error.value(), shown, "{text}: {error}");
        assert!(error.rule().starts_with(rule), "{text}: {error}");
        assert_eq!(error.kind(), SettingsErrorKind::Invalid, "{text}");
        checked(&error, text);
    }
}

/// What the parser says, with the line and, within a value, the field.
#[test]
fn a_file_that_is_not_what_it_should_be() {
    for (text, said) in [
        ("\n\nwhat = 1", "line 3: unknown field `what`, expected one of `client`, `nodes`, `ttl`"),
        ("nodes = 'redis://:hunter2@h:1'", "line 1, nodes: must be a list, such as [\"10.0.0.1\""),
        ("nodes = 'u:hunter2@h:1'", "line 1, nodes: must be a list, such as"),
        (
            "ttl = '1s'\n'redis://:\"hunter2@h' = 1",
            "line 2: unknown field <redacted>, expected one of",
        ),
        (
            "nodes = ['a',\n{ url = 'b', 'redis://:hunter2@h' = 1 }]",
            "line 2, nodes[1]: unknown field <redacted>, expected one of",
        ),
        (
            "[[nodes]]\nurl = 'a'\n[[nodes]]\nurl = 'b'\nuser = 'c'",
            "line 5, nodes[1]: unknown field `user`, expected one of `url`, `name`",
        ),
        ("nodes = [{ name = 'a' }]", "line 1, nodes[0]: missing field `url`"),
        (
            "nodes = [7]",
            "line 1, nodes[0]: invalid type: integer `7`, expected a URL in quotes, or a table with `url`",
        ),
        ("nodes = [{ url = 'a', password = 4711 }]", "line 1, nodes[0]: must be text in quotes"),
        ("nodes = [{ url = 'a', password = 47.11 }]", "line 1, nodes[0]: must be text in quotes"),
        ("nodes = [{ url = 'a', password = true }]", "line 1, nodes[0]: must be text in quotes"),
        ("ttl = ['1s']", "line 1, ttl: invalid type: sequence, expected a single value"),
        ("ttl = '1s'\nttl = '2s'", "line 2: duplicate key"),
        ("nodes = ['a'", "line 1: "),
        ("password = hunter2", "line 1: "),
    ] {
        let error = of_file(text).expect_err(text);
        let line = error.to_string();
        assert!(line.starts_with(&format!("redlock.toml, {said}")), "{text}: {line}");
        assert!(!line.contains("47"), "{line}");
        checked(&error, text);
        // Whoever has the text and no file is told the line as well.
        let error = Settings::from_toml(text).expect_err(text).to_string();
        assert!(error.starts_with(said), "{text}: {error}");
    }
}

/// Where another deserializer reads them, it says where; the rest is the same.
#[test]
fn a_part_of_a_service_s_own_configuration() {
    let read = |json: &str| serde_json::from_str::<Settings>(json).map_err(|e| e.to_string());
    let settings =
        read(r#"{"nodes": ["a", {"url": "b", "name": "second"}], "ttl": "5s", "fencing": null}"#);
    assert_eq!(settings.unwrap().nodes()[1].name(), Some("second"));
    for (json, said) in [
        (
            r#"{"nodes": ["a", "http://:hunter2@b"]}"#,
            "nodes[1]: `http://<redacted>@b` must be `redis://host",
        ),
        (r#"{"nodes": "redis://:hunter2@b"}"#, "must be a list"),
        (r#"{"nodes": [{"url": "a", "password": 4711}]}"#, "must be text in quotes"),
        (r#"{"ttl": 5}"#, "ttl: `5` has no unit: write 5s for seconds"),
        (
            r#"{"fencing": "redis://:hunter2@b"}"#,
            "fencing: `redis://<redacted>@b` must be true or false",
        ),
        (r#"{"node": "a"}"#, "unknown field `node`, expected one of"),
    ] {
        let error = read(json).expect_err(json);
        assert!(error.starts_with(said), "{json}: {error}");
        assert!(!error.contains("hunter2") && !error.contains("47"), "{json}: {error}");
    }
}
