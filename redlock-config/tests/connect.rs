//! From settings to handles. No server is asked anything here.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Duration;

use common::{of_file, of_variables};
use redlock_config::{NodeAddress, Settings, SettingsErrorKind};

#[tokio::test]
async fn a_service_without_nodes_is_told_which_variable_to_set() {
    for set in [&[] as common::Set<'_>, &[("REDLOCK_TTL", b"10s")]] {
        let settings = of_variables(set).unwrap();
        for error in [
            settings.open().map(drop).unwrap_err(),
            settings.builder().await.map(drop).unwrap_err(),
            settings.connect().await.map(drop).unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.origin()), (SettingsErrorKind::Missing, "nodes"));
            assert!(error.to_string().contains("set REDLOCK_NODES (redis://a,"), "{error}");
        }
    }
    // Of settings that never looked there no variable is spoken of.
    let error = Settings::from_toml("ttl = '5s'").unwrap().open().map(drop).unwrap_err();
    assert_eq!(error.kind(), SettingsErrorKind::Missing);
    assert!(!error.to_string().contains("REDLOCK_"), "{error}");
    let error = Settings::from_toml("nodes = []").unwrap().open().map(drop).unwrap_err();
    assert_eq!((error.kind(), error.origin()), (SettingsErrorKind::Invalid, "line 1, nodes"));
}

#[tokio::test]
async fn a_handle_needs_a_time_to_live_and_a_builder_can_be_given_one() {
    let settings = of_variables(&[("REDLOCK_NODES", b"a:1,a:2,a:3")]).unwrap();
    let error = settings.connect().await.map(drop).unwrap_err();
    assert_eq!((error.kind(), error.origin()), (SettingsErrorKind::Missing, "ttl"));
    assert!(error.rule().contains("set REDLOCK_TTL (10s)"), "{error}");
    let builder = settings.builder().await.unwrap();
    assert!(builder.ttl(Duration::from_secs(10)).build().is_ok());
    let set: common::Set<'_> = &[("REDLOCK_NODES", b"a:1,a:2,a:3"), ("REDLOCK_TTL", b"10s")];
    assert!(of_variables(set).unwrap().connect().await.is_ok());
}

/// What none of them breaks alone is refused with the place of the one that the builder names.
#[tokio::test]
async fn what_does_not_fit_together_is_named_by_where_it_came_from() {
    let set: common::Set<'_> =
        &[("REDLOCK_NODES", b"a:1"), ("REDLOCK_TTL", b"20s"), ("REDLOCK_RESTART_GUARD", b"10s")];
    let error = of_variables(set).unwrap().connect().await.map(drop).unwrap_err();
    assert_eq!((error.origin(), error.value()), ("REDLOCK_TTL", Some("20s")));
    let text = "nodes = ['a:1']\nttl = '20s'\nrestart_guard = '10s'";
    let error = of_file(text).unwrap().connect().await.map(drop).unwrap_err();
    assert_eq!(error.origin(), "redlock.toml, line 2, ttl");
    let many: Vec<_> = (1..=65).map(|port| format!("'a:{port}'")).collect();
    let text = format!("ttl = '20s'\nnodes = [{}]", many.join(", "));
    let error = of_file(&text).unwrap().connect().await.map(drop).unwrap_err();
    assert_eq!((error.origin(), error.value()), ("redlock.toml, line 2, nodes", Some("65")));
}

