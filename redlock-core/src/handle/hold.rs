//! What a guard, its leases and its renewal share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::driver::stragglers::adopt;
use crate::driver::{self, Answer as Acquired, Background, FanOut, Granted, NodeSet, Traced};
use crate::error::{ExtendError, ExtendErrorKind, NodeReport};
use crate::fence::Fence;
use crate::lease::{LostReason, Moment, Term};
use crate::options::Plan;
use crate::queue::Turn;
use crate::quorum::Answer;
use crate::telemetry::{Extending, Holding};

/// Longest sleep towards a deadline: a timer does not run while the host is suspended, so the clock is looked
/// at again now and then.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) set: Arc<NodeSet>,
    pub(crate) background: Background,
    pub(crate) traced: Traced,
    pub(crate) plan: Plan,
    /// Before the first request of the attempt that was granted.
    pub(crate) granted: Moment,
    pub(crate) fence: Option<Fence>,
    /// Acquires that were not answered when the lock was won, until somebody looks after them.
    acquires: Mutex<Option<FanOut<Acquired>>>,
    /// Whoever has the token releases it: what it lacks on a node is not given back any more.
    leaked: AtomicBool,
    /// The place in the line of those who wait for the key here.
    turn: Mutex<Option<Turn>>,
    term: Mutex<Term>,
    changed: Notify,
    holding: Holding,
}

/// A lock that was leaked, or whose guard was forgotten by its runtime.
impl Drop for Hold {
    fn drop(&mut self) {
        self.adopt_acquires();
        self.holding.over(self, None);
    }
}

impl Hold {
    pub(crate) fn new(
        set: Arc<NodeSet>,
        background: Background,
        plan: Plan,
        granted: Granted,
    ) -> Self {
        Self {
            set,
            background,
            traced: granted.traced,
            plan,
            granted: granted.t0,
            fence: granted.fence,
            acquires: Mutex::new(Some(granted.acquires).filter(|acquires| !acquires.is_empty())),
            leaked: AtomicBool::new(false),
            turn: Mutex::new(None),
            term: Mutex::new(granted.term),
            changed: Notify::new(),
            holding: Holding::new(),
        }
    }

    pub(crate) fn has_acquires(&self) -> bool {
        self.acquires.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The acquires that were not answered yet, to look after them.
    pub(crate) fn take_acquires(&self) -> Option<FanOut<Acquired>> {
        self.acquires.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Has the acquires that were not answered yet driven on their own.
    pub(crate) fn adopt_acquires(&self) {
        if let Some(acquires) = self.take_acquires() {
            let (traced, timeout) = (&self.traced, self.plan.node_timeout);
            adopt(&self.set, &self.background, traced, acquires, timeout);
        }
    }

    /// Keeps the turn for as long as the lock is held.
    pub(crate) fn keep(self: &Arc<Self>, turn: Turn) {
        turn.keep(self);
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = Some(turn);
    }

    /// The turn, to pass it on.
    pub(crate) fn take_turn(&self) -> Option<Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn term(&self) -> MutexGuard<'_, Term> {
        self.term.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn until(&self) -> Moment {
        self.term().until()
    }

    /// Why the lock is lost, if it is. Looks at the clock, so it is right even before any timer had a chance to
    /// fire, such as when the process was stopped.
    pub(crate) fn lost_reason(&self) -> Option<LostReason> {
        self.lost_at(self.set.clock.now())
    }

    fn lost_at(&self, now: Moment) -> Option<LostReason> {
        let reason = self.term().lost(now);
        if reason.is_some() {
            self.holding.over(self, reason);
        }
        reason
    }

    /// Resolves when the lock is lost. Cancel safe.
    pub(crate) async fn lost(&self) -> LostReason {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the look, so that no change in between is missed.
            changed.as_mut().enable();
            let now = self.set.clock.now();
            if let Some(reason) = self.lost_at(now) {
                return reason;
            }
            let until = self.until();
            let late = mutant!(LostLate, LONGEST_SLEEP, Duration::ZERO);
            tokio::select! {
                biased;
                () = &mut changed => {}
                () = tokio::time::sleep(until.since(now).min(LONGEST_SLEEP) + late) => {}
            }
        }
    }

    /// Gives the lock away.
    pub(crate) fn leak(&self) {
        self.leaked.store(true, Ordering::SeqCst);
        self.holding.over(self, None);
        drop(self.take_turn());
    }

    fn leaked(&self) -> bool {
        self.leaked.load(Ordering::SeqCst)
    }

    /// Ends the hold for everybody who watches it.
    pub(crate) fn end(&self, reason: LostReason) {
        let now = self.set.clock.now();
        let reason = {
            let mut term = self.term();
            term.end(now, reason);
            term.lost(now)
        };
        self.holding.over(self, reason);
        self.changed.notify_waiters();
    }

    pub(crate) fn renewable(&self) -> bool {
        self.term().renewable()
    }

    /// One round of extending. Cancel safe: the deadline moves only if this returns.
    pub(crate) async fn extend(self: &Arc<Self>, ttl: Duration) -> Result<(), ExtendError> {
        let extending = Extending::begin();
        let result = self.extend_once(ttl).await;
        extending.ended(self, &result);
        result
    }

    async fn extend_once(self: &Arc<Self>, ttl: Duration) -> Result<(), ExtendError> {
        let fail = |kind, nodes: Vec<NodeReport>| Err(ExtendError::new(kind, nodes));
        if let Err(error) = self.plan.check_ttl(ttl) {
            return fail(ExtendErrorKind::Invalid(error), Vec::new());
        }
        if let Some(reason) = self.lost_reason() {
            return fail(ExtendErrorKind::Lost(reason), Vec::new());
        }
        let node_timeout = self.plan.node_timeout;
        let terms = self.plan.terms(ttl, self.fence.map(Fence::get));
        let mut round =
            driver::extend(&self.set, &self.background, &self.traced, terms, node_timeout).await;
        let nodes = std::mem::take(&mut round.nodes);
        let now = self.set.clock.now();
        match round.answer {
            Answer::Yes => {
                let extended = self.term().extended(round.t1, now, ttl);
                match extended {
                    Ok(()) => {
                        self.changed.notify_waiters();
                        let hold = Arc::clone(self);
                        round.repair(
                            &self.set,
                            &self.background,
                            &self.traced,
                            terms,
                            node_timeout,
                            move || hold.lost_reason().is_none() && !hold.leaked(),
                        );
                        Ok(())
                    }
                    Err(reason) => fail(ExtendErrorKind::Lost(reason), nodes),
                }
            }
            Answer::No => {
                self.end(LostReason::Stolen);
                drop(self.take_turn());
                let reason = self.lost_reason().unwrap_or(LostReason::Stolen);
                fail(ExtendErrorKind::Lost(reason), nodes)
            }
            Answer::Open => {
                self.term().unanswered(now);
                match self.lost_reason() {
                    Some(reason) => fail(ExtendErrorKind::Lost(reason), nodes),
                    None => fail(ExtendErrorKind::Unanswered, nodes),
                }
            }
        }
    }
}
