//! The owner of a lock, and those who watch it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::decide::fence::Fence;
use crate::decide::handover::Handover;
use crate::decide::lease::Moment;
use crate::decide::plan::Renewal;
use crate::decide::release::Release;
use crate::driver::{self, Sweep};
use crate::error::LostReason;
use crate::error::{ExtendError, LockError};
use crate::handle::hold::Hold;
use crate::handle::queue::Turn;
use crate::handle::renewal::renew;
use crate::node::Holder;
use crate::node::key::LockKey;
use crate::node::label::Label;
use crate::node::token::Token;
use crate::telemetry::{self, Won};

/// Holds a lock, and releases it when dropped.
///
/// Dropping never blocks and never panics: the release runs in the background of the runtime the lock was
/// taken in, also when the guard is dropped on another thread, while unwinding, or after the runtime was shut
/// down (then the nodes' time to live is what frees the lock). To know the outcome, call
/// [`release`](Self::release); to wait for all of them at the end of a program,
/// [`Redlock::close`](crate::Redlock::close).
///
/// A guard proves a lock *in time*: a process that was paused past [`valid_until`](Self::valid_until) still has the
/// guard and no lock. Look at [`is_lost`](Self::is_lost) before each step that matters, or have the work stopped at the loss
/// by [`Lease::run`].
#[must_use = "the lock is released when the guard is dropped"]
pub struct LockGuard {
    lease: Lease,
    renewal: Option<AbortHandle>,
    armed: bool,
}

impl LockGuard {
    pub(crate) fn new(hold: Arc<Hold>) -> Self {
        hold.park_acquires();
        let renewal = (hold.plan.renewal == Renewal::Auto)
            .then(|| hold.claimed.background.spawn_untracked(renew(Arc::clone(&hold))));
        Self { lease: Lease(hold), renewal, armed: true }
    }

    /// Keeps the place in the line that the lock was waited for in.
    pub(crate) fn keep(&self, turn: Turn) {
        self.lease.0.keep(turn);
    }

    /// What is locked.
    pub fn key(&self) -> &LockKey {
        self.lease.key()
    }

    /// A view of the hold to hand to the work under the lock. It owns nothing.
    pub fn lease(&self) -> Lease {
        self.lease.clone()
    }

    /// See [`Lease::fence`].
    pub fn fence(&self) -> Option<Fence> {
        self.lease.fence()
    }

    /// See [`Lease::valid_until`].
    pub fn valid_until(&self) -> Instant {
        self.lease.valid_until()
    }

    /// See [`Lease::remaining`].
    pub fn remaining(&self) -> Duration {
        self.lease.remaining()
    }

    /// See [`Lease::is_lost`].
    pub fn is_lost(&self) -> bool {
        self.lease.is_lost()
    }

    /// Makes the hold last at least `ttl` from now, less the drift allowance, but no longer than
    /// [`max_hold`](crate::RedlockBuilder::max_hold). It never becomes shorter.
    ///
    /// The new deadline counts from before the request was sent, and only if a majority of nodes extended before
    /// the old deadline passed. A lock that is lost stays lost, nothing is sent for it.
    ///
    /// # Errors
    ///
    /// [`ExtendErrorKind::Lost`](crate::ExtendErrorKind::Lost) when the lock is lost;
    /// [`Unanswered`](crate::ExtendErrorKind::Unanswered) when too few nodes answered: the lock is held until its old
    /// deadline and nothing is released; [`Invalid`](crate::ExtendErrorKind::Invalid) for a time to live that is
    /// below 10 ms or above [`MAX_TTL`](crate::handle::options::MAX_TTL).
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the requests go on in the background and the local deadline stays as it was.
    pub async fn extend(&self, ttl: Duration) -> Result<(), ExtendError> {
        self.lease.0.extend(ttl).await
    }

    /// Releases the lock on all nodes and waits until it is certain that no majority holds it any more and, as far as nodes
    /// answer, whether one did until now. With [`at_least`](crate::LockOptions::at_least) it stays taken until then:
    /// [`Release::Kept`].
    ///
    /// # Errors
    ///
    /// [`LockErrorKind::Unreachable`](crate::LockErrorKind::Unreachable) when too few nodes answered within twice the
    /// node timeout. The release is then tried again in the background until the lock would have expired.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the release goes on in the background.
    pub async fn release(mut self) -> Result<Release, LockError> {
        let now = self.disarm();
        let hold = &self.lease.0;
        driver::release(hold.claimed.clone(), hold.take_acquires(), hold.leave(), now).await
    }

    /// Gives the lock away without releasing it: it stays on the nodes for the rest of its time to live, and
    /// whoever has the token can [release](crate::Redlock::release) it, from another process too. Renewal ends.
    ///
    /// With [`at_least`](crate::LockOptions::at_least) it stands for as long at the least unless it is released by its
    /// token, which frees it.
    ///
    /// `std::mem::forget` would also leave the lock to expire, but renewal would go on.
    #[must_use = "without the token the lock cannot be released before it expires"]
    pub fn leak(mut self) -> Token {
        self.stop_renewal();
        self.armed = false;
        self.lease.0.leak();
        *self.lease.0.claimed.traced.claim.token()
    }

