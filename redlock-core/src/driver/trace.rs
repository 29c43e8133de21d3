//! What is known about a claim across the tasks that work on it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::decide::keep::Keeping;
use crate::decide::lease::Moment;
use crate::node::{Claim, FaultClass, NodeError, Vote};

/// A node's answer to acquire.
pub(crate) type Answer = Result<Vote, NodeError>;

/// What is known about a claim across the tasks that work on it.
#[derive(Debug)]
pub(crate) struct Trace {
    /// A bit per node to which an acquire may have been sent.
    touched: AtomicU64,
    /// A bit per node on which an acquire's fate became unknown.
    unsure: AtomicU64,
    /// A bit per node that answered the last acquire with a no: nothing stands there.
    refused: AtomicU64,
    /// A bit per node that was given the claim back and whose counters may be below the holder's fence.
    low: AtomicU64,
    /// Set before the first release is sent; an acquire that comes back later must be undone by whoever drives it.
    released: AtomicBool,
    /// How long nodes keep the claim, as last asked for.
    ttl_micros: AtomicU64,
    /// Of the holder no more than the token is known: the label may be another one.
    by_token: bool,
    /// Of a lock that was had, and is to stay taken for a while after its end.
    keeping: OnceLock<Keeping>,
    /// It was left to whoever takes over, and so was what is left of that while.
    given_up: AtomicBool,
    /// What was claimed whole is shared since.
    downgraded: AtomicBool,
}

impl Trace {
    pub(crate) fn new(ttl: Duration) -> Self {
        let trace = Self {
            touched: AtomicU64::new(0),
            unsure: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            low: AtomicU64::new(0),
            released: AtomicBool::new(false),
            ttl_micros: AtomicU64::new(0),
            by_token: false,
            keeping: OnceLock::new(),
            given_up: AtomicBool::new(false),
            downgraded: AtomicBool::new(false),
        };
        trace.asked_for(ttl);
        trace
    }

    /// A claim of which nothing is known but that it may stand anywhere, with whatever label.
    pub(crate) fn anywhere() -> Self {
        let trace = Self { by_token: true, ..Self::new(Duration::ZERO) };
        trace.touched.store(u64::MAX, Ordering::SeqCst);
        trace
    }

    pub(super) fn is_by_token(&self) -> bool {
        self.by_token
    }

    pub(super) fn touch(&self, index: usize) {
        self.touched.fetch_or(1 << index, Ordering::SeqCst);
        self.refused.fetch_and(!(1 << index), Ordering::SeqCst);
    }

    pub(super) fn refuse(&self, index: usize) {
        self.refused.fetch_or(1 << index, Ordering::SeqCst);
    }

    pub(super) fn is_refused(&self, index: usize) -> bool {
        self.refused.load(Ordering::SeqCst) & (1 << index) != 0
    }

    pub(super) fn touched(&self, index: usize) -> bool {
        self.touched.load(Ordering::SeqCst) & (1 << index) != 0
    }

    /// An acquire's fate on the node became unknown.
    pub(super) fn doubt(&self, index: usize) {
        self.unsure.fetch_or(1 << index, Ordering::SeqCst);
    }

    pub(super) fn unsure(&self, index: usize) -> bool {
        self.unsure.load(Ordering::SeqCst) & (1 << index) != 0
    }

    pub(super) fn is_low(&self, index: usize) -> bool {
        self.low.load(Ordering::SeqCst) & (1 << index) != 0
    }

    pub(super) fn set_low(&self, index: usize, low: bool) {
        if low {
            self.low.fetch_or(1 << index, Ordering::SeqCst);
        } else {
            self.low.fetch_and(!(1 << index), Ordering::SeqCst);
        }
    }

    pub(crate) fn asked_for(&self, ttl: Duration) {
        let micros = u64::try_from(ttl.as_micros()).unwrap_or(u64::MAX);
        self.ttl_micros.fetch_max(micros, Ordering::SeqCst);
    }

    pub(super) fn ttl(&self) -> Duration {
        Duration::from_micros(self.ttl_micros.load(Ordering::SeqCst))
    }

    /// The attempt was won: from now on the claim's ends are those of a held lock.
    pub(crate) fn keeps(&self, keeping: Keeping) {
        // There is one, made by the hold.
        let _ = self.keeping.set(keeping);
    }

    /// How long a node is to keep the claim that is sent its end at `now`, if at all.
    pub(super) fn rest(&self, now: Moment) -> Option<Duration> {
        self.keeping.get().filter(|_| self.may_keep())?.rest(now)
    }

    /// Whether ends of the claim may have to keep it.
    pub(super) fn may_keep(&self) -> bool {
        // Who shares lets others in, whatever was promised before.
        let ended = self.given_up.load(Ordering::SeqCst) || self.is_downgraded();
        self.keeping.get().is_some() && !ended
    }

    /// Somebody else takes over: what comes back to the claim is released, and nothing kept.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::SeqCst);
        self.release();
    }

    /// The claim is on shares from now on. Where it stands whole it will be made one.
    pub(crate) fn downgrade(&self) {
        self.downgraded.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_downgraded(&self) -> bool {
        self.downgraded.load(Ordering::SeqCst)
    }

    /// The first release is about to be sent.
    pub(super) fn release(&self) {
        self.released.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_released(&self) -> bool {
        self.released.load(Ordering::SeqCst)
    }
}

/// Whether a claim may stand on a node that gave this answer to acquire.
pub(super) fn may_stand(answer: &Answer) -> bool {
    match answer {
        Ok(Vote::Granted { .. } | Vote::Swapped { .. } | Vote::AlreadyOurs) => true,
        Ok(Vote::Held { .. } | Vote::Shared { .. } | Vote::Warming { .. }) => false,
        Err(error) => error.class() == FaultClass::Unknown,
    }
}

/// Whether nothing is learned from an answer to acquire that came after the verdict.
pub(crate) fn tells_nothing(answer: &Answer) -> bool {
    matches!(answer, Ok(Vote::Granted { fence: None }))
}

/// A claim with what is known about it.
#[derive(Debug, Clone)]
pub(crate) struct Traced {
    pub(crate) claim: Claim,
    pub(crate) trace: Arc<Trace>,
}

impl Traced {
    /// The same hold, on shares from now on.
    pub(crate) fn downgraded(&self) -> Self {
        self.trace.downgrade();
        Self { claim: self.claim.clone().shared(), trace: Arc::clone(&self.trace) }
    }

    /// The claim that takes back what was sent for it: whoever sent an acquire before a downgrade may be the last to look
    /// after it.
    pub(super) fn to_release(&self) -> Claim {
        if self.trace.is_downgraded() { self.claim.clone().shared() } else { self.claim.clone() }
    }
}
