use std::time::Duration;

use crate::handle::options::Renewal;
use crate::route::{ContendedStatus, HeldAs, HoldUntil, LockPolicy, MissingPart, NoQuorum, OnLost};

/// What surrounds the one request of a [`PolicyCase`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Situation {
    /// Nobody has the lock.
    Free,
    /// Somebody else has the lock for 2.5 s more.
    Held,
    /// Somebody else has the lock for a month more.
    HeldForAMonth,
    /// Somebody else has the lock, and nothing says that it ends.
    HeldForEver,
    /// Somebody else shares the lock for 2.5 s more.
    Shared,
    /// Others have the first so many permits of the lock's key for 2.5 s more.
    Taken(u16),
    /// Two of three nodes refuse connections.
    NoQuorum,
    /// Two of three nodes refuse connections, and on the third somebody else has the lock for 2.5 s more.
    HeldInAnOutage,
    /// Two of three nodes are replicas.
    Misconfigured,
    /// The handle was closed.
    Closed,
    /// The nodes forget everything while the handler runs, which takes 20 s.
    LostMeanwhile,
    /// The handler takes 20 s.
    Slow,
}

/// A request under a policy, and its answer.
#[derive(Debug, Clone)]
pub struct PolicyCase {
    /// What it shows.
    pub name: &'static str,
    /// The policy.
    pub policy: LockPolicy,
    /// The request's method.
    pub method: &'static str,
    /// What surrounds it.
    pub situation: Situation,
    /// The answer's status.
    pub status: u16,
    /// Its `Retry-After`.
    pub retry_after: Option<&'static str>,
    /// The `reason` in its body; `None` for the handler's own answer.
    pub reason: Option<&'static str>,
    /// How the handler holds its lock; `None` where it has none.
    pub held: Option<HeldAs>,
    /// Whether the handler began and came to its end.
    pub handler: Handler,
    /// Whether the handler's lease has a fence.
    pub fenced: bool,
    /// Whether [`LostDuringRequest`](crate::route::LostDuringRequest) is among the response's extensions.
    pub flagged: bool,
}

impl PolicyCase {
    /// Whether the policy says nothing and the request is refused: so is answered, too, what a handler meets that takes its
    /// lock itself.
    pub fn is_plain_refusal(&self) -> bool {
        self.handler == Handler::NotRun && self.method == "POST" && self.policy == LockPolicy::new()
    }
}

/// What becomes of the handler in a [`PolicyCase`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handler {
    /// It never began.
    NotRun,
    /// It was dropped before its end.
    Stopped,
    /// It came to its end.
    Finished,
}

/// The template that goes with [`policies`](super::policies()); the route is `/orders/{id}/pay`, the path `/orders/42/pay`.
pub const TEMPLATE: &str = "order:{id}";

pub(super) fn served(name: &'static str, situation: Situation, policy: LockPolicy) -> PolicyCase {
    PolicyCase {
        name,
        policy,
        method: "POST",
        situation,
        status: 200,
        retry_after: None,
        reason: None,
        held: Some(HeldAs::Lock),
        handler: Handler::Finished,
        fenced: false,
        flagged: false,
    }
}

pub(super) fn rejected(
    name: &'static str,
    situation: Situation,
    policy: LockPolicy,
    status: u16,
    retry_after: Option<&'static str>,
    reason: &'static str,
) -> PolicyCase {
    let (reason, held, handler) = (Some(reason), None, Handler::NotRun);
    PolicyCase { status, retry_after, reason, held, handler, ..served(name, situation, policy) }
}

