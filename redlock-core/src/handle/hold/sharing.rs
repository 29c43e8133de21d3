//! A hold that others may share from now on.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::Notify;

use super::Hold;
use crate::decide::plan::Plan;
use crate::decide::quorum::Answer;
use crate::driver::{self, Claimed};
use crate::error::LostReason;
use crate::handle::queue::Turn;
use crate::node::Mode;
use crate::telemetry::Holding;

impl Hold {
    /// Ends the hold here, and gives one of the same deadline that shares what this one had alone; and the turn, to pass it
    /// on when the nodes know.
    pub(crate) fn downgrade(&self) -> (Arc<Self>, Option<Turn>) {
        let term = self.term().clone();
        let traced = self.claimed.traced.downgraded();
        let shared = Arc::new(Self {
            claimed: Claimed { traced, ..self.claimed.clone() },
            plan: Plan { mode: Mode::Shared, at_least: None, ..self.plan },
            granted: self.granted,
            fence: self.fence,
            continued: false,
            acquires: Mutex::new(self.take_acquires()),
            leaked: AtomicBool::new(false),
            turn: Mutex::new(None),
            leaving: Mutex::new(None),
            term: Mutex::new(term),
            changed: Notify::new(),
            cancellation: OnceLock::new(),
            holding: Holding::new(),
        });
        self.end(self.claimed.set.clock.now(), LostReason::Downgraded);
        (shared, self.take_turn())
    }

    /// Makes shares of what stands whole, without a new deadline. Whatever it does not reach the next extension makes one.
    pub(crate) async fn share(self: &Arc<Self>) {
        let left = self.until().since(self.claimed.set.clock.now());
        if left.is_zero() || self.lost_reason().is_some() {
            return;
        }
        let terms = self.terms(left);
        let round = driver::extend(&self.claimed, terms).await;
        if round.answer == Answer::No {
            self.end(self.claimed.set.clock.now(), LostReason::Stolen);
            return;
        }
        let hold = Arc::clone(self);
        round.repair(&self.claimed, terms, move || hold.lost_reason().is_none());
    }
}
