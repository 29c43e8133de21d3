//! The contract that every backend keeps.

mod answers;
mod fault;
mod listener;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use answers::{Expiry, Extension, Holder, Holding, Identity, Removal, Vote};
pub use fault::{Fault, FaultClass, NodeError};
pub use listener::Listener;

use crate::key::LockKey;
use crate::token::Token;

/// One independent lock server.
///
/// A node is a master of its own, never a replica of another node in the set: the quorum's safety rests
/// on N nodes being N separate memories. Implementations translate; every decision is the caller's.
///
/// # Contract
///
/// 1. **Atomic.** Each verb looks at and changes all of the claim's resources in one step. All reads, and
///    everything that can fail, come before the first write.
/// 2. **Acquire is idempotent, and says so.** Where every resource is free or holds this very token, the free
///    ones are taken and the others' time to live is left alone. The answer is [`Vote::Granted`] only if all
///    were free; if one held the token it is [`Vote::AlreadyOurs`], for an attempt asks each node once, and one
///    server that answers for two nodes must not count twice. Otherwise nothing is written.
/// 3. **Compare before change.** Extend and release touch a resource only while it holds the claim's
///    token. Extend never shortens a time to live and never re-creates a resource that is gone; one that
///    holds the token without a time to live (somebody took it away) is given one.
/// 4. **Time to live.** A granted resource lives at least [`Terms::ttl`] from the moment of the grant on the
///    node's own clock, and frees itself soon after. A time to live is relative: no wall clock of the
///    client is ever sent.
/// 5. **Order.** What one caller sends is applied in the order sent, as on one connection. A release can
///    then not overtake the late acquire that it makes up for.
/// 6. **Sent once.** A command is not sent again on the node's own accord after its fate became unknown,
///    unless sending it twice changes nothing.
/// 7. **Truthful errors.** [`FaultClass::NotApplied`] and [`FaultClass::Misconfigured`] are answered only when
///    nothing was changed. Whatever may have been applied is [`FaultClass::Unknown`].
/// 8. **Counters** ([`Features::fencing`]). A grant with [`Terms::fencing`] gives every resource's counter the number
///    that [`fence::next`](crate::fence::next) makes of the largest of them, before the resources are taken, in the same
///    step. A counter never falls, and is kept for [`FenceTerms::life`] from its last grant, raise or extension.
///    A refusal tells the largest counter.
/// 9. **Restart guard** ([`Features::restart_guard`]). With [`Terms::guard`] a node that has run for less than that,
///    by its own clock, answers [`Vote::Warming`] where it would grant, and changes nothing. It is decided at the server
///    and in the same step as the grant: a client may not notice in time that the server behind its connection is a
///    new one.
/// 10. **Wake-ups** ([`Features::wake_ups`]). [`release_and_tell`](Self::release_and_tell) tells each listener of each
///     resource that it freed, and of no other, after it is free. A lost notification breaks no rule; telling must never
///     make a release fail.
///
/// The `testing` feature exports a suite that checks all this; see `CONTRIBUTING.md`, "A new backend".
///
/// # Timeouts
///
/// Every verb is given its time limit, because only the client library can give a command up without
/// leaving it queued. A verb must answer [`Fault::Timeout`] when the limit has passed and must then not
/// send the command any more, if it can still be called back.
///
/// # Cancellation
///
/// The verbs take the node by `Arc` and own their arguments, so their futures borrow nothing. This crate
/// never drops one before it is done while the runtime lives: when a caller leaves, the future moves to a
/// background task. A future that has not been polled has sent nothing. [`listen`](Self::listen) is the exception: it is
/// dropped to end it.
///
/// # Clone and share
///
/// One node value may serve any number of [`Redlock`](crate::Redlock) handles, but no two entries of one
/// handle may be the same server.
#[async_trait]
pub trait LockNode: fmt::Debug + Send + Sync + 'static {
    /// A name for reports, unique in its set and free of secrets, such as `10.0.0.1:6379`.
    fn name(&self) -> &str;

    /// Who the server is. Asked at first contact and again after a fault, to find a server that is listed
    /// twice, a replica, a cluster member.
    async fn identity(self: Arc<Self>, timeout: Duration) -> Result<Identity, NodeError>;

    /// Takes all of the claim's resources, or none.
    async fn acquire(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Result<Vote, NodeError>;

    /// Lengthens the claim's hold to [`Terms::ttl`] from now, if all of its resources still hold the token.
    async fn extend(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Result<Extension, NodeError>;

    /// Frees those of the claim's resources that hold its token.
    async fn release(
        self: Arc<Self>,
        claim: Claim,
        timeout: Duration,
    ) -> Result<Removal, NodeError>;

    /// As [`release`](Self::release), and tells every listener of each resource that this call freed.
    ///
    /// Where telling is not possible the answer is that of the release alone. A backend without listeners keeps this
    /// default, which tells nobody.
    async fn release_and_tell(
        self: Arc<Self>,
        claim: Claim,
        timeout: Duration,
    ) -> Result<Removal, NodeError> {
        self.release(claim, timeout).await
    }

    /// Tells `listener` of releases for as long as the future is polled. Connecting and subscribing have `timeout`, the
    /// listening has no end of its own.
    ///
    /// Ends with the reason when the subscription cannot be made or broke; to listen again is the caller's business. A
    /// backend without listeners keeps this default, which ends at once with [`Fault::Unsupported`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future unsubscribes. A notification that is on its way may still be heard.
    async fn listen(
        self: Arc<Self>,
        _listener: Arc<dyn Listener>,
        _timeout: Duration,
    ) -> NodeError {
        NodeError::new(Fault::Unsupported, "this backend tells nobody of releases")
    }

    /// Looks who holds the resources, changing nothing. One entry per resource, in the key's order.
    async fn inspect(
        self: Arc<Self>,
        key: LockKey,
        timeout: Duration,
    ) -> Result<Vec<Option<Holding>>, NodeError>;

    /// Lifts the resources' fencing counters to at least `fence` and keeps them for `life`, if all of them still hold
    /// the claim's token; the second phase of a fenced acquire. A backend without fencing keeps this default, which
    /// answers [`Fault::Unsupported`].
    async fn raise(
        self: Arc<Self>,
        _claim: Claim,
        _fence: u64,
        _life: Duration,
        _timeout: Duration,
    ) -> Result<Extension, NodeError> {
        Err(NodeError::new(Fault::Unsupported, "this backend has no fencing counters"))
    }

    /// What this backend can do beyond locking. Default: nothing. A handle that is told to use what one of its nodes
    /// lacks cannot be built.
    fn features(&self) -> Features {
        Features::default()
    }
}

/// What a backend can do beyond locking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Features {
    /// It keeps fencing counters: rule 8 of the [contract](LockNode#contract).
    pub fencing: bool,
    /// It keeps out of votes after a restart: rule 9.
    pub restart_guard: bool,
    /// It tells and hears of releases: rule 10.
    pub wake_ups: bool,
}

