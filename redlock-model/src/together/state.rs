//! What the world is like at one moment.

use super::parts::{Command, Link};
use super::{Rule, Setting};
use crate::setting::Small;

/// Two of the first process, and one of the second.
pub(super) const CLIENTS: usize = 3;

/// Which lock each wants, and its process.
pub(super) const LOCK: [usize; CLIENTS] = [0, 1, 0];
pub(super) const PROCESS: [usize; CLIENTS] = [0, 0, 1];

/// All of it. Nodes are sorted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub(super) nodes: Vec<Node>,
    pub(super) phases: [Phase; CLIENTS],
    pub(super) refusals: Small,
    pub(super) limits: Small,
    /// A node did an acquire behind its release.
    pub(super) behind: bool,
}

/// A node, and what each client has from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Node {
    /// Whose each lock is.
    pub(super) locks: [Option<Small>; 2],
    /// It did a release of the client.
    pub(super) released: [bool; CLIENTS],
    pub(super) links: [Link; 2],
    pub(super) votes: [Vote; CLIENTS],
    /// The client was told that a release freed what it had.
    pub(super) freed: [bool; CLIENTS],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Vote {
    None,
    /// Somebody waits for the answer to the acquire.
    Awaited,
    /// The time limit passed: what became of it is unknown.
    Left,
    Granted,
    /// And to a client that had ended, whose release may have come before.
    Late,
    Refused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Phase {
    Idle,
    Asking,
    Held,
    Over,
}

impl State {
    pub(super) fn new(setting: &Setting) -> Self {
        let node = Node {
            locks: [None; 2],
            released: [false; CLIENTS],
            links: [Link::default(), Link::default()],
            votes: [Vote::None; CLIENTS],
            freed: [false; CLIENTS],
        };
        let last = if setting.stranger { Phase::Idle } else { Phase::Over };
        Self {
            nodes: vec![node; setting.nodes],
            phases: [Phase::Idle, Phase::Idle, last],
            refusals: setting.refusals,
            limits: setting.limits,
            behind: false,
        }
    }

    /// Sends a command to all nodes.
    pub(super) fn send(&mut self, client: usize, releases: bool) {
        for node in &mut self.nodes {
            node.send(Command::new(client, releases));
        }
    }

    pub(super) fn granted(&self, client: usize) -> usize {
        self.nodes.iter().filter(|node| node.votes[client] == Vote::Granted).count()
    }

    pub(super) fn excludes(&self) -> bool {
        self.phases[0] != Phase::Held || self.phases[2] != Phase::Held
    }

    /// Everybody has ended, and nothing is under way or will be.
    pub(super) fn is_quiet(&self) -> bool {
        let quiet = |node: &Node| {
            let again = (0..CLIENTS).any(|client| node.is_tried_again(client));
            node.links.iter().all(Link::is_quiet) && !again
        };
        self.phases.iter().all(|phase| *phase == Phase::Over) && self.nodes.iter().all(quiet)
    }

    /// The one of all states that differ only in what is alike.
    pub(super) fn canonical(mut self) -> Self {
        for node in &mut self.nodes {
            for client in (0..CLIENTS).filter(|client| self.phases[*client] == Phase::Over) {
                // Nobody counts any more, nor has to undo.
                let over = matches!(node.votes[client], Vote::Granted | Vote::Late if node.freed[client])
                    || node.votes[client] == Vote::Refused;
                let has = |link: &Link| link.has(|command| command.is_of(client));
                if over && !node.links.iter().any(has) {
                    node.votes[client] = Vote::None;
                    (node.released[client], node.freed[client]) = (false, false);
                    node.links.iter_mut().for_each(|link| link.released &= !(1 << client));
                }
            }
        }
        self.nodes.sort_unstable();
        self
    }
}

impl Node {
    pub(super) fn send(&mut self, command: Command) {
        let client = usize::from(command.client);
        self.links[PROCESS[client]].waiting.push(command);
        if !command.releases && !command.again {
            self.votes[client] = Vote::Awaited;
        }
    }

    /// Whether a release of the client is under way.
    fn releases(&self, client: usize) -> bool {
        self.links[PROCESS[client]].has(|command| command.releases && command.is_of(client))
    }

    /// Whether the driver releases again what it does not know of until it is gone.
    pub(super) fn is_tried_again(&self, client: usize) -> bool {
        let stands = self.locks[LOCK[client]].is_some_and(|holder| usize::from(holder) == client);
        self.votes[client] == Vote::Left && stands && !self.releases(client)
    }

    /// The driver was told something of a client that has ended: what was granted since, and its release did not free, is
    /// released once more.
    pub(super) fn undo(&mut self, client: usize, asked: bool) {
        if asked && self.votes[client] == Vote::Granted {
            self.votes[client] = Vote::Late;
        }
        if self.votes[client] == Vote::Late && !self.freed[client] && !self.releases(client) {
            self.send(Command::new(client, true));
        }
    }

    /// Whether what was refused together is sent again.
    pub(super) fn goes_again(&self, command: Command, rule: Rule) -> bool {
        let client = usize::from(command.client);
        let waits = self.votes[client] == Vote::Awaited;
        let is_last = self.links[PROCESS[client]].released & (1 << client) == 0;
        match rule {
            Rule::NoRelease if command.releases => false,
            _ if command.releases => true,
            Rule::WaitedFor => waits,
            Rule::ForNobody => !waits || is_last,
            _ => waits && is_last,
        }
    }
}
