//! What a guard, its leases and its renewal share.

mod sharing;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Context;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::decide::fence::Fence;
use crate::decide::keep::Keeping;
use crate::decide::lease::{Moment, Term};
use crate::decide::plan::Plan;
use crate::decide::quorum::Answer;
use crate::driver::{
    self, Answer as Acquired, Background, Claimed, FanOut, Granted, Keeps, NodeSet, WhenSent,
};
use crate::error::LostReason;
use crate::error::{ExtendError, ExtendErrorKind, NodeReport};
use crate::handle::queue::{Holds, Turn};
use crate::node::Terms;
use crate::telemetry::{Extending, Held, Holding};

/// Longest sleep towards a deadline: a timer does not run while the host is suspended, so the clock is looked
/// at again now and then.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) claimed: Claimed,
    pub(crate) plan: Plan,
    /// Before the first request of the attempt that was granted.
    pub(crate) granted: Moment,
    pub(crate) fence: Option<Fence>,
    pub(crate) continued: bool,
    /// Acquires that were not answered when the lock was won, until somebody looks after them.
    acquires: Mutex<Option<FanOut<Acquired>>>,
    /// Whoever has the token releases it: what it lacks on a node is not given back any more.
    leaked: AtomicBool,
    /// The place in the line of those who wait for the key here.
    turn: Mutex<Option<Turn>>,
    /// The same, once the release is under way: it is passed on when that was sent.
    leaving: Mutex<Option<Turn>>,
    term: Mutex<Term>,
    changed: Notify,
    /// Cancelled at the loss, where somebody asked for it.
    cancellation: OnceLock<CancellationToken>,
    holding: Holding,
}

/// A lock that was leaked, or whose guard was forgotten by its runtime.
impl Drop for Hold {
    fn drop(&mut self) {
        self.adopt_acquires();
        self.holding.over(&self.told(), None);
    }
}

impl Hold {
    pub(crate) fn new(
        set: Arc<NodeSet>,
        background: Background,
        plan: Plan,
        granted: Granted,
    ) -> Arc<Self> {
        if let Some(at_least) = plan.at_least {
            granted.traced.trace.keeps(Keeping::new(granted.t0, at_least, plan.drift));
        }
        Arc::new(Self {
            claimed: Claimed {
                set,
                background,
                traced: granted.traced,
                node_timeout: plan.node_timeout,
            },
            plan,
            granted: granted.t0,
            fence: granted.fence,
            continued: granted.continued,
            acquires: Mutex::new(Some(granted.acquires).filter(|acquires| !acquires.is_empty())),
            leaked: AtomicBool::new(false),
            turn: Mutex::new(None),
            leaving: Mutex::new(None),
            term: Mutex::new(granted.term),
            changed: Notify::new(),
            cancellation: OnceLock::new(),
            holding: Holding::new(),
        })
    }

