use super::{CLIENTS, Setting};
use crate::setting::{Small, Timing, beginnings};
use crate::talk::{self, Client, Desk, Mail, Phase};

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// Sorted.
    pub(super) nodes: Vec<Node>,
    pub(super) clients: [Client<Hold>; CLIENTS],
    /// Crashes to come.
    pub(super) crashes: Small,
    /// The largest fence of a writer that held, and of anybody.
    pub(super) writer: Small,
    pub(super) highest: Small,
    /// What each client's fence must be above, whatever became of timing: those that were returned before it began.
    pub(super) floors: [Small; CLIENTS],
    pub(super) disorder: bool,
    pub(super) not_above: bool,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Hold {
    pub(super) shared: bool,
    /// Its fence took a second round.
    pub(super) raised: bool,
    /// It had it alone before.
    pub(super) downgraded: bool,
}

impl Desk for Node {
    type Grant = Small;

    fn mail(&self) -> &[Mail] {
        &self.mail
    }

    fn mail_mut(&mut self) -> &mut [Mail] {
        &mut self.mail
    }
}

impl State {
    /// Every way in which a case can begin.
    pub(super) fn beginnings(setting: &Setting) -> Vec<Self> {
        let node = |counter| Node {
            whole: None,
            shares: 0,
            counter,
            forgot: 0,
            mail: [Mail::None; CLIENTS],
            sharing: 0,
            joining: 0,
        };
        let begin = |counters: Vec<_>| Self {
            nodes: counters.into_iter().map(node).collect(),
            clients: std::array::from_fn(|_| Client::idle()),
            crashes: setting.crashes,
            writer: 0,
            highest: 0,
            floors: [0; CLIENTS],
            disorder: false,
            not_above: false,
        };
        beginnings(setting.nodes, setting.counters).into_iter().map(begin).collect()
    }

    pub(super) fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.clients.iter().filter_map(Client::hold)
    }

    /// What a fence that is given out now must be above.
    pub(super) fn before(&self, shared: bool) -> Small {
        if shared { self.writer } else { self.highest }
    }

    /// A client returns with its fence.
    pub(super) fn hold(&mut self, client: usize, fence: Small, hold: Hold) {
        self.disorder |= fence <= self.before(hold.shared);
        self.not_above |= fence <= self.floors[client];
        if !hold.shared {
            self.writer = self.writer.max(fence);
        }
        self.highest = self.highest.max(fence);
        self.clients[client].phase = Phase::Held(hold);
    }

    /// The one of all states that differ only in what is alike.
    pub(super) fn canonical(mut self, timing: Timing) -> Self {
        talk::close(&mut self.nodes, &mut self.clients);
        let mut over = 0;
        for (index, client) in self.clients.iter().enumerate() {
            if matches!(client.phase, Phase::Held(_) | Phase::Over) {
                self.floors[index] = 0;
            }
            if client.phase == Phase::Over {
                over |= 1 << index;
            }
        }
        // The order says more where timing is sound.
        if timing == Timing::Sound {
            self.floors = [0; CLIENTS];
        }
        for node in &mut self.nodes {
            for client in 0..CLIENTS {
                let whole = node.whole == Some(client as Small);
                if !whole && !node.is_asked(client) {
                    node.sharing &= !(1 << client);
                }
            }
            // Of those who are over nothing is to be feared.
            node.forgot &= !over;
        }
        self.nodes.sort_unstable();
        self
    }
}
