//! The owner of a lock, and those who watch it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::driver::stragglers::park_acquires;
use crate::driver::{self, Sweep};
use crate::error::{ExtendError, LockError};
use crate::fence::Fence;
use crate::hold::Hold;
use crate::key::LockKey;
use crate::lease::LostReason;
use crate::options::Renewal;
use crate::queue::Turn;
use crate::renewal::renew;
use crate::telemetry;
use crate::token::Token;

/// What a release found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Release {
    /// A majority of nodes held the lock until now.
    Released,
    /// The lock had expired or was lost before. That is no error: it is free, or somebody else's.
    AlreadyGone,
}

/// Holds a lock, and releases it when dropped.
///
/// Dropping never blocks and never panics: the release runs in the background of the runtime the lock was
/// taken in, also when the guard is dropped on another thread, while unwinding, or after the runtime was shut
/// down (then the nodes' time to live is what frees the lock). To know the outcome, call
/// [`release`](Self::release); to wait for all of them at the end of a program,
/// [`Redlock::close`](crate::Redlock::close).
///
/// A guard proves a lock *in time*: a process that was paused past [`valid_until`](Self::valid_until) still has the
/// guard and no lock. Look at [`is_lost`](Self::is_lost) before each step that matters, or race the work against
/// [`Lease::lost`].
#[must_use = "the lock is released when the guard is dropped"]
pub struct LockGuard {
    lease: Lease,
    renewal: Option<AbortHandle>,
    armed: bool,
}

impl LockGuard {
    pub(crate) fn new(hold: Hold) -> Self {
        let hold = Arc::new(hold);
        if hold.has_acquires() {
            park_acquires(&hold);
        }
        let renewal = (hold.plan.renewal == Renewal::Auto)
            .then(|| hold.background.spawn_untracked(renew(Arc::clone(&hold))));
        Self { lease: Lease(hold), renewal, armed: true }
    }

    /// Keeps the place in the line that the lock was waited for in.
    pub(crate) fn keep(&self, turn: Turn) {
        self.lease.0.keep(turn);
    }

    /// The token's fingerprint, which inspections show too.
    #[cfg(feature = "tracing")]
    pub(crate) fn holder(&self) -> crate::node::Holder {
        crate::node::Holder::of(self.lease.0.traced.claim.token().as_bytes())
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

    /// Makes the hold last at least `ttl` from now, less the drift allowance. It never becomes shorter.
    ///
    /// The new deadline counts from before the request was sent, and only if a majority of nodes extended before
    /// the old deadline passed. A lock that is lost stays lost, nothing is sent for it.
    ///
    /// # Errors
    ///
    /// [`ExtendErrorKind::Lost`](crate::ExtendErrorKind::Lost) when the lock is lost;
    /// [`Unanswered`](crate::ExtendErrorKind::Unanswered) when too few nodes answered: the lock is held until its old
    /// deadline and nothing is released; [`Invalid`](crate::ExtendErrorKind::Invalid) for a time to live that is
    /// below 10 ms or above [`MAX_TTL`](crate::options::MAX_TTL).
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the requests go on in the background and the local deadline stays as it was.
    pub async fn extend(&self, ttl: Duration) -> Result<(), ExtendError> {
        self.lease.0.extend(ttl).await
    }

    /// Releases the lock on all nodes and waits until a majority has confirmed it.
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
        self.disarm();
        let hold = &self.lease.0;
        let release = driver::release(
            &hold.set,
            &hold.background,
            hold.traced.clone(),
            hold.take_acquires(),
            hold.take_turn(),
            hold.plan.node_timeout,
        );
        Ok(if release.await? { Release::Released } else { Release::AlreadyGone })
    }

    /// Gives the lock away without releasing it: it stays on the nodes for the rest of its time to live, and
    /// whoever has the token can [release](crate::Redlock::release) it, from another process too. Renewal ends.
    ///
    /// `std::mem::forget` would also leave the lock to expire, but renewal would go on.
    #[must_use = "without the token the lock cannot be released before it expires"]
    pub fn leak(mut self) -> Token {
        self.stop_renewal();
        self.armed = false;
        self.lease.0.leak();
        *self.lease.0.traced.claim.token()
    }

    fn stop_renewal(&mut self) {
        if let Some(renewal) = self.renewal.take() {
            renewal.abort();
        }
    }

    fn disarm(&mut self) {
        if mutant!(RenewalGoesOn) {
            self.armed = false;
            return;
        }
        self.stop_renewal();
        self.armed = false;
        self.lease.0.end(LostReason::Released);
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        if self.armed {
            self.disarm();
            telemetry::unawaited();
            let hold = &self.lease.0;
            drop(Sweep::of_lock(
                &hold.set,
                &hold.background,
                hold.traced.clone(),
                hold.take_acquires(),
                hold.take_turn(),
                hold.plan.node_timeout,
            ));
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
pub struct Lease(Arc<Hold>);

impl Lease {
    /// What is locked.
    pub fn key(&self) -> &LockKey {
        self.0.traced.claim.key()
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

    /// When the lock is lost if nobody renews it, on tokio's clock; in the past if it is lost.
    ///
    /// It is computed anew at each call: the deadline counts the time that the host was suspended, an `Instant` does
    /// not. Do not keep it over a suspension.
    pub fn valid_until(&self) -> Instant {
        self.0.set.clock.instant(self.0.until())
    }

    /// How long the lock is held if nobody renews it; zero when it is lost.
    pub fn remaining(&self) -> Duration {
        match self.0.lost_reason() {
            Some(_) => Duration::ZERO,
            None => self.0.until().since(self.0.set.clock.now()),
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
    /// nodes answer that they no longer hold it that the rest is no majority; or when the guard releases it.
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
