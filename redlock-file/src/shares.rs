//! Pure: what the verbs of a shared claim do to its resources, once these are read.

use std::time::Duration;

use redlock_core::backend::{SLACK, next_shared, warming};
use redlock_core::node::{Claim, Extension, Holding, Removal, Terms, Vote};

use crate::clock::micros;
use crate::page::{Page, holding, longest, removal};
use crate::record::Share;

impl Page {
    /// Of all shares of the claim's resources the one that ends last.
    pub(crate) fn longest_share(&self, claim: &Claim) -> Option<(Option<u64>, &[u8])> {
        let shares = claim.key().resources().flat_map(|key| self.shares(key));
        let last = shares.max_by_key(|share| share.ends)?;
        Some((Some(last.ends), &last.value))
    }

    fn has_share(&self, key: &[u8], claim: &Claim) -> bool {
        self.shares(key).iter().any(|share| *share.value == *claim.value())
    }

    /// Why the claim has not a share of every resource, or the resource itself.
    pub(crate) fn unshared(&self, claim: &Claim) -> Option<Extension> {
        let mut missing = None;
        for key in claim.key().resources() {
            match self.hold(key) {
                Some(hold) if *hold.value != *claim.value() => return Some(Extension::Foreign),
                Some(_) => {}
                None if self.has_share(key, claim) => {}
                None => missing = Some(Extension::Gone),
            }
        }
        missing
    }

    pub(crate) fn acquire_shared(
        &mut self,
        claim: &Claim,
        terms: &Terms,
        uptime: Duration,
    ) -> Vote {
        let resources = || claim.key().resources();
        let counter = resources().filter_map(|key| self.counter(key)).map(|c| c.number).max();
        let holds = resources().filter_map(|key| self.hold(key));
        let foreign = holds.filter(|hold| *hold.value != *claim.value());
        let foreign = foreign.map(|hold| (hold.ends, &*hold.value));
        let joins = |key: &&[u8]| self.hold(key).is_none() && !self.has_share(key, claim);
        let intents = resources().filter(joins).filter_map(|key| self.intent(key));
        let intents = intents.filter(|_| terms.heeds).map(|ends| (Some(ends), &b""[..]));
        if let Some(refusal) = longest(foreign.chain(intents), terms.fencing.and(counter), self.now)
        {
            return refusal;
        }
        if let Some(remaining) = terms.guard.and_then(|guard| warming(uptime, guard)) {
            return Vote::Warming { uptime, remaining };
        }
        let joined: Vec<&[u8]> = resources().filter(joins).collect();
        let fence = terms.fencing.map(|fencing| {
            let (hint, wall, slack) = (fencing.hint, self.now.wall, micros(SLACK));
            let number = next_shared(counter, hint, wall, slack);
            self.count(claim, number, fencing.life);
            number
        });
        let ends = self.ends(terms.ttl);
        for key in &joined {
            self.join(key, claim, ends);
        }
        if joined.len() == resources().len() { Vote::Granted { fence } } else { Vote::AlreadyOurs }
    }

    /// Gives the claim a share of a resource that ends no sooner than this.
    fn join(&mut self, key: &[u8], claim: &Claim, ends: u64) {
        self.change(key, |record| {
            match record.shares.iter_mut().find(|share| *share.value == *claim.value()) {
                Some(share) => share.ends = share.ends.max(ends),
                None => record.shares.push(Share { value: claim.value().into(), ends }),
            }
        });
    }

    /// Lengthens the claim's shares, and makes shares of what it has whole, which it names.
    pub(crate) fn extend_shared(
        &mut self,
        claim: &Claim,
        terms: &Terms,
    ) -> (Extension, Vec<Box<[u8]>>) {
        let mut made = Vec::new();
        if let Some(missing) = self.unshared(claim) {
            return (missing, made);
        }
        let until = self.ends(terms.ttl);
        for key in claim.key().resources() {
            let mut ends = until;
            if let Some(hold) = self.hold(key) {
                ends = ends.max(hold.ends.unwrap_or(0));
                self.change(key, |record| record.hold = None);
                made.push(key.into());
            }
            self.join(key, claim, ends);
        }
        self.keep_counters(claim, terms);
        (Extension::Extended, made)
    }

    /// Ends what the claim has, and names what nobody has any more.
    pub(crate) fn release_shared(&mut self, claim: &Claim) -> (Removal, Vec<Box<[u8]>>) {
        let removal = removal(self.unshared(claim));
        let mut freed = Vec::new();
        for key in claim.key().resources() {
            let whole = self.hold(key).is_some_and(|hold| *hold.value == *claim.value());
            if !whole && !self.has_share(key, claim) {
                continue;
            }
            self.change(key, |record| {
                record.hold.take_if(|_| whole);
                record.shares.retain(|share| *share.value != *claim.value());
            });
            if self.shares(key).is_empty() {
                freed.push(key.into());
            }
        }
        (removal, freed)
    }

    /// Who shares the resource.
    pub(crate) fn shared(&self, key: &[u8]) -> Option<Holding> {
        holding(self.shares(key), self.now)
    }
}
