use super::{CLIENTS, SLOTS, Setting};
use crate::setting::Small;
use crate::talk::{self, Client, Desk, Mail, Phase};

const NODES: usize = 3;

/// Whose token stands for a client that is over and of which nothing else is to come: there it does not matter whose it was.
pub(super) const NOBODY: Small = CLIENTS as Small;

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// Sorted.
    pub(super) nodes: [Node; NODES],
    pub(super) clients: [Client<Hold>; CLIENTS],
    /// The slot each has decided on.
    pub(super) chosen: [Option<Small>; CLIENTS],
    /// Crashes to come.
    pub(super) crashes: Small,
    /// By slot, the largest fence that was returned.
    pub(super) highest: [Small; SLOTS],
    pub(super) disorder: bool,
}

/// One node, and the messages between it and every client. Clients are bits of a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Node {
    pub(super) slots: [Slot; SLOTS],
    /// Who had one when it crashed.
    pub(super) forgot: u8,
    pub(super) mail: [Mail<Place>; CLIENTS],
    /// Whose acquire is under way a second time.
    pub(super) again: u8,
    /// Whose request to have the slot that was chosen in the place of another is under way.
    pub(super) moving: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Slot {
    pub(super) holder: Option<Small>,
    pub(super) counter: Option<Small>,
}

/// What a grant tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) slot: Small,
    pub(super) number: Small,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Hold {
    /// Its fence took a second round.
    pub(super) raised: bool,
    /// It had grants moved to its slot.
    pub(super) moved: bool,
}

impl talk::Grant for Place {
    fn number(self) -> u64 {
        u64::from(self.number)
    }
}

impl Desk for Node {
    type Grant = Place;

    fn mail(&self) -> &[Mail<Place>] {
        &self.mail
    }

    fn mail_mut(&mut self) -> &mut [Mail<Place>] {
        &mut self.mail
    }

    fn is_asked(&self, client: usize) -> bool {
        self.mail[client] == Mail::Acquire || self.again >> client & 1 == 1
    }
}

impl Node {
    /// The slot in which a client stands.
    pub(super) fn place_of(&self, client: usize) -> Option<usize> {
        self.slots.iter().position(|slot| slot.holder == Some(client as Small))
    }
}

impl State {
    pub(super) fn beginning(setting: &Setting) -> Self {
        let node = Node {
            slots: [Slot { holder: None, counter: None }; SLOTS],
            forgot: 0,
            mail: [Mail::None; CLIENTS],
            again: 0,
            moving: 0,
        };
        Self {
            nodes: [node; NODES],
            clients: std::array::from_fn(|_| Client::idle()),
            chosen: [None; CLIENTS],
            crashes: setting.crashes,
            highest: [0; SLOTS],
            disorder: false,
        }
    }

    /// Those who hold, and which slot.
    pub(super) fn holds(&self) -> impl Iterator<Item = (Small, &Hold)> {
        let chosen = self.clients.iter().zip(self.chosen);
        chosen.filter_map(|(client, slot)| slot.zip(client.hold()))
    }

    /// A client returns with its slot and that slot's fence, if there are fences.
    pub(super) fn hold(&mut self, client: usize, slot: usize, fence: Option<Small>, hold: Hold) {
        if let Some(fence) = fence {
            self.disorder |= fence <= self.highest[slot];
            self.highest[slot] = self.highest[slot].max(fence);
        }
        self.chosen[client] = Some(slot as Small);
        self.clients[client].phase = Phase::Held(hold);
    }

    /// The one of all states that differ only in what is alike.
    pub(super) fn canonical(mut self, setting: &Setting) -> Self {
        talk::close(&mut self.nodes, &mut self.clients);
        for (index, client) in self.clients.iter().enumerate() {
            let others = |place: &Place| Some(place.slot) != self.chosen[index];
            let mut may_matter = client.phase != Phase::Over;
            for node in &mut self.nodes {
                // Who has decided on a slot reads nothing of others.
                if self.chosen[index].is_some() && node.granted(index).is_some_and(|p| others(&p)) {
                    node.mail[index] = Mail::None;
                }
                let stands = node.place_of(index).is_some() || node.is_asked(index);
                if !stands {
                    // Nothing comes of these any more.
                    node.moving &= !(1 << index);
                    if matches!(node.mail[index], Mail::Raise(_)) {
                        node.mail[index] = Mail::None;
                    }
                }
                // Those who wait for it to go do not ask whose it is.
                let nothing_to_come = node.moving >> index & 1 == 0
                    && setting.resent >> index & 1 == 0
                    && !matches!(node.mail[index], Mail::Raise(_));
                if client.phase == Phase::Over
                    && nothing_to_come
                    && let Some(slot) = node.place_of(index)
                {
                    node.slots[slot].holder = Some(NOBODY);
                }
                may_matter |= node.moving >> index & 1 == 1;
                may_matter |= matches!(node.mail[index], Mail::Raise(_));
                // Of those who are over nothing is to be feared.
                if client.phase == Phase::Over {
                    node.forgot &= !(1 << index);
                }
            }
            if !may_matter {
                self.chosen[index] = None;
            }
        }
        self.nodes.sort_unstable();
        self
    }
}
