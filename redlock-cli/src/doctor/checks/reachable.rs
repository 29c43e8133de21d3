use std::time::Duration;

use super::{Check, Facts, Finding, Kind, or_ok, servers};
use crate::output::{count, latency};
use crate::raw::TroubleKind;

/// The shortest node timeout that the library chooses.
const SLOW: Duration = Duration::from_millis(50);

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    const CHECK: Check = Check::Reachable;
    let mut findings = Vec::new();
    for node in &facts.nodes {
        let Kind::Server { server, .. } = &node.kind else { continue };
        let finding = match server {
            Err(why) => {
                let remedy = match why.kind {
                    TroubleKind::Login => {
                        "check user and password (REDLOCK_USERNAME, REDLOCK_PASSWORD, the URL, the file)"
                    }
                    TroubleKind::Timeout => {
                        "see whether the server hangs, or a firewall swallows what is sent"
                    }
                    TroubleKind::Denied => "let the user log in and choose its database",
                    _ => "start the server, or correct its address",
                };
                Finding::fail(CHECK, why.to_string(), remedy)
            }
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
