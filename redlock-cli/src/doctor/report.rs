//! The findings, for people and for programs. Pure.

use serde::Serialize;

use super::checks::{Finding, Level, percentile, worst};
use super::facts::{Clock, Facts, Kind, NodeFacts, Server};
use crate::output::{self, count, latency, micros, plain};

/// What the command exits with.
pub(super) fn code(findings: &[Finding]) -> u8 {
    match worst(findings) {
        Level::Ok | Level::Accepted => 0,
        Level::Warn => 1,
        Level::Fail => 2,
    }
}

/// The nodes as a table, then the findings under their headings.
pub(super) fn text(facts: &Facts, findings: &[Finding], colours: bool) -> String {
    let mut text = count(facts.nodes.len(), "node");
    if facts.nodes.iter().any(|node| matches!(node.kind, Kind::Server { .. })) {
        text.push_str(&format!(" over {}", facts.client));
    }
    if let Some(node_set) = facts.node_set() {
        text.push_str(&format!(", node set {node_set}"));
    }
    text.push_str("\n\n");
    let mut table = output::table(&["NODE", "SERVER", "ROLE", "UP", "CONNECT", "PING", "CLOCK"]);
    for node in &facts.nodes {
        table.add_row(row(node));
    }
    text.push_str(&output::rows(&table, "  "));
    text.push('\n');
    let width = findings.iter().map(|finding| finding.check.name().len()).max().unwrap_or(0);
    let mut group = "";
    for finding in findings {
        if finding.check.group() != group {
            group = finding.check.group();
            text.push_str(&format!("\n{group}\n"));
        }
        let about = match &finding.nodes[..] {
            [] => String::new(),
            nodes if nodes.len() == facts.nodes.len() && nodes.len() > 1 => "all: ".to_owned(),
            nodes => {
                format!("{}: ", nodes.iter().map(|node| plain(node)).collect::<Vec<_>>().join(", "))
            }
        };
        let mark = mark(finding.level, colours);
        let check = finding.check.name();
        text.push_str(&format!("  {mark}  {check:<width$}  {about}{}\n", finding.reason));
        if let Some(remedy) = finding.remedy.as_ref().filter(|_| finding.level > Level::Accepted) {
            // As far in as the reason.
            let indent = 2 + if colours { 1 } else { 4 } + 2 + width + 2;
            text.push_str(&format!(
                "{:indent$}{} {remedy}\n",
                "",
                if colours { "→" } else { "->" }
            ));
        }
    }
    let of = |level| findings.iter().filter(|finding| finding.level == level).count();
    let mut summary = format!("{} ok", of(Level::Ok));
    for (level, word) in [(Level::Accepted, "accepted"), (Level::Fail, "failed")] {
        if of(level) > 0 {
            summary.push_str(&format!(", {} {word}", of(level)));
        }
        if level == Level::Accepted && of(Level::Warn) > 0 {
            summary.push_str(&format!(", {}", count(of(Level::Warn), "warning")));
        }
    }
    text.push_str(&format!("\n{summary}"));
    text
}

fn mark(level: Level, colours: bool) -> &'static str {
    match (level, colours) {
        (Level::Ok, false) => "ok  ",
        (Level::Accepted, false) => "(ok)",
        (Level::Warn, false) => "WARN",
        (Level::Fail, false) => "FAIL",
        (Level::Ok, true) => "\x1b[32m✓\x1b[0m",
        (Level::Accepted, true) => "\x1b[2m✓\x1b[0m",
        (Level::Warn, true) => "\x1b[33m!\x1b[0m",
        (Level::Fail, true) => "\x1b[31m✗\x1b[0m",
    }
}