    fn told(&self) -> Held<'_> {
        Held {
            told: &*self.claimed.set,
            granted: self.granted,
            claim: &self.claimed.traced.claim,
            fence: self.fence,
        }
    }

    /// Has the acquires that were not answered yet looked after, if there are any.
    pub(crate) fn park_acquires(self: &Arc<Self>) {
        let Claimed { set, background, .. } = &self.claimed;
        let over = {
            let mut acquires = self.acquires.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(rest) = &*acquires else { return };
            rest.are_there(|_, answer| driver::tells_nothing(answer)).then(|| acquires.take())
        };
        // Unlocked: what is of another runtime than the task that looks after them is taken out and goes on at once.
        if over.is_some() {
            driver::look_on(set, background);
        } else {
            driver::park_acquires(set, background, Arc::downgrade(self) as _);
        }
    }

    /// The acquires that were not answered yet, to look after them.
    pub(crate) fn take_acquires(&self) -> Option<FanOut<Acquired>> {
        self.acquires.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Has the acquires that were not answered yet driven on their own.
    pub(crate) fn adopt_acquires(&self) {
        if let Some(acquires) = self.take_acquires() {
            driver::adopt(&self.claimed, acquires);
        }
    }

    /// Keeps the turn for as long as the lock is held.
    pub(crate) fn keep(self: &Arc<Self>, turn: Turn) {
        turn.keep(&(Arc::downgrade(self) as _), self.until());
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = Some(turn);
    }

    /// The turn, to pass it on.
    pub(crate) fn take_turn(&self) -> Option<Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Has the turn passed on when the release is [sent](WhenSent::sent).
    pub(crate) fn leave(self: &Arc<Self>) -> Option<Arc<dyn WhenSent>> {
        let turn = self.take_turn()?;
        *self.leaving.lock().unwrap_or_else(PoisonError::into_inner) = Some(turn);
        Some(Arc::clone(self) as _)
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
        self.lost_at(self.claimed.set.clock.now())
    }

    fn lost_at(&self, now: Moment) -> Option<LostReason> {
        let reason = self.term().lost(now);
        if reason.is_some() {
            self.holding.over(&self.told(), reason);
        }
        reason
    }

    /// Resolves when the lock is lost. Cancel safe.
    pub(crate) async fn lost(&self) -> LostReason {
        loop {
            if let Some(reason) = self.nears(Duration::ZERO).await {
                return reason;
            }
        }
    }

    /// Resolves when the lock is lost, or no more than `rest` is left until then. Cancel safe.
    pub(crate) async fn nears(&self, rest: Duration) -> Option<LostReason> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the look, so that no change in between is missed.
            changed.as_mut().enable();
            let now = self.claimed.set.clock.now();
            if let Some(reason) = self.lost_at(now) {
                return Some(reason);
            }
            let left = self.until().since(now).saturating_sub(rest);
            if left.is_zero() {
                return None;
            }
            let late = mutant!(LostLate, LONGEST_SLEEP, Duration::ZERO);
            tokio::select! {
                biased;
                () = &mut changed => {}
                () = tokio::time::sleep(left.min(LONGEST_SLEEP) + late) => {}
            }
        }
    }

    /// Cancelled when the lock is lost, by one task for all who ask, which ends then. Where its runtime ends before, nobody
    /// watches any more: it is cancelled too.
    pub(crate) fn cancellation(self: &Arc<Self>) -> &CancellationToken {
        let token = self.cancellation.get_or_init(|| {
            let token = CancellationToken::new();
            let (hold, cancel) = (Arc::clone(self), token.clone().drop_guard());
            self.claimed.background.spawn_untracked(async move {
                hold.lost().await;
                drop(cancel);
            });
            token
        });
        if self.lost_reason().is_some() {
            token.cancel();
        }
        token
    }

    /// Gives the lock away.
    pub(crate) fn leak(&self) {
        self.leaked.store(true, Ordering::SeqCst);
        self.holding.over(&self.told(), None);
        drop(self.take_turn());
    }

    /// Ends the hold here, and leaves what stands on the nodes to whoever takes over.
    pub(crate) fn hand_over(&self) {
        if !mutant!(GiverGoesOn) {
            self.end(self.claimed.set.clock.now(), LostReason::HandedOver);
        }
        driver::give_up(&self.claimed, self.take_acquires());
        drop(self.take_turn());
    }

    /// What nodes are told of the hold, for `ttl`.
    fn terms(&self, ttl: Duration) -> Terms {
        let tells = self.claimed.set.tells;
        self.plan.terms(ttl, self.fence.map(Fence::get)).telling(tells)
    }

    fn leaked(&self) -> bool {
        self.leaked.load(Ordering::SeqCst)
    }

    /// Ends the hold for everybody who watches it.
    pub(crate) fn end(&self, now: Moment, reason: LostReason) {
        let reason = {
            let mut term = self.term();
            term.end(now, reason);
            term.lost(now)
        };
        self.holding.over(&self.told(), reason);
        self.changed.notify_waiters();
    }

    /// For how long renewal has been due.
    pub(crate) fn overdue(&self) -> Duration {
        self.term().overdue(self.claimed.set.clock.now(), self.plan.ttl)
    }

    pub(crate) fn renewable(&self) -> bool {
        self.term().renewable()
    }

    /// One round of extending. Cancel safe: the deadline moves only if this returns.
    pub(crate) async fn extend(self: &Arc<Self>, ttl: Duration) -> Result<(), ExtendError> {
        let extending = Extending::begin();
        let result = self.extend_once(ttl).await;
        extending.ended(&self.told(), &result);
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
        let terms = self.terms(ttl);
        let mut round = driver::extend(&self.claimed, terms).await;
        let nodes = std::mem::take(&mut round.nodes);
        let now = self.claimed.set.clock.now();
        match round.answer {
            Answer::Yes => {
                let extended = self.term().extended(round.t1, now, ttl);
                match extended {
                    Ok(()) => {
                        self.changed.notify_waiters();
                        let hold = Arc::clone(self);
                        round.repair(&self.claimed, terms, move || {
                            hold.lost_reason().is_none() && !hold.leaked()
                        });
                        Ok(())
                    }
                    Err(reason) => fail(ExtendErrorKind::Lost(reason), nodes),
                }
            }
            Answer::No => {
                self.end(now, LostReason::Stolen);
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

impl Keeps for Hold {
    fn look_after(&self, cx: &mut Context<'_>) {
        if let Some(acquires) = self.take_acquires() {
            driver::look_after(&self.claimed, acquires, cx);
        }
    }

    fn go_on(&self) {
        self.adopt_acquires();
    }
}

impl WhenSent for Hold {
    fn sent(&self) {
        let turn = self.leaving.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(turn);
    }
}

impl Holds for Hold {
    fn until(&self) -> Moment {
        self.term().until()
    }

    fn is_over(&self) -> bool {
        self.lost_reason().is_some()
    }
}
