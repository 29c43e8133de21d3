//! Permits: at most so many holders at once, over all processes.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::decide::fence::Fence;
use crate::decide::plan::Renewal;
use crate::decide::release::Release;
use crate::error::{ConfigError, ExtendError, LockError};
use crate::handle::guard::{Lease, LockGuard};
use crate::handle::options::LockOptions;
use crate::handle::redlock::Redlock;
use crate::handle::shared::Call;
use crate::node::Mode;
use crate::node::key::{LockKey, MAX_KEY_BYTES, MAX_RESOURCES};
use crate::node::token::Token;
use crate::telemetry;

/// Most permits of a semaphore.
const MOST: u16 = MAX_RESOURCES as u16;

/// A semaphore over the nodes of a handle: at most [`permits`](Self::permits) holders at once, over all processes. Cheap to
/// clone.
///
/// Each permit is one of as many *slots*, and slot `i` is a lock of its own: on the resource `<name>/<i>`, which other
/// Redlock clients may take as any lock, and are kept out by. So a permit promises what a lock does, and under the same
/// assumptions. A lock on `<name>` itself has nothing to do with it.
///
/// Every process should give the same number. Where they differ, no more permits are out than the largest of the numbers
/// allows, and of the slots below a smaller number no more than that; to lower it evicts nobody.
///
/// ```
/// # use std::time::Duration;
/// # use redlock_core::{InMemoryNode, LockErrorKind, Redlock};
/// # async fn render() {}
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// # let nodes = ["a", "b", "c"].map(InMemoryNode::new);
/// let redlock = Redlock::builder().nodes(nodes).ttl(Duration::from_secs(10)).build()?;
/// let exports = redlock.semaphore("exports", 2)?; // two at a time, over all processes
/// let one = exports.acquire().await?; // waits until one of them is free
/// let other = exports.acquire().await?;
/// let error = exports.try_acquire().await.unwrap_err();
/// assert_eq!(error.kind(), LockErrorKind::Contended);
/// one.release().await?;
/// exports.with_permit(async |_lease| render().await).await?;
/// # drop(other);
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(run())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Semaphore {
    redlock: Redlock,
    name: Arc<[u8]>,
    permits: u16,
    /// All slots, with the handle's prefix.
    slots: LockKey,
    /// By which those who wait for a permit stand in line.
    line: LockKey,
}

/// Holds a permit of a [`Semaphore`], and releases it when dropped.
///
/// It is a [`LockGuard`] of one [slot](Self::slot): dropping never blocks, a permit proves itself *in time*, and is
/// extended, renewed and lost as a lock is.
#[must_use = "the permit is released when it is dropped"]
pub struct Permit {
    guard: LockGuard,
    slot: u16,
}

impl Permit {
    /// Which of the semaphore's slots it is, from 0: no other holder has the same at the same time. For work that is split
    /// among as many workers, shards or connections as there are permits.
    pub fn slot(&self) -> u16 {
        self.slot
    }

    /// The slot's resource, `<name>/<slot>` behind the handle's prefix.
    pub fn key(&self) -> &LockKey {
        self.guard.key()
    }

    /// A view of the hold to hand to the work. It owns nothing.
    pub fn lease(&self) -> Lease {
        self.guard.lease()
    }

    /// A number greater than that of every earlier holder of the same [slot](Self::slot), as of a lock. It orders nobody
    /// beside the holders of other slots: where a permit stands for no worker, shard or connection of its own, a resource
    /// learns nothing from it. `None` without [`fencing`](crate::RedlockBuilder::fencing).
    pub fn fence(&self) -> Option<Fence> {
        self.guard.fence()
    }

    /// See [`Lease::valid_until`].
    pub fn valid_until(&self) -> Instant {
        self.guard.valid_until()
    }

    /// See [`Lease::remaining`].
    pub fn remaining(&self) -> Duration {
        self.guard.remaining()
    }

    /// See [`Lease::is_lost`].
    pub fn is_lost(&self) -> bool {
        self.guard.is_lost()
    }

    /// Makes the permit last at least `ttl` from now; as [`LockGuard::extend`].
    ///
    /// # Errors
    ///
    /// As [`LockGuard::extend`].
    ///
    /// # Cancel safety
    ///
    /// As [`LockGuard::extend`].
    pub async fn extend(&self, ttl: Duration) -> Result<(), ExtendError> {
        self.guard.extend(ttl).await
    }

    /// Releases the permit on all nodes; as [`LockGuard::release`]. What it tells is of this permit's slot alone.
    ///
    /// # Errors
    ///
    /// As [`LockGuard::release`].
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the release goes on in the background.
    pub async fn release(self) -> Result<Release, LockError> {
        self.guard.release().await
    }

    /// Gives the permit away without releasing it; as [`LockGuard::leak`]. It is released by its token under the name of its
    /// slot, `<name>/<slot>`.
    #[must_use = "without the token the permit cannot be released before it expires"]
    pub fn leak(self) -> Token {
        self.guard.leak()
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("key", self.key())
            .field("slot", &self.slot)
            .field("fence", &self.fence())
            .field("remaining", &self.remaining())
            .finish()
    }
}

