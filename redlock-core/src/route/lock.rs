use std::fmt;
use std::sync::Arc;

use super::grip::Wish;
use super::held::{Around, Keep};
use super::limits::Limits;
use super::tenure::{Tenure, Unlocked};
use super::{HeldLocks, KeyError, LockPolicy, MissingPart, NoQuorum, Rejection, RejectionKind};
use crate::error::{ConfigError, NodeOutcome};
use crate::handle::options::LockOptions;
use crate::handle::redlock::Redlock;
use crate::node::key::LockKey;

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
    /// The layers around this one hold all of the key already, and release it; what their policies say counts. For the
    /// request's extensions.
    Nested(HeldLocks),
    /// Without a lock, because [`NoQuorum::Allow`] says so. For the request's extensions.
    Unlocked(Unlocked, HeldLocks),
}

impl RouteLock {
    /// A lock by `policy` over the nodes of `redlock`. Releases whose runtime ends before they are done, as that of a web
    /// server's worker may, are done on the runtime in which this is called. Like the one that owns the nodes' connections
    /// (see [`Redlock`]) it has to be driven meanwhile: make the lock on the runtime that lives as long as the program.
    ///
    /// # Errors
    ///
    /// When an option breaks a rule or does not fit the handle: its node timeout, its `max_waiters`, its fencing, of which
    /// the policy says nothing, its key prefix, which leaves no room for a template's keys, or a node that cannot what the
    /// policy needs.
    pub fn new(redlock: &Redlock, policy: LockPolicy) -> Result<Self, ConfigError> {
        let settings = redlock.settings();
        policy.check(settings)?;
        let options = policy.options(settings);
        Wish::check(redlock, &policy, &options)?;
        let limits = Arc::new(Limits::new(policy.bounds(settings)));
        let redlock = redlock.at_home_here();
        Ok(Self(Arc::new(Inner { redlock, policy, options, limits })))
    }

    /// Its policy.
    pub fn policy(&self) -> &LockPolicy {
        &self.0.policy
    }

    /// Has [`Redlock::close`] wait for the work of a handler that runs to completion, whose client may be gone.
    pub fn track<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        self.0.redlock.track(work)
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

    /// Asks for what the policy says that a request with this method is to have. `outer` are the locks of the layers around
    /// this one.
    ///
    /// # Errors
    ///
    /// When the request is not to be served. Nothing of it stays on the nodes.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, whatever was sent is completed and released in the background.
    pub async fn admit(
        &self,
        method: &str,
        key: LockKey,
        outer: &HeldLocks,
    ) -> Result<Admission, Rejection> {
        let Inner { redlock, policy, options, limits } = &*self.0;
        let wish = Wish::of(policy, method);
        wish.fits(&key)?;
        match outer.around(redlock, &key, wish) {
            Around::Nothing => {}
            Around::All(held) => return Ok(Admission::Nested(held)),
            Around::InTheWay(rule) => return Err(Rejection::entangled(rule)),
        }
        let waiting = limits.wait(&key, wish, policy)?;
        let waits = policy.wait_up_to.is_some();
        let error = match wish.take(redlock, &key, options, waits).await {
            Ok(grip) => {
                let keep = Arc::new(Keep { grip, counted: waiting.hold()? });
                let held = outer.and(redlock, key, &keep, policy.cancels_when_lost());
                return Ok(Admission::Locked(Tenure::new(keep, held, policy)));
            }
            Err(error) => error,
        };
        let held =
            error.nodes().iter().any(|node| matches!(node.outcome, NodeOutcome::Held { .. }));
        let rejection = Rejection::of_lock_error(error, policy);
        match (rejection.kind(), policy.no_quorum) {
            // Whoever answered that somebody has the lock knows more than those who did not answer.
            (RejectionKind::NoQuorum, NoQuorum::Allow) if held => {
                Err(rejection.into_contended(policy))
            }
            (RejectionKind::NoQuorum, NoQuorum::Allow) => {
                Ok(Admission::Unlocked(Unlocked(Arc::new(rejection)), outer.passed()))
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
