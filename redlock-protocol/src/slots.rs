//! One of several slots: what a server is sent, and what it answers.

use std::time::Duration;

use redlock_core::key::MAX_RESOURCES;
use redlock_core::node::{Claim, NodeError, Placed, Terms, Vote, millis};

use crate::beside::{counters, hint_of, life_of};
use crate::limit::Limit;
use crate::reply::{Reply, expiry, unexpected};
use crate::scripts;
use crate::server_node::ServerNode;
use crate::wire::{Arg, Wire};

impl<W: Wire> ServerNode<W> {
    pub(crate) async fn place(
        &self,
        slots: &Claim,
        terms: Terms,
        first: usize,
        timeout: Duration,
    ) -> Result<Placed, NodeError> {
        let keys = terms.fencing.map(|_| counters(slots.key())).unwrap_or_default();
        let size = slots.key().resources().len();
        let values = [
            Arg::Bytes(slots.value()),
            Arg::Int(terms.ttl_millis()),
            Arg::Int(terms.guard.map_or(0, millis)),
            Arg::Int(terms.fencing.map_or(0, life_of)),
            Arg::Int(terms.fencing.map_or(0, hint_of)),
            Arg::Int((first % size) as u64),
        ];
        let script = &scripts::ACQUIRE_ANY;
        let reply =
            self.eval_over(script, slots.key(), &keys, &values, &mut Limit::new(timeout)).await?;
        reply.into_placed(size, terms.fencing.is_some())
    }
}

impl Reply {
    /// The answer to an acquire of one of so many slots. One that contradicts itself is none.
    pub(crate) fn into_placed(self, slots: usize, fenced: bool) -> Result<Placed, NodeError> {
        let Self::List(list) = self else { return Err(unexpected()) };
        let placed = match &list[..] {
            [Self::Int(1), Self::Int(slot), Self::Int(number), Self::Bytes(taken)] => {
                let fence = u64::try_from(*number).ok().filter(|number| fenced && *number > 0);
                let vote = (fence.is_some() == fenced).then_some(Vote::Granted { fence });
                vote.and_then(|vote| placed(vote, Some(*slot), taken, slots))
            }
            [Self::Int(2), Self::Int(slot), Self::Int(_), Self::Bytes(taken)] => {
                placed(Vote::AlreadyOurs, Some(*slot), taken, slots)
            }
            [Self::Int(0), Self::Int(left @ -1..), Self::Int(_), Self::Bytes(taken)] => {
                let expiry = expiry(*left);
                placed(
                    Vote::Held { expiry, fence: None, label: None, kept: false },
                    None,
                    taken,
                    slots,
                )
            }
            [Self::Int(3), Self::Int(_), Self::Int(_), Self::Bytes(taken)] => {
                let vote = Self::List(list[..3].to_vec()).into_fenced_vote(fenced)?;
                placed(vote, None, taken, slots)
            }
            [Self::Int(4..=7), ..] => {
                let refusal = Self::List(list).into_fenced_vote(fenced).err();
                return Err(refusal.unwrap_or_else(unexpected));
            }
            _ => None,
        };
        placed.ok_or_else(unexpected)
    }
}

/// What a server did and found, unless one is not so where the other is.
fn placed(vote: Vote, slot: Option<i64>, taken: &[u8], slots: usize) -> Option<Placed> {
    let taken = bits(taken, slots)?;
    let asked_for = |slot| usize::try_from(slot).ok().filter(|slot| *slot < slots);
    let slot = match slot {
        Some(slot) => Some(asked_for(slot)?),
        None => None,
    };
    let was_taken = slot.map(|slot| taken & 1 << slot != 0);
    let is_full = taken.count_ones() as usize == slots;
    let fits = match vote {
        Vote::Granted { .. } => was_taken == Some(false),
        Vote::AlreadyOurs => was_taken == Some(true),
        Vote::Held { .. } => is_full,
        _ => !is_full,
    };
    fits.then_some(Placed { vote, slot, taken })
}

/// A digit for each of so many slots, the lowest first.
fn bits(digits: &[u8], slots: usize) -> Option<u64> {
    if digits.len() != slots || slots > MAX_RESOURCES {
        return None;
    }
    digits.iter().rev().try_fold(0, |bits: u64, digit| match digit {
        b'0' => Some(bits << 1),
        b'1' => Some(bits << 1 | 1),
        _ => None,
    })
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;
