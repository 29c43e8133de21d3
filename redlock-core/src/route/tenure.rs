use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::task::JoinHandle;

use super::held::Keep;
use super::{HeldLocks, LockPolicy, Rejection};
use crate::error::LostReason;
use crate::handle::guard::Lease;
use crate::handle::run::under;

/// A request's hold on its lock. Dropped, it releases in the background, when no handler that runs to completion under
/// it is at work any more.
pub struct Tenure {
    keep: Arc<Keep>,
    held: HeldLocks,
    /// The locks of the layers around, if the handler may outlive these layers.
    outer: Vec<Arc<Keep>>,
    /// The locks without which the work must not go on.
    watched: Vec<Lease>,
}

impl Tenure {
    pub(super) fn new(keep: Arc<Keep>, held: HeldLocks, policy: &LockPolicy) -> Self {
        let (mut outer, mut watched) = (Vec::new(), Vec::new());
        if policy.runs_to_completion() {
            // A layer around that is dropped meanwhile watches no more, and would release.
            outer = held.keep_all();
            watched.extend(held.cancelling().cloned());
        } else if policy.cancels_when_lost() {
            watched.push(keep.grip.lease());
        }
        Self { keep, held, outer, watched }
    }

    /// For the request's extensions: this lock, behind those of the layers around it.
    pub fn held_locks(&self) -> HeldLocks {
        self.held.clone()
    }

    /// Runs `work` under the lock.
    ///
    /// # Errors
    ///
    /// When the lock is lost and the policy says to stop then; `work` has been dropped. A handler that runs to completion
    /// is also stopped when a layer around it lost its lock and says to stop.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops `work` where it is.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Rejection> {
        under(&self.watched, work).await.map_err(Rejection::lost)
    }

    /// Whether the lock is lost already, for the response's extensions.
    pub fn lost(&self) -> Option<LostDuringRequest> {
        self.keep.grip.lease().lost_reason().map(LostDuringRequest)
    }

    /// Releases, and waits until a majority has confirmed it: a client that has its whole answer can send its next
    /// request and is not refused by this one's lock. A release that fails goes on in the background.
    pub async fn release(self) {
        let Self { keep, outer, .. } = self;
        drop(outer);
        if let Some(Keep { grip, counted: _counted }) = Arc::into_inner(keep) {
            let _ = grip.release().await;
        }
    }

    /// Keeps the lock to the end of a body.
    pub fn into_tail(mut self, policy: &LockPolicy) -> Tail {
        // A body has a reader: the layers around it are there.
        self.outer.clear();
        let lease = self.keep.grip.lease();
        let lost = policy.cancels_when_lost().then(|| {
            Box::pin(async move { lease.lost().await }) as Pin<Box<dyn Future<Output = _> + Send>>
        });
        Tail { state: State::Held(self), lost }
    }
}

impl fmt::Debug for Tenure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tenure").field(&self.keep.grip.lease()).finish()
    }
}

/// Waits for the task in which a handler runs to completion. If it panicked, that goes on here.
///
/// # Errors
///
/// The task's own; [`Rejection::closed`] when its runtime ended before it.
pub async fn joined<T>(task: JoinHandle<Result<T, Rejection>>) -> Result<T, Rejection> {
    match task.await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Rejection::closed()),
        },
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
