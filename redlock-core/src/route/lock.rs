use std::fmt;
use std::sync::Arc;

use super::limits::Limits;
use super::{
    HeldLocks, KeyError, LockPolicy, MissingPart, NoQuorum, Rejection, RejectionKind, Tenure,
    Unlocked,
};
use crate::error::ConfigError;
use crate::key::LockKey;
use crate::options::LockOptions;
use crate::redlock::Redlock;

/// The lock of a route: a handle, and a policy that was found to fit it. Clones share the bounds on waiters and holders.
#[derive(Clone)]
pub struct RouteLock(Arc<Inner>);

struct Inner {
    redlock: Redlock,
    policy: LockPolicy,
    options: LockOptions,
    limits: Arc<Limits>,
}

/// How a request is let in.
#[derive(Debug)]
pub enum Admission {
    /// Under a lock of its own.
    Locked(Tenure),
    /// A layer around this one holds the very lock already, and releases it.
    Nested,
    /// Without a lock, because [`NoQuorum::Allow`] says so.
    Unlocked(Unlocked),
}

impl RouteLock {
    /// A lock by `policy` over the nodes of `redlock`.
    ///
    /// # Errors
    ///
    /// When an option breaks a rule, or does not fit the handle's node timeout.
    pub fn new(redlock: &Redlock, policy: LockPolicy) -> Result<Self, ConfigError> {
        policy.check()?;
        let options = policy.options();
        redlock.check(&options)?;
        let limits = Arc::default();
        Ok(Self(Arc::new(Inner { redlock: redlock.clone(), policy, options, limits })))
    }

    /// Its policy.
    pub fn policy(&self) -> &LockPolicy {
        &self.0.policy
    }

    /// What a request's key, or the lack of one, means: the key to lock, `None` to pass without a lock.
    ///
    /// # Errors
    ///
    /// When the request is to be rejected for it.
    pub fn key(
        &self,
        key: Result<Option<LockKey>, KeyError>,
    ) -> Result<Option<LockKey>, Rejection> {
        match key {
            Err(KeyError::Missing(_)) if self.0.policy.missing_part == MissingPart::Pass => {
                Ok(None)
            }
            key => Ok(key?),
        }
    }

    /// Asks for the lock as the policy says. `outer` are the locks of the layers around this one.
    ///
    /// # Errors
    ///
    /// When the request is not to be served. Nothing of it stays on the nodes.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, whatever was sent is completed and released in the background.
    pub async fn admit(&self, key: LockKey, outer: &HeldLocks) -> Result<Admission, Rejection> {
        let Inner { redlock, policy, options, limits } = &*self.0;
        if outer.hold(redlock, &key) {
            return Ok(Admission::Nested);
        }
        let waiting = limits.wait(&key, policy)?;
        let guard = match policy.wait_up_to {
            Some(_) => redlock.lock_with(&key, options).await,
            None => redlock.try_lock_with(&key, options).await,
        };
        let rejection = match guard {
            Ok(guard) => {
                let held = outer.and(redlock, key, guard.lease());
                return Ok(Admission::Locked(Tenure::new(guard, held, waiting.hold(policy)?)));
            }
            Err(error) => Rejection::of_lock_error(error, policy),
        };
        match (rejection.kind(), policy.no_quorum) {
            (RejectionKind::NoQuorum, NoQuorum::Allow) => {
                Ok(Admission::Unlocked(Unlocked(Arc::new(rejection))))
            }
            _ => Err(rejection),
        }
    }
}

impl fmt::Debug for RouteLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteLock")
            .field("redlock", &self.0.redlock)
            .field("policy", &self.0.policy)
            .finish()
    }
}
