use super::Setting;
use crate::setting::Small;
use crate::talk::{self, Client, Desk, Mail, Phase};

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
    /// The giver, the takers, the stranger. What a taker's hold is said to be is whether it is continued.
    pub(super) clients: [Client<bool>; CLIENTS],
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
    pub(super) mail: [Mail<Grant>; CLIENTS],
}

/// What a grant tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Grant {
    pub(super) number: Small,
    pub(super) before: Option<Small>,
    pub(super) swapped: bool,
}

impl talk::Grant for Grant {
    fn number(self) -> u64 {
        u64::from(self.number)
    }
}

impl Desk for Node {
    type Grant = Grant;

    fn mail(&self) -> &[Mail<Grant>] {
        &self.mail
    }

    fn mail_mut(&mut self) -> &mut [Mail<Grant>] {
        &mut self.mail
    }
}

impl State {
    pub(super) fn beginning(setting: &Setting, hint: Small) -> Self {
        debug_assert!(setting.takers + 2 <= CLIENTS);
        let node = Node { lock: None, counter: None, mail: [Mail::None; CLIENTS] };
        let mut state = Self {
            nodes: [node; NODES],
            clients: std::array::from_fn(|_| Client::idle()),
            handed: false,
            giver: None,
            others: false,
            highest: 0,
            disorder: false,
            false_claim: false,
        };
        talk::begin(&mut state.nodes, &mut state.clients, GIVER, hint);
        state
    }

    pub(super) fn holders(&self) -> usize {
        self.clients.iter().filter_map(Client::hold).count()
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
        self.clients[client].phase = Phase::Held(continued);
    }

    /// The one of all states that differ only in what is alike.
    pub(super) fn canonical(mut self) -> Self {
        talk::close(&mut self.nodes, &mut self.clients);
        self.nodes.sort_unstable();
        self
    }
}
