//! What the world is like at one moment.

use super::{Rule, Setting};
use crate::setting::Small;

/// All of it. Servers are sorted, and so are the entries of each.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub(super) servers: Vec<Server>,
    pub(super) phases: [Phase; 2],
    pub(super) failures: Small,
}

/// A server, and each client's nodes that lead to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Server {
    pub(super) entries: [Vec<Entry>; 2],
    /// Whose lock stands.
    pub(super) lock: Option<usize>,
}

/// What one client knows of one node, and has from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Entry {
    /// It said who it is, and has not failed since.
    pub(super) met: bool,
    pub(super) acquire: Acquire,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) enum Acquire {
    #[default]
    Unsent,
    Sent,
    Granted,
    /// The server had granted it before, over another node.
    Ours,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Phase {
    Asking,
    Held,
    Over,
}

impl State {
    pub(super) fn new(setting: &Setting) -> Self {
        let entries = |count| vec![Entry::default(); count];
        let servers = setting.listed.iter();
        let servers =
            servers.map(|count| Server { entries: [entries(*count), entries(1)], lock: None });
        let phases = [Phase::Asking; 2];
        Self { servers: servers.collect(), phases, failures: setting.failures }.canonical()
    }

    /// The nodes of a client.
    pub(super) fn entries(&self, client: usize) -> impl Iterator<Item = &Entry> {
        self.servers.iter().flat_map(move |server| &server.entries[client])
    }

    /// How many votes a client has.
    pub(super) fn votes(&self, client: usize, rule: Rule) -> usize {
        let counts = |entry: &&Entry| match entry.acquire {
            Acquire::Granted => true,
            Acquire::Ours => rule != Rule::Final,
            Acquire::Unsent | Acquire::Sent => false,
        };
        self.entries(client).filter(counts).count()
    }

    /// The one of all states that differ only in what is alike.
    pub(super) fn canonical(mut self) -> Self {
        for server in &mut self.servers {
            for (entries, phase) in server.entries.iter_mut().zip(&self.phases) {
                for entry in entries.iter_mut().filter(|_| *phase != Phase::Asking) {
                    // Nobody asks any more, nor reads an answer.
                    entry.met = false;
                    if entry.acquire != Acquire::Sent {
                        entry.acquire = Acquire::Unsent;
                    }
                }
                entries.sort_unstable();
            }
        }
        self.servers.sort_unstable();
        self
    }
}
