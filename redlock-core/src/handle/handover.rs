//! A lock that goes from one holder to the next.

use std::pin::pin;
use std::time::Duration;

use crate::decide::handover::{self, Former, Handover};
use crate::decide::inspection::LockState;
use crate::driver::{self, NodeSet};
use crate::error::{ConfigError, LockError, LockErrorKind};
use crate::handle::guard::LockGuard;
use crate::handle::hold::Hold;
use crate::handle::options::LockOptions;
use crate::handle::redlock::Redlock;
use crate::handle::shared::{Call, Learned};
use crate::node::Mode;
use crate::node::key::LockKey;
use crate::telemetry::{self, Acquire};

/// How often a take-over is tried again where nobody has the lock.
const MOST_RETRIES: u32 = 8;

impl Hold {
    /// What the next holder needs.
    pub(crate) fn handover(&self, remaining: Duration) -> Handover {
        let claim = &self.claimed.traced.claim;
        let micros = u64::try_from(remaining.as_micros()).unwrap_or(u64::MAX);
        Handover {
            key: claim.key().clone(),
            former: Former { value: claim.value().into(), fence: self.fence },
            ttl: self.plan.ttl,
            remaining: Duration::from_micros(micros),
            nodes: fingerprint(&self.claimed.set),
        }
    }
}

impl Redlock {
    /// Takes over a lock that was [handed over](LockGuard::hand_over): tries to take it under a token of its own, where the
    /// resources are free or hold the giver's value.
    ///
    /// Everything is that of a [`try_lock`](Self::try_lock): the time to live is this handle's and counts from this call,
    /// the fence is larger than the giver's. No time travels with the text, so a message that was late does no harm. Of
    /// several that take over the first one wins. Where several did at one moment each may have been given a part of the nodes:
    /// who was refused while a majority has no holder tries again after a [random delay](crate::RetryPolicy), up to eight times,
    /// so that one of them has it: it looks first, for a node timeout at most, and tries for as long as a `try_lock` may. [`continued`](LockGuard::continued) tells whether nobody held it in
    /// between; where the lock was free, or had been somebody else's meanwhile, it is taken anew and that is false.
    ///
    /// The giver may take over itself, such as when the message was lost.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use redlock_core::{Handover, InMemoryNode, LostReason, Redlock};
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let nodes = ["a", "b", "c"].map(InMemoryNode::new);
    /// let redlock = Redlock::builder().nodes(nodes).ttl(Duration::from_secs(10)).fencing(true).build()?;
    ///
    /// let guard = redlock.lock("orders:42").await?;
    /// let lease = guard.lease();
    /// let text = guard.hand_over().expose(); // to a queue that others cannot read
    /// assert_eq!(lease.lost_reason(), Some(LostReason::HandedOver));
    ///
    /// // The worker, with a handle of its own over the same nodes.
    /// let taken = redlock.take_over(&Handover::parse(&text)?).await?;
    /// assert!(taken.continued() && taken.fence() > lease.fence());
    /// taken.release().await?;
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(run())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`try_lock`](Self::try_lock). [`Invalid`](crate::LockErrorKind::Invalid) where a node cannot
    /// [swap](crate::node::Features::swapping), where the giver's nodes had other names, and where the resources do not begin
    /// with this handle's [`key_prefix`](crate::RedlockBuilder::key_prefix): then nothing was sent.
    ///
    /// # Cancel safety
    ///
    /// As [`try_lock`](Self::try_lock). What was swapped until then is released and no more the giver's.
    pub async fn take_over(&self, handover: &Handover) -> Result<LockGuard, LockError> {
        self.take_over_with(handover, &LockOptions::new()).await
    }

    /// [`take_over`](Self::take_over) with options of its own.
    ///
    /// # Errors
    ///
    /// As [`take_over`](Self::take_over); also when an option breaks a rule.
    ///
    /// # Cancel safety
    ///
    /// As [`take_over`](Self::take_over).
    pub async fn take_over_with(
        &self,
        handover: &Handover,
        options: &LockOptions,
    ) -> Result<LockGuard, LockError> {
        let shared = self.shared();
        let checked = check(&shared.set, &shared.key_prefix, handover);
        let mut call = checked
            .map_err(LockError::from)
            .and_then(|()| {
                shared.call_on(handover.key.clone(), Mode::Exclusive, options, self.home())
            })
            .inspect_err(telemetry::refused)?;
        call.former = Some(handover.former.clone());
        let acquire = Acquire::begin(&*shared.set, call.name(), call.sharing());
        let taking = pin!(self.taken_over(&call, &acquire));
        let guard = acquire.over(taking).await?;
        telemetry::taken_over(guard.continued());
        Ok(guard)
    }

    /// Tries once, and again for as long as a majority of the nodes has nobody: several that take over at one moment may each
    /// have been given a part of the nodes, and all of them gave it back.
    async fn taken_over(&self, call: &Call, acquire: &Acquire<'_>) -> Result<LockGuard, LockError> {
        let (shared, learned) = (self.shared(), Learned::default());
        let Call { key, plan, background, .. } = call;
        let mut attempts = 0;
        loop {
            let error = match shared.attempt(call, acquire, &learned).await {
                Ok(had) => return Ok(had.guard),
                Err(failure) => failure.error,
            };
            attempts += 1;
            let kind = error.kind();
            let error = error.after(attempts, kind);
            if kind != LockErrorKind::Contended || attempts > MOST_RETRIES {
                return Err(error);
            }
            let seen = driver::inspect(&shared.set, background, key, plan.node_timeout).await.state;
            if !matches!(seen, LockState::Free | LockState::Unknown) {
                return Err(error);
            }
            tokio::select! {
                biased;
                () = shared.set.closing.cancelled() => {
                    return Err(error.after(attempts, LockErrorKind::Closed));
                }
                () = tokio::time::sleep(plan.retry.delay(attempts - 1, shared.random(), None)) => {}
            }
        }
    }
}

/// Whether a lock that was handed over is one of this handle's.
fn check(set: &NodeSet, prefix: &[u8], handover: &Handover) -> Result<(), ConfigError> {
    let unable = set.members.iter().find(|member| !member.node.features().swapping);
    if let Some(member) = unable {
        let rule = "must be able to swap, as every node must";
        return Err(ConfigError::new("take_over", member.name.to_string(), rule));
    }
    let own = fingerprint(set);
    if handover.nodes != own {
        return Err(ConfigError::new(
            "handover.nodes",
            format!("{:016x}", handover.nodes),
            format!(
                "must be {own:016x}, the fingerprint of this handle's nodes: of the same names, in any order"
            ),
        ));
    }
    let ours = |key: &LockKey| key.resources().all(|name| name.starts_with(prefix));
    if !ours(&handover.key) {
        return Err(ConfigError::new(
            "handover.key",
            handover.key.to_string(),
            format!("must begin with this handle's `key_prefix`, `{}`", prefix.escape_ascii()),
        ));
    }
    Ok(())
}

fn fingerprint(set: &NodeSet) -> u64 {
    handover::nodes(set.members.iter().map(|member| &*member.name))
}
