//! What a run looks like: marks for its timeline, which are recorded beside the trace and change nothing of it.

use redlock_core::faults::{Misbehaviour, Verb};

use super::ledger::{Hold, Ledger};
use super::timeline::{End, Mode, What};
use super::world::{BITS, FOREIGN, FOREIGN_BIT, World, name};

impl World {
    /// Records a mark, in runs that are told of.
    pub(crate) fn mark(&self, at: u64, what: impl FnOnce() -> What) {
        self.trace.lock().unwrap().mark(at, what);
    }

    /// The lane of a node: those of the processes and of the newcomer are above.
    pub(crate) fn lane_of(&self, node: usize) -> usize {
        self.setup.processes + 1 + node
    }

    pub(crate) fn show_grant(&self, id: usize, hold: &Hold) {
        let lease = hold.lease.iter();
        lease.for_each(|lease| self.trace.lock().unwrap().watch(self.at(), id, lease));
        self.mark(self.at(), || What::Held {
            hold: id,
            lane: hold.process,
            keys: names(hold.keys),
            fence: hold.fence,
            mode: match hold {
                Hold { shared: true, .. } => Mode::Share,
                Hold { permits: Some(_), .. } => Mode::Permit,
                _ => Mode::Alone,
            },
        });
    }

    /// The lease was over, as its own clock has it.
    pub(crate) fn show_loss(&self, ledger: &Ledger, id: usize) {
        let hold = &ledger.holds[id];
        let until = self.trace.lock().unwrap().watched(id);
        if hold.ended.is_none()
            && let (Some(lease), Some(until)) = (&hold.lease, until)
            && lease.is_lost()
        {
            self.mark(until.min(self.at()), || What::Ended { hold: id, how: End::Lost });
        }
    }

    /// The holder ends it, whatever its lease is worth.
    pub(crate) fn show_end(&self, id: usize, how: End) {
        // What is handed over is the giver's no longer when this is told, and it is not the lease that ended it.
        if how != End::HandedOver {
            self.show_loss(&self.ledger.lock().unwrap(), id);
        }
        self.mark(self.at(), || What::Ended { hold: id, how });
    }

    pub(crate) fn show_write(&self, id: usize, key: usize, reads: bool, passed: bool) {
        if passed {
            self.mark(self.at(), || What::Wrote { hold: id });
        } else {
            let done = if reads { "read of" } else { "write to" };
            let what = || format!("{done} {} refused", name(key));
            self.mark(self.at(), || What::Refused { hold: id, what: what() });
        }
    }

    pub(crate) fn show_broken(&self, rule: &str, message: &str, promised: bool) {
        self.mark(self.at(), || What::Broken {
            rule: format!("{rule} is broken"),
            message: message.to_owned(),
            holds: holds_named(message),
            promised,
        });
    }
}

fn names(keys: u8) -> Vec<String> {
    let own = (0..BITS).filter(|bit| keys & (1 << bit) != 0).map(name);
    own.chain((keys & FOREIGN_BIT != 0).then(|| FOREIGN.to_owned())).collect()
}

/// Every `hold N` of a text.
fn holds_named(message: &str) -> Vec<usize> {
    let words: Vec<&str> = message.split(|c: char| !c.is_alphanumeric()).collect();
    let pairs = words.windows(2).filter(|pair| pair[0] == "hold");
    let mut holds: Vec<usize> = pairs.filter_map(|pair| pair[1].parse().ok()).collect();
    holds.sort_unstable();
    holds.dedup();
    holds
}

/// The mark of a message, if it does not go as it should.
pub(crate) fn message(
    (process, node, lane): (usize, usize, usize),
    verb: Verb,
    fate: &[Misbehaviour],
    timeout: std::time::Duration,
) -> Option<What> {
    use Misbehaviour::{SlowReply, SlowRequest};
    let bad = fate.iter().find(|one| match one {
        SlowRequest(delay) | SlowReply(delay) => *delay >= timeout,
        _ => true,
    })?;
    let slow = matches!(bad, SlowRequest(_) | SlowReply(_));
    Some(What::Message { lane, slow, what: format!("p{process} to n{node}, {verb:?}: {bad:?}") })
}
