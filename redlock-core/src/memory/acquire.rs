//! What an acquire does to the store.

use std::time::Duration;

use super::store::{Entry, Place, Store, Value, is_of};
use crate::decide::fence::{self, SLACK};
use crate::node::label::Label;
use crate::node::{Claim, Expiry, FenceTerms, Terms, Vote};

/// Of what is in a claim's way, what is longest: when it ends, and the value.
type Longest<'a> = Option<(Option<Duration>, &'a [u8])>;

impl Store {
    /// Takes all of the claim's resources, or none; `micros` is the node's wall clock.
    pub(super) fn take(
        &mut self,
        claim: &Claim,
        terms: &Terms,
        micros: u64,
        now: Duration,
    ) -> Vote {
        if let Some(vote) = self.take_free(claim, terms, now) {
            return vote;
        }
        let counter = terms.fencing.and_then(|_| self.counter(claim, now));
        let over = mutant!(RepairNotNx, crate::testing::mutants::overwrites(terms), false);
        let former = |entry: &Entry<Value>| claim.former() == Some(&*entry.value);
        let standing = claim.key().resources().filter_map(|key| self.locks.get(key, now));
        let foreign =
            standing.filter(|entry| !over && !is_of(&entry.value, claim) && !former(entry));
        let whole = longest(foreign.map(|entry| (entry.ends, &*entry.value)));
        let blind = over || mutant!(ExclusiveOverShares);
        let shared = self.longest_share(claim, now).filter(|_| !blind);
        if let Some((ends, value)) = longest(whole.into_iter().chain(shared)) {
            let expiry = expiry(ends, now);
            if whole.is_some() {
                return Vote::held_by(value, expiry, counter);
            }
            let vote = Vote::Shared { expiry, fence: counter, label: Label::of_value(value) };
            self.want(claim, terms, now);
            return vote;
        }
        if let Some(vote) = self.warming(terms, now) {
            return vote;
        }
        let number = |fencing: FenceTerms| {
            fence::next(counter, fencing.hint, micros, SLACK.as_micros() as u64)
        };
        let fence = self.count(claim, terms, number, now);
        let (mut swapped, mut own) = (0, false);
        for key in claim.key().names() {
            if terms.intent.is_some() {
                self.intents.entries.remove(key);
            }
            let place = self.locks.entry(key, now);
            if let Place::Occupied(entry) = &place
                && entry.get().lives(now)
            {
                swapped += usize::from(former(entry.get()));
                if !over && !former(entry.get()) {
                    own = true;
                    continue;
                }
            }
            let ends = Some(now.saturating_add(terms.ttl));
            place.insert_entry(Entry { value: Value::Of(claim.clone()), ends });
        }
        match swapped {
            _ if own => Vote::AlreadyOurs,
            0 => Vote::Granted { fence },
            resources => Vote::Swapped { fence, resources, counter },
        }
    }

    /// The same for what most locks are, of one resource and without counters, guard or intent, where the resource is free: in
    /// one look.
    fn take_free(&mut self, claim: &Claim, terms: &Terms, now: Duration) -> Option<Vote> {
        let [key] = claim.key().names() else { return None };
        let asks = terms.fencing.is_some() || terms.guard.is_some() || terms.intent.is_some();
        if asks || !self.shares.entries.is_empty() {
            return None;
        }
        let place = self.locks.entry(key, now);
        if matches!(&place, Place::Occupied(entry) if entry.get().lives(now)) {
            return None;
        }
        let ends = Some(now.saturating_add(terms.ttl));
        place.insert_entry(Entry { value: Value::Of(claim.clone()), ends });
        Some(Vote::Granted { fence: None })
    }

    /// Takes a share of each of the claim's resources, or of none.
    pub(super) fn share(
        &mut self,
        claim: &Claim,
        terms: &Terms,
        micros: u64,
        now: Duration,
    ) -> Vote {
        let counter = terms.fencing.and_then(|_| self.counter(claim, now));
        let resources = || claim.key().resources();
        let standing = resources().filter_map(|key| self.locks.get(key, now));
        let foreign = standing.filter(|entry| !is_of(&entry.value, claim));
        let foreign = foreign.map(|entry| (entry.ends, &*entry.value));
        let joins = |key: &[u8]| self.locks.get(key, now).is_none() && self.lacks(key, claim, now);
        let intents =
            resources().filter(|key| joins(key)).filter_map(|key| self.intents.get(key, now));
        let intents = intents.filter(|_| terms.heeds).map(|entry| (entry.ends, &b""[..]));
        if let Some((ends, value)) = longest(foreign.chain(intents)) {
            return Vote::held_by(value, expiry(ends, now), counter);
        }
        if let Some(vote) = self.warming(terms, now)
            && !mutant!(ShareUnguarded)
        {
            return vote;
        }
        let joined: Vec<_> = claim.key().names().iter().filter(|key| joins(key)).collect();
        let number = |fencing: FenceTerms| {
            fence::next_shared(counter, fencing.hint, micros, SLACK.as_micros() as u64)
        };
        let fence = self.count(claim, terms, number, now);
        for key in &joined {
            self.join(key, claim.value(), now.saturating_add(terms.ttl), now);
        }
        if joined.len() == resources().len() { Vote::Granted { fence } } else { Vote::AlreadyOurs }
    }

    /// That the node restarted a short while ago.
    fn warming(&self, terms: &Terms, now: Duration) -> Option<Vote> {
        let uptime = now.saturating_sub(self.started);
        let remaining = terms.guard.and_then(|guard| fence::warming(uptime, guard))?;
        (!mutant!(NoGuard)).then_some(Vote::Warming { uptime, remaining })
    }

    /// Lifts the counters, where the claim is fenced, and gives the number.
    fn count(
        &mut self,
        claim: &Claim,
        terms: &Terms,
        number: impl FnOnce(FenceTerms) -> u64,
        now: Duration,
    ) -> Option<u64> {
        let fencing = terms.fencing?;
        let number = number(fencing);
        for key in claim.key().names() {
            self.counters.set(key, number, Some(now.saturating_add(fencing.life)), now);
        }
        Some(number)
    }

    /// Keeps new shares off, where the claim leaves an intent.
    fn want(&mut self, claim: &Claim, terms: &Terms, now: Duration) {
        let Some(intent) = terms.intent else { return };
        let ends = Some(now.saturating_add(intent));
        for key in claim.key().names() {
            self.intents.set(key, (), mutant!(IntentForEver, None, ends), now);
        }
    }
}

/// An end that never comes is later than any other.
fn longest<'a>(standing: impl Iterator<Item = (Option<Duration>, &'a [u8])>) -> Longest<'a> {
    standing.max_by_key(|(ends, _)| (ends.is_none(), *ends))
}

pub(super) fn expiry(ends: Option<Duration>, now: Duration) -> Expiry {
    ends.map_or(Expiry::Never, |ends| Expiry::In(ends.saturating_sub(now)))
}
