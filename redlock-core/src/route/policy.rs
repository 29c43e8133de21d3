use std::time::Duration;

use super::choices::{ContendedStatus, HoldUntil, MissingPart, NoQuorum, OnLost};
use super::methods::{Methods, named};
use crate::handle::options::Renewal;

/// What a lock on a route does, and when.
///
/// The rules between the settings are checked when the layer is made, before any request.
///
/// With the feature `serde` it can stand in a configuration file: fields are named as the options are, times are text with
/// their unit (`wait_up_to = "5s"`), choices are in snake case (`no_quorum = "allow"`), `methods` is `"unsafe"`, `"all"` or a
/// list. What is unknown or breaks a rule is refused when it is read.
///
/// ```
/// use std::time::Duration;
/// use redlock_core::route::{ContendedStatus, HoldUntil, LockPolicy};
///
/// let policy = LockPolicy::new()
///     .wait_up_to(Duration::from_secs(5))
///     .contended_status(ContendedStatus::Locked)
///     .hold_until(HoldUntil::ResponseHead)
///     .run_to_completion(true);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct LockPolicy {
    pub(super) methods: Methods,
    pub(super) shared_methods: Option<Vec<String>>,
    pub(super) permits: Option<u16>,
    pub(super) wait_up_to: Option<Duration>,
    pub(super) contended_status: ContendedStatus,
    pub(super) retry_after: Option<Duration>,
    pub(super) names_holder: bool,
    pub(super) no_quorum: NoQuorum,
    pub(super) missing_part: MissingPart,
    pub(super) hold_until: HoldUntil,
    pub(super) on_lost: OnLost,
    pub(super) run_to_completion: bool,
    pub(super) ttl: Duration,
    pub(super) renewal: Renewal,
    pub(super) max_hold: Option<Duration>,
    pub(super) fencing: Option<bool>,
    pub(super) waiters_per_key: Option<usize>,
    pub(super) waiters: usize,
    pub(super) held: usize,
}

impl Default for LockPolicy {
    fn default() -> Self {
        Self {
            methods: Methods::Unsafe,
            shared_methods: None,
            permits: None,
            wait_up_to: None,
            contended_status: ContendedStatus::default(),
            retry_after: None,
            names_holder: false,
            no_quorum: NoQuorum::default(),
            missing_part: MissingPart::default(),
            hold_until: HoldUntil::default(),
            on_lost: OnLost::default(),
            run_to_completion: false,
            ttl: Duration::from_secs(10),
            renewal: Renewal::Auto,
            max_hold: None,
            fencing: None,
            waiters_per_key: None,
            waiters: 1024,
            held: 10_000,
        }
    }
}

impl LockPolicy {
    /// The defaults: each is named at its option.
    pub fn new() -> Self {
        Self::default()
    }

    /// Locks requests with these methods and lets others pass. Default: all methods but the safe ones of RFC 9110,
    /// which are GET, HEAD, OPTIONS and TRACE. GET names HEAD too, which frameworks answer by the handler of GET. Methods
    /// are case-sensitive.
    pub fn methods(mut self, methods: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.methods = Methods::Only(methods.into_iter().map(Into::into).collect());
        self
    }

    /// Locks requests with any method.
    pub fn all_methods(mut self) -> Self {
        self.methods = Methods::All;
        self
    }

    /// Requests with these methods *share* the lock: they run beside one another, and never beside one that has it alone. Each
    /// takes a share, as by [`Redlock::read`](crate::Redlock::read). Default: none.
    ///
    /// They are locked whatever [`methods`](Self::methods) says, which goes on to say who has the lock alone: with
    /// `.shared_methods(["GET"])` and nothing else GET and HEAD share, POST and its like exclude all others, and OPTIONS and
    /// TRACE pass. GET names HEAD too. Methods are those that are registered with IANA, in upper case. Every node must be able
    /// to [share](crate::node::Features::shared).
    pub fn shared_methods(mut self, methods: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.shared_methods = Some(methods.into_iter().map(Into::into).collect());
        self
    }

    /// At most so many requests of one key at once, over all replicas, 1 to 64: each takes one of as many permits in the place
    /// of the lock, as by [`Redlock::semaphore`](crate::Redlock::semaphore). Default: none, which is one at a time by the lock.
    ///
    /// Who finds all taken is told what one is told that finds a lock held, with [`contended_status`](Self::contended_status):
    /// 409 unless that says 429. One try may find no permit while others ask at the same moment though one is free;
    /// [`wait_up_to`](Self::wait_up_to) asks again. The handler is told [which one](super::HeldAs::Permit) it has.
    ///
    /// Every replica should say the same number; the largest of them counts. A lock on the key itself is another one: what a
    /// worker locks by the same key it does not lock against these requests. Not together with
    /// [`shared_methods`](Self::shared_methods). Every node must be able to [give slots](crate::node::Features::slots).
    pub fn permits(mut self, permits: u16) -> Self {
        self.permits = Some(permits);
        self
    }

