//! The handle.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::decide::inspection::Inspection;
use crate::decide::release::Release;
use crate::driver::{self, Claimed, Trace, Traced};
#[cfg(feature = "route")]
use crate::error::ConfigError;
use crate::error::LockError;
#[cfg(doc)]
use crate::error::LockErrorKind;
use crate::handle::guard::LockGuard;
use crate::handle::options::LockOptions;
#[cfg(feature = "route")]
use crate::handle::options::Settings;
use crate::handle::shared::{Call, Learned, Shared};
use crate::handle::waiting::Waiting;
use crate::node::key::IntoLockKey;
use crate::node::token::Token;
use crate::node::{Claim, Mode};
use crate::telemetry::{self, Acquire};

/// Locks over a set of independent nodes. Cheap to clone; clones share everything.
///
/// The nodes may be of different backends. Every method that awaits must run in a tokio runtime with its timer
/// on.
///
/// # Several runtimes
///
/// Calls may come from any number of runtimes, and a runtime may end at any time. But the nodes over servers keep each
/// connection on the runtime that needed it first, and move it only when that one has ended. One that lives and is not
/// driven, such as a current-thread runtime between two calls of `block_on`, answers nobody: the calls from other
/// runtimes then end as [`LockErrorKind::Unreachable`]. Make the first call on a runtime that is always driven (one with
/// worker threads), or have nodes and a handle for each runtime.
#[derive(Clone)]
pub struct Redlock(pub(in crate::handle) Arc<Shared>, Option<Handle>);

impl Redlock {
    pub(crate) fn over(shared: Shared) -> Self {
        Self(Arc::new(shared), None)
    }

    /// Whether two handles share everything.
    #[cfg(feature = "route")]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The same handle, which finishes releases on the runtime of this moment, if there is one, when their own ended. That
    /// one too has to be driven: one that lives and is not driven finishes nothing.
    #[cfg(feature = "route")]
    pub(crate) fn at_home_here(&self) -> Self {
        Self(Arc::clone(&self.0), Handle::try_current().ok())
    }

    #[cfg(feature = "route")]
    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Whether a call with `options` would break a rule.
    #[cfg(feature = "route")]
    pub(crate) fn check(&self, options: &LockOptions) -> Result<(), ConfigError> {
        self.0.plan(options).map(drop)
    }

    /// The same for one that shares.
    #[cfg(feature = "route")]
    pub(crate) fn check_shared(&self, options: &LockOptions) -> Result<(), ConfigError> {
        self.0.plan_as(options, Mode::Shared).map(drop)
    }

    /// Whether keys of `bytes` bytes have room behind the prefix.
    #[cfg(feature = "route")]
    pub(crate) fn check_prefix(&self, bytes: usize) -> Result<(), ConfigError> {
        let prefix = self.0.key_prefix.len();
        if prefix + bytes <= crate::MAX_KEY_BYTES {
            return Ok(());
        }
        let (value, most) = (format!("{prefix} bytes"), crate::MAX_KEY_BYTES - bytes);
        let rule = format!("must be at most {most} bytes, which leaves {bytes} of 512 to the keys");
        Err(ConfigError::new("key_prefix", value, rule))
    }

