//! The handle.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;

use crate::builder::{RedlockBuilder, check_features};
use crate::clock::Clock;
use crate::driver::{self, Attempt, Background, Failure, NodeSet, Trace, Traced};
use crate::error::{ConfigError, LockError, LockErrorKind};
use crate::guard::{Lease, LockGuard, Release};
use crate::hold::Hold;
use crate::inspection::Inspection;
use crate::key::{IntoLockKey, LockKey};
use crate::node::{Claim, LockNode, NodeError};
use crate::options::{LockOptions, Plan, Renewal, Settings};
use crate::telemetry::{Acquire, Telemetry};
use crate::token::Token;
use crate::waiting::Waiting;

/// Locks over a set of independent nodes. Cheap to clone; clones share everything.
///
/// The nodes may be of different backends. Every method that awaits must run in a tokio runtime with its timer
/// on.
#[derive(Clone)]
pub struct Redlock(Arc<Inner>, Option<Handle>);

struct Inner {
    set: Arc<NodeSet>,
    settings: Settings,
    key_prefix: Vec<u8>,
    rng: Mutex<fastrand::Rng>,
    #[cfg(feature = "testing")]
    wrapper: driver::Wrapper,
}

/// A call whose input was checked.
pub(crate) struct Call {
    pub(crate) key: LockKey,
    pub(crate) plan: Plan,
    pub(crate) background: Background,
}

impl Redlock {
    /// Begins to set up a handle.
    pub fn builder() -> RedlockBuilder {
        RedlockBuilder::default()
    }

    pub(crate) fn new(
        nodes: Vec<Arc<dyn LockNode>>,
        clock: Clock,
        settings: Settings,
        key_prefix: Vec<u8>,
        rng: fastrand::Rng,
        #[cfg(feature = "testing")] wrapper: driver::Wrapper,
    ) -> Self {
        let telemetry = Telemetry::new(&nodes, &settings);
        let set = Arc::new(NodeSet::new(nodes, clock, settings.wake_ups(), telemetry));
        let inner = Inner {
            set,
            settings,
            key_prefix,
            rng: Mutex::new(rng),
            #[cfg(feature = "testing")]
            wrapper,
        };
        Self(Arc::new(inner), None)
    }

    /// Whether two handles share everything.
    #[cfg(feature = "route")]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The same handle, which finishes releases on the runtime of this moment, if there is one, when their own ended.
    #[cfg(feature = "route")]
    pub(crate) fn at_home_here(&self) -> Self {
        Self(Arc::clone(&self.0), Handle::try_current().ok())
    }

    /// Whether a call with `options` would break a rule.
    #[cfg(feature = "route")]
    pub(crate) fn check(&self, options: &LockOptions) -> Result<(), ConfigError> {
        self.plan(options).map(drop)
    }

    /// Whether keys of `bytes` bytes have room behind the prefix.
    #[cfg(feature = "route")]
    pub(crate) fn check_prefix(&self, bytes: usize) -> Result<(), ConfigError> {
        let prefix = self.0.key_prefix.len();
        if prefix + bytes <= crate::MAX_KEY_BYTES {
            return Ok(());
        }
        let value = format!("{prefix} bytes");
        Err(ConfigError::new("key_prefix", value, "must leave 200 of 512 bytes to the keys"))
    }

