//! What truly happened, in the order in which it did.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Arguments;

use redlock_core::Lease;
use redlock_core::node::Claim;

use super::timeline::{Mark, What};

/// A lock that was given out.
pub(crate) struct Hold {
    pub(crate) process: usize,
    /// A bit per key.
    pub(crate) keys: u8,
    /// Steps at which the lock was asked for and given out.
    pub(crate) called: u64,
    pub(crate) granted: u64,
    /// The holder's own view; gone when the holder ended the hold.
    pub(crate) lease: Option<Lease>,
    pub(crate) fence: Option<u64>,
    /// Before then, in microseconds, nobody else is to have it.
    pub(crate) not_before: Option<u64>,
    /// When the holder ended it, in microseconds.
    pub(crate) ended: Option<u64>,
    /// Somebody who waited for the loss was told of it.
    pub(crate) announced: bool,
    /// It is a leader's.
    pub(crate) leads: bool,
    /// The leader was told to step down.
    pub(crate) stepping_down: bool,
    /// Where it was taken over.
    pub(crate) passed: Option<Passed>,
    /// It is a share.
    pub(crate) shared: bool,
    /// It is one of so many permits, as its process has it.
    pub(crate) permits: Option<u16>,
    /// The hold that it was made of.
    pub(crate) of: Option<usize>,
}

/// How a lock came from another holder.
pub(crate) struct Passed {
    /// The hold that was handed over.
    pub(crate) giver: usize,
    /// The taker was told that nobody held in between.
    pub(crate) continued: bool,
}

impl Hold {
    /// Whether the holder takes itself for the holder.
    pub(crate) fn holds(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| !lease.is_lost())
    }

    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.keys & other.keys != 0
    }
}

/// A write that the gate of a key let pass.
pub(crate) struct Write {
    pub(crate) key: usize,
    pub(crate) hold: usize,
}

#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) holds: Vec<Hold>,
    pub(crate) writes: Vec<Write>,
    /// The values of which a node was sent a release.
    pub(crate) released: BTreeSet<(usize, Vec<u8>)>,
    step: u64,
}

impl Ledger {
    /// Orders what happens within one instant.
    pub(crate) fn step(&mut self) -> u64 {
        self.step += 1;
        self.step
    }

    /// A node is sent a release.
    pub(crate) fn releases(&mut self, node: usize, claim: &Claim) {
        self.released.insert((node, claim.value().to_vec()));
    }

    /// The permits of whoever takes itself for a holder of one.
    pub(crate) fn permits(&self) -> impl Iterator<Item = &Hold> {
        self.holds.iter().filter(|hold| hold.permits.is_some() && hold.holds())
    }

    pub(crate) fn permits_in_use(&self) -> usize {
        self.permits().count()
    }

    /// Those of them that may not be beside it.
    pub(crate) fn rivals(&self, hold: usize) -> impl Iterator<Item = (usize, &Hold)> {
        let shared = self.holds[hold].shared;
        self.others(hold).filter(move |(_, other)| !(shared && other.shared))
    }

    /// The other holds of a key of this one.
    pub(crate) fn others(&self, hold: usize) -> impl Iterator<Item = (usize, &Hold)> {
        let this = &self.holds[hold];
        self.holds.iter().enumerate().filter(move |(other, o)| *other != hold && o.overlaps(this))
    }
}

/// What a run counts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) seeds: u64,
    pub(crate) grants: u64,
    pub(crate) extensions: u64,
    pub(crate) refusals: u64,
    pub(crate) failures: u64,
    pub(crate) left: u64,
    pub(crate) kept: u64,
    pub(crate) writes: u64,
    pub(crate) refused_writes: u64,
    /// Grants while another held, where the assumptions are broken.
    pub(crate) overlaps: u64,
    /// Locks that were taken over, and those of which the hold goes on.
    pub(crate) taken_over: u64,
    pub(crate) continued: u64,
    /// Shares, and those that stood beside others.
    pub(crate) shares: u64,
    pub(crate) beside: u64,
    pub(crate) downgraded: u64,
    /// Permits, the most of a run that were in use at once, those that were the last ones that there are, and those that
    /// took a second round for their numbers.
    pub(crate) permits: u64,
    pub(crate) most: u64,
    pub(crate) last: u64,
    pub(crate) raised: u64,
    /// Grants to handles that list a server twice.
    pub(crate) twice: u64,
    /// Commands that were sent as one with others, and those of them that were refused so.
    pub(crate) together: u64,
    pub(crate) refused_together: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.grants += other.grants;
        self.extensions += other.extensions;
        self.refusals += other.refusals;
        self.failures += other.failures;
        self.left += other.left;
        self.kept += other.kept;
        self.writes += other.writes;
        self.refused_writes += other.refused_writes;
        self.overlaps += other.overlaps;
        self.taken_over += other.taken_over;
        self.continued += other.continued;
        self.shares += other.shares;
        self.beside += other.beside;
        self.downgraded += other.downgraded;
        self.permits += other.permits;
        self.most = self.most.max(other.most);
        self.last += other.last;
        self.raised += other.raised;
        self.twice += other.twice;
        self.together += other.together;
        self.refused_together += other.refused_together;
    }
}

/// A fingerprint of the run, and its story if that is wanted.
pub(crate) struct Trace {
    pub(crate) hash: u64,
    pub(crate) lines: Option<Vec<String>>,
    /// The same as a picture is made of.
    pub(crate) marks: Option<Vec<Mark>>,
    /// Leases, and until when each lasts by the last that was seen of it.
    watched: BTreeMap<usize, (Lease, u64)>,
}

impl Trace {
    pub(crate) fn new(verbose: bool) -> Self {
        let (lines, marks) = (verbose.then(Vec::new), verbose.then(Vec::new));
        Self { hash: 0xcbf2_9ce4_8422_2325, lines, marks, watched: BTreeMap::new() }
    }

    /// Notes what happened at `at` microseconds; `what` must not name a token.
    pub(crate) fn note(&mut self, at: u64, numbers: &[u64], what: Arguments<'_>) {
        for number in std::iter::once(&at).chain(numbers) {
            for byte in number.to_le_bytes() {
                self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        self.look(at);
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>9}.{:03} ms  {what}", at / 1_000, at % 1_000));
        }
    }

    /// Looks from now on how long a lease lasts, at whatever happens: who holds it may stand still when it ends.
    pub(crate) fn watch(&mut self, at: u64, hold: usize, lease: &Lease) {
        if self.marks.is_some() {
            self.watched.insert(hold, (lease.clone(), at));
            self.look(at);
        }
    }

    /// The end of a lease that is watched, which it is not any longer.
    pub(crate) fn watched(&mut self, hold: usize) -> Option<u64> {
        self.watched.remove(&hold).map(|(_, until)| until)
    }

    fn look(&mut self, at: u64) {
        for (lease, until) in self.watched.values_mut().filter(|(lease, _)| !lease.is_lost()) {
            *until = at + lease.remaining().as_micros() as u64;
        }
    }

    /// What the picture shows of it, which is no part of the fingerprint.
    pub(crate) fn mark(&mut self, at: u64, what: impl FnOnce() -> What) {
        if let Some(marks) = &mut self.marks {
            marks.push(Mark { at, what: what() });
        }
    }

    /// From now on links and nodes are as they should be, whatever was to last longer.
    pub(crate) fn healed(&mut self, now: u64) {
        for mark in self.marks.iter_mut().flatten() {
            match &mut mark.what {
                What::Trouble { what, until, .. } if !what.starts_with("frozen") => {
                    *until = now.min(*until).max(mark.at);
                }
                _ => {}
            }
        }
    }
}
