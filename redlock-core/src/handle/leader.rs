//! What a leader holds, and what its work sees of it.

use std::fmt;
use std::time::Duration;

use crate::decide::fence::Fence;
use crate::decide::release::Release;
use crate::error::{LockError, LostReason, Unhealthy};
use crate::handle::guard::{Lease, LockGuard};
use crate::node::key::LockKey;

/// Leads: holds the lock of an [`Election`](crate::Election), renewed and fenced. Dropped, it resigns in the background.
///
/// A guard proves leadership *in time*: a process that was paused past its deadline still has the guard and leads no more.
/// Both signals, [`stepping_down`](Self::stepping_down) and [`lost`](Self::lost), come strictly before another can lead,
/// but to a paused process only when it goes on. Give the [`term`](Self::term) along with every write, and let the resource
/// refuse lower ones.
#[must_use = "the leader resigns when the guard is dropped"]
pub struct LeaderGuard {
    guard: LockGuard,
    leader: Leader,
}

impl LeaderGuard {
    pub(crate) fn new(guard: LockGuard, term: Fence, step_down: Duration) -> Self {
        let leader = Leader { lease: guard.lease(), term, step_down };
        Self { guard, leader }
    }

    /// A view to hand to the work of the leader. It owns nothing.
    pub fn leader(&self) -> Leader {
        self.leader.clone()
    }

    /// See [`Leader::term`].
    pub fn term(&self) -> Fence {
        self.leader.term
    }

    /// See [`Leader::lease`].
    pub fn lease(&self) -> Lease {
        self.guard.lease()
    }

    /// See [`Leader::stepping_down`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn stepping_down(&self) {
        self.leader.stepping_down().await;
    }

    /// See [`Leader::lost`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn lost(&self) -> LostReason {
        self.leader.lost().await
    }

    /// See [`Leader::is_lost`].
    pub fn is_lost(&self) -> bool {
        self.leader.is_lost()
    }

    /// See [`Leader::health`].
    ///
    /// # Errors
    ///
    /// When the leadership is lost, or its renewal overdue by more than `limit`.
    pub fn health(&self, limit: Duration) -> Result<(), Unhealthy> {
        self.leader.health(limit)
    }

    /// Gives the leadership up, so that another can lead at once: the work of the leader has ended. Tells what
    /// [`LockGuard::release`] tells.
    ///
    /// # Errors
    ///
    /// As [`LockGuard::release`].
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the release goes on in the background.
    pub async fn resign(self) -> Result<Release, LockError> {
        self.guard.release().await
    }
}

impl fmt::Debug for LeaderGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LeaderGuard").field(&self.leader).finish()
    }
}

/// Watches a leadership: its term, and when it ends.
///
/// Cheap to clone and to share. It owns nothing: it neither prolongs the leadership nor ends it.
#[derive(Clone)]
pub struct Leader {
    lease: Lease,
    term: Fence,
    step_down: Duration,
}

impl Leader {
    /// What is led.
    pub fn key(&self) -> &LockKey {
        self.lease.key()
    }

    /// The leader's number, greater than that of every earlier leader of this name: the lock's [`Fence`]. It stays the same
    /// when the leadership is renewed.
    ///
    /// Nobody else can see it on the nodes: a leader that wants its term known writes it where its data is.
    pub fn term(&self) -> Fence {
        self.term
    }

    /// The hold on the lock.
    pub fn lease(&self) -> Lease {
        self.lease.clone()
    }

    /// Resolves when no more than [`step_down`](crate::Election::step_down) is left until the leadership is lost, or when it
    /// is lost: the moment to finish what is under way and to begin nothing.
    ///
    /// It is renewed at a third of the time to live, so this comes when renewals have failed for about two thirds of it, or
    /// at the end of [`max_hold`](crate::RedlockBuilder::max_hold). A renewal that comes through after it prolongs
    /// the leadership all the same: who went on meanwhile may wait for the signal anew.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn stepping_down(&self) {
        let rest = mutant!(StepsDownLate, Duration::ZERO, self.step_down);
        let _ = self.lease.0.nears(rest).await;
    }

    /// Resolves when the leadership is lost, at the local deadline at the latest. See [`Lease::lost`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn lost(&self) -> LostReason {
        self.lease.lost().await
    }

    /// Whether the leadership is lost. Looks at the clock: see [`Lease::is_lost`].
    pub fn is_lost(&self) -> bool {
        self.lease.is_lost()
    }

    /// For how long it is led if nobody renews it; zero when it is lost.
    pub fn remaining(&self) -> Duration {
        self.lease.remaining()
    }

    /// Whether renewal keeps up, for a health check: it is due at a third of the time to live after the last one that came
    /// through.
    ///
    /// # Errors
    ///
    /// When the leadership is lost, or its renewal overdue by more than `limit`.
    pub fn health(&self, limit: Duration) -> Result<(), Unhealthy> {
        let (overdue, lost) = (self.lease.0.overdue(), self.lease.lost_reason());
        if lost.is_none() && overdue <= limit {
            return Ok(());
        }
        Err(Unhealthy::new(overdue, lost))
    }
}

impl fmt::Debug for Leader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leader")
            .field("key", self.key())
            .field("term", &self.term)
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

const _: fn() = || {
    fn send_sync<T: Send + Sync + 'static>() {}
    send_sync::<LeaderGuard>();
    send_sync::<Leader>();
};
