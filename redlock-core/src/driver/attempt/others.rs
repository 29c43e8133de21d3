//! Slots that nodes gave, or may have given, to an attempt that won another one.

use std::sync::Arc;

use super::super::claimed::Claimed;
use super::super::fan_out::FanOut;
use super::super::request::{Placement, given};
use super::super::sweep::Sweep;
use super::super::trace::{Trace, Traced};
use crate::node::FaultClass;
use crate::node::key::LockKey;

/// All slots but the one that was won, as a claim of its own: what is released of them has nothing to do with the hold, and
/// no release of the hold with them.
#[derive(Clone)]
pub(super) struct Others {
    claimed: Claimed,
    /// What is known about the claim that was asked for.
    asked: Arc<Trace>,
    slots: LockKey,
    won: usize,
}

impl Others {
    /// Of an attempt that asked for `all` and won the slot `won`. `None` where there is no other.
    pub(super) fn of(own: &Claimed, all: &Traced, won: usize) -> Option<Self> {
        let slots = all.claim.key().clone();
        let claim = all.claim.on(slots.without(won)?);
        let trace = Arc::new(Trace::new(all.trace.ttl()));
        let claimed = Claimed { traced: Traced { claim, trace }, ..own.clone() };
        Some(Self { claimed, asked: Arc::clone(&all.trace), slots, won })
    }

    /// Releases what these nodes gave, at once and in the background; what they may have given until it would have expired.
    pub(super) fn take_back<'a>(&self, answers: impl Iterator<Item = (usize, &'a Placement)>) {
        let nodes: Vec<_> = answers
            .filter(|(index, answer)| self.is_left(*index, answer))
            .map(|(i, _)| i)
            .collect();
        if !nodes.is_empty() && !mutant!(SlotExtrasKept) {
            let none = FanOut::new(&self.claimed.background, 0);
            drop(Sweep::on(nodes, self.claimed.clone(), none));
        }
    }

    /// Whether one of these slots stands on the node after this answer, or may come to.
    fn is_left(&self, index: usize, answer: &Placement) -> bool {
        let Claimed { set, traced, node_timeout, .. } = &self.claimed;
        match answer {
            Ok(_) => {
                let Some(slot) = given(answer).filter(|slot| *slot != self.won) else {
                    return false;
                };
                if let Some(key) = self.slots.only(slot) {
                    let now = set.clock.now();
                    set.wakes.own(index, &key, now.plus(*node_timeout * 2), now);
                }
            }
            Err(error) if error.class() == FaultClass::Unknown && self.asked.touched(index) => {
                traced.trace.doubt(index);
            }
            Err(_) => return false,
        }
        traced.trace.touch(index);
        true
    }

    /// For a node that has not answered yet.
    pub(super) fn straggler(&self, index: usize) -> Straggler {
        Straggler { others: Some(self.clone()), index }
    }
}

/// A node that has not answered when a slot was won. Dropped, its answer will never be known.
pub(super) struct Straggler {
    others: Option<Others>,
    index: usize,
}

impl Straggler {
    pub(super) fn answered(mut self, answer: &Placement) {
        if let Some(others) = self.others.take() {
            others.take_back(std::iter::once((self.index, answer)));
        }
    }
}

/// The runtime ended: what may stand is released elsewhere, where there is a place.
impl Drop for Straggler {
    fn drop(&mut self) {
        if let Some(Others { claimed, asked, .. }) = self.others.take()
            && asked.touched(self.index)
            && let Some(home) = claimed.background.at_home()
        {
            let trace = &claimed.traced.trace;
            trace.touch(self.index);
            trace.doubt(self.index);
            let none = FanOut::new(&home, 0);
            drop(Sweep::on([self.index], Claimed { background: home, ..claimed }, none));
        }
    }
}
