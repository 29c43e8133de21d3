//! What the world is like at one moment, and what a node makes of what comes.

use redlock_core::decisions::fence;

use super::{CLIENTS, Kind, LONGER, Rule, Setting, Who};
use crate::setting::Small;
use crate::ticks::{Request, ticks};

const NODES: usize = 3;

/// All of it. Nodes are sorted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub(super) nodes: [Node; NODES],
    pub(super) clients: [Client; CLIENTS],
    pub(super) now: Small,
    /// Crashes to come.
    pub(super) crashes: Small,
}

/// One node, and the messages between it and every client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Node {
    /// The writer whose token stands there, and until when.
    pub(super) whole: Option<(Small, Small)>,
    /// Until when each client's share stands.
    pub(super) shares: [Option<Small>; CLIENTS],
    /// Until when the key of the shares stands.
    pub(super) key: Small,
    pub(super) restarted: Option<Small>,
    pub(super) acquires: [Request; CLIENTS],
    pub(super) extends: [[Request; LONGER]; CLIENTS],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Client {
    pub(super) phase: Phase,
    pub(super) began: Small,
    pub(super) until: Small,
    /// When it asked for an extension.
    pub(super) asked: [Option<Small>; LONGER],
    pub(super) held: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    Idle,
    Asking,
    Held,
    Over,
}

impl Setting {
    /// Whether a node that has run for so long grants.
    fn is_warm(&self, uptime: Small) -> bool {
        fence::warming(ticks(uptime), ticks(self.guard)).is_none()
    }
}

impl Node {
    /// Whether it would grant.
    pub(super) fn grants(&self, setting: &Setting, who: &Who, now: Small) -> bool {
        let warm = self.restarted.is_none_or(|since| setting.is_warm(now - since));
        let shared = self.shares.iter().any(Option::is_some);
        warm && self.whole.is_none() && (who.kind == Kind::Reader || !shared)
    }

    /// Executes an acquire that it grants.
    pub(super) fn acquire(&mut self, rule: Rule, client: usize, who: &Who, now: Small) {
        self.acquires[client] = Request::Done;
        match who.kind {
            Kind::Writer => self.whole = Some((client as Small, now + who.ttl)),
            Kind::Reader => self.share(rule, client, now + who.ttl),
        }
    }

    /// A share stands until then, and the key as long as its longest share.
    pub(super) fn share(&mut self, rule: Rule, client: usize, until: Small) {
        self.shares[client] = Some(until);
        self.key = match rule {
            Rule::KeyLivesAsTheLast => until,
            _ => self.longest(),
        };
    }

    /// Executes an extension of a share that stands: never a shorter time.
    pub(super) fn extend(&mut self, rule: Rule, client: usize, until: Small) {
        let stands = self.shares[client].filter(|_| rule != Rule::ExtensionShortens);
        self.share(rule, client, stands.map_or(until, |stands| stands.max(until)));
    }

    /// What a client has there goes.
    pub(super) fn free(&mut self, rule: Rule, client: usize) {
        self.whole.take_if(|(of, _)| usize::from(*of) == client);
        if self.shares[client].take().is_some() {
            if rule == Rule::ReleaseDels {
                self.shares = [None; CLIENTS];
            }
            self.key = self.key.min(self.longest());
        }
    }

    pub(super) fn stands(&self, client: usize) -> bool {
        self.shares[client].is_some() || self.whole.is_some_and(|(of, _)| usize::from(of) == client)
    }

    fn longest(&self) -> Small {
        self.shares.iter().flatten().copied().max().unwrap_or(0)
    }

    fn expire(&mut self, now: Small) {
        self.whole.take_if(|(_, until)| *until <= now);
        let over = self.key <= now;
        for share in &mut self.shares {
            share.take_if(|until| over || *until <= now);
        }
        if self.longest() == 0 {
            self.key = 0;
        }
    }

    pub(super) fn crash(&mut self, now: Small) {
        (self.whole, self.shares, self.key, self.restarted) = (None, [None; CLIENTS], 0, Some(now));
    }
}

impl State {
    pub(super) fn beginning(crashes: Small) -> Self {
        let idle =
            Client { phase: Phase::Idle, began: 0, until: 0, asked: [None; LONGER], held: false };
        Self { nodes: [Node::default(); NODES], clients: [idle; CLIENTS], now: 0, crashes }
    }

    pub(super) fn tick(&mut self) {
        self.now += 1;
        self.nodes.iter_mut().for_each(|node| node.expire(self.now));
        for client in &mut self.clients {
            if client.phase != Phase::Idle && client.until <= self.now {
                client.phase = Phase::Over;
            }
        }
    }

    /// The one of all states that differ only in what is alike.
    pub(super) fn canonical(mut self, setting: &Setting) -> Self {
        for (index, client) in self.clients.iter_mut().enumerate() {
            if client.phase == Phase::Over {
                (client.began, client.until, client.asked) = (0, 0, [None; LONGER]);
            }
            // Replies to who does not wait for them are read by nobody.
            for node in &mut self.nodes {
                if client.phase != Phase::Asking && node.acquires[index] == Request::Done {
                    node.acquires[index] = Request::None;
                }
                let nothing = !node.stands(index) && node.acquires[index] != Request::Sent;
                for request in &mut node.extends[index] {
                    let unread = *request == Request::Done && client.phase == Phase::Over;
                    if unread || nothing && *request == Request::Sent {
                        *request = Request::None;
                    }
                }
            }
        }
        // Who has run for so long has nothing to wait for.
        for node in &mut self.nodes {
            node.restarted.take_if(|since| setting.is_warm(self.now - *since));
        }
        self.nodes.sort_unstable();
        self
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
