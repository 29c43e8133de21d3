//! What was found out, before anything is made of it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use redlock_core::NodeSetFingerprint;
use redlock_core::node::{Fault, NodeError};

use super::info::Info;
use crate::nodes::{Trouble, TroubleKind};

/// All that the checks look at.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Which library the locks were tried with.
    pub(crate) client: &'static str,
    pub(crate) restart_guard: Option<Duration>,
    pub(crate) nodes: Vec<NodeFacts>,
    pub(crate) rounds: Rounds,
}

/// One node.
#[derive(Debug)]
pub(crate) struct NodeFacts {
    /// As in every other output.
    pub(crate) name: String,
    /// Its address as it was given, without secrets.
    pub(crate) given: String,
    pub(crate) kind: Kind,
    /// Nothing where the node cannot be reached.
    pub(crate) trial: Option<Trial>,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Server {
        /// Where the URL's host leads; empty for a local socket and where the look-up failed.
        hosts: Vec<IpAddr>,
        server: Result<Box<Server>, Trouble>,
    },
    Directory(Directory),
}

/// A server that answers. What it did not tell is an error each.
#[derive(Debug)]
pub(crate) struct Server {
    /// Connecting, with look-up and login.
    pub(crate) connect: Duration,
    /// The median of some round trips.
    pub(crate) ping: Duration,
    pub(crate) info: Result<Info, Trouble>,
    pub(crate) settings: Result<Settings, Trouble>,
    pub(crate) clock: Result<Clock, Trouble>,
}

/// Of `CONFIG GET`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) appendonly: bool,
    pub(crate) appendfsync: String,
    /// When snapshots are made; empty for never.
    pub(crate) save: String,
}

/// A server's wall clock against ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    /// Microseconds that it is ahead.
    pub(crate) ahead: i64,
    /// How far that may be wrong: half of the round trip.
    pub(crate) error: Duration,
}

/// A directory of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directory {
    pub(crate) path: PathBuf,
    /// Nothing: there is none yet.
    pub(crate) found: Result<Option<Entry>, String>,
    /// Who we are.
    pub(crate) us: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) is_directory: bool,
    pub(crate) owner: u32,
    /// The permission bits.
    pub(crate) mode: u32,
}

/// What became of each verb, tried on a scratch key through the lock node itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Trial {
    /// Who the node says it is.
    pub(crate) run_id: Option<String>,
    /// In the order tried. After a failure that is no refusal the rest was not tried.
    pub(crate) verbs: Vec<(Verb, Result<(), NodeError>)>,
    /// Commands that the user has no right to, where a verb was refused.
    pub(crate) denied: Vec<&'static str>,
}

impl Facts {
    /// Which servers the nodes are, where all have said so.
    pub(crate) fn node_set(&self) -> Option<NodeSetFingerprint> {
        let run_ids = self.nodes.iter().map(|node| node.trial.as_ref()?.run_id.as_deref());
        Some(NodeSetFingerprint::of(run_ids.collect::<Option<Vec<_>>>()?))
    }
}

impl NodeFacts {
    /// Whether it gave no answer to something: it is not waited for again.
    pub(crate) fn is_silent(&self) -> bool {
        let silent = |error: &NodeError| error.fault() == Fault::Timeout;
        // What is not heard of a release says nothing about the server itself.
        let asked = |verb: &Verb| *verb != Verb::WakeUp;
        let mut tried = self.trial.iter().flat_map(|trial| &trial.verbs);
        let hangs =
            |trouble: &Trouble| matches!(trouble.kind, TroubleKind::Timeout | TroubleKind::Tls);
        matches!(&self.kind, Kind::Server { server: Err(trouble), .. } if hangs(trouble))
            || tried.any(|(verb, done)| asked(verb) && done.as_ref().is_err_and(silent))
    }
}

impl Trial {
    pub(crate) fn error(&self, verb: Verb) -> Option<&NodeError> {
        self.verbs
            .iter()
            .find(|(tried, _)| *tried == verb)
            .and_then(|(_, done)| done.as_ref().err())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Verb {
    Acquire,
    Extend,
    Inspect,
    /// Find it among all that is held.
    Scan,
    Release,
    /// Acquire with a fencing number, and raise it.
    Fence,
    /// Acquire under the restart guard.
    Guard,
    /// Share, lengthen the share, and give it back.
    Share,
    /// Take one of two slots, and give it back.
    Permit,
    /// Subscribe, release, and hear of it.
    WakeUp,
}

/// Locks taken and released by quorum.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rounds {
    /// Each cycle that succeeded.
    pub(crate) cycles: Vec<Duration>,
    /// Why cycles failed, each once.
    pub(crate) failures: Vec<String>,
    /// How many failed.
    pub(crate) failed: usize,
    /// Failed for no other reason than that nodes warm up under the restart guard.
    pub(crate) warming: bool,
    /// The time limit of each node's answers.
    pub(crate) node_timeout: Duration,
    /// Why nothing was measured.
    pub(crate) skipped: Option<String>,
}
