//! The shared nodes, the processes, and the book that is kept about them.

use std::fmt::Arguments;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redlock_core::{InMemoryNode, RwFenceGate, Token};
use tokio::time::Instant;

use super::invariants::{self, Event};
use super::ledger::{Counts, Hold, Ledger, Trace};
use super::profile::{MOST_PERMITS, Setup};
use super::runner::Violation;
use super::start::Process;
use super::timeline::End;

/// Where all clocks begin, before their errors.
const EPOCH: Duration = Duration::from_secs(1_700_000_000);

/// The key of another program, and one like it that no client touches.
pub(crate) const FOREIGN: &str = "foreign";
pub(crate) const UNTOUCHED: &str = "untouched";
pub(crate) const FOREIGN_TTL: Duration = Duration::from_secs(100_000);

/// The bit of the foreign key.
pub(crate) const FOREIGN_BIT: u8 = 1 << 7;

/// The bit of a semaphore's first slot, and how many bits there are beside the foreign key's.
const SLOTS: usize = 3;
pub(crate) const BITS: usize = SLOTS + MOST_PERMITS as usize;

/// The name of the key with this bit.
pub(crate) fn name(bit: usize) -> String {
    if bit < SLOTS { format!("k{bit}") } else { format!("s/{}", bit - SLOTS) }
}

/// The bit of a slot.
pub(crate) fn bit_of(slot: u16) -> usize {
    SLOTS + usize::from(slot)
}

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) struct World {
    pub(crate) setup: Setup,
    pub(crate) nodes: Vec<Arc<InMemoryNode>>,
    pub(crate) processes: Mutex<Vec<Arc<Process>>>,
    pub(crate) gates: Vec<RwFenceGate>,
    pub(crate) leaked: Mutex<Vec<(usize, Token)>>,
    /// Messages on their way, by the hold they are of.
    pub(crate) handed: Mutex<Vec<(usize, String)>>,
    pub(crate) counts: Mutex<Counts>,
    pub(crate) violations: Mutex<Vec<Violation>>,
    pub(crate) trace: Arc<Mutex<Trace>>,
    pub(crate) ledger: Mutex<Ledger>,
    /// Nothing goes wrong any more.
    pub(crate) healed: Arc<AtomicBool>,
    pub(crate) start: Instant,
}

pub(crate) fn shifted(by: i64) -> Duration {
    let micros = Duration::from_micros(by.unsigned_abs());
    if by < 0 { EPOCH - micros } else { EPOCH + micros }
}

impl World {
    pub(crate) fn new(setup: Setup, verbose: bool) -> Arc<Self> {
        let node = |i: usize| {
            let node = InMemoryNode::new(format!("n{i}")).with_clock_rate(setup.rates[i]);
            Arc::new(node.with_wall_clock(shifted(setup.node_wall[i])))
        };
        let nodes: Vec<_> = (0..setup.nodes).map(node).collect();
        if setup.foreign {
            for (node, key) in nodes.iter().flat_map(|n| [(n, FOREIGN), (n, UNTOUCHED)]) {
                node.put(key, "not a lock", Some(FOREIGN_TTL));
            }
        }
        Arc::new(Self {
            nodes,
            processes: Mutex::default(),
            gates: (0..BITS).map(|_| RwFenceGate::new()).collect(),
            leaked: Mutex::default(),
            handed: Mutex::default(),
            counts: Mutex::default(),
            violations: Mutex::default(),
            trace: Arc::new(Mutex::new(Trace::new(verbose))),
            ledger: Mutex::default(),
            healed: Arc::default(),
            start: Instant::now(),
            setup,
        })
    }

    /// Microseconds since the start.
    pub(crate) fn at(&self) -> u64 {
        self.start.elapsed().as_micros() as u64
    }

    pub(crate) fn note(&self, numbers: &[u64], what: Arguments<'_>) {
        self.trace.lock().unwrap().note(self.at(), numbers, what);
    }

