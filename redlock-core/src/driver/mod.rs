//! The only part that awaits nodes: fan-out, early verdict, and the clean-up of what nobody waits for.
//!
//! Whatever is sent is driven to completion, and whatever may have been taken and is not held is released:
//!
//! - an [`Attempt`] whose nodes gave different fencing numbers raises them before it counts as won;
//! - an [`Attempt`] that fails, or is dropped at any await, becomes a [`Sweep`];
//! - requests that are still out when an attempt is won go with the lock's release, or are looked after by the
//!   [stragglers'](stragglers) task;
//! - a sweep releases on all nodes at once, and again where its release was overtaken by an acquire.

mod attempt;
mod extension;
mod fan_out;
mod hints;
mod inspection;
mod members;
pub(crate) mod stragglers;
mod sweep;
mod wake;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

pub(crate) use attempt::{Attempt, Failure, Granted};
pub(crate) use extension::extend;
#[cfg(feature = "testing")]
pub(crate) use fan_out::Wrapper;
pub(crate) use fan_out::{Background, FanOut};
pub(crate) use inspection::inspect;
pub(crate) use members::NodeSet;
pub(crate) use sweep::{Sweep, release};
pub(crate) use wake::Waiter;

use crate::node::{Claim, NodeError, Vote};

/// A node's answer to acquire.
pub(crate) type Answer = Result<Vote, NodeError>;

/// What is known about a claim across the tasks that work on it.
#[derive(Debug)]
pub(crate) struct Trace {
    /// A bit per node to which an acquire may have been sent.
    touched: AtomicU64,
    /// A bit per node on which an acquire's fate became unknown.
    unsure: AtomicU64,
    /// A bit per node that was given the claim back and whose counters may be below the holder's fence.
    low: AtomicU64,
    /// Set before the first release is sent; an acquire that comes back later must be undone by whoever drives it.
    released: AtomicBool,
    /// How long nodes keep the claim, as last asked for.
    ttl_micros: AtomicU64,
}

impl Trace {
    pub(crate) fn new(ttl: Duration) -> Self {
        let trace = Self {
            touched: AtomicU64::new(0),
            unsure: AtomicU64::new(0),
            low: AtomicU64::new(0),
            released: AtomicBool::new(false),
            ttl_micros: AtomicU64::new(0),
        };
        trace.asked_for(ttl);
        trace
    }

    /// A claim of which nothing is known but that it may stand anywhere.
    pub(crate) fn anywhere() -> Self {
        let trace = Self::new(Duration::ZERO);
        trace.touched.store(u64::MAX, Ordering::SeqCst);
        trace
    }

    fn touch(&self, index: usize) {
        self.touched.fetch_or(1 << index, Ordering::SeqCst);
    }

    fn touched(&self, index: usize) -> bool {
        self.touched.load(Ordering::SeqCst) & (1 << index) != 0
    }

    fn unsure(&self, index: usize) -> bool {
        self.unsure.load(Ordering::SeqCst) & (1 << index) != 0
    }

    fn is_low(&self, index: usize) -> bool {
        self.low.load(Ordering::SeqCst) & (1 << index) != 0
    }

    fn set_low(&self, index: usize, low: bool) {
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

    fn ttl(&self) -> Duration {
        Duration::from_micros(self.ttl_micros.load(Ordering::SeqCst))
    }

    fn is_released(&self) -> bool {
        self.released.load(Ordering::SeqCst)
    }
}

/// Whether a claim may stand on a node that gave this answer to acquire.
fn may_stand(answer: &Answer) -> bool {
    match answer {
        Ok(Vote::Granted { .. } | Vote::AlreadyOurs) => true,
        Ok(Vote::Held { .. } | Vote::Warming { .. }) => false,
        Err(error) => error.class() == crate::node::FaultClass::Unknown,
    }
}

/// A claim with what is known about it.
#[derive(Debug, Clone)]
pub(crate) struct Traced {
    pub(crate) claim: Claim,
    pub(crate) trace: std::sync::Arc<Trace>,
}