#[tokio::test]
async fn what_a_client_refuses_is_named_by_its_node_and_shows_no_password() {
    for (nodes, origin, rule) in [
        (b"a,redis://:hunter2@b?x=y" as &[u8], "REDLOCK_NODES, node 2 of 2", "must"),
        (b"redis://:hunter2@b/x", "REDLOCK_NODES", "must"),
        (b"redis://:hunter2@b:0", "REDLOCK_NODES", "must have a port other than 0"),
    ] {
        let error =
            of_variables(&[("REDLOCK_NODES", nodes)]).unwrap().open().map(drop).unwrap_err();
        assert_eq!((error.origin(), error.kind()), (origin, SettingsErrorKind::Invalid), "{error}");
        assert!(error.rule().starts_with(rule), "{error}");
        assert!(!format!("{error} {error:#?}").contains("hunter2"), "{error}");
    }
    let error = of_variables(&[("REDLOCK_NODES", b"127.0.0.1:99999")]).unwrap().open().map(drop);
    let said = "REDLOCK_NODES: `redis://127.0.0.1:99999` must have the form";
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with(said) && error.contains("a port up to 65535"), "{error}");
    let settings = of_variables(&[("REDLOCK_NODES", b"a:1,b:1,redis://:hunter2@a:1")]).unwrap();
    let error = settings.builder().await.map(drop).unwrap_err();
    let said = "REDLOCK_NODES, node 3 of 3: `redis://<redacted>@a:1` has the same name, a:1, as `redis://a:1` (REDLOCK_NODES, \
                node 1 of 3); nodes must be different servers";
    assert_eq!(error.to_string(), said);
}

#[tokio::test]
async fn both_clients_speak_to_servers_by_the_names_that_they_were_given() {
    let text = "nodes = ['a:1', { url = 'redis://b', name = 'second' }]";
    for client in ["redis", "fred"] {
        let settings = of_file(&format!("client = '{client}'\n{text}")).unwrap();
        let nodes = settings.open();
        if client == "fred" && cfg!(not(feature = "fred")) {
            let error = nodes.map(drop).unwrap_err();
            assert_eq!(
                (error.origin(), error.value()),
                ("redlock.toml, line 2, nodes[0]", Some("redis://a:1"))
            );
            assert!(error.rule().contains("client `fred`, which this program was built without"));
            continue;
        }
        let nodes = nodes.unwrap();
        let names: Vec<_> = nodes.iter().map(|node| node.name()).collect();
        assert_eq!(names, ["a:1", "second"], "{client}");
    }
}

/// Settings that another deserializer read may name a variable for a password.
#[test]
fn a_password_in_a_variable_is_looked_up_when_a_node_is_opened() {
    let text = "nodes = [{ url = 'a', password_env = 'REDLOCK_CONFIG_TEST_UNSET' }]";
    let error = Settings::from_toml(text).unwrap().open().map(drop).unwrap_err();
    assert_eq!(error.origin(), "line 1, nodes[0].password_env");
    assert_eq!(error.rule(), "is not set in the environment");
    // Cargo sets this one for tests.
    let text = "nodes = [{ url = 'a', password_env = 'CARGO_PKG_NAME' }]";
    assert!(Settings::from_toml(text).unwrap().open().is_ok());
}

#[tokio::test]
async fn a_directory_is_a_node_only_where_it_was_asked_for() {
    let path = std::env::temp_dir().join(format!("redlock-config-node-{}", std::process::id()));
    let node = NodeAddress::new(&format!("file:{}", path.display())).unwrap();
    let settings = Settings::new().with_node(node).with_ttl(Duration::from_secs(10));
    let connected = settings.connect().await;
    if cfg!(not(feature = "file")) {
        let error = connected.map(drop).unwrap_err();
        assert!(error.rule().starts_with("is a directory, which this program was built without"));
        return;
    }
    let redlock = connected.unwrap();
    let guard = redlock.try_lock("k").await.unwrap();
    guard.release().await.unwrap();
    std::fs::remove_dir_all(&path).unwrap();
    // A file is no directory.
    std::fs::write(&path, "").unwrap();
    let error = settings.builder().await.map(drop).unwrap_err();
    assert_eq!((error.kind(), error.origin()), (SettingsErrorKind::Unopened, "node"));
    let said = format!("node: `{}` must ", path.display());
    assert!(error.to_string().starts_with(&said), "{error}");
    assert!(std::error::Error::source(&error).is_some());
    std::fs::remove_file(path).unwrap();
}
