//! What a check says.

use serde::Serialize;

use crate::doctor::facts::NodeFacts;

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
    /// Nobody is there to take a server's place who has not heard of its locks.
    Replicas,
    /// There is room for further clients.
    Clients,
    /// What was to be written to disk was.
    Disk,
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
    /// What is held can be listed.
    Listing,
    /// Readers can share locks.
    Sharing,
    /// Semaphores can give permits.
    Permits,
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
            Self::Replicas => "replicas",
            Self::Clients => "clients",
            Self::Disk => "disk",
            Self::Persistence => "persistence",
            Self::Warm => "warm",
            Self::Clocks => "clocks",
            Self::Directory => "directory",
            Self::Rights => "rights",
            Self::WakeUps => "wake-ups",
            Self::Listing => "listing",
            Self::Sharing => "sharing",
            Self::Permits => "permits",
            Self::Latency => "latency",
        }
    }

    /// The heading that it stands under.
    pub(crate) fn group(self) -> &'static str {
        match self {
            Self::Reachable | Self::Distinct | Self::Masters | Self::Count | Self::Hosts => {
                "Node set"
            }
            Self::Rights
            | Self::WakeUps
            | Self::Listing
            | Self::Sharing
            | Self::Permits
            | Self::Latency => "Locks",
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
    pub(super) fn ok(check: Check, reason: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, nodes: Vec::new(), reason: reason.into(), remedy: None }
    }

    pub(super) fn warn(check: Check, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { level: Level::Warn, remedy, ..Self::ok(check, reason) }
    }

    pub(super) fn fail(check: Check, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Fail, ..Self::warn(check, reason, remedy) }
    }

    pub(super) fn on(mut self, node: &NodeFacts) -> Self {
        self.nodes.push(node.name.clone());
        self
    }

    pub(super) fn on_all(mut self, nodes: impl IntoIterator<Item = String>) -> Self {
        self.nodes.extend(nodes);
        self
    }
}

/// The worst of it.
pub(crate) fn worst(findings: &[Finding]) -> Level {
    findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
}