    /// Ends the lease here and now, and gives what another holder needs to [take the lock over](crate::Redlock::take_over),
    /// in another process too.
    ///
    /// The lock is not released: it stays on the nodes until somebody takes it over, or for the rest of its time to live.
    /// Before the text exists renewal and repairs have stopped, and every [`Lease`] of this guard is lost with
    /// [`LostReason::HandedOver`]: whoever still works under one must stop. What was sent already changes nothing for the
    /// taker, whose token is another one, and its fence is larger: a late write of this holder's is refused. What is left
    /// of [`at_least`](crate::LockOptions::at_least) is the taker's: its own options say how long the lock stays taken then.
    ///
    /// A guard whose lock is lost gives a text too, with nothing [remaining](Handover::remaining).
    #[must_use = "without it the lock stays held by nobody until it expires"]
    pub fn hand_over(mut self) -> Handover {
        let remaining = self.remaining();
        if !mutant!(GiverGoesOn) {
            self.stop_renewal();
        }
        self.armed = false;
        let hold = &self.lease.0;
        hold.hand_over();
        telemetry::handed_over();
        hold.handover(remaining)
    }

    /// The guard of the same hold on shares; the leases of this one end. The line goes on when the nodes know.
    pub(in crate::handle) fn shared(mut self) -> Self {
        self.stop_renewal();
        self.armed = false;
        let (hold, turn) = self.lease.0.downgrade();
        let guard = Self::new(hold);
        let hold = Arc::clone(&guard.lease.0);
        guard.lease.0.claimed.background.spawn(async move {
            hold.share().await;
            drop(turn);
        });
        guard
    }

    /// Whether this lock was [taken over](crate::Redlock::take_over) from a holder after whom nobody held it: the work may go
    /// on where the giver left it. False for any other lock, wherever it is not certain, and without
    /// [`fencing`](crate::RedlockBuilder::fencing) of the giver and of this holder.
    pub fn continued(&self) -> bool {
        self.lease.0.continued
    }

    fn stop_renewal(&mut self) {
        if let Some(renewal) = self.renewal.take() {
            renewal.abort();
        }
    }

    /// Ends the hold here, at the moment that is given back.
    fn disarm(&mut self) -> Moment {
        let now = self.lease.0.claimed.set.clock.now();
        self.armed = false;
        if mutant!(RenewalGoesOn) {
            return now;
        }
        self.stop_renewal();
        let kept = self.lease.0.plan.at_least.is_some();
        if !(mutant!(KeepLeaseGoesOn) && kept) {
            self.lease.0.end(now, LostReason::Released);
        }
        now
    }
}

impl Won for LockGuard {
    fn remaining(&self) -> Duration {
        self.lease.remaining()
    }

    fn holder(&self) -> Holder {
        Holder::of(self.lease.0.claimed.traced.claim.value())
    }

    fn label(&self) -> Option<&Label> {
        self.lease.0.claimed.traced.claim.label()
    }

    fn fence(&self) -> Option<Fence> {
        self.lease.fence()
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        if self.armed {
            let now = self.disarm();
            telemetry::unawaited();
            let hold = &self.lease.0;
            drop(Sweep::of_lock(hold.claimed.clone(), hold.take_acquires(), hold.leave(), now));
        }
    }
}

impl fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockGuard")
            .field("key", self.key())
            .field("fence", &self.fence())
            .field("remaining", &self.remaining())
            .finish()
    }
}

/// Watches a hold: until when it is valid, and whether it is lost.
///
/// Cheap to clone and to share. A lease owns nothing: it neither prolongs the hold nor releases it.
#[derive(Clone)]
pub struct Lease(pub(in crate::handle) Arc<Hold>);

impl Lease {
    /// What is locked.
    pub fn key(&self) -> &LockKey {
        self.0.claimed.traced.claim.key()
    }

    /// The holder's number, greater than that of every earlier holder of the same resource: give it along with every
    /// write, and let the resource refuse lower ones. `None` without
    /// [`fencing`](crate::RedlockBuilder::fencing).
    ///
    /// It stays the same when the lock is renewed, and is no proof of holding: a fence may be stale, and that is for the
    /// resource to find out.
    pub fn fence(&self) -> Option<Fence> {
        self.0.fence
    }

    /// When the lock is lost if nobody renews it, on tokio's clock; the present if it is lost, for whatever reason.
    ///
    /// It is computed anew at each call: the deadline counts the time that the host was suspended, an `Instant` does
    /// not. Do not keep it over a suspension.
    pub fn valid_until(&self) -> Instant {
        let clock = &self.0.claimed.set.clock;
        clock.instant(if self.is_lost() { clock.now() } else { self.0.until() })
    }

    /// How long the lock is held if nobody renews it; zero when it is lost.
    pub fn remaining(&self) -> Duration {
        match self.0.lost_reason() {
            Some(_) => Duration::ZERO,
            None => self.0.until().since(self.0.claimed.set.clock.now()),
        }
    }

    /// Whether the lock is lost. Looks at the clock, so it is right even before any timer had a chance to fire.
    pub fn is_lost(&self) -> bool {
        self.lost_reason().is_some()
    }

    /// Why the lock is lost, if it is.
    pub fn lost_reason(&self) -> Option<LostReason> {
        self.0.lost_reason()
    }

    /// Resolves when the lock is lost: at the exact local deadline, whatever renewal is doing; at once when so many
    /// nodes answer to an extension that they no longer hold it that the rest is no majority; or when the guard releases it.
    /// Nodes that fail or do not answer are no reason.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn lost(&self) -> LostReason {
        self.0.lost().await
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("key", self.key())
            .field("fence", &self.fence())
            .field("remaining", &self.remaining())
            .field("lost", &self.lost_reason())
            .finish()
    }
}

const _: fn() = || {
    fn send_sync<T: Send + Sync + 'static>() {}
    send_sync::<LockGuard>();
    send_sync::<Lease>();
};
