use redlock_core::decisions::fence::FenceRound;

use super::Setting;
use crate::setting::Small;

/// A giver, two takers, a stranger.
pub(super) const CLIENTS: usize = 4;

/// Who hands over.
pub(super) const GIVER: usize = 0;

const NODES: usize = 3;

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// Sorted.
    pub(super) nodes: [Node; NODES],
    /// The giver, the takers, the stranger.
    pub(super) clients: [Client; CLIENTS],
    /// The message is out.
    pub(super) handed: bool,
    /// The giver's fence, once it held.
    pub(super) giver: Option<Small>,
    /// Somebody else held after the giver.
    pub(super) others: bool,
    pub(super) highest: Small,
    pub(super) disorder: bool,
    pub(super) false_claim: bool,
}

/// One node, and the messages between it and every client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Node {
    pub(super) lock: Option<Small>,
    pub(super) counter: Option<Small>,
    pub(super) mail: [Mail; CLIENTS],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Mail {
    None,
    Acquire,
    Granted { number: Small, before: Option<Small>, swapped: bool },
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
    /// It has a majority, and would be told this.
    Fencing(FenceRound, bool),
    Held {
        continued: bool,
    },
    Over,
}

impl State {
    pub(super) fn beginning(setting: &Setting, hint: Small) -> Self {
        let client = |index| Client {
            phase: if index == GIVER { Phase::Asking } else { Phase::Idle },
            hint: if index == GIVER { hint } else { 0 },
        };
        let mut mail = [Mail::None; CLIENTS];
        mail[GIVER] = Mail::Acquire;
        debug_assert!(setting.takers + 2 <= CLIENTS);
        Self {
            nodes: [Node { lock: None, counter: None, mail }; NODES],
            clients: std::array::from_fn(client),
            handed: false,
            giver: None,
            others: false,
            highest: 0,
            disorder: false,
            false_claim: false,
        }
    }

    pub(super) fn holders(&self) -> usize {
        let holds = |client: &&Client| matches!(client.phase, Phase::Held { .. });
        self.clients.iter().filter(holds).count()
    }

    /// A client returns with its fence, and what it is told.
    pub(super) fn hold(&mut self, client: usize, fence: Small, continued: bool) {
        self.disorder |= fence <= self.highest;
        self.highest = self.highest.max(fence);
        if client == GIVER {
            self.giver = Some(fence);
        } else {
            self.false_claim |= continued && self.others;
            self.others |= self.giver.is_some();
        }
        self.clients[client].phase = Phase::Held { continued };
    }

    /// The one of all states that differ only in what is alike.
    pub(super) fn canonical(mut self) -> Self {
        for (index, client) in self.clients.iter_mut().enumerate() {
            if !matches!(client.phase, Phase::Held { .. } | Phase::Over) {
                continue;
            }
            for node in &mut self.nodes {
                if matches!(node.mail[index], Mail::Granted { .. } | Mail::Raised) {
                    node.mail[index] = Mail::None;
                }
            }
            if self.nodes.iter().all(|node| node.mail[index] != Mail::Acquire) {
                client.hint = 0;
            }
        }
        self.nodes.sort_unstable();
        self
    }
}
