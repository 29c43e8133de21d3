//! One leader among all processes: the lock, renewed and fenced, and who runs for it.

use std::future::Future;
use std::time::Duration;

use crate::decide::leadership::LeaderState;
use crate::decide::plan::{Renewal, error};
use crate::decide::retry::RetryPolicy;
use crate::error::{ConfigError, LockError, LockErrorKind};
use crate::handle::leader::{Leader, LeaderGuard};
use crate::handle::options::LockOptions;
use crate::handle::redlock::Redlock;
use crate::handle::run::under;
use crate::node::key::LockKey;

/// How long a campaign waits unless told otherwise: a hundred years.
const WITHOUT_END: Duration = Duration::from_secs(3_155_760_000);

/// Elects one leader among all processes that run for a name: whoever holds the lock of that name leads.
///
/// The lock is renewed and fenced whatever the handle has on. Cheap to clone.
///
/// Under the assumptions of a lock no two leaders have an `is_lost()` that is false at the same time, and each has a
/// [`term`](Leader::term) greater than that of every earlier one. A leader that dies is followed after its time to live,
/// one that resigns at once. A leader that is paused for longer does not know that it is deposed: have the resource refuse
/// lower terms than it has seen.
///
/// ```
/// # use std::time::Duration;
/// # use redlock_core::{InMemoryNode, LeaderState, Redlock};
/// # async fn schedule() {}
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(Duration::from_secs(10)).build()?;
/// let election = redlock
///     .election("scheduler")?
///     .label("10.0.0.7:8080")
///     .step_down(Duration::from_secs(1));
/// let leader = election.campaign().await?; // waits until it leads
/// println!("leads in term {}", leader.term());
/// if let LeaderState::Known { label: Some(label), .. } = election.leader().await? {
///     println!("{label} leads"); // any process may ask
/// }
/// tokio::select! {
///     () = leader.stepping_down() => {} // the work is dropped before another can lead
///     () = schedule() => {}
/// }
/// leader.resign().await?;
/// # Ok(())
/// # }
/// ```
///
/// [`run`](Self::run) does all of it, again and again.
#[derive(Debug, Clone)]
#[must_use]
pub struct Election {
    pub(in crate::handle) redlock: Redlock,
    pub(in crate::handle) key: LockKey,
    pub(in crate::handle) options: LockOptions,
    step_down: Option<Duration>,
}

impl Redlock {
    /// An election among all processes that run for `name` over these nodes. It is the lock of that name: whoever takes it
    /// otherwise keeps everybody from leading.
    ///
    /// # Errors
    ///
    /// When the name breaks a rule of keys, or a node keeps no fencing counters: there would be no terms.
    pub fn election(&self, name: impl AsRef<[u8]>) -> Result<Election, ConfigError> {
        let key = LockKey::new(name)?;
        key.clone().with_prefix(&self.0.key_prefix)?;
        let options = LockOptions::new().renewal(Renewal::Auto).fencing(true).wait_for(WITHOUT_END);
        self.0.plan(&options)?;
        Ok(Election { redlock: self.clone(), key, options, step_down: None })
    }
}

impl Election {
    /// What a leader calls itself, such as the address it serves at: who asks for the [leader](Self::leader) is told. It stays
    /// the same for the whole term. See [`RedlockBuilder::label`](crate::RedlockBuilder::label). Default: the handle's, none.
    pub fn label(mut self, label: impl AsRef<str>) -> Self {
        self.options = self.options.label(label);
        self
    }

