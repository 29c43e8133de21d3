//! Pure: what the verbs do to the resources of a claim, once these are read.

use std::time::Duration;

use redlock_core::backend::{SLACK, next, stay, warming};
use redlock_core::key::LockKey;
use redlock_core::node::{Claim, Expiry, Extension, Found, Holding, Removal, Terms, Vote};

use crate::clock::{Times, micros, nanos};
use crate::record::{Bucket, Counter, Hold, Record, Share, fnv};

/// How many files the resources are spread over.
pub(crate) const BUCKETS: u16 = 256;

/// Which file a resource stands in.
pub(crate) fn bucket_of(key: &[u8]) -> u8 {
    // FNV's own bits are mixed badly for short names.
    let hash = fnv(key);
    ((hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd) >> 56) as u8
}

/// The files that hold a claim's resources, at one moment.
pub(crate) struct Page {
    pub(crate) files: Vec<Loaded>,
    pub(crate) now: Times,
}

pub(crate) struct Loaded {
    pub(crate) number: u8,
    pub(crate) bucket: Bucket,
    /// The file's length; `None` if there was none.
    pub(crate) len: Option<usize>,
    pub(crate) changed: bool,
}

impl Loaded {
    /// What is held under names that begin with this, and could be a lock's.
    pub(crate) fn found<'a>(
        &'a self,
        prefix: &'a [u8],
        now: Times,
    ) -> impl Iterator<Item = Found> + 'a {
        self.bucket.records.iter().filter_map(move |record| {
            let is_asked_for = record.key.starts_with(prefix) && LockKey::new(&record.key).is_ok();
            let name = || record.key.clone();
            match &record.hold {
                _ if !is_asked_for => None,
                Some(hold) => Some(Found::of_value(name(), &hold.value, expiry(hold.ends, now))),
                None => holding(&record.shares, now).map(|who| Found::new(name(), Ok(who))),
            }
        })
    }
}

impl Page {
    fn get(&self, key: &[u8]) -> Option<&Record> {
        let number = bucket_of(key);
        self.files.iter().find(|file| file.number == number)?.bucket.get(key)
    }

    pub(crate) fn hold(&self, key: &[u8]) -> Option<&Hold> {
        self.get(key)?.hold.as_ref()
    }

    pub(crate) fn counter(&self, key: &[u8]) -> Option<Counter> {
        self.get(key)?.counter
    }

    pub(crate) fn shares(&self, key: &[u8]) -> &[Share] {
        self.get(key).map_or(&[], |record| &record.shares)
    }

    /// Until when no new shares of a resource are given.
    pub(crate) fn intent(&self, key: &[u8]) -> Option<u64> {
        self.get(key)?.intent
    }

    /// Changes a resource's record, which is made if there is none.
    pub(crate) fn change(&mut self, key: &[u8], change: impl FnOnce(&mut Record)) {
        let number = bucket_of(key);
        if let Some(file) = self.files.iter_mut().find(|file| file.number == number) {
            file.changed = true;
            change(file.bucket.entry(key));
        }
    }

    pub(crate) fn ends(&self, ttl: Duration) -> u64 {
        self.now.boot.saturating_add(nanos(ttl))
    }

    fn counter_of(&self, number: u64, life: Duration) -> Counter {
        let ends_wall = self.now.wall.saturating_add(micros(life));
        Counter { number, ends: self.ends(life), ends_wall }
    }

    /// Why not every resource is the claim's.
    fn missing(&self, claim: &Claim) -> Option<Extension> {
        self.missing_or(claim, claim.value())
    }

    /// The same where `mark` counts as the claim's value.
    fn missing_or(&self, claim: &Claim, mark: &[u8]) -> Option<Extension> {
        let (value, mut missing) = (claim.value(), None);
        for key in claim.key().resources() {
            match self.hold(key) {
                Some(hold) if *hold.value != *value && *hold.value != *mark => {
                    return Some(Extension::Foreign);
                }
                Some(_) => {}
                // Where others share nothing of the claim's can stand.
                None if !self.shares(key).is_empty() => return Some(Extension::Foreign),
                None => missing = Some(Extension::Gone),
            }
        }
        missing
    }

    /// Gives all of the claim's counters a number.
    pub(crate) fn count(&mut self, claim: &Claim, number: u64, life: Duration) {
        let counter = self.counter_of(number, life);
        for key in claim.key().resources() {
            self.change(key, |record| record.counter = Some(counter));
        }
    }

    /// Keeps those counters of the claim's that there are, where it is fenced.
    pub(crate) fn keep_counters(&mut self, claim: &Claim, terms: &Terms) {
        let Some(fencing) = terms.fencing else { return };
        let kept = self.counter_of(0, fencing.life);
        for key in
            claim.key().resources().filter(|key| self.counter(key).is_some()).collect::<Vec<_>>()
        {
            self.change(key, |record| record.counter.get_or_insert(kept).join(kept));
        }
    }