fn row(node: &NodeFacts) -> Vec<String> {
    let unknown = || "-".to_owned();
    let mut row = vec![plain(&node.name)];
    match &node.kind {
        Kind::Server { server: Ok(server), .. } => {
            let info = server.info.as_ref().ok();
            row.push(info.map_or_else(unknown, super::info::Info::server));
            row.push(role(server).unwrap_or("-").to_owned());
            let uptime = info.and_then(|info| info.uptime);
            row.push(uptime.map_or_else(unknown, |up| humantime::format_duration(up).to_string()));
            row.extend([server.connect, server.ping].map(latency));
            row.push(server.clock.as_ref().map_or_else(|_| unknown(), clock));
        }
        Kind::Server { server: Err(_), .. } => row.extend(["does not answer".to_owned()]),
        Kind::Directory(_) => row.extend(["this machine".to_owned()]),
    }
    row.resize(7, unknown());
    row
}

fn role(server: &Server) -> Option<&'static str> {
    let info = server.info.as_ref().ok()?;
    Some(match &info.replica_of {
        _ if info.cluster => "cluster",
        Some(_) => "replica",
        None => "master",
    })
}

/// Ahead or behind, as far as that can be told.
fn clock(clock: &Clock) -> String {
    let off = std::time::Duration::from_micros(clock.ahead.unsigned_abs());
    if off <= clock.error {
        return "as ours".to_owned();
    }
    format!("{}{}", if clock.ahead < 0 { "-" } else { "+" }, latency(off))
}

/// The fields are stable: `verdict` (`ok`, `warn`, `fail`), `exit_code`, `client`, `restart_guard_ms`, `node_set` (the
/// fingerprint of the servers, null where one has not said who it is), `nodes`, `findings`, `latency`.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    verdict: &'static str,
    exit_code: u8,
    client: &'static str,
    restart_guard_ms: Option<u64>,
    node_set: Option<String>,
    nodes: Vec<NodeReport<'a>>,
    findings: &'a [Finding],
    latency: LatencyReport,
}

/// Whatever is not known is null; `error` says why a node does not answer.
#[derive(Debug, Default, Serialize)]
struct NodeReport<'a> {
    name: &'a str,
    server: Option<String>,
    role: Option<&'static str>,
    run_id: Option<&'a str>,
    uptime_s: Option<u64>,
    connect_us: Option<u64>,
    ping_us: Option<u64>,
    clock_ahead_us: Option<i64>,
    clock_error_us: Option<u64>,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct LatencyReport {
    rounds: usize,
    failed: usize,
    p50_us: Option<u64>,
    p99_us: Option<u64>,
}

pub(super) fn json<'a>(facts: &'a Facts, findings: &'a [Finding]) -> Report<'a> {
    let at = |percent| percentile(&facts.rounds.cycles, percent).map(micros);
    let guard = facts.restart_guard.map(|longest| longest.as_millis());
    Report {
        verdict: ["ok", "warn", "fail"][usize::from(code(findings))],
        exit_code: code(findings),
        client: facts.client,
        restart_guard_ms: guard.and_then(|millis| u64::try_from(millis).ok()),
        node_set: facts.node_set().map(|node_set| node_set.to_string()),
        nodes: facts.nodes.iter().map(node_json).collect(),
        findings,
        latency: LatencyReport {
            rounds: facts.rounds.cycles.len(),
            failed: facts.rounds.failed,
            p50_us: at(50),
            p99_us: at(99),
        },
    }
}

fn node_json(node: &NodeFacts) -> NodeReport<'_> {
    let mut report = NodeReport { name: &node.name, ..NodeReport::default() };
    match &node.kind {
        Kind::Server { server: Ok(server), .. } => {
            let info = server.info.as_ref().ok();
            report.server = info.map(super::info::Info::server);
            report.role = role(server);
            report.run_id = info.and_then(|info| info.run_id.as_deref());
            report.uptime_s = info.and_then(|info| info.uptime).map(|uptime| uptime.as_secs());
            report.connect_us = Some(micros(server.connect));
            report.ping_us = Some(micros(server.ping));
            report.clock_ahead_us = server.clock.as_ref().ok().map(|clock| clock.ahead);
            report.clock_error_us = server.clock.as_ref().ok().map(|clock| micros(clock.error));
        }
        Kind::Server { server: Err(why), .. } => report.error = Some(why.to_string()),
        Kind::Directory(_) => {}
    }
    report
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
