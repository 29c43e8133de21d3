use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::limits::Holding;
use super::{LockPolicy, Rejection};
use crate::guard::{Lease, LockGuard};
use crate::key::LockKey;
use crate::lease::LostReason;
use crate::redlock::Redlock;

/// A request's hold on its lock. Dropped, it releases in the background.
pub struct Tenure {
    guard: LockGuard,
    held: HeldLocks,
    _counted: Holding,
}

impl Tenure {
    pub(super) fn new(guard: LockGuard, held: HeldLocks, counted: Holding) -> Self {
        Self { guard, held, _counted: counted }
    }

    /// For the request's extensions: this lock, behind those of the layers around it.
    pub fn held_locks(&self) -> HeldLocks {
        self.held.clone()
    }

    /// Runs `work` under the lock.
    ///
    /// # Errors
    ///
    /// When the lock is lost and the policy says to stop then; `work` has been dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops `work` where it is.
    pub async fn run<T>(
        &self,
        policy: &LockPolicy,
        work: impl Future<Output = T>,
    ) -> Result<T, Rejection> {
        if !policy.cancels_when_lost() {
            return Ok(work.await);
        }
        let lease = self.guard.lease();
        let (mut lost, mut work) = (pin!(lease.lost()), pin!(work));
        poll_fn(|cx| {
            // The loss first: after a long pause of the process no further step of the work may be made. The timer for
            // it is set only once the work has to wait.
            if let Some(reason) = lease.lost_reason() {
                return Poll::Ready(Err(Rejection::lost(reason)));
            }
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            lost.as_mut().poll(cx).map(|reason| Err(Rejection::lost(reason)))
        })
        .await
    }

    /// Whether the lock is lost already, for the response's extensions.
    pub fn lost(&self) -> Option<LostDuringRequest> {
        self.guard.lease().lost_reason().map(LostDuringRequest)
    }

    /// Releases, and waits until a majority has confirmed it: a client that has its whole answer can send its next
    /// request and is not refused by this one's lock. A release that fails goes on in the background.
    pub async fn release(self) {
        let Self { guard, .. } = self;
        let _ = guard.release().await;
    }

    /// Keeps the lock to the end of a body.
    pub fn into_tail(self, policy: &LockPolicy) -> Tail {
        let lease = self.guard.lease();
        let lost = policy.cancels_when_lost().then(|| {
            Box::pin(async move { lease.lost().await }) as Pin<Box<dyn Future<Output = _> + Send>>
        });
        Tail { state: State::Held(self), lost }
    }
}

impl fmt::Debug for Tenure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tenure").field(&self.guard).finish()
    }
}

/// Holds a lock while a body streams. Dropped, it releases in the background.
pub struct Tail {
    state: State,
    lost: Option<Pin<Box<dyn Future<Output = LostReason> + Send>>>,
}

enum State {
    Held(Tenure),
    Releasing(Pin<Box<dyn Future<Output = ()> + Send>>),
    Released,
}

impl Tail {
    /// Ready when the lock is lost and the policy says to break the body off then. Not to be polled again after that.
    pub fn poll_lost(&mut self, cx: &mut Context<'_>) -> Poll<Rejection> {
        match (&self.state, &mut self.lost) {
            (State::Held(_), Some(lost)) => lost.as_mut().poll(cx).map(Rejection::lost),
            _ => Poll::Pending,
        }
    }

    /// Releases, and is ready when a majority has confirmed it; to be polled before the body's last piece is given out.
    pub fn poll_release(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.state {
                State::Held(_) => {
                    self.lost = None;
                    if let State::Held(tenure) = std::mem::replace(&mut self.state, State::Released)
                    {
                        self.state = State::Releasing(Box::pin(tenure.release()));
                    }
                }
                State::Releasing(release) => {
                    ready!(release.as_mut().poll(cx));
                    self.state = State::Released;
                }
                State::Released => return Poll::Ready(()),
            }
        }
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Held(_) => "Tail(held)",
            State::Releasing(_) => "Tail(releasing)",
            State::Released => "Tail(released)",
        })
    }
}

/// The locks under which a request is handled, outermost first. The middlewares keep it in the request's extensions.
///
/// It owns none of them: they are released when the layers that took them say so, whoever still has this.
#[derive(Clone, Default)]
pub struct HeldLocks(Arc<Vec<(Redlock, LockKey, Lease)>>);

impl HeldLocks {
    /// The innermost lock, which the handler's own layer took.
    pub fn lease(&self) -> Option<&Lease> {
        self.0.last().map(|(_, _, lease)| lease)
    }

    /// All of them, outermost first.
    pub fn leases(&self) -> impl ExactSizeIterator<Item = &Lease> {
        self.0.iter().map(|(_, _, lease)| lease)
    }

    pub(super) fn hold(&self, redlock: &Redlock, key: &LockKey) -> bool {
        self.0.iter().any(|(holder, held, _)| holder.is_same(redlock) && held == key)
    }

    pub(super) fn and(&self, redlock: &Redlock, key: LockKey, lease: Lease) -> Self {
        let mut locks = self.0.to_vec();
        locks.push((redlock.clone(), key, lease));
        Self(Arc::new(locks))
    }
}

impl fmt::Debug for HeldLocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.leases()).finish()
    }
}

/// In the request's extensions when [`NoQuorum::Allow`](super::NoQuorum::Allow) let it pass without a lock.
#[derive(Debug, Clone)]
pub struct Unlocked(pub(super) Arc<Rejection>);

impl Unlocked {
    /// What would have been answered by default.
    pub fn rejection(&self) -> &Rejection {
        &self.0
    }
}

/// In the response's extensions when the handler finished after its lock was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostDuringRequest(LostReason);

impl LostDuringRequest {
    /// Why it was lost.
    pub fn reason(&self) -> LostReason {
        self.0
    }
}

const _: fn() = || {
    fn send<T: Send + 'static>() {}
    send::<Tenure>();
    send::<Tail>();
    fn send_sync<T: Send + Sync + 'static>() {}
    send_sync::<HeldLocks>();
    send_sync::<Rejection>();
};