impl Features {
    /// All there is.
    pub fn all() -> Self {
        Self { fencing: true, restart_guard: true, wake_ups: true }
    }
}

/// What a caller asks a node for: the resources, and the token that is to stand under each.
///
/// Cloning is one reference count.
#[derive(Debug, Clone)]
pub struct Claim(Arc<(LockKey, Token)>);

impl Claim {
    /// A claim on `key` by the holder of `token`.
    pub fn new(key: LockKey, token: Token) -> Self {
        Self(Arc::new((key, token)))
    }

    /// What is claimed.
    pub fn key(&self) -> &LockKey {
        &self.0.0
    }

    /// Who claims it.
    pub fn token(&self) -> &Token {
        &self.0.1
    }
}

/// The terms of a grant or an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Terms {
    /// How long the node keeps the resources for the claim.
    pub ttl: Duration,
    /// Asks for a fencing number, or keeps the counters alive.
    pub fencing: Option<FenceTerms>,
    /// How long a node must have run before it grants.
    pub guard: Option<Duration>,
}

/// What a node needs to give a fencing number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FenceTerms {
    /// See [`fence::hint`](crate::fence::hint). Extensions do not look at it.
    pub hint: u64,
    /// See [`fence::life`](crate::fence::life).
    pub life: Duration,
}

impl Terms {
    /// Terms with a time to live of `ttl`, without fencing and restart guard.
    pub fn new(ttl: Duration) -> Self {
        Self { ttl, fencing: None, guard: None }
    }

    /// The same with a fencing number to be given.
    #[must_use]
    pub fn with_fencing(self, fencing: Option<FenceTerms>) -> Self {
        Self { fencing, ..self }
    }

    /// The same with a restart guard.
    #[must_use]
    pub fn with_guard(self, guard: Option<Duration>) -> Self {
        Self { guard, ..self }
    }

    /// The time to live in whole milliseconds, rounded up so that a node never forgets early.
    pub fn ttl_millis(&self) -> u64 {
        millis(self.ttl)
    }
}

/// Whole milliseconds, rounded up.
pub(crate) fn millis(duration: Duration) -> u64 {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).unwrap_or(u64::MAX)
}

const _: fn(&dyn LockNode) = |_| ();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_live_is_rounded_up_to_whole_milliseconds() {
        let millis = |ttl| Terms::new(ttl).ttl_millis();
        assert_eq!(millis(Duration::from_millis(10)), 10);
        assert_eq!(millis(Duration::from_nanos(10_000_001)), 11);
        assert_eq!(millis(Duration::MAX), u64::MAX);
    }
}
