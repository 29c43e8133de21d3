use redlock_core::decisions::fence::FenceRound;

use crate::setting::Small;

/// Most clients of a case.
pub(super) const CLIENTS: usize = 3;

const NODES: usize = 3;

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// Sorted.
    pub(super) nodes: [Node; NODES],
    pub(super) clients: [Client; CLIENTS],
    /// Crashes to come.
    pub(super) crashes: Small,
    /// The largest fence of a writer that held, and of anybody.
    pub(super) writer: Small,
    pub(super) highest: Small,
    pub(super) disorder: bool,
}

/// One node, and the messages between it and every client. Clients are bits of a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Node {
    pub(super) whole: Option<Small>,
    pub(super) shares: u8,
    pub(super) counter: Option<Small>,
    /// Who had it when it crashed.
    pub(super) forgot: u8,
    pub(super) mail: [Mail; CLIENTS],
    /// Whose request to share what they have is under way.
    pub(super) sharing: u8,
    /// Where that takes two steps: whose second one is.
    pub(super) joining: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Mail {
    None,
    Acquire,
    Granted(Small),
    Raise(Small),
    Raised,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Client {
    pub(super) phase: Phase,
    pub(super) hint: Small,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    Idle,
    Asking,
    Fencing(FenceRound),
    Held {
        shared: bool,
        /// Its fence took a second round.
        raised: bool,
        /// It had it alone before.
        downgraded: bool,
    },
    Over,
}

impl State {
    pub(super) fn beginning(crashes: Small) -> Self {
        let node = Node {
            whole: None,
            shares: 0,
            counter: None,
            forgot: 0,
            mail: [Mail::None; CLIENTS],
            sharing: 0,
            joining: 0,
        };
        Self {
            nodes: [node; NODES],
            clients: std::array::from_fn(|_| Client { phase: Phase::Idle, hint: 0 }),
            crashes,
            writer: 0,
            highest: 0,
            disorder: false,
        }
    }

    /// Those who hold: whether by a share, after a second round, after a downgrade.
    pub(super) fn holds(&self) -> impl Iterator<Item = (bool, bool, bool)> {
        self.clients.iter().filter_map(|client| match client.phase {
            Phase::Held { shared, raised, downgraded } => Some((shared, raised, downgraded)),
            _ => None,
        })
    }

    /// A client returns with its fence.
    pub(super) fn hold(&mut self, client: usize, fence: Small, shared: bool, raised: bool) {
        let before = if shared { self.writer } else { self.highest };
        self.disorder |= fence <= before;
        if !shared {
            self.writer = self.writer.max(fence);
        }
        self.highest = self.highest.max(fence);
        self.clients[client].phase = Phase::Held { shared, raised, downgraded: false };
    }

    /// The one of all states that differ only in what is alike.
    pub(super) fn canonical(mut self) -> Self {
        let over: u8 = (0..CLIENTS)
            .filter(|client| self.clients[*client].phase == Phase::Over)
            .fold(0, |mask, client| mask | 1 << client);
        for (index, client) in self.clients.iter_mut().enumerate() {
            if !matches!(client.phase, Phase::Held { .. } | Phase::Over) {
                continue;
            }
            for node in &mut self.nodes {
                if matches!(node.mail[index], Mail::Granted(_) | Mail::Raised) {
                    node.mail[index] = Mail::None;
                }
            }
            if self.nodes.iter().all(|node| node.mail[index] != Mail::Acquire) {
                client.hint = 0;
            }
        }
        for node in &mut self.nodes {
            for client in 0..CLIENTS {
                let whole = node.whole == Some(client as Small);
                if !whole && node.mail[client] != Mail::Acquire {
                    node.sharing &= !(1 << client);
                }
            }
        }
        // Of those who are over nothing is to be feared.
        self.nodes.iter_mut().for_each(|node| node.forgot &= !over);
        self.nodes.sort_unstable();
        self
    }
}
