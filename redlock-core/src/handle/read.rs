//! Locks that are shared: readers beside readers, and never beside a writer.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::decide::fence::Fence;
use crate::decide::plan::Renewal;
use crate::decide::release::Release;
use crate::error::{ExtendError, LockError};
use crate::handle::guard::{Lease, LockGuard};
use crate::handle::options::LockOptions;
use crate::handle::redlock::Redlock;
use crate::node::key::{IntoLockKey, LockKey};
use crate::telemetry;

/// Holds a share of a lock, and releases it when dropped.
///
/// Any number of them live beside one another, in any processes, and none beside a [`LockGuard`] of the same resource,
/// which any other Redlock client may have as well. All else is as with a `LockGuard`: dropping never blocks, a share proves
/// itself *in time*, renewal and the end of the lease are its own and no other share's.
///
/// Shares are not reentrant: whoever has one and asks for another may have to wait behind a writer, and whoever has one and
/// asks for the [lock](Redlock::lock) waits for himself, until his wait budget is over, and keeps others out meanwhile.
#[must_use = "the share is released when the guard is dropped"]
pub struct ReadGuard(LockGuard);

impl ReadGuard {
    /// What is shared.
    pub fn key(&self) -> &LockKey {
        self.0.key()
    }

    /// A view of the hold to hand to the work. It owns nothing.
    pub fn lease(&self) -> Lease {
        self.0.lease()
    }

    /// The number of a share: greater than that of every earlier writer, and mostly the same for all who read between two
    /// writers. See [`RwFenceGate`](crate::RwFenceGate) for what a resource makes of it. `None` without
    /// [`fencing`](crate::RedlockBuilder::fencing). Of a guard that was [downgraded](LockGuard::downgrade) it is the writer's.
    pub fn fence(&self) -> Option<Fence> {
        self.0.fence()
    }

    /// See [`Lease::valid_until`].
    pub fn valid_until(&self) -> Instant {
        self.0.valid_until()
    }

    /// See [`Lease::remaining`].
    pub fn remaining(&self) -> Duration {
        self.0.remaining()
    }

    /// See [`Lease::is_lost`].
    pub fn is_lost(&self) -> bool {
        self.0.is_lost()
    }

    /// Makes the share last at least `ttl` from now; as [`LockGuard::extend`]. No other share becomes longer.
    ///
    /// # Errors
    ///
    /// As [`LockGuard::extend`].
    ///
    /// # Cancel safety
    ///
    /// As [`LockGuard::extend`].
    pub async fn extend(&self, ttl: Duration) -> Result<(), ExtendError> {
        self.0.extend(ttl).await
    }

    /// Releases the share on all nodes; as [`LockGuard::release`]. Those of others stay.
    ///
    /// # Errors
    ///
    /// As [`LockGuard::release`].
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the release goes on in the background.
    pub async fn release(self) -> Result<Release, LockError> {
        self.0.release().await
    }
}

impl fmt::Debug for ReadGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadGuard")
            .field("key", self.key())
            .field("fence", &self.fence())
            .field("remaining", &self.remaining())
            .finish()
    }
}

impl LockGuard {
    /// Shares the lock from now on, without letting go of it: no writer has been in between.
    ///
    /// From this call on others may read beside, so every [`Lease`] of this guard is lost with
    /// [`LostReason::Downgraded`](crate::LostReason::Downgraded). The share has the same deadline, the same fence, and the
    /// same renewal. The nodes are told in the background; a node that does not hear of it refuses readers and writers
    /// until the next extension, which tells it again. What is left of [`at_least`](LockOptions::at_least) is given up.
    ///
    /// There is no way back: two who wait to become writers would wait for each other.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use redlock_core::{InMemoryNode, LostReason, Redlock};
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// # let nodes = ["a", "b", "c"].map(InMemoryNode::new);
    /// let redlock = Redlock::builder().nodes(nodes).ttl(Duration::from_secs(10)).build()?;
    /// let writer = redlock.lock("catalog").await?;
    /// let lease = writer.lease();
    /// // It is written, and to be read as it was written.
    /// let reader = writer.downgrade();
    /// assert_eq!(lease.lost_reason(), Some(LostReason::Downgraded));
    /// let beside = redlock.read("catalog").await?;
    /// assert!(redlock.try_lock("catalog").await.is_err());
    /// # drop((reader, beside));
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(run())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn downgrade(self) -> ReadGuard {
        ReadGuard(self.shared())
    }
}