pub(super) fn of_locks() -> Vec<PolicyCase> {
    use Situation::*;
    let new = LockPolicy::new;
    let secs = Duration::from_secs;
    let unlocked = |case: PolicyCase| PolicyCase { held: None, ..case };
    let by = |method: &'static str, case: PolicyCase| PolicyCase { method, ..case };
    let flagged = |case: PolicyCase| PolicyCase { flagged: true, ..case };
    let stopped = |case: PolicyCase| PolicyCase {
        handler: Handler::Stopped,
        held: Some(HeldAs::Lock),
        ..case
    };
    vec![
        served("a free lock is taken", Free, new()),
        PolicyCase { fenced: true, ..served("fenced", Free, new().fencing(true)) },
        served("head", Free, new().hold_until(HoldUntil::ResponseHead)),
        served("run to completion", Free, new().run_to_completion(true)),
        unlocked(by("GET", served("a safe method is not locked", Held, new()))),
        by("GET", served("a safe method that is named is", Free, new().methods(["GET"]))),
        unlocked(served("a method that is not named is not", Held, new().methods(["PUT"]))),
        by("HEAD", served("GET names HEAD", Free, new().methods(["GET"]))),
        by(
            "HEAD",
            rejected(
                "GET excludes HEAD",
                Held,
                new().methods(["GET"]),
                409,
                Some("3"),
                "contended",
            ),
        ),
        unlocked(by("HEAD", served("POST does not name HEAD", Held, new().methods(["POST"])))),
        unlocked(by("GET", served("HEAD does not name GET", Held, new().methods(["HEAD"])))),
        by("GET", rejected("all methods", Held, new().all_methods(), 409, Some("3"), "contended")),
        rejected("refused at once", Held, new(), 409, Some("3"), "contended"),
        rejected(
            "423",
            Held,
            new().contended_status(ContendedStatus::Locked),
            423,
            Some("3"),
            "contended",
        ),
        rejected(
            "429",
            Held,
            new().contended_status(ContendedStatus::TooManyRequests),
            429,
            Some("3"),
            "contended",
        ),
        rejected(
            "told to come back",
            Held,
            new().retry_after(secs(7)),
            409,
            Some("7"),
            "contended",
        ),
        rejected("held for a month", HeldForAMonth, new(), 409, Some("3600"), "contended"),
        rejected("held for ever", HeldForEver, new(), 409, Some("1"), "contended"),
        served("waited for", Held, new().wait_up_to(secs(5))),
        rejected("waited in vain", Held, new().wait_up_to(secs(1)), 409, Some("2"), "contended"),
        rejected("no quorum", NoQuorum, new(), 503, Some("1"), "no_quorum"),
        unlocked(served("no quorum, allowed", NoQuorum, new().no_quorum(self::NoQuorum::Allow))),
        rejected(
            "held is held, whatever outages allow",
            Held,
            new().no_quorum(self::NoQuorum::Allow),
            409,
            Some("3"),
            "contended",
        ),
        rejected("held, or nobody knows", HeldInAnOutage, new(), 503, Some("1"), "no_quorum"),
        rejected(
            "held as far as anybody knows is held, whatever outages allow",
            HeldInAnOutage,
            new().no_quorum(self::NoQuorum::Allow),
            409,
            Some("1"),
            "contended",
        ),
        rejected("misconfigured", Misconfigured, new(), 500, None, "misconfigured"),
        rejected(
            "misconfigured is never allowed",
            Misconfigured,
            new().no_quorum(self::NoQuorum::Allow),
            500,
            None,
            "misconfigured",
        ),
        rejected("shutting down", Closed, new(), 503, Some("1"), "closed"),
        served(
            "a missing part that passes does not matter here",
            Free,
            new().missing_part(MissingPart::Pass),
        ),
        served("renewal outlasts the time to live", Slow, new()),
        stopped(rejected(
            "lost without renewal",
            Slow,
            new().renewal(Renewal::Off),
            503,
            None,
            "lost",
        )),
        stopped(rejected("held too long", Slow, new().max_hold(secs(15)), 503, None, "lost")),
        stopped(rejected("lost", LostMeanwhile, new(), 503, None, "lost")),
        stopped(rejected(
            "lost, though it runs to completion",
            LostMeanwhile,
            new().run_to_completion(true),
            503,
            None,
            "lost",
        )),
        flagged(served("lost, and finished", LostMeanwhile, new().on_lost(OnLost::Finish))),
        flagged(served(
            "held too long, and finished",
            Slow,
            new().max_hold(secs(15)).on_lost(OnLost::Finish),
        )),
    ]
}