    /// Waits for a lock that cannot be had at once, because somebody else has it or too few nodes answer; at least one node
    /// timeout. Default: one try, no waiting.
    pub fn wait_up_to(mut self, wait_up_to: Duration) -> Self {
        self.wait_up_to = Some(wait_up_to);
        self
    }

    /// The status when somebody else has the lock. Default: [`ContendedStatus::Conflict`].
    pub fn contended_status(mut self, status: ContendedStatus) -> Self {
        self.contended_status = status;
        self
    }

    /// What `Retry-After` says when somebody else has the lock; above zero, at most [`MAX_RETRY_AFTER`](super::MAX_RETRY_AFTER),
    /// and rounded up to seconds. Default: the time after which the lock would free itself, as the nodes tell it, but at
    /// most an hour. That is the time to live or a little less while its
    /// holder renews it, so say here how long the work usually takes, if that is known.
    pub fn retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// Whether the answer to a request whose lock somebody else has names the holder by its
    /// [label](crate::RedlockBuilder::label), if it has one: in the member `holder` of the body. Default: no, a client is
    /// not told who else is there.
    pub fn names_holder(mut self, names_holder: bool) -> Self {
        self.names_holder = names_holder;
        self
    }

    /// What to do when no majority of nodes answers. Default: [`NoQuorum::Deny`].
    pub fn no_quorum(mut self, no_quorum: NoQuorum) -> Self {
        self.no_quorum = no_quorum;
        self
    }

    /// What to do when the request lacks a part of the key. Default: [`MissingPart::Reject`].
    pub fn missing_part(mut self, missing_part: MissingPart) -> Self {
        self.missing_part = missing_part;
        self
    }

    /// When to release. Default: [`HoldUntil::BodyEnd`].
    pub fn hold_until(mut self, hold_until: HoldUntil) -> Self {
        self.hold_until = hold_until;
        self
    }

    /// What to do when the lock is lost while the handler runs. Default: [`OnLost::Cancel`].
    pub fn on_lost(mut self, on_lost: OnLost) -> Self {
        self.on_lost = on_lost;
        self
    }

    /// Runs a handler that began to its response even if the client leaves meanwhile. Default: off, the handler is
    /// dropped at its next await, and the lock released.
    pub fn run_to_completion(mut self, run_to_completion: bool) -> Self {
        self.run_to_completion = run_to_completion;
        self
    }

    /// How long the nodes keep the lock without renewal. Default: 10 s.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Whether to renew while the handler runs. Default: [`Renewal::Auto`].
    pub fn renewal(mut self, renewal: Renewal) -> Self {
        self.renewal = renewal;
        self
    }

    /// The longest that one request may hold the lock; at least the time to live. The lock is then lost, to which
    /// [`on_lost`](Self::on_lost) applies. Without renewal there is nothing to limit, and only the time to live itself is
    /// taken. Default: the handle's, or 60 s where that has none.
    pub fn max_hold(mut self, max_hold: Duration) -> Self {
        self.max_hold = Some(max_hold);
        self
    }

    /// Whether the handler's lease has a [`Fence`](crate::Fence). Default: off. It is not taken over from the handle,
    /// because every key leaves a counter on the nodes for ten minutes, and a client that can choose keys could fill their
    /// memory with them: where the handle has fencing on, the policy has to say which it is to be.
    pub fn fencing(mut self, fencing: bool) -> Self {
        self.fencing = Some(fencing);
        self
    }

    /// The most requests that may ask for one key at the same time; further ones are told at once that somebody else
    /// has the lock. Those that share and those that do not count apart. At most [`waiters`](Self::waiters), and at most the
    /// handle's [`max_waiters`](crate::RedlockBuilder::max_waiters). Default: 64, or the lesser of these two; for those that
    /// share, who are not in one another's way, the lesser of these two.
    pub fn waiters_per_key(mut self, waiters: usize) -> Self {
        self.waiters_per_key = Some(waiters);
        self
    }

    /// The most requests that may ask for a lock at the same time; further ones get 503 at once. Default: 1,024.
    pub fn waiters(mut self, waiters: usize) -> Self {
        self.waiters = waiters;
        self
    }

    /// The most locks that may be held at the same time; further requests get 503 at once. Default: 10,000.
    pub fn held(mut self, held: usize) -> Self {
        self.held = held;
        self
    }

    /// Whether requests with this method are locked, alone or [shared](Self::shares).
    pub fn locks(&self, method: &str) -> bool {
        self.shares(method) || self.methods.contain(method)
    }

    /// Whether requests with this method share the lock.
    pub fn shares(&self, method: &str) -> bool {
        self.shared_methods.as_ref().is_some_and(|shared| named(shared, method))
    }

    /// Whether the lock is held to the end of the response's body.
    pub fn holds_until_body_end(&self) -> bool {
        self.hold_until == HoldUntil::BodyEnd
    }

    /// Whether a handler is dropped when its lock is lost.
    pub fn cancels_when_lost(&self) -> bool {
        self.on_lost == OnLost::Cancel
    }

    /// Whether a handler goes on when its client leaves.
    pub fn runs_to_completion(&self) -> bool {
        self.run_to_completion
    }
}
