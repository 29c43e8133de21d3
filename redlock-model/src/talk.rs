//! What is under way between clients and nodes, and what a client makes of its replies, as the product's driver does.

use redlock_core::decisions::fence::FenceRound;
use redlock_core::decisions::quorum::{Ballot, Round, Verdict};

use crate::setting::{Small, small};

/// What is under way between a client and a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mail<G = Small> {
    /// Nothing that could still matter.
    None,
    /// An acquire.
    Acquire,
    /// The reply to it.
    Granted(G),
    /// The second phase, with the fence.
    Raise(Small),
    /// The reply to that.
    Raised,
}

/// What a grant tells.
pub(crate) trait Grant: Copy {
    /// The node's number.
    fn number(self) -> u64;
}

impl Grant for Small {
    fn number(self) -> u64 {
        u64::from(self)
    }
}

/// A node, as far as messages go.
pub(crate) trait Desk {
    type Grant: Grant;

    /// By client.
    fn mail(&self) -> &[Mail<Self::Grant>];
    fn mail_mut(&mut self) -> &mut [Mail<Self::Grant>];

    /// Whether it may still execute an acquire of the client's.
    fn is_asked(&self, client: usize) -> bool {
        matches!(self.mail()[client], Mail::Acquire)
    }

    /// What a client can read, if that is a grant.
    fn granted(&self, client: usize) -> Option<Self::Grant> {
        match self.mail()[client] {
            Mail::Granted(grant) => Some(grant),
            _ => None,
        }
    }

    /// Whether a client whose fence is under way can read a grant that is below.
    fn is_low(&self, client: usize, fence: Option<&FenceRound>) -> bool {
        let number = self.granted(client).map(Grant::number);
        fence.zip(number).is_some_and(|(fence, number)| fence.must_raise(number))
    }
}

/// One client; what its hold is said to be differs from world to world.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Client<H> {
    pub(crate) phase: Phase<H>,
    /// What its acquires carry.
    pub(crate) hint: Small,
}

/// How far a client has come.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Phase<H> {
    Idle,
    /// It waits for a majority.
    Asking,
    /// It has one and waits until a majority stands at the fence.
    Fencing(FenceRound, H),
    Held(H),
    /// It gave up or let go.
    Over,
}

impl<H> Client<H> {
    pub(crate) fn idle() -> Self {
        Self { phase: Phase::Idle, hint: 0 }
    }

    /// The round of its fence, while that is under way.
    pub(crate) fn fence(&self) -> Option<&FenceRound> {
        match &self.phase {
            Phase::Fencing(round, _) => Some(round),
            _ => None,
        }
    }

    /// What is said of its hold, if it has one.
    pub(crate) fn hold(&self) -> Option<&H> {
        match &self.phase {
            Phase::Held(hold) => Some(hold),
            _ => None,
        }
    }
}

/// One of each kind of the nodes, which are sorted: of equal ones it does not matter which one it is.
pub(crate) fn distinct<D: PartialEq>(nodes: &[D]) -> impl Iterator<Item = usize> {
    (0..nodes.len()).filter(|index| *index == 0 || nodes[*index] != nodes[*index - 1])
}

/// A client asks all nodes.
pub(crate) fn begin<D: Desk, H>(
    nodes: &mut [D],
    clients: &mut [Client<H>],
    client: usize,
    hint: Small,
) {
    clients[client] = Client { phase: Phase::Asking, hint };
    nodes.iter_mut().for_each(|node| node.mail_mut()[client] = Mail::Acquire);
}

/// The nodes in the mask, by their place in the state.
pub(crate) fn of_mask<D>(nodes: &[D], mask: u8) -> impl Iterator<Item = &D> {
    let is_in = move |(index, _): &(usize, &D)| mask >> index & 1 == 1;
    nodes.iter().enumerate().filter(is_in).map(|(_, node)| node)
}

