//! Shares of resources that stand in the store.

use std::sync::Arc;
use std::time::Duration;

use super::store::{Entry, Share, Standing, Store, is_of};
use crate::node::{Claim, Expiry, Extension, Holding, Removal, Terms};

impl Store {
    /// Whether the claim has no share of the resource.
    pub(super) fn lacks(&self, key: &[u8], claim: &Claim, now: Duration) -> bool {
        !self.living(key, now).any(|share| *share.value == *claim.value())
    }

    /// The shares that are not over.
    pub(super) fn living(&self, key: &[u8], now: Duration) -> impl Iterator<Item = &Share> {
        let entry = self.shares.get(key, now);
        entry.into_iter().flat_map(|entry| &entry.value).filter(move |share| now < share.ends)
    }

    /// Of all shares of the claim's resources the one that ends last.
    pub(super) fn longest_share(
        &self,
        claim: &Claim,
        now: Duration,
    ) -> Option<(Option<Duration>, &[u8])> {
        let shares = claim.key().resources().flat_map(|key| self.living(key, now));
        let last = shares.max_by_key(|share| share.ends)?;
        Some((Some(last.ends), &last.value))
    }

    /// Gives the value a share of the resource, or lengthens the one it has. Those that are over go, and the resource lives as
    /// long as its last one.
    pub(super) fn join(&mut self, key: &Arc<[u8]>, value: &[u8], ends: Duration, now: Duration) {
        let mut shares =
            self.shares.get_mut(key, now).map(|entry| std::mem::take(&mut entry.value));
        let shares = shares.get_or_insert_default();
        shares.retain(|share| now < share.ends);
        match shares.iter_mut().find(|share| *share.value == *value) {
            Some(share) => share.ends = mutant!(ShareExtendShortens, ends, share.ends.max(ends)),
            None => shares.push(Share { value: value.into(), ends }),
        }
        let last = shares.iter().map(|share| share.ends).max();
        let last = mutant!(ShareKeyLivesAsLast, Some(ends), last);
        self.shares.set(key, std::mem::take(shares), last, now);
    }

    /// How a shared claim stands; what it has whole is its as well.
    pub(super) fn sharing(&self, claim: &Claim, now: Duration) -> Standing {
        let mut gone = false;
        for key in claim.key().resources() {
            match self.locks.get(key, now) {
                Some(entry) if !is_of(&entry.value, claim) => return Standing::Foreign,
                Some(_) => {}
                None => gone |= self.lacks(key, claim, now),
            }
        }
        if gone { Standing::Gone } else { Standing::Ours }
    }

    /// Makes what the claim has last for the terms' time at least, as shares. Tells what was whole: a bit for each resource.
    pub(super) fn lengthen(&mut self, claim: &Claim, terms: &Terms, now: Duration) -> u64 {
        let mut made = 0;
        for (place, key) in claim.key().names().iter().enumerate() {
            let mut ends = now.saturating_add(terms.ttl);
            let whole = self.locks.entries.remove(key).filter(|entry| entry.lives(now));
            if let Some(Entry { ends: left, .. }) = whole {
                ends = ends.max(left.unwrap_or_default());
                made |= 1 << place;
                if mutant!(DowngradeTwoSteps) {
                    continue;
                }
            }
            self.join(key, claim.value(), ends, now);
        }
        made
    }

    /// Ends the claim's shares, and frees what it has whole. Tells what nobody has any more: a bit for each resource.
    pub(super) fn leave(&mut self, claim: &Claim, now: Duration) -> (Removal, u64) {
        let removal = self.sharing(claim, now).removal();
        let mut freed = 0;
        for (place, key) in claim.key().resources().enumerate() {
            if self.locks.get(key, now).is_some_and(|entry| is_of(&entry.value, claim)) {
                self.locks.entries.remove(key);
                freed |= 1 << place;
            }
            let had = !self.lacks(key, claim, now);
            let Some(entry) = self.shares.get_mut(key, now).filter(|_| had) else { continue };
            entry.value.retain(|share| *share.value != *claim.value() && now < share.ends);
            entry.ends = entry.value.iter().map(|share| share.ends).max();
            if entry.value.is_empty() || mutant!(ShareReleaseDels) {
                self.shares.entries.remove(key);
                freed |= 1 << place;
            }
        }
        (removal, freed)
    }

    /// Extends the claim's shares, and makes shares of what it has whole, which is told: a bit for each resource.
    pub(super) fn extend_shared(
        &mut self,
        claim: &Claim,
        terms: &Terms,
        now: Duration,
    ) -> (Extension, u64) {
        if mutant!(IntentStopsExtension)
            && claim.key().resources().any(|key| self.intents.get(key, now).is_some())
        {
            return (Extension::Gone, 0);
        }
        if let Some(missing) = self.sharing(claim, now).missing() {
            return (missing, 0);
        }
        let made = self.lengthen(claim, terms, now);
        if let Some(fencing) = terms.fencing {
            self.keep_counters(claim, fencing.life, now);
        }
        (Extension::Extended, made)
    }

    /// Who shares the resource.
    pub(super) fn shared(&self, key: &[u8], now: Duration) -> Option<Holding> {
        let mut shares: Vec<&Share> = self.living(key, now).collect();
        shares.sort_by_key(|share| std::cmp::Reverse(share.ends));
        let told = shares
            .iter()
            .map(|share| (share.value.to_vec(), Expiry::In(share.ends.saturating_sub(now))));
        Holding::of_shares(shares.len(), told)
    }
}
