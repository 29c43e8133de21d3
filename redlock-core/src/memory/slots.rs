//! What an acquire of one of several slots does to the store.

use std::time::Duration;

use super::acquire::expiry;
use super::store::{Store, is_of};
use crate::node::{Claim, Expiry, Placed, Terms, Vote};

impl Store {
    /// Takes the first free one of the claim's resources from the one at `first` on; `micros` is the node's wall clock.
    pub(super) fn place(
        &mut self,
        slots: &Claim,
        terms: &Terms,
        first: usize,
        micros: u64,
        now: Duration,
    ) -> Placed {
        let names: Vec<&[u8]> = slots.key().resources().collect();
        let junk = |name: &&[u8]| self.shares.get(name, now).is_some() && !mutant!(SlotOverJunk);
        let is_taken = |name: &&[u8]| self.locks.get(name, now).is_some() || junk(name);
        let bits = names.iter().enumerate().filter(|(_, name)| is_taken(name));
        let taken = bits.fold(0, |taken, (slot, _)| taken | 1_u64 << slot);
        let is_ours = |name: &&[u8]| {
            self.locks.get(name, now).is_some_and(|entry| is_of(&entry.value, slots))
        };
        if let Some(slot) = names.iter().position(is_ours) {
            return Placed { vote: Vote::AlreadyOurs, slot: Some(slot), taken };
        }
        let around = (0..names.len()).map(|step| (first % names.len() + step) % names.len());
        let free = around.into_iter().find(|slot| taken & (1_u64 << slot) == 0);
        let Some((slot, key)) = free.and_then(|slot| Some((slot, slots.key().only(slot)?))) else {
            let expiry = self.soonest(&names, now);
            return Placed {
                vote: Vote::Held { expiry, fence: None, label: None, kept: false },
                slot: None,
                taken,
            };
        };
        if mutant!(SlotOverJunk) {
            self.shares.entries.remove(names[slot]);
        }
        let terms = terms.with_intent(None);
        let vote = self.take(&slots.on(key), &terms, micros, now);
        let slot = matches!(vote, Vote::Granted { .. }).then_some(slot);
        Placed { vote, slot, taken }
    }

    /// When the first of these resources frees itself, all of which are taken.
    fn soonest(&self, names: &[&[u8]], now: Duration) -> Expiry {
        let whole = |name: &&[u8]| self.locks.get(name, now).map(|entry| entry.ends);
        let shared = |name: &&[u8]| self.shares.get(name, now).map(|entry| entry.ends);
        let ends = names.iter().filter_map(|name| whole(name).or_else(|| shared(name)));
        ends.flatten().min().map_or(Expiry::Never, |ends| expiry(Some(ends), now))
    }
}