    /// How long the nodes keep a leadership that is not renewed, which is how long a leader that died is waited for.
    /// Default: the handle's.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.options = self.options.ttl(ttl);
        self
    }

    /// How long before its deadline a leader is told to [step down](Leader::stepping_down); at most a third of the time to
    /// live, since renewal has that long to come through. Default: a tenth of the time to live.
    pub fn step_down(mut self, step_down: Duration) -> Self {
        self.step_down = Some(step_down);
        self
    }

    /// How long a campaign waits for its leadership. Default: without end.
    pub fn wait_for(mut self, wait_for: Duration) -> Self {
        self.options = self.options.wait_for(wait_for);
        self
    }

    /// The delay between the attempts of a campaign, where it hears of no resignation: each asks all nodes. A dead leader is
    /// followed at random within the difference of its bounds after the time to live. Default: the handle's, 100 to 300 ms.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.options = self.options.retry(retry);
        self
    }

    /// What is led, without the handle's prefix.
    pub fn key(&self) -> &LockKey {
        &self.key
    }

    /// Runs for leadership, and waits until it is won.
    ///
    /// It waits as [`Redlock::lock`] does: it hears of a resignation, and takes a dead leader's place when its time to live
    /// is over. An outage is waited through. Within one process campaigns for one name stand in line.
    ///
    /// # Errors
    ///
    /// As [`Redlock::lock`], of which [`TimedOut`](LockErrorKind::TimedOut), [`Unreachable`](LockErrorKind::Unreachable) and
    /// [`Late`](LockErrorKind::Late) come only where [`wait_for`](Self::wait_for) sets a limit;
    /// [`Invalid`](LockErrorKind::Invalid) when a setting breaks a rule.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, whatever was taken is released in the background.
    pub async fn campaign(&self) -> Result<LeaderGuard, LockError> {
        let ttl = self.redlock.0.plan(&self.options)?.ttl;
        let step_down = self.step_down.unwrap_or(ttl / 10);
        let third = ttl / 3;
        if step_down > third {
            let rule = format!("must be at most {third:?}, a third of the time to live of {ttl:?}");
            return Err(error("step_down", step_down, rule).into());
        }
        let guard = self.redlock.lock_with(&self.key, &self.options).await?;
        match guard.fence() {
            Some(term) => Ok(LeaderGuard::new(guard, term, step_down)),
            None => Err(ConfigError::new("fencing", "off", "must be on for an election").into()),
        }
    }

    /// Leads whenever it can: campaigns, runs the work that `lead` makes, and campaigns again.
    ///
    /// The work is stopped when the leadership is lost, as by [`Lease::run`](crate::Lease::run), and has the [`Leader`] to see
    /// its end coming. When it ends by itself, the leader resigns, and runs again after a
    /// [retry delay](Self::retry), so that others come first. It goes on until the handle is [closed](Redlock::close), which
    /// stops the work, resigns and then ends this well; or until the future is dropped.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use redlock_core::{InMemoryNode, Redlock};
    /// # async fn schedule() {}
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(Duration::from_secs(10)).build()?;
    /// let election = redlock.election("scheduler")?;
    /// let leading = tokio::spawn(async move {
    ///     election
    ///         .run(async |leader| {
    ///             println!("leads in term {}", leader.term());
    ///             tokio::select! {
    ///                 () = leader.stepping_down() => {}
    ///                 () = schedule() => {}
    ///             }
    ///         })
    ///         .await
    /// });
    /// redlock.close().await; // at the end of the program
    /// leading.await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When running again is no use: [`Misconfigured`](LockErrorKind::Misconfigured),
    /// [`TooManyWaiters`](LockErrorKind::TooManyWaiters), [`Invalid`](LockErrorKind::Invalid),
    /// [`Environment`](LockErrorKind::Environment). Contention and outages are waited through.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the work where it is, and then resigns in the background.
    pub async fn run<F>(&self, mut lead: impl FnMut(Leader) -> F) -> Result<(), LockError>
    where
        F: Future<Output = ()>,
    {
        let shared = &self.redlock.0;
        loop {
            let again = match self.campaign().await {
                Ok(guard) => {
                    // The handle's closing waits for the work's end and the resignation.
                    self.redlock.track(self.lead(guard, &mut lead)).await
                }
                Err(error) => match error.kind() {
                    LockErrorKind::Closed => return Ok(()),
                    LockErrorKind::Contended
                    | LockErrorKind::TimedOut
                    | LockErrorKind::Unreachable
                    | LockErrorKind::Late => Again::Later,
                    _ => return Err(error),
                },
            };
            let pause = match again {
                Again::Now => continue,
                Again::Later => shared.plan(&self.options)?.retry.delay(0, shared.random(), None),
            };
            tokio::select! {
                biased;
                () = shared.set.closing.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One leadership, to its end.
    async fn lead<F>(&self, guard: LeaderGuard, lead: &mut impl FnMut(Leader) -> F) -> Again
    where
        F: Future<Output = ()>,
    {
        let lease = [guard.lease()];
        // Behind the guard, so that it goes first when all of this is dropped.
        let mut work = Box::pin(lead(guard.leader()));
        let ended = tokio::select! {
            biased;
            () = self.redlock.0.set.closing.cancelled() => Ok(()),
            ended = under(&lease, work.as_mut()) => ended,
        };
        if !mutant!(ResignsEarly) {
            drop(work);
        }
        // A release that fails goes on in the background.
        let _ = guard.resign().await;
        if ended.is_ok() { Again::Later } else { Again::Now }
    }

    /// Asks all nodes who leads, and waits for each up to the node timeout.
    ///
    /// # Errors
    ///
    /// As [`Redlock::inspect`]. Nodes that fail are no error, but leave it [`Unknown`](LeaderState::Unknown) when they are
    /// too many.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn leader(&self) -> Result<LeaderState, LockError> {
        self.redlock.inspect(&self.key).await.map(|inspection| LeaderState::from(&inspection))
    }
}

/// When to campaign again.
enum Again {
    Now,
    /// After a pause, so that others come first.
    Later,
}