impl Redlock {
    /// Tries once to share the lock: one round over the nodes, as [`try_lock`](Self::try_lock). It is had while nobody holds
    /// the lock alone, and no [writer that waits](LockOptions::writer_intent) keeps new readers off.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use redlock_core::{InMemoryNode, LockErrorKind, Redlock};
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// # let nodes = ["a", "b", "c"].map(InMemoryNode::new);
    /// let redlock = Redlock::builder().nodes(nodes).ttl(Duration::from_secs(10)).build()?;
    /// let (one, other) = (redlock.try_read("catalog").await?, redlock.try_read("catalog").await?);
    /// assert_eq!(redlock.try_lock("catalog").await.unwrap_err().kind(), LockErrorKind::Contended);
    /// one.release().await?;
    /// other.release().await?;
    /// redlock.try_lock("catalog").await?.release().await?;
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(run())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`try_lock`](Self::try_lock). [`Invalid`](crate::LockErrorKind::Invalid) where a node cannot
    /// [share](crate::node::Features::shared): then nothing was sent.
    ///
    /// # Cancel safety
    ///
    /// As [`try_lock`](Self::try_lock).
    pub async fn try_read(&self, key: impl IntoLockKey) -> Result<ReadGuard, LockError> {
        self.try_read_with(key, &LockOptions::new()).await
    }

    /// [`try_read`](Self::try_read) with options of its own.
    ///
    /// # Errors
    ///
    /// As [`try_read`](Self::try_read); also when an option breaks a rule. [`at_least`](LockOptions::at_least) is one that
    /// nobody who shares can have.
    ///
    /// # Cancel safety
    ///
    /// As [`try_lock`](Self::try_lock).
    pub async fn try_read_with(
        &self,
        key: impl IntoLockKey,
        options: &LockOptions,
    ) -> Result<ReadGuard, LockError> {
        let call = self.call_shared(key, options).inspect_err(telemetry::share_refused)?;
        self.once(&call).await.map(ReadGuard)
    }

    /// Shares the lock, waiting for it until the wait budget is over (10 s by default); as [`lock`](Self::lock).
    ///
    /// In the queue of this process readers that stand behind one another have their turn together, as soon as the first
    /// of them has its share; a writer between them has its turn alone, and those behind it wait for it.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock), and [`Invalid`](crate::LockErrorKind::Invalid) as [`try_read`](Self::try_read).
    ///
    /// # Cancel safety
    ///
    /// As [`lock`](Self::lock).
    pub async fn read(&self, key: impl IntoLockKey) -> Result<ReadGuard, LockError> {
        self.read_with(key, &LockOptions::new()).await
    }

    /// [`read`](Self::read) with options of its own.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); also when an option breaks a rule, as with [`try_read_with`](Self::try_read_with).
    ///
    /// # Cancel safety
    ///
    /// As [`lock`](Self::lock).
    pub async fn read_with(
        &self,
        key: impl IntoLockKey,
        options: &LockOptions,
    ) -> Result<ReadGuard, LockError> {
        let call = self.call_shared(key, options).inspect_err(telemetry::share_refused)?;
        self.waited(call).await.map(ReadGuard)
    }

    /// Shares the lock, runs `work` under it with renewal on, and releases the share. When it is lost, `work` is dropped
    /// where it is; as [`with_lock`](Self::with_lock).
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), with `work` not run; and [`LockErrorKind::Lost`](crate::LockErrorKind::Lost) when the share
    /// was lost before `work` was done.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops `work` wherever it is.
    pub async fn with_read<T, F>(
        &self,
        key: impl IntoLockKey,
        work: impl FnOnce(Lease) -> F,
    ) -> Result<T, LockError>
    where
        F: Future<Output = T>,
    {
        let guard = self.read_with(key, &LockOptions::new().renewal(Renewal::Auto)).await?;
        let lease = guard.lease();
        let result = lease.run(work(lease.clone())).await?;
        // As in `with_lock`.
        let _ = guard.release().await;
        Ok(result)
    }
}

const _: fn() = || {
    fn send_sync<T: Send + Sync + 'static>() {}
    send_sync::<ReadGuard>();
};