    pub(crate) fn acquire(&mut self, claim: &Claim, terms: &Terms, uptime: Duration) -> Vote {
        let (key, value) = (claim.key(), claim.value());
        let numbers = key.resources().filter_map(|key| self.counter(key));
        let counter = numbers.map(|counter| counter.number).max();
        let holds = key.resources().filter_map(|key| self.hold(key));
        let former = |hold: &Hold| claim.former() == Some(&*hold.value);
        let foreign = holds.filter(|hold| *hold.value != *value && !former(hold));
        let mut foreign = foreign.map(|hold| (hold.ends, &*hold.value)).peekable();
        let alone = foreign.peek().is_none();
        let standing = foreign.chain(self.longest_share(claim));
        if let Some(refusal) = longest(standing, terms.fencing.and(counter), self.now) {
            if !alone {
                return refusal;
            }
            if let Some(intent) = terms.intent {
                let ends = self.ends(intent);
                key.resources().for_each(|key| self.change(key, |r| r.intent = Some(ends)));
            }
            return match refusal {
                Vote::Held { expiry, fence, label, .. } => Vote::Shared { expiry, fence, label },
                other => other,
            };
        }
        if let Some(remaining) = terms.guard.and_then(|guard| warming(uptime, guard)) {
            return Vote::Warming { uptime, remaining };
        }
        let holds = key.resources().filter_map(|key| self.hold(key));
        let swapped = holds.filter(|hold| former(hold)).count();
        let fence = terms.fencing.map(|fencing| {
            let number = next(counter, fencing.hint, self.now.wall, micros(SLACK));
            self.count(claim, number, fencing.life);
            number
        });
        if terms.intent.is_some() {
            key.resources().for_each(|key| self.change(key, |record| record.intent = None));
        }
        let ends = Some(self.ends(terms.ttl));
        let mut vote = match swapped {
            0 => Vote::Granted { fence },
            resources => Vote::Swapped { fence, resources, counter: terms.fencing.and(counter) },
        };
        for key in key.resources() {
            if self.hold(key).is_some_and(|hold| !former(hold)) {
                vote = Vote::AlreadyOurs;
            } else {
                let hold = Hold { value: value.into(), ends };
                self.change(key, |record| record.hold = Some(hold));
            }
        }
        vote
    }

    pub(crate) fn extend(&mut self, claim: &Claim, terms: &Terms) -> Extension {
        if let Some(missing) = self.missing(claim) {
            return missing;
        }
        let ends = self.ends(terms.ttl);
        for key in claim.key().resources() {
            self.change(key, |record| {
                if let Some(hold) = &mut record.hold {
                    // A hold without an end gets one here: a lock must free itself.
                    hold.ends = hold.ends.max(Some(ends));
                }
            });
        }
        self.keep_counters(claim, terms);
        Extension::Extended
    }

    /// Frees what the claim holds, and names it.
    pub(crate) fn release(&mut self, claim: &Claim) -> (Removal, Vec<Box<[u8]>>) {
        let removal = removal(self.missing(claim));
        let mut freed = Vec::new();
        for key in claim.key().resources() {
            if self.hold(key).is_some_and(|hold| *hold.value == *claim.value()) {
                self.change(key, |record| record.hold = None);
                freed.push(key.into());
            }
        }
        (removal, freed)
    }

    /// Puts the claim's mark in the place of its token.
    pub(crate) fn keep(&mut self, claim: &Claim, rest: Duration) -> Removal {
        let (mark, now) = (claim.mark(), self.now.boot);
        let removal = removal(self.missing_or(claim, &mark));
        for key in claim.key().resources() {
            let Some(hold) = self.hold(key) else { continue };
            if *hold.value == *claim.value() {
                let left = hold.ends.map(|ends| Duration::from_nanos(ends.saturating_sub(now)));
                let ends = Some(self.ends(stay(left, rest)));
                let hold = Hold { value: mark.as_slice().into(), ends };
                self.change(key, |record| record.hold = Some(hold));
            }
        }
        removal
    }

    pub(crate) fn raise(&mut self, claim: &Claim, fence: u64, life: Duration) -> Extension {
        let missing = if claim.is_shared() { self.unshared(claim) } else { self.missing(claim) };
        if let Some(missing) = missing {
            return missing;
        }
        let raised = self.counter_of(fence, life);
        for key in claim.key().resources() {
            self.change(key, |record| record.counter.get_or_insert(raised).join(raised));
        }
        Extension::Extended
    }

    pub(crate) fn inspect(&self, key: &LockKey) -> Vec<Option<Holding>> {
        let holding = |key| match self.hold(key) {
            Some(hold) => Some(Holding::of(&hold.value, expiry(hold.ends, self.now))),
            None => self.shared(key),
        };
        key.resources().map(holding).collect()
    }
}

impl Counter {
    /// The larger number, and the longer life.
    fn join(&mut self, other: Self) {
        self.number = self.number.max(other.number);
        self.ends = self.ends.max(other.ends);
        self.ends_wall = self.ends_wall.max(other.ends_wall);
    }
}

/// Of those who share a resource; `None` where nobody does.
pub(crate) fn holding(shares: &[Share], now: Times) -> Option<Holding> {
    let mut shares: Vec<&Share> = shares.iter().collect();
    shares.sort_by_key(|share| std::cmp::Reverse(share.ends));
    let left = |ends: u64| Duration::from_nanos(ends.saturating_sub(now.boot));
    let told = shares.iter().map(|share| (share.value.to_vec(), Expiry::In(left(share.ends))));
    Holding::of_shares(shares.len(), told)
}

/// The answer to an end, by what is missing.
pub(crate) fn removal(missing: Option<Extension>) -> Removal {
    match missing {
        None => Removal::Removed,
        Some(Extension::Foreign) => Removal::Foreign,
        Some(_) => Removal::Gone,
    }
}

/// Of what stands in a claim's way what is longest: the refusal that it is. An end that never comes
/// is later than any other.
pub(crate) fn longest<'a>(
    standing: impl Iterator<Item = (Option<u64>, &'a [u8])>,
    fence: Option<u64>,
    now: Times,
) -> Option<Vote> {
    let (ends, value) = standing.max_by_key(|(ends, _)| (ends.is_none(), *ends))?;
    Some(Vote::held_by(value, expiry(ends, now), fence))
}

pub(crate) fn expiry(ends: Option<u64>, now: Times) -> Expiry {
    let left = |ends: u64| Expiry::In(Duration::from_nanos(ends.saturating_sub(now.boot)));
    ends.map_or(Expiry::Never, left)
}
