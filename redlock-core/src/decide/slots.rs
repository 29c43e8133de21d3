//! Pure: which of several slots a round of nodes gave, if any.

use super::quorum::{Ballot, Round, Verdict, majority};
use crate::error::Tally;
use crate::node::key::MAX_RESOURCES;
use crate::node::{NodeError, Placed, Vote};

/// What one node's answer to [`acquire_any`](crate::node::LockNode::acquire_any) counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotBallot {
    /// The node granted this slot: no vote for any other.
    Granted(usize),
    /// A vote for none: [`Refused`](Ballot::Refused) where all slots are taken, or what it counts as in any round.
    None(Ballot),
}

impl SlotBallot {
    /// Counts an answer.
    pub fn of(answer: &Result<Placed, NodeError>) -> Self {
        match answer {
            Ok(Placed { vote: Vote::Granted { .. }, slot: Some(slot), .. }) => Self::Granted(*slot),
            // A grant of nothing is a backend's fault.
            Ok(Placed { vote: Vote::Granted { .. } | Vote::Swapped { .. }, .. }) => {
                Self::None(Ballot::Misconfigured)
            }
            Ok(Placed { vote, .. }) => Self::None(Ballot::of(&Ok(vote.clone()))),
            Err(error) => Self::None(Ballot::of(&Err(error.clone()))),
        }
    }
}

/// How a round for a slot ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotVerdict {
    /// A majority granted this slot, one and the same.
    Won(usize),
    /// No slot can have a majority any more: as of a [`Round`] for the slot with the most grants, in which nodes that
    /// granted another one refused.
    Lost(Verdict),
}

/// One round for a slot. Each slot is a lock of its own, and a node that granted another one refused this one.
#[derive(Debug, Clone)]
pub struct SlotRound {
    nodes: usize,
    granted: [u8; MAX_RESOURCES],
    others: Vec<Ballot>,
}

impl SlotRound {
    /// A round over `nodes` nodes, none of which has answered.
    pub fn new(nodes: usize) -> Self {
        Self { nodes, granted: [0; MAX_RESOURCES], others: Vec::with_capacity(nodes) }
    }

    /// Counts one node's ballot. Each node votes once. A slot that no claim can have is a fault of who granted it.
    pub fn record(&mut self, ballot: SlotBallot) {
        match ballot {
            SlotBallot::Granted(slot) => match self.granted.get_mut(slot) {
                Some(granted) => *granted = granted.saturating_add(1),
                None => self.others.push(Ballot::Misconfigured),
            },
            SlotBallot::None(ballot) => self.others.push(ballot),
        }
    }

    /// The slot with the most grants, the lowest of several; `None` where none has any.
    pub fn best(&self) -> Option<usize> {
        let granted = self.granted.iter().enumerate().filter(|(_, granted)| **granted > 0);
        granted.max_by_key(|(slot, granted)| (**granted, usize::MAX - slot)).map(|(slot, _)| slot)
    }

    /// The verdict, once no further ballot can change it.
    pub fn verdict(&self) -> Option<SlotVerdict> {
        let best = self.best();
        match (self.round(best).verdict()?, best) {
            (Verdict::Won, Some(slot)) => Some(SlotVerdict::Won(slot)),
            (verdict, _) => Some(SlotVerdict::Lost(verdict)),
        }
    }

    /// The count so far, for the slot with the most grants.
    pub fn tally(&self) -> Tally {
        self.round(self.best()).tally()
    }

    /// The round for one slot.
    fn round(&self, slot: Option<usize>) -> Round {
        let mut round = Round::new(self.nodes);
        for (index, granted) in self.granted.iter().enumerate() {
            let ballot = if mutant!(SlotAny) || Some(index) == slot {
                Ballot::Granted
            } else {
                Ballot::Refused
            };
            (0..*granted).for_each(|_| round.record(ballot));
        }
        self.others.iter().for_each(|ballot| round.record(*ballot));
        round
    }
}

/// Which slot to ask for next, after nodes told which were taken: one drawn by `random` among those that are free on a
/// majority of the nodes, or among all `slots`, where none is. Not the lowest: those who begin at one and the same slot get
/// in one another's way.
pub fn first_slot(taken: &[u64], nodes: usize, slots: usize, random: u64) -> usize {
    if mutant!(SlotsFromLowest) {
        return 0;
    }
    let draw = |of: usize| usize::try_from(random % of.max(1) as u64).unwrap_or(0);
    let drawn = draw(free_slots(taken, nodes, slots).count());
    free_slots(taken, nodes, slots).nth(drawn).unwrap_or_else(|| draw(slots))
}

/// The slots that are free on a majority of the nodes, by what these told.
pub fn free_slots(taken: &[u64], nodes: usize, slots: usize) -> impl Iterator<Item = usize> {
    (0..slots.min(MAX_RESOURCES)).filter(move |slot| {
        let free = taken.iter().filter(|taken| *taken & (1_u64 << slot) == 0).count();
        free >= majority(nodes)
    })
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;