/// The grants of the nodes in the mask, if all of these have one to be read.
pub(crate) fn grants_of<D: Desk>(nodes: &[D], client: usize, mask: u8) -> Option<Vec<D::Grant>> {
    of_mask(nodes, mask).map(|node| node.granted(client)).collect()
}

/// Their numbers, if these grants win the round.
pub(crate) fn majority_of<D: Desk>(nodes: &[D], client: usize, mask: u8) -> Option<Vec<u64>> {
    let grants = grants_of(nodes, client, mask)?;
    let mut round = Round::new(nodes.len());
    grants.iter().for_each(|_| round.record(Ballot::Granted));
    let won = round.verdict() == Some(Verdict::Won);
    won.then(|| grants.iter().map(|grant| grant.number()).collect())
}

/// Whether the nodes of which it is true are enough.
pub(crate) fn is_majority<D>(nodes: &[D], is: impl Fn(&D) -> bool) -> bool {
    let mut round = Round::new(nodes.len());
    nodes.iter().filter(|node| is(node)).for_each(|_| round.record(Ballot::Granted));
    round.verdict() == Some(Verdict::Won)
}

/// The masks of nodes of which all have a grant to be read, as far as they pass.
pub(crate) fn masks<D: Desk>(
    nodes: &[D],
    client: usize,
    pass: impl Fn(u8) -> bool,
) -> impl Iterator<Item = u8> {
    let grants = nodes.iter().enumerate().filter(|(_, node)| node.granted(client).is_some());
    let all = grants.fold(0_u8, |all, (index, _)| all | 1 << index);
    (1..=all).filter(move |mask| mask & !all == 0 && pass(*mask))
}

/// A client has read the grants of the nodes in the mask; where it says so the fence is sent.
pub(crate) fn read<D: Desk>(
    nodes: &mut [D],
    client: usize,
    mask: u8,
    raise: impl Fn(D::Grant) -> Option<Small>,
) {
    for (index, node) in nodes.iter_mut().enumerate() {
        if let Some(grant) = node.granted(client)
            && mask >> index & 1 == 1
        {
            node.mail_mut()[client] = raise(grant).map_or(Mail::None, Mail::Raise);
        }
    }
}

/// What the fence's round asks of a node with this number.
pub(crate) fn raise(round: &FenceRound, number: u64) -> Option<Small> {
    round.must_raise(number).then_some(small(round.fence()))
}

/// A node granted after the decision, and too little.
pub(crate) fn follow<D: Desk>(
    node: &mut D,
    client: usize,
    fence: Option<&FenceRound>,
) -> Option<()> {
    node.granted(client)?;
    node.mail_mut()[client] = Mail::Raise(small(fence?.fence()));
    Some(())
}

/// The fence, and what the hold would be, if the replies that are there now are enough. Those that are left unread could
/// only be missed.
pub(crate) fn confirmed<D: Desk, H: Copy>(
    nodes: &[D],
    clients: &[Client<H>],
    client: usize,
) -> Option<(Small, H)> {
    let Phase::Fencing(round, hold) = &clients[client].phase else { return None };
    let mut round = round.clone();
    for node in nodes {
        match node.mail()[client] {
            Mail::Raised => round.raised(true),
            Mail::Granted(grant) if !round.must_raise(grant.number()) => {
                round.granted(grant.number());
            }
            _ => {}
        }
    }
    (round.verdict() == Some(true)).then_some((small(round.fence()), *hold))
}

/// Drops what nobody will read, and hints that no node will see.
pub(crate) fn close<D: Desk, H>(nodes: &mut [D], clients: &mut [Client<H>]) {
    for (index, client) in clients.iter_mut().enumerate() {
        if nodes.iter().all(|node| !node.is_asked(index)) {
            client.hint = 0;
        }
        if !matches!(client.phase, Phase::Held(_) | Phase::Over) {
            continue;
        }
        for mail in nodes.iter_mut().map(|node| &mut node.mail_mut()[index]) {
            if matches!(mail, Mail::Granted(_) | Mail::Raised) {
                *mail = Mail::None;
            }
        }
    }
}
