//! What is made of the facts. Pure: a check is a function of them.

mod clocks;
mod directory;
pub(super) mod latency;
mod persistence;
mod reachable;
mod rights;
mod server;
mod set;

use serde::Serialize;

use super::facts::{Facts, Kind, NodeFacts, Server};
use super::info::Info;
use crate::raw::Trouble;

/// What is checked. The names are stable: `--json` prints them, `--accept` takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Check {
    /// Every node answers, and soon.
    Reachable,
    /// No server is listed twice.
    Distinct,
    /// No node is a replica or a cluster's member.
    Masters,
    /// How many may fail.
    Count,
    /// Nodes do not share a machine.
    Hosts,
    /// What the servers' versions can do.
    Version,
    /// No key is thrown away before its time.
    Eviction,
    /// There is room.
    Memory,
    /// What a restart forgets.
    Persistence,
    /// No node is kept out by the restart guard.
    Warm,
    /// Clocks agree.
    Clocks,
    /// A directory that others cannot write to.
    Directory,
    /// The user may do what locks, fencing and the guard need.
    Rights,
    /// Who waits hears of releases.
    WakeUps,
    /// What a lock takes.
    Latency,
}

impl Check {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::Distinct => "distinct",
            Self::Masters => "masters",
            Self::Count => "count",
            Self::Hosts => "hosts",
            Self::Version => "version",
            Self::Eviction => "eviction",
            Self::Memory => "memory",
            Self::Persistence => "persistence",
            Self::Warm => "warm",
            Self::Clocks => "clocks",
            Self::Directory => "directory",
            Self::Rights => "rights",
            Self::WakeUps => "wake-ups",
            Self::Latency => "latency",
        }
    }

    /// The heading that it stands under.
    pub(crate) fn group(self) -> &'static str {
        match self {
            Self::Reachable | Self::Distinct | Self::Masters | Self::Count | Self::Hosts => {
                "Node set"
            }
            Self::Rights | Self::WakeUps | Self::Latency => "Locks",
            _ => "Nodes",
        }
    }
}

/// How good it is; the worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Ok,
    /// A warning that `--accept` named.
    Accepted,
    Warn,
    Fail,
}

/// One thing to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) check: Check,
    pub(crate) level: Level,
    /// About which nodes; empty: the set.
    pub(crate) nodes: Vec<String>,
    pub(crate) reason: String,
    /// What to do about it.
    pub(crate) remedy: Option<String>,
}

impl Finding {
    fn ok(check: Check, reason: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, nodes: Vec::new(), reason: reason.into(), remedy: None }
    }

    fn warn(check: Check, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { level: Level::Warn, remedy, ..Self::ok(check, reason) }
    }

    fn fail(check: Check, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Fail, ..Self::warn(check, reason, remedy) }
    }

    fn on(mut self, node: &NodeFacts) -> Self {
        self.nodes.push(node.name.clone());
        self
    }

    fn on_all(mut self, nodes: impl IntoIterator<Item = String>) -> Self {
        self.nodes.extend(nodes);
        self
    }
}

/// All checks, in the order in which they are shown. Warnings of `accepted` checks do not count.
pub(crate) fn all(facts: &Facts, accepted: &[Check]) -> Vec<Finding> {
    let checks = [
        reachable::check,
        set::distinct,
        set::masters,
        set::count,
        set::hosts,
        server::version,
        server::eviction,
        server::memory,
        persistence::check,
        persistence::warm,
        clocks::check,
        directory::check,
        rights::check,
        rights::wake_ups,
        latency::check,
    ];
    let mut findings: Vec<Finding> = Vec::new();
    for finding in checks.iter().flat_map(|check| check(facts)) {
        // The same of several nodes is said once.
        let same = |other: &&mut Finding| {
            !other.nodes.is_empty()
                && !finding.nodes.is_empty()
                && Finding { nodes: finding.nodes.clone(), ..(**other).clone() } == finding
        };
        match findings.iter_mut().find(same) {
            Some(other) => other.nodes.extend(finding.nodes),
            None => findings.push(finding),
        }
    }
    for finding in &mut findings {
        if finding.level == Level::Warn && accepted.contains(&finding.check) {
            finding.level = Level::Accepted;
        }
    }
    findings
}

/// The worst of it.
pub(crate) fn worst(findings: &[Finding]) -> Level {
    findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
}

/// The servers that answer.
fn servers(facts: &Facts) -> impl Iterator<Item = (&NodeFacts, &Server)> {
    facts.nodes.iter().filter_map(|node| match &node.kind {
        Kind::Server { server: Ok(server), .. } => Some((node, &**server)),
        _ => None,
    })
}

/// The servers that said who they are.
fn infos(facts: &Facts) -> impl Iterator<Item = (&NodeFacts, &Info)> {
    servers(facts).filter_map(|(node, server)| Some((node, server.info.as_ref().ok()?)))
}

/// What cannot be known without `INFO`: once for each node that withholds it. Nothing else to say about it is no failure.
fn withheld(facts: &Facts, check: Check) -> impl Iterator<Item = Finding> {
    servers(facts).filter_map(move |(node, server)| {
        Some(unchecked(check, "INFO", server.info.as_ref().err()?).on(node))
    })
}

fn unchecked(check: Check, command: &str, why: &Trouble) -> Finding {
    use crate::raw::TroubleKind;
    let (reason, remedy) = match why.kind {
        TroubleKind::Denied => (
            format!("could not be checked: no right to {command}"),
            format!("give the user +{} for a moment, or look it up", command.to_lowercase()),
        ),
        _ => (
            format!("could not be checked: {command}: {why}"),
            "look it up where the service is configured".to_owned(),
        ),
    };
    Finding::warn(check, reason, remedy)
}

/// The findings, or that all is well where there are none and something was looked at.
fn or_ok(findings: Vec<Finding>, ok: Option<Finding>) -> Vec<Finding> {
    if findings.is_empty() { ok.into_iter().collect() } else { findings }
}

#[cfg(test)]
pub(super) mod fixture;
#[cfg(test)]
mod tests;
