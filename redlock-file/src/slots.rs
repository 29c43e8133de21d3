//! Pure: which of several resources a claim is given, once these are read.

use std::time::Duration;

use redlock_core::node::{Claim, Expiry, Placed, Terms, Vote};

use crate::page::{Page, expiry};

impl Page {
    /// Gives the claim the first free one of its resources, from the one at `first` on.
    pub(crate) fn place(
        &mut self,
        slots: &Claim,
        terms: &Terms,
        first: usize,
        uptime: Duration,
    ) -> Placed {
        let names: Vec<&[u8]> = slots.key().resources().collect();
        let is_taken = |name: &&[u8]| self.hold(name).is_some() || !self.shares(name).is_empty();
        let bits = names.iter().enumerate().filter(|(_, name)| is_taken(name));
        let taken = bits.fold(0, |taken, (slot, _)| taken | 1_u64 << slot);
        let is_ours =
            |name: &&[u8]| self.hold(name).is_some_and(|hold| *hold.value == *slots.value());
        if let Some(slot) = names.iter().position(is_ours) {
            return Placed { vote: Vote::AlreadyOurs, slot: Some(slot), taken };
        }
        let around = (0..names.len()).map(|step| (first % names.len() + step) % names.len());
        let free = around.into_iter().find(|slot| taken & 1_u64 << slot == 0);
        let Some((slot, key)) = free.and_then(|slot| Some((slot, slots.key().only(slot)?))) else {
            let vote =
                Vote::Held { expiry: self.soonest(&names), fence: None, label: None, kept: false };
            return Placed { vote, slot: None, taken };
        };
        let vote = self.acquire(&slots.on(key), &terms.with_intent(None), uptime);
        let slot = matches!(vote, Vote::Granted { .. }).then_some(slot);
        Placed { vote, slot, taken }
    }

    /// When the first of these resources frees itself, all of which are taken.
    fn soonest(&self, names: &[&[u8]]) -> Expiry {
        let whole = names.iter().filter_map(|name| self.hold(name)?.ends);
        let shares =
            names.iter().filter_map(|name| self.shares(name).iter().map(|share| share.ends).max());
        expiry(whole.chain(shares).min(), self.now)
    }
}