    /// Has [`close`](Self::close) wait for `work`.
    #[cfg(feature = "route")]
    pub(crate) fn track<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        self.0.set.tracker.track_future(work)
    }

    /// Tries once to take the lock: one round over the nodes, no sleep. With fencing another one where the nodes' numbers
    /// differ; each takes at most one node timeout.
    ///
    /// The first call of a handle also asks every node who it is.
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
        let (call, acquire) = Acquire::begin(&self.0.set, self.call(key, options))?;
        let attempt = self.attempt(&call, &acquire, &[]);
        let attempt = pin!(async { attempt.await.map_err(|failure| failure.error) });
        acquire.over(attempt).await
    }

    /// Takes the lock, waiting for it until the wait budget is over (10 s by default).
    ///
    /// Calls for one key through one handle and its clones stand in a line, in the order they came; the first alone asks
    /// the nodes, and the next has its turn as soon as the lock is released or lost. Against other processes it asks again
    /// when it hears of a [release](crate::RedlockBuilder::wake_ups), and after random delays. After some time of
    /// turns one after another a line pauses a moment for the others' sake. A second call of the holder waits for the
    /// first: locks are not reentrant.
    ///
    /// # Errors
    ///
    /// [`LockErrorKind::TimedOut`] when somebody else held it all the time, [`LockErrorKind::Unreachable`] or
    /// [`LockErrorKind::Late`] when that is how the last attempt ended, and at once
    /// [`LockErrorKind::Misconfigured`] or [`LockErrorKind::TooManyWaiters`]. Nothing of any attempt stays on the nodes.
    ///
    /// # Cancel safety
    ///
    /// As [`try_lock`](Self::try_lock). A dropped call loses its place in the line.
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
        let (call, acquire) = Acquire::begin(&self.0.set, self.call(key, options))?;
        let waiting = pin!(Waiting::new(self, call, &acquire).run());
        acquire.over(waiting).await
    }

    /// Takes the lock, runs `work` under it with renewal on, and releases the lock.
    ///
    /// Whatever `work` gives is returned as it is, also when the release fails or the lock was lost on the way: `work`
    /// has the [`Lease`] to look at. When `work` panics or the future is dropped, the lock is released in the
    /// background.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock), with `work` not run.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops `work` wherever it is.
    pub async fn with_lock<T, F>(
        &self,
        key: impl IntoLockKey,
        work: impl FnOnce(Lease) -> F,
    ) -> Result<T, LockError>
    where
        F: Future<Output = T>,
    {
        let guard = self.lock_with(key, &LockOptions::new().renewal(Renewal::Auto)).await?;
        let result = work(guard.lease()).await;
        // A release that fails goes on in the background; it is no reason to lose the result.
        let _ = guard.release().await;
        Ok(result)
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
        let traced = Traced { claim: Claim::new(call.key, *token), trace: Arc::new(trace) };
        let release = driver::release(
            &self.0.set,
            &call.background,
            traced,
            None,
            None,
            call.plan.node_timeout,
        );
        Ok(if release.await? { Release::Released } else { Release::AlreadyGone })
    }

    /// Closes the handle and all its clones, and waits until the releases under way in the background are done: what a
    /// program does before it ends.
    ///
    /// New calls, and calls that wait for their next attempt, answer [`LockErrorKind::Closed`]. A release that fails is
    /// not tried again any more, so this takes at most a few node timeouts; locks it could not release expire. Guards
    /// that still live keep their locks: drop them first. Handlers that a middleware runs to completion are waited for
    /// too, however long they take.
    ///
    /// # Cancel safety
    ///
    /// The handle is closed all the same, and the call can be made again to wait on.
    pub async fn close(&self) {
        self.0.set.closing.cancel();
        self.0.set.tracker.close();
        self.0.set.tracker.wait().await;
    }

    fn plan(&self, options: &LockOptions) -> Result<Plan, ConfigError> {
        let plan = self.0.settings.plan(options)?;
        if options.fencing.is_some() {
            check_features(&plan, self.0.set.members.iter().map(|member| &*member.node))?;
        }
        Ok(plan)
    }

    fn call(&self, key: impl IntoLockKey, options: &LockOptions) -> Result<Call, LockError> {
        let key = key.into_lock_key()?.with_prefix(&self.0.key_prefix)?;
        let plan = self.plan(options)?;
        if self.0.set.closing.is_cancelled() {
            return Err(LockError::bare(LockErrorKind::Closed));
        }
        let background = Background::current(&self.0.set.tracker, self.1.as_ref())
            .ok_or_else(|| LockError::bare(LockErrorKind::Environment))?;
        #[cfg(feature = "testing")]
        let background = background.through(self.0.wrapper.clone());
        Ok(Call { key, plan, background })
    }

    pub(crate) fn set(&self) -> &Arc<NodeSet> {
        &self.0.set
    }

    pub(crate) fn max_waiters(&self) -> usize {
        self.0.settings.max_waiters()
    }

    pub(crate) fn random(&self) -> u64 {
        self.0.rng.lock().unwrap_or_else(PoisonError::into_inner).u64(..)
    }

    pub(crate) async fn attempt(
        &self,
        call: &Call,
        acquire: &Acquire<'_>,
        barred: &[(usize, NodeError)],
    ) -> Result<LockGuard, Failure> {
        let (set, attempt) = (&self.0.set, acquire.attempt());
        let granted = Attempt::run(set, &call.background, &call.key, &call.plan, barred).await;
        attempt.ended(&granted);
        let granted = granted?;
        Ok(LockGuard::new(Hold::new(Arc::clone(set), call.background.clone(), call.plan, granted)))
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
