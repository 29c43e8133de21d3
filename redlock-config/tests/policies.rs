//! A service's own file, with its locks and its routes' policies.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::time::Duration;

use redlock_config::Settings;
use redlock_core::route::{LockPolicy, NoQuorum};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    locks: Settings,
    policies: BTreeMap<String, LockPolicy>,
    #[serde(deserialize_with = "redlock_config::duration::deserialize")]
    grace: Duration,
}

const FILE: &str = r#"
grace = "10s"

[locks]
nodes = ["redis://10.0.0.1", "redis://10.0.1.1", "redis://10.0.2.1"]
ttl = "10s"

[policies.pay]

[policies.refund]
wait_up_to = "5s"

[policies.refresh]
methods = ["GET"]
no_quorum = "allow"
"#;

#[test]
fn are_read_together() {
    let service: Service = toml::from_str(FILE).unwrap();
    assert_eq!(service.locks.ttl(), Some(service.grace));
    assert_eq!(service.policies["pay"], LockPolicy::new());
    let refund = LockPolicy::new().wait_up_to(Duration::from_secs(5));
    assert_eq!(service.policies["refund"], refund);
    let refresh = LockPolicy::new().methods(["GET"]).no_quorum(NoQuorum::Allow);
    assert_eq!(service.policies["refresh"], refresh);
}

#[test]
fn and_what_is_wrong_is_told_with_its_line() {
    for (before, after, line, said) in [
        ("\"5s\"", "5", 11, "expected a time with its unit, such as \"8s\""),
        ("\"5s\"", "\"0s\"", 10, "wait_up_to = `0ns`: must be at least one node timeout"),
        ("\"allow\"", "\"perhaps\"", 15, "unknown variant `perhaps`, expected `deny` or `allow`"),
        ("no_quorum", "noquorum", 15, "unknown field `noquorum`"),
        ("redis://10.0.1.1", "http://10.0.1.1", 4, "nodes[1]: `http://10.0.1.1` must be `redis://"),
    ] {
        let error = toml::from_str::<Service>(&FILE.replace(before, after)).unwrap_err();
        assert!(error.message().contains(said), "{after}: {error}");
        assert!(error.to_string().contains(&format!("at line {line},")), "{after}: {error}");
    }
}
