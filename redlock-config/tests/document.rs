//! What `docs/CONFIGURATION.md` says is what is read.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::{around, of_variables, urls};
use redlock_config::{ClientKind, Settings, variables};
use redlock_core::route::LockPolicy;
use serde::Deserialize;

const DOCUMENT: &str = include_str!("../../docs/CONFIGURATION.md");

/// The fenced blocks in one language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("\n```{language}\n");
    DOCUMENT.split(&*fence).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

/// The cells of the table whose header begins so.
fn table(header: &str) -> Vec<Vec<&'static str>> {
    let (_, rest) = DOCUMENT.split_once(header).unwrap();
    let rows = rest.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|c| c.trim().trim_matches('`')).collect())
        .collect()
}

#[test]
fn its_file_is_read_and_says_every_field() {
    let text = blocks("toml")[0];
    let set: common::Set<'_> = &[("LOCKS_PASSWORD", b"secret")];
    let settings = Settings::new().resolve(&around(set, Some(text))).unwrap();
    assert_eq!(
        urls(&settings),
        ["redis://10.0.0.1", "redis://10.0.1.1:6380", "rediss://locks:secret@10.0.2.1"]
    );
    assert_eq!((settings.client(), settings.key_prefix()), (ClientKind::Redis, "lock:"));
    let seconds = Duration::from_secs;
    assert_eq!((settings.ttl(), settings.fencing()), (Some(seconds(10)), Some(true)));
    assert_eq!(settings.restart_guard(), Some(seconds(60)));
    let unset = Settings::new().resolve(&around(&[], Some(text))).unwrap_err().to_string();
    let said = unset.strip_prefix("/etc/redlock.toml, ").unwrap();
    assert!(blocks("text")[0].contains(said), "{said}");
}

#[test]
fn its_table_has_every_variable_with_an_example_that_is_read() {
    let rows = table("| variable | field of the file |");
    let listed: BTreeSet<_> =
        rows.iter().map(|row| row[0]).filter(|name| !name.is_empty()).collect();
    let all = [
        variables::NODES,
        variables::USERNAME,
        variables::PASSWORD,
        variables::CLIENT,
        variables::KEY_PREFIX,
        variables::RESTART_GUARD,
        variables::TTL,
        variables::CONFIG,
    ];
    assert_eq!(listed, BTreeSet::from(all));
    for row in &rows {
        let (name, example) = (row[0], row[4]);
        if !["", variables::CONFIG, variables::USERNAME].contains(&name) && !example.is_empty() {
            let settings = of_variables(&[(name, example.as_bytes())]).expect(name);
            // Something came of it.
            assert_ne!(format!("{settings:?}"), format!("{:?}", Settings::new()), "{name}");
        }
    }
    let error = Settings::from_toml("what = 1").unwrap_err().to_string();
    let (_, expected) = error.split_once("expected one of ").unwrap();
    let fields: BTreeSet<_> = expected.split(", ").map(|field| field.trim_matches('`')).collect();
    let listed = rows.iter().map(|row| row[1]).filter(|field| !field.is_empty());
    let listed: BTreeSet<_> = listed.filter(|field| !field.contains("of a node")).collect();
    assert_eq!(listed, fields);
    let error = Settings::from_toml("nodes = [{ what = 1 }]").unwrap_err().to_string();
    let (_, expected) = error.split_once("expected one of ").unwrap();
    let fields: Vec<_> = expected.split(", ").map(|field| field.trim_matches('`')).collect();
    let listed: Vec<_> =
        table("a table with\n\n| field | what it is |").iter().map(|row| row[0]).collect();
    assert_eq!(listed, fields);
}

#[test]
fn its_forms_of_nodes_are_nodes() {
    for row in table("| form | what it is |") {
        for form in row[0].split("`, `") {
            let url = form.replace("[[user]:password@]host[:port][/database]", "u:p@h:1/2");
            let url = url.replace('…', "x");
            let settings = of_variables(&[(variables::NODES, url.as_bytes())]).expect(&url);
            assert_eq!(settings.nodes().len(), 1, "{url}");
        }
    }
}

#[test]
fn its_service_is_read_and_its_policies_have_every_field() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Service {
        port: u16,
        locks: Settings,
        policies: BTreeMap<String, LockPolicy>,
    }

    let service: Service = toml::from_str(blocks("toml")[1]).unwrap();
    assert_eq!((service.port, service.locks.nodes().len()), (3000, 3));
    assert_eq!(service.policies["pay"], LockPolicy::new());
    let error = toml::from_str::<LockPolicy>("what = 1").unwrap_err();
    let (_, expected) = error.message().split_once("expected one of ").unwrap();
    let fields: Vec<_> = expected.split(", ").map(|field| field.trim_matches('`')).collect();
    let rows = table("| field | what it takes | default |");
    let listed: Vec<_> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(listed, fields);
    for row in rows {
        // Words and numbers alone; the rest is a sentence.
        if row[2].starts_with('"') && row[2].ends_with('"') || row[2].parse::<u32>().is_ok() {
            let text = format!("{} = {}", row[0], row[2]);
            assert_eq!(toml::from_str::<LockPolicy>(&text).unwrap(), LockPolicy::new(), "{text}");
        }
    }
}

#[test]
fn its_errors_are_what_is_said() {
    let said = blocks("text")[0];
    for (name, value) in [
        (variables::NODES, "a,http://10.0.1.1,b"),
        (variables::RESTART_GUARD, "60"),
        (variables::KEY_PREFIX, ""),
    ] {
        let error = of_variables(&[(name, value.as_bytes())]).unwrap_err().to_string();
        assert!(said.lines().any(|line| line == error), "{error}");
    }
    let none = of_variables(&[]).unwrap().open().map(drop).unwrap_err().to_string();
    assert!(said.lines().any(|line| line == none), "{none}");
    let text = format!("{}restart-guard = '1s'", "\n".repeat(8));
    let unknown = Settings::new().resolve(&around(&[], Some(&text))).unwrap_err().to_string();
    assert!(said.lines().any(|line| line == unknown), "{unknown}");
}