    pub(crate) fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.counts.lock().unwrap());
    }

    pub(crate) fn step(&self) -> u64 {
        self.ledger.lock().unwrap().step()
    }

    /// Enters a hold.
    pub(crate) fn granted(&self, mut hold: Hold) -> usize {
        let mut ledger = self.ledger.lock().unwrap();
        hold.granted = ledger.step();
        let (process, keys) = (hold.process, u64::from(hold.keys));
        if let Some(passed) = &hold.passed {
            let (giver, continued) = (passed.giver, passed.continued);
            self.note(
                &[8, giver as u64, continued.into()],
                format_args!("taken over of hold {giver}, continued: {continued}"),
            );
            self.count(|counts| {
                counts.taken_over += 1;
                counts.continued += u64::from(continued);
            });
        }
        let (shared, of) = (hold.shared, hold.of);
        ledger.holds.push(hold);
        let id = ledger.holds.len() - 1;
        if shared {
            self.note(
                &[10, of.map_or(u64::MAX, |of| of as u64)],
                format_args!("shared, of {of:?}"),
            );
            let beside = ledger.others(id).any(|(_, other)| other.holds());
            self.count(|counts| {
                counts.shares += 1;
                counts.beside += u64::from(beside);
                counts.downgraded += u64::from(of.is_some());
            });
        }
        if let Some(permits) = ledger.holds[id].permits {
            let used = ledger.permits_in_use();
            self.note(&[11, permits.into()], format_args!("one of {permits} permits"));
            self.count(|counts| {
                counts.permits += 1;
                counts.most = counts.most.max(used as u64);
                counts.last += u64::from(used == usize::from(self.setup.most_permits()));
            });
        }
        let fence = ledger.holds[id].fence;
        self.note(
            &[1, process as u64, keys, fence.unwrap_or(0)],
            format_args!("p{process} holds {keys:#b} as hold {id}, fence {fence:?}"),
        );
        self.show_grant(id, &ledger.holds[id]);
        self.check(&ledger, &Event::Granted(id));
        self.count(|counts| counts.grants += 1);
        id
    }

    /// A hold was to last for `keep` at the least, from the start of its attempt: that is as long before its deadline as it
    /// is valid, unless it was renewed since.
    pub(crate) fn keeps(&self, id: usize, valid_until: Instant, ttl: Duration, keep: Duration) {
        let valid = ttl - ttl / 100 - ms(2);
        let not_before = valid_until - valid + keep;
        let not_before = not_before.duration_since(self.start).as_micros() as u64;
        self.note(&[8, id as u64, not_before], format_args!("hold {id} is kept for {keep:?}"));
        self.ledger.lock().unwrap().holds[id].not_before = Some(not_before);
        self.count(|counts| counts.kept += 1);
    }

    pub(crate) fn announced(&self, id: usize) {
        self.note(&[2, id as u64], format_args!("hold {id} is told of its end"));
        let mut ledger = self.ledger.lock().unwrap();
        self.show_loss(&ledger, id);
        ledger.holds[id].announced = true;
    }

    pub(crate) fn ended(&self, id: usize, how: &str) {
        self.tell(&Event::Looked(id));
        self.note(&[3, id as u64], format_args!("hold {id} ends: {how}"));
        self.show_end(id, if how == "downgrade" { End::Downgraded } else { End::Released });
        let hold = &mut self.ledger.lock().unwrap().holds[id];
        (hold.lease, hold.ended) = (None, Some(self.at()));
    }

    /// The holder handed the lock over. Its lease is kept, to see whether it is lost.
    pub(crate) fn handed_over(&self, id: usize) {
        self.tell(&Event::Looked(id));
        self.note(&[9, id as u64], format_args!("hold {id} is handed over"));
        self.show_end(id, End::HandedOver);
        self.ledger.lock().unwrap().holds[id].ended = Some(self.at());
    }

    /// The holder writes to what each of its keys protects, or reads it, whether or not it still holds them.
    pub(crate) fn write(&self, id: usize) {
        let mut ledger = self.ledger.lock().unwrap();
        let Some(fence) = ledger.holds[id].fence else { return };
        let fence = redlock_core::Fence::try_from(fence).unwrap();
        let (keys, reads) = (ledger.holds[id].keys, ledger.holds[id].shared);
        for key in (0..BITS).filter(|key| keys & (1 << key) != 0) {
            let gate = &self.gates[key];
            let passed = if reads { gate.admit_read(fence) } else { gate.admit_write(fence) };
            let passed = passed.is_ok();
            self.note(
                &[4, id as u64, key as u64, passed.into()],
                format_args!("hold {id} writes to {}: {passed}", name(key)),
            );
            self.show_write(id, key, reads, passed);
            self.count(|counts| {
                counts.writes += 1;
                counts.refused_writes += u64::from(!passed);
            });
            self.check(&ledger, &Event::Wrote { hold: id, key, passed });
            if passed {
                ledger.writes.push(super::ledger::Write { key, hold: id });
            }
        }
    }

    pub(crate) fn tell(&self, event: &Event) {
        let ledger = self.ledger.lock().unwrap();
        self.check(&ledger, event);
    }

    fn check(&self, ledger: &Ledger, event: &Event) {
        let keeps = self.setup.profile.keeps_assumptions();
        for invariant in invariants::ALL {
            let Err(message) = (invariant.check)(self, ledger, event) else { continue };
            let name = invariant.name;
            self.note(&[5], format_args!("VIOLATION of {name}: {message}"));
            self.show_broken(name, &message, keeps || invariant.always);
            if keeps || invariant.always {
                let violation = Violation { invariant: name, message, at: self.at() };
                self.violations.lock().unwrap().push(violation);
            } else if name == invariants::EXCLUSION {
                self.count(|counts| counts.overlaps += 1);
            }
        }
    }
}