impl Redlock {
    /// A semaphore of `permits` permits, 1 to 64. Nothing is sent.
    ///
    /// # Errors
    ///
    /// When the number is out of bounds; when the name breaks a rule of keys, or leaves no room for `/63` behind it, with
    /// the handle's [prefix](crate::RedlockBuilder::key_prefix) in front; when a node cannot
    /// [give slots](crate::node::Features::slots).
    pub fn semaphore(
        &self,
        name: impl AsRef<[u8]>,
        permits: u16,
    ) -> Result<Semaphore, ConfigError> {
        if !(1..=MOST).contains(&permits) {
            let rule = "must be 1 to 64";
            return Err(ConfigError::new("permits", permits.to_string(), rule));
        }
        let (name, shared) = (name.as_ref(), self.shared());
        let line = LockKey::new(name)?.with_prefix(&shared.key_prefix)?;
        let (bytes, longest) =
            (shared.key_prefix.len() + name.len(), slot_name(name, MOST - 1).len());
        if shared.key_prefix.len() + longest > MAX_KEY_BYTES {
            let most = MAX_KEY_BYTES - (longest - name.len());
            let rule = format!(
                "must be at most {most} bytes, the prefix included: `/63` stands behind it"
            );
            return Err(ConfigError::new("semaphore", format!("{bytes} bytes"), rule));
        }
        let slots = LockKey::all((0..permits).map(|slot| slot_name(name, slot)))?;
        let slots = slots.with_prefix(&shared.key_prefix)?;
        let unable = shared.set.members.iter().find(|member| !member.node.features().slots);
        if let Some(member) = unable {
            let rule = "must be able to give slots, as every node must";
            return Err(ConfigError::new("semaphore", member.name.to_string(), rule));
        }
        Ok(Semaphore { redlock: self.clone(), name: name.into(), permits, slots, line })
    }
}

impl Semaphore {
    /// Its name, as it was given.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// How many may have a permit at once.
    pub fn permits(&self) -> u16 {
        self.permits
    }

    /// Tries once to have a permit: one round over the nodes, as [`Redlock::try_lock`].
    ///
    /// Whoever asks at the same moment may take the same slot on some of the nodes, so it may fail though a permit is free
    /// when few are: [`acquire`](Self::acquire) asks again.
    ///
    /// # Errors
    ///
    /// As [`Redlock::try_lock`]; [`Contended`](crate::LockErrorKind::Contended) when no permit was had.
    ///
    /// # Cancel safety
    ///
    /// As [`Redlock::try_lock`].
    pub async fn try_acquire(&self) -> Result<Permit, LockError> {
        self.try_acquire_with(&LockOptions::new()).await
    }

    /// [`try_acquire`](Self::try_acquire) with options of its own. [`at_least`](LockOptions::at_least) keeps the permit's slot;
    /// [`writer_intent`](LockOptions::writer_intent) changes nothing.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Self::try_acquire); also when an option breaks a rule.
    ///
    /// # Cancel safety
    ///
    /// As [`Redlock::try_lock`].
    pub async fn try_acquire_with(&self, options: &LockOptions) -> Result<Permit, LockError> {
        let call = self.call(options).inspect_err(telemetry::permit_refused)?;
        self.redlock.once(&call).await.map(|guard| self.permit(guard))
    }

    /// Waits for a permit until the wait budget is over (10 s by default).
    ///
    /// Calls for one semaphore through one handle and its clones wait in a FIFO queue; the first asks the nodes, and those
    /// behind it have their turns as soon as it has its permit, several at once while several are free. Between processes
    /// no order is promised: whoever waits hears of the [release](crate::RedlockBuilder::wake_ups) of any permit, and asks
    /// again after random delays.
    ///
    /// # Errors
    ///
    /// As [`Redlock::lock`]: [`TimedOut`](crate::LockErrorKind::TimedOut) when no permit was free.
    ///
    /// # Cancel safety
    ///
    /// As [`Redlock::lock`].
    pub async fn acquire(&self) -> Result<Permit, LockError> {
        self.acquire_with(&LockOptions::new()).await
    }

    /// [`acquire`](Self::acquire) with options of its own, as [`try_acquire_with`](Self::try_acquire_with) takes them.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire); also when an option breaks a rule.
    ///
    /// # Cancel safety
    ///
    /// As [`Redlock::lock`].
    pub async fn acquire_with(&self, options: &LockOptions) -> Result<Permit, LockError> {
        let call = self.call(options).inspect_err(telemetry::permit_refused)?;
        self.redlock.waited(call).await.map(|guard| self.permit(guard))
    }

    /// Waits for a permit, runs `work` under it with renewal on, and releases it. When it is lost, `work` is dropped where it
    /// is; as [`Redlock::with_lock`].
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire), with `work` not run; and [`LockErrorKind::Lost`](crate::LockErrorKind::Lost) when the
    /// permit was lost before `work` was done.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops `work` wherever it is.
    pub async fn with_permit<T, F>(&self, work: impl FnOnce(Lease) -> F) -> Result<T, LockError>
    where
        F: Future<Output = T>,
    {
        let permit = self.acquire_with(&LockOptions::new().renewal(Renewal::Auto)).await?;
        let lease = permit.lease();
        let result = lease.run(work(lease.clone())).await?;
        // As in `with_lock`.
        let _ = permit.release().await;
        Ok(result)
    }

    fn call(&self, options: &LockOptions) -> Result<Call, LockError> {
        let (shared, home) = (self.redlock.shared(), self.redlock.home());
        let call = shared.call_on(self.slots.clone(), Mode::Exclusive, options, home)?;
        Ok(Call { semaphore: Some(self.line.clone()), ..call })
    }

    fn permit(&self, guard: LockGuard) -> Permit {
        let slot = guard.key().single().and_then(number).unwrap_or_default();
        Permit { guard, slot }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("name", &format_args!("{}", self.name.escape_ascii()))
            .field("permits", &self.permits)
            .finish_non_exhaustive()
    }
}

fn slot_name(semaphore: &[u8], slot: u16) -> Vec<u8> {
    [semaphore, b"/", slot.to_string().as_bytes()].concat()
}

/// The slot that the resource of a permit is named with.
fn number(resource: &[u8]) -> Option<u16> {
    let digits = resource.rsplit(|byte| *byte == b'/').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

const _: fn() = || {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Semaphore>();
    shared::<Permit>();
};
