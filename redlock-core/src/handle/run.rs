//! Work that stops when its lock is lost.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokio_util::sync::CancellationToken;

use crate::decide::plan::Renewal;
use crate::error::{LockError, Lost, LostReason};
use crate::handle::guard::{Lease, LockGuard};
use crate::handle::options::LockOptions;
use crate::handle::redlock::Redlock;
use crate::node::key::IntoLockKey;

/// Runs `work` for as long as none of the leases is lost.
///
/// The loss is looked at before each step of the work, by the clock: after a long pause of the process no further step is
/// made. The timer for it is set only once the work has to wait.
pub(crate) async fn under<T>(
    leases: &[Lease],
    work: impl Future<Output = T>,
) -> Result<T, LostReason> {
    let mut losses: Vec<_> = leases.iter().map(|lease| (lease, Box::pin(lease.lost()))).collect();
    let mut work = pin!(work);
    poll_fn(|cx| {
        let lost = losses.iter().find_map(|(lease, _)| lease.lost_reason());
        if let Some(reason) = lost.filter(|_| !mutant!(WorkGoesOn)) {
            return Poll::Ready(Err(reason));
        }
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(Ok(done));
        }
        for (_, lost) in &mut losses {
            if let Poll::Ready(reason) = lost.as_mut().poll(cx) {
                return Poll::Ready(Err(reason));
            }
        }
        Poll::Pending
    })
    .await
}

impl Lease {
    /// Runs `work` under the lock, and drops it when the lock is lost: at the local deadline, whatever renewal is doing.
    ///
    /// The loss is looked at before each step of the work, so a process that was paused past the deadline makes no further
    /// one; a step under way is not cut short, so `work` must not block. What is spawned by `work` is not stopped: give it a
    /// [`cancellation_token`](Self::cancellation_token). A result is returned as it is, also when the lock was lost
    /// during the step that gave it: [`is_lost`](Self::is_lost) tells.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use redlock_core::{InMemoryNode, Redlock, Renewal};
    /// # async fn charge() -> u32 { 7 }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(Duration::from_secs(10)).build()?;
    /// let guard = redlock.lock("orders:42").await?;
    /// let receipt = guard.lease().run(charge()).await?; // or `Lost`, with the reason
    /// guard.release().await?;
    /// # assert_eq!(receipt, 7);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Lost`] when the lock was lost before `work` was done; when it is lost already, `work` is not begun. A release by the
    /// guard counts as a loss.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops `work` where it is.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Lost> {
        under(std::slice::from_ref(self), work).await.map_err(Lost::new)
    }

    /// A token that is cancelled when the lock is lost, for work that is spawned or that has to clean up. Each call gives one
    /// of its own: to cancel it stops nobody else's work.
    ///
    /// It is cancelled by a timer, so a process that was paused past the deadline may make a step before: where that
    /// matters, look at [`is_lost`](Self::is_lost) as well. It is cancelled with the hold at the latest, released or lost,
    /// or with the runtime in which the lock was taken.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use redlock_core::{InMemoryNode, Redlock, Renewal};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(Duration::from_secs(10)).build()?;
    /// let guard = redlock.lock("orders:42").await?;
    /// let stop = guard.lease().cancellation_token();
    /// let helper = tokio::spawn(async move {
    ///     stop.cancelled().await; // and then puts things in order
    /// });
    /// guard.release().await?;
    /// helper.await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cancellation_token(&self) -> CancellationToken {
        self.0.cancellation().child_token()
    }
}

impl Redlock {
    /// Takes the lock, runs `work` under it with renewal on, and releases the lock. When the lock is lost, `work` is dropped
    /// where it is, as by [`Lease::run`].
    ///
    /// What `work` gives is returned as it is, also when the release fails. When `work` panics or the future is dropped, the
    /// lock is released in the background. Work that must not be stopped half-way runs under
    /// [`with_lock_unguarded`](Self::with_lock_unguarded).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use redlock_core::{InMemoryNode, LockErrorKind, Redlock};
    /// # async fn charge() -> u32 { 7 }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(Duration::from_secs(10)).build()?;
    /// match redlock.with_lock("orders:42", async |_lease| charge().await).await {
    ///     Ok(receipt) => println!("charged: {receipt}"),
    ///     Err(error) if error.kind() == LockErrorKind::Lost => println!("{error}"), // half done, perhaps
    ///     Err(error) => println!("not begun: {error}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock), with `work` not run; and [`LockErrorKind::Lost`](crate::LockErrorKind::Lost) when the lock was
    /// lost before `work` was done.
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
        let guard = self.renewed(key).await?;
        let lease = guard.lease();
        let result = lease.run(work(lease.clone())).await?;
        // A release that fails goes on in the background; it is no reason to lose the result.
        let _ = guard.release().await;
        Ok(result)
    }

    /// [`with_lock`](Self::with_lock) for work that has to come to its end, also when the lock is lost on the way: it may
    /// then run beside the next holder's. `work` has the [`Lease`] to look at, and the [`Fence`](crate::Fence) for the
    /// resource.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock), with `work` not run.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops `work` wherever it is.
    pub async fn with_lock_unguarded<T, F>(
        &self,
        key: impl IntoLockKey,
        work: impl FnOnce(Lease) -> F,
    ) -> Result<T, LockError>
    where
        F: Future<Output = T>,
    {
        let guard = self.renewed(key).await?;
        let result = work(guard.lease()).await;
        // As in `with_lock`.
        let _ = guard.release().await;
        Ok(result)
    }

    async fn renewed(&self, key: impl IntoLockKey) -> Result<LockGuard, LockError> {
        self.lock_with(key, &LockOptions::new().renewal(Renewal::Auto)).await
    }
}
