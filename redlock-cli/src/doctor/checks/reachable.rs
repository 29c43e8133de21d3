use std::time::Duration;

use super::finding::{Check, Finding};
use super::remedies;
use super::told::{or_ok, servers};
use crate::doctor::facts::{Facts, Kind};
use crate::output::{count, latency};

/// The shortest node timeout that the library chooses.
const SLOW: Duration = Duration::from_millis(50);

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    const CHECK: Check = Check::Reachable;
    let mut findings = Vec::new();
    for node in &facts.nodes {
        let Kind::Server { server, .. } = &node.kind else { continue };
        let finding = match server {
            Err(why) => Finding::fail(CHECK, why.to_string(), remedies::by_trouble(why.kind)),
            Ok(server) if server.ping > SLOW => Finding::warn(
                CHECK,
                format!(
                    "answers after {}; short locks wait {} for a node",
                    latency(server.ping),
                    latency(SLOW)
                ),
                "bring it nearer, or set node_timeout above its round trip",
            ),
            Ok(_) => continue,
        };
        findings.push(finding.on(node));
    }
    let slowest = servers(facts).map(|(_, server)| server.ping).max();
    let ok = slowest.map(|slowest| {
        let nodes = count(facts.nodes.len(), "node");
        Finding::ok(CHECK, format!("{nodes}, the slowest answers after {}", latency(slowest)))
    });
    or_ok(findings, ok)
}
