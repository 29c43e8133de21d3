//! Pure: what the verbs do to the resources of a claim, once these are read.

use std::time::Duration;

use redlock_core::fence::{self, SLACK};
use redlock_core::key::LockKey;
use redlock_core::node::{Claim, Expiry, Extension, Holder, Holding, Removal, Terms, Vote};

use crate::clock::{Times, micros, nanos};
use crate::record::{Bucket, Counter, Hold, Record, fnv};

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
    pub(crate) changed: bool,
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

    /// Changes a resource's record, which is made if there is none.
    pub(crate) fn change(&mut self, key: &[u8], change: impl FnOnce(&mut Record)) {
        let number = bucket_of(key);
        if let Some(file) = self.files.iter_mut().find(|file| file.number == number) {
            file.changed = true;
            change(file.bucket.entry(key));
        }
    }

    fn ends(&self, ttl: Duration) -> u64 {
        self.now.boot.saturating_add(nanos(ttl))
    }

    fn counter_of(&self, number: u64, life: Duration) -> Counter {
        let ends_wall = self.now.wall.saturating_add(micros(life));
        Counter { number, ends: self.ends(life), ends_wall }
    }

    /// Why not every resource is the claim's.
    fn missing(&self, claim: &Claim) -> Option<Extension> {
        let mut missing = None;
        for key in claim.key().resources() {
            match self.hold(key) {
                Some(hold) if *hold.value != *claim.token().as_bytes() => {
                    return Some(Extension::Foreign);
                }
                Some(_) => {}
                None => missing = Some(Extension::Gone),
            }
        }
        missing
    }

    pub(crate) fn acquire(&mut self, claim: &Claim, terms: &Terms, uptime: Duration) -> Vote {
        let (key, token) = (claim.key(), claim.token().as_bytes());
        let numbers = key.resources().filter_map(|key| self.counter(key));
        let counter = numbers.map(|counter| counter.number).max();
        let holds = key.resources().filter_map(|key| self.hold(key));
        let foreign = holds.filter(|hold| *hold.value != *token);
        // An end that never comes is later than any other.
        if let Some(last) = foreign.max_by_key(|hold| (hold.ends.is_none(), hold.ends)) {
            let fence = terms.fencing.and(counter);
            return Vote::Held { expiry: expiry(last, self.now), fence };
        }
        if let Some(remaining) = terms.guard.and_then(|guard| fence::warming(uptime, guard)) {
            return Vote::Warming { uptime, remaining };
        }
        let fence = terms.fencing.map(|fencing| {
            let number = fence::next(counter, fencing.hint, self.now.wall, micros(SLACK));
            let counter = self.counter_of(number, fencing.life);
            key.resources().for_each(|key| self.change(key, |r| r.counter = Some(counter)));
            number
        });
        let ends = Some(self.ends(terms.ttl));
        let mut vote = Vote::Granted { fence };
        for key in key.resources() {
            if self.hold(key).is_some() {
                vote = Vote::AlreadyOurs;
            } else {
                let hold = Hold { value: token.into(), ends };
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
        let kept = terms.fencing.map(|fencing| self.counter_of(0, fencing.life));
        for key in claim.key().resources() {
            self.change(key, |record| {
                if let Some(hold) = &mut record.hold {
                    // A hold without an end gets one here: a lock must free itself.
                    hold.ends = hold.ends.max(Some(ends));
                }
                if let (Some(counter), Some(kept)) = (&mut record.counter, kept) {
                    counter.join(kept);
                }
            });
        }
        Extension::Extended
    }

    /// Frees what the claim holds, and names it.
    pub(crate) fn release(&mut self, claim: &Claim) -> (Removal, Vec<Box<[u8]>>) {
        let removal = match self.missing(claim) {
            None => Removal::Removed,
            Some(Extension::Foreign) => Removal::Foreign,
            Some(_) => Removal::Gone,
        };
        let mut freed = Vec::new();
        for key in claim.key().resources() {
            if self.hold(key).is_some_and(|hold| *hold.value == *claim.token().as_bytes()) {
                self.change(key, |record| record.hold = None);
                freed.push(key.into());
            }
        }
        (removal, freed)
    }

    pub(crate) fn raise(&mut self, claim: &Claim, fence: u64, life: Duration) -> Extension {
        if let Some(missing) = self.missing(claim) {
            return missing;
        }
        let raised = self.counter_of(fence, life);
        for key in claim.key().resources() {
            self.change(key, |record| record.counter.get_or_insert(raised).join(raised));
        }
        Extension::Extended
    }

    pub(crate) fn inspect(&self, key: &LockKey) -> Vec<Option<Holding>> {
        let holding = |key| {
            let hold = self.hold(key)?;
            Some(Holding { holder: Holder::of(&hold.value), expiry: expiry(hold, self.now) })
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

fn expiry(hold: &Hold, now: Times) -> Expiry {
    let left = |ends: u64| Expiry::In(Duration::from_nanos(ends.saturating_sub(now.boot)));
    hold.ends.map_or(Expiry::Never, left)
}