    /// Has [`close`](Self::close) wait for `work`.
    pub(crate) fn track<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        self.0.set.tracker.track_future(work)
    }

    /// Tries once to take the lock: one round over the nodes, no sleep. With fencing another one where the nodes' numbers
    /// differ; each takes at most one node timeout.
    ///
    /// The first call of a handle also asks every node who it is, and waits for all of them, at most one node timeout.
    ///
    /// # Errors
    ///
    /// When the lock is not had; see [`LockErrorKind`]. Nothing of the attempt stays on the nodes.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, whatever was sent is completed and released in the background.
    pub async fn try_lock(&self, key: impl IntoLockKey) -> Result<LockGuard, LockError> {
        self.try_lock_with(key, &LockOptions::new()).await
    }

    /// [`try_lock`](Self::try_lock) with options of its own.
    ///
    /// # Errors
    ///
    /// As [`try_lock`](Self::try_lock); also when an option breaks a rule.
    ///
    /// # Cancel safety
    ///
    /// As [`try_lock`](Self::try_lock).
    pub async fn try_lock_with(
        &self,
        key: impl IntoLockKey,
        options: &LockOptions,
    ) -> Result<LockGuard, LockError> {
        let call = self.call(key, options).inspect_err(telemetry::refused)?;
        self.once(&call).await
    }

    /// A call that shares the lock.
    pub(in crate::handle) fn call_shared(
        &self,
        key: impl IntoLockKey,
        options: &LockOptions,
    ) -> Result<Call, LockError> {
        let key = key.into_lock_key()?.with_prefix(&self.0.key_prefix)?;
        self.0.call_on(key, Mode::Shared, options, self.1.as_ref())
    }

    /// Waits for the lock of a call.
    pub(super) async fn waited(&self, call: Call) -> Result<LockGuard, LockError> {
        let acquire = Acquire::begin(&*self.0.set, call.name(), call.sharing());
        let waiting = pin!(Waiting::new(&self.0, call, &acquire).run());
        acquire.over(waiting).await
    }

    /// Makes one attempt.
    pub(super) async fn once(&self, call: &Call) -> Result<LockGuard, LockError> {
        let acquire = Acquire::begin(&*self.0.set, call.name(), call.sharing());
        let learned = Learned::default();
        let attempt = self.0.attempt(call, &acquire, &learned);
        let attempt =
            pin!(async { attempt.await.map(|had| had.guard).map_err(|failure| failure.error) });
        acquire.over(attempt).await
    }

    /// Takes the lock, waiting for it until the wait budget is over (10 s by default).
    ///
    /// Calls for one resource through one handle and its clones wait in a fair (FIFO) queue; the first alone asks the
    /// nodes, and the next has its turn as soon as the lock is released or lost. A call for several resources waits in the
    /// queue of each. It lets others pass until each resource has been free once since it came; from then on they are kept
    /// for it, so that it does not starve where they are contended: half a second at first, then longer each time. Calls that
    /// hold one resource and ask for another one are not in a deadlock with it then, but wait for that long; take what
    /// belongs together by one call.
    ///
    /// Against other processes it asks again when it hears of a [release](crate::RedlockBuilder::wake_ups), and after
    /// random delays; for several resources it has to find all of them free at one moment. After some time of turns one
    /// after another a queue pauses a moment for the others' sake. A second call of the holder waits for the first: locks
    /// are not reentrant.
    ///
    /// # Errors
    ///
    /// [`LockErrorKind::TimedOut`] when somebody else held it all the time, [`LockErrorKind::Unreachable`] or
    /// [`LockErrorKind::Late`] when that is how the last attempt ended, and at once
    /// [`LockErrorKind::Misconfigured`] or [`LockErrorKind::TooManyWaiters`]. Nothing of any attempt stays on the nodes.
    ///
    /// # Cancel safety
    ///
    /// As [`try_lock`](Self::try_lock). A dropped call loses its places in the queues.
    pub async fn lock(&self, key: impl IntoLockKey) -> Result<LockGuard, LockError> {
        self.lock_with(key, &LockOptions::new()).await
    }

    /// [`lock`](Self::lock) with options of its own.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock); also when an option breaks a rule.
    ///
    /// # Cancel safety
    ///
    /// As [`lock`](Self::lock).
    pub async fn lock_with(
        &self,
        key: impl IntoLockKey,
        options: &LockOptions,
    ) -> Result<LockGuard, LockError> {
        let call = self.call(key, options).inspect_err(telemetry::refused)?;
        self.waited(call).await
    }

    /// Asks all nodes who holds `key`, and waits for each up to the node timeout.
    ///
    /// # Errors
    ///
    /// For an invalid key, outside a runtime, or after [`close`](Self::close). Nodes that fail are no error: they are in
    /// the answer, and leave it [`Unknown`](crate::LockState::Unknown) when they are too many.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn inspect(&self, key: impl IntoLockKey) -> Result<Inspection, LockError> {
        let call = self.call(key, &LockOptions::new())?;
        Ok(driver::inspect(&self.0.set, &call.background, &call.key, call.plan.node_timeout).await)
    }

    /// Releases a lock that was [leaked](LockGuard::leak), here or in another process, on all nodes.
    ///
    /// It is released whatever its holder calls itself. Where that is not this handle's [label](crate::RedlockBuilder::label),
    /// a node is asked once more for the lock's, which takes two more round trips.
    ///
    /// # Errors
    ///
    /// As [`LockGuard::release`].
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the release goes on in the background.
    pub async fn release(
        &self,
        key: impl IntoLockKey,
        token: &Token,
    ) -> Result<Release, LockError> {
        let call = self.call(key, &LockOptions::new())?;
        let trace = Trace::anywhere();
        trace.asked_for(call.plan.ttl);
        let claim = Claim::new(call.key, *token).with_label(call.label);
        let traced = Traced { claim, trace: Arc::new(trace) };
        let claimed = Claimed {
            set: Arc::clone(&self.0.set),
            background: call.background,
            traced,
            node_timeout: call.plan.node_timeout,
        };
        let now = self.0.set.clock.glance();
        driver::release(claimed, None, None, now).await
    }

    /// Closes the handle and all its clones, and waits until the releases under way in the background are done: what a
    /// program does before it ends.
    ///
    /// New calls, and calls that wait for their next attempt, answer [`LockErrorKind::Closed`]. A release that fails is
    /// not tried again any more, so this takes at most a few node timeouts; locks it could not release expire. Guards
    /// that still live keep their locks: drop them first. Handlers that a middleware runs to completion are waited for
    /// too, however long they take. Leaders that [`Election::run`](crate::Election::run) runs are stopped, and resign.
    ///
    /// # Cancel safety
    ///
    /// The handle is closed all the same, and the call can be made again to wait on.
    pub async fn close(&self) {
        self.0.set.closing.cancel();
        self.0.set.tracker.close();
        self.0.set.tracker.wait().await;
    }

    pub(in crate::handle) fn call(
        &self,
        key: impl IntoLockKey,
        options: &LockOptions,
    ) -> Result<Call, LockError> {
        self.0.call(key, options, self.1.as_ref())
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.0
    }

    /// Where releases are finished when their runtime ended.
    pub(super) fn home(&self) -> Option<&Handle> {
        self.1.as_ref()
    }

    #[cfg(test)]
    pub(crate) fn queues(&self) -> &crate::handle::queue::Queues {
        &self.0.queues
    }

    #[cfg(test)]
    pub(crate) fn set(&self) -> &Arc<crate::driver::NodeSet> {
        &self.0.set
    }
}

impl fmt::Debug for Redlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redlock")
            .field("nodes", &self.0.set)
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

const _: fn() = || {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<Redlock>();
};
