//! One table of what a request meets, for every middleware to be tested against. Feature `testing`; not covered by
//! semver.
//!
//! A middleware's test goes through [`KEYS`] and [`policies`], builds a service of its framework for each case, sends the
//! one request, and has [`KeyCase::check`] or [`Stage::check`] look at what came back and at the nodes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{ContendedStatus, HeldLocks, HoldUntil, LockPolicy, MissingPart, NoQuorum, OnLost};
use crate::faults::{Faulty, Misbehaviour};
use crate::memory::InMemoryNode;
use crate::node::{Fault, LockNode};
use crate::options::Renewal;
use crate::redlock::Redlock;

/// A request, and the key its handler is to run under.
#[derive(Debug)]
pub struct KeyCase {
    /// The template.
    pub template: &'static str,
    /// The route's pattern, in the notation that axum and actix-web share.
    pub route: &'static str,
    /// The request's path, as sent. Its method is POST.
    pub target: &'static str,
    /// The request's headers.
    pub headers: &'static [(&'static str, &'static str)],
    /// What becomes of it.
    pub expected: Key,
}

/// What becomes of a [`KeyCase`].
#[derive(Debug)]
pub enum Key {
    /// The handler runs under this key.
    Is(&'static str),
    /// The handler runs under a hashed key that begins like this.
    Hashed(&'static str),
    /// The request is rejected with this status.
    Rejected(u16),
}

const TEN_KILOBYTES: &str = {
    const BYTES: [u8; 10_240] = [b'x'; 10_240];
    match str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => "",
    }
};

const fn case(
    template: &'static str,
    route: &'static str,
    target: &'static str,
    headers: &'static [(&'static str, &'static str)],
    expected: Key,
) -> KeyCase {
    KeyCase { template, route, target, headers, expected }
}

/// Keys made of requests.
pub const KEYS: &[KeyCase] = &[
    case("order:{id}", "/orders/{id}/pay", "/orders/42/pay", &[], Key::Is("order:42")),
    case("order:{id}", "/orders/{id}/pay", "/orders/42/pay?x=1", &[], Key::Is("order:42")),
    case("all", "/orders/{id}/pay", "/orders/42/pay", &[], Key::Is("all")),
    case(
        "{method} {route}",
        "/orders/{id}/pay",
        "/orders/42/pay",
        &[],
        Key::Is("POST /orders/{id}/pay"),
    ),
    case("{route}:{id}", "/orders/{id}", "/orders/42", &[], Key::Is("/orders/{id}:42")),
    case("{b}:{a}", "/{a}/{b}", "/1/2", &[], Key::Is("2:1")),
    case("p:{param:method}", "/{method}", "/1", &[], Key::Is("p:1")),
    // The same resource, however the path is written.
    case("order:{id}", "/orders/{id}", "/orders/%34%32", &[], Key::Is("order:42")),
    case("order:{id}", "/orders/{id}", "/orders/a%20b", &[], Key::Is("order:a%20b")),
    case("order:{id}", "/orders/{id}", "/orders/a%2Fb", &[], Key::Is("order:a%2Fb")),
    case("order:{id}", "/orders/{id}", "/orders/a%2fb", &[], Key::Is("order:a%2Fb")),
    case("order:{id}", "/orders/{id}", "/orders/a%252Fb", &[], Key::Is("order:a%252Fb")),
    case("order:{id}", "/orders/{id}", "/orders/a+b", &[], Key::Is("order:a%2Bb")),
    case("order:{id}", "/orders/{id}", "/orders/%C3%BC", &[], Key::Is("order:%C3%BC")),
    case("order:{id}", "/orders/{id}", "/orders/%FF", &[], Key::Rejected(400)),
    // What would read like another part or another key.
    case("{a}:{b}", "/{a}/{b}", "/1:2/3", &[], Key::Is("1%3A2:3")),
    case("{a}:{b}", "/{a}/{b}", "/1/2:3", &[], Key::Is("1:2%3A3")),
    case("order:{id}", "/orders/{id}", "/orders/%7Bid%7D", &[], Key::Is("order:%7Bid%7D")),
    case("order:{id}", "/orders/{id}", "/orders/%0D%0ADEL", &[], Key::Is("order:%0D%0ADEL")),
    case("order:{id}", "/orders/{id}", "/orders/%00", &[], Key::Is("order:%00")),
    // Headers.
    case("t:{header:x-tenant}:{id}", "/{id}", "/1", &[("x-tenant", "acme")], Key::Is("t:acme:1")),
    case(
        "t:{header:X-Tenant}:{id}",
        "/{id}",
        "/1",
        &[("x-TENANT", "a:b c")],
        Key::Is("t:a%3Ab%20c:1"),
    ),
    case("t:{header:x-tenant}", "/{id}", "/1", &[], Key::Rejected(400)),
    case("t:{header:x-tenant}", "/{id}", "/1", &[("x-tenant", "")], Key::Rejected(400)),
    case(
        "t:{header:x-tenant}",
        "/{id}",
        "/1",
        &[("x-tenant", "a"), ("x-tenant", "a")],
        Key::Rejected(400),
    ),
    case("t:{header:x-long}", "/{id}", "/1", &[("x-long", TEN_KILOBYTES)], Key::Hashed("t:")),
    // A template that does not fit its route is no fault of the client's.
    case("order:{order_id}", "/orders/{id}", "/orders/42", &[], Key::Rejected(500)),
];

impl KeyCase {
    /// Looks at the answer. The handler gives its lease's key for a body, see [`key_of`].
    ///
    /// # Panics
    ///
    /// When it is not as expected.
    #[allow(clippy::panic)]
    pub fn check(&self, status: u16, body: &str) {
        match self.expected {
            Key::Is(key) => assert_eq!((status, body), (200, key), "{self:?}"),
            Key::Hashed(head) => {
                assert_eq!(status, 200);
                assert!(body.starts_with(&format!("{head}#sha256=")) && body.len() < 140, "{body}");
            }
            Key::Rejected(expected) => {
                assert_eq!(status, expected, "{self:?}: {body}");
                assert!(body.contains(&format!(r#""status":{expected}"#)), "{self:?}: {body}");
            }
        }
    }
}

/// The key a handler runs under, `-` for none.
pub fn key_of(held: Option<&HeldLocks>) -> String {
    let key = held.and_then(HeldLocks::lease).and_then(|lease| lease.key().single());
    key.map_or_else(|| "-".to_owned(), |key| String::from_utf8_lossy(key).into_owned())
}

/// What surrounds the one request of a [`PolicyCase`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Situation {
    /// Nobody has the lock.
    Free,
    /// Somebody else has the lock for 2.5 s more.
    Held,
    /// Two of three nodes refuse connections.
    NoQuorum,
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
    /// Whether the handler has a lease.
    pub leased: bool,
    /// Whether the handler began and came to its end.
    pub handler: Handler,
    /// Whether [`LostDuringRequest`](super::LostDuringRequest) is among the response's extensions.
    pub flagged: bool,
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

/// The template that goes with [`policies`]; the route is `/orders/{id}/pay`, the path `/orders/42/pay`.
pub const TEMPLATE: &str = "order:{id}";

fn served(name: &'static str, situation: Situation, policy: LockPolicy) -> PolicyCase {
    PolicyCase {
        name,
        policy,
        method: "POST",
        situation,
        status: 200,
        retry_after: None,
        reason: None,
        leased: true,
        handler: Handler::Finished,
        flagged: false,
    }
}

fn rejected(
    name: &'static str,
    situation: Situation,
    policy: LockPolicy,
    status: u16,
    retry_after: Option<&'static str>,
    reason: &'static str,
) -> PolicyCase {
    let reason = Some(reason);
    let handler = Handler::NotRun;
    PolicyCase {
        status,
        retry_after,
        reason,
        leased: false,
        handler,
        ..served(name, situation, policy)
    }
}

/// Answers by policy and situation.
pub fn policies() -> Vec<PolicyCase> {
    use Situation::*;
    let new = LockPolicy::new;
    let secs = Duration::from_secs;
    let unlocked = |case: PolicyCase| PolicyCase { leased: false, ..case };
    let by = |method: &'static str, case: PolicyCase| PolicyCase { method, ..case };
    let flagged = |case: PolicyCase| PolicyCase { flagged: true, ..case };
    let stopped = |case: PolicyCase| PolicyCase { handler: Handler::Stopped, leased: true, ..case };
    vec![
        served("a free lock is taken", Free, new()),
        served("head", Free, new().hold_until(HoldUntil::ResponseHead)),
        served("run to completion", Free, new().run_to_completion(true)),
        unlocked(by("GET", served("a safe method is not locked", Held, new()))),
        by("GET", served("a safe method that is named is", Free, new().methods(["GET"]))),
        unlocked(served("a method that is not named is not", Held, new().methods(["PUT"]))),
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

/// The nodes of a [`PolicyCase`] and what its handler does.
#[derive(Clone)]
pub struct Stage(Arc<Inner>);

struct Inner {
    case: PolicyCase,
    redlock: Redlock,
    nodes: Vec<Arc<Faulty<InMemoryNode>>>,
    begun: AtomicUsize,
    finished: AtomicUsize,
    leased: Mutex<Option<bool>>,
}

const SOMEBODY: &[u8] = b"somebody else";
const KEY: &str = "order:42";

impl PolicyCase {
    /// Sets the stage. Time should be paused, on a runtime of one thread.
    ///
    /// # Panics
    ///
    /// When the handle cannot be built, which is a mistake here.
    #[allow(clippy::expect_used)]
    pub async fn stage(&self) -> Stage {
        let node = |i| Arc::new(Faulty::new(Arc::new(InMemoryNode::new(format!("node-{i}")))));
        let nodes: Vec<_> = (0..3).map(node).collect();
        let shared = nodes.iter().map(|node| Arc::clone(node) as Arc<dyn LockNode>);
        let builder = Redlock::builder().nodes(shared).ttl(Duration::from_secs(3)).retry_seed(7);
        let redlock = builder.build().expect("a valid handle");
        for node in &nodes[1..] {
            match self.situation {
                Situation::Held => {
                    node.inner().put(KEY, SOMEBODY, Some(Duration::from_millis(2_500)));
                }
                Situation::NoQuorum => node.always(Misbehaviour::Refused),
                Situation::Misconfigured => {
                    node.always(Misbehaviour::Failing(Fault::Replica.into()));
                }
                _ => {}
            }
        }
        if self.situation == Situation::Closed {
            redlock.close().await;
        }
        Stage(Arc::new(Inner {
            case: self.clone(),
            redlock,
            nodes,
            begun: AtomicUsize::new(0),
            finished: AtomicUsize::new(0),
            leased: Mutex::new(None),
        }))
    }
}

impl Stage {
    /// The handle for the middleware.
    pub fn redlock(&self) -> &Redlock {
        &self.0.redlock
    }

    /// The handler: what it answers is the response's body.
    pub async fn handle(&self, held: Option<HeldLocks>) -> &'static str {
        let stage = &self.0;
        stage.begun.fetch_add(1, Ordering::SeqCst);
        let leased = held.as_ref().and_then(HeldLocks::lease).is_some();
        *stage.leased.lock().unwrap_or_else(PoisonError::into_inner) = Some(leased);
        if stage.case.situation == Situation::LostMeanwhile {
            stage.nodes.iter().for_each(|node| node.inner().clear());
        }
        if matches!(stage.case.situation, Situation::LostMeanwhile | Situation::Slow) {
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        stage.finished.fetch_add(1, Ordering::SeqCst);
        "paid"
    }

    /// Looks at the answer, once its body was read, and at what is left on the nodes. `flagged` tells whether
    /// [`LostDuringRequest`](super::LostDuringRequest) was among the response's extensions.
    ///
    /// # Panics
    ///
    /// When it is not as expected.
    pub async fn check(
        &self,
        status: u16,
        retry_after: Option<&str>,
        kind: Option<&str>,
        body: &str,
        flagged: bool,
    ) {
        let Inner { case, redlock, nodes, begun, finished, leased } = &*self.0;
        let name = case.name;
        assert_eq!(status, case.status, "{name}: {body}");
        assert_eq!(retry_after, case.retry_after, "{name}");
        match case.reason {
            None => assert_eq!(body, "paid", "{name}"),
            Some(reason) => {
                assert_eq!(kind, Some("application/problem+json"), "{name}");
                assert!(body.contains(&format!(r#""reason":"{reason}""#)), "{name}: {body}");
                for secret in ["node-", "order", "replica", "refused"] {
                    assert!(!body.contains(secret), "{name}: {body}");
                }
            }
        }
        let handler = match (begun.load(Ordering::SeqCst), finished.load(Ordering::SeqCst)) {
            (0, 0) => Handler::NotRun,
            (1, 0) => Handler::Stopped,
            (1, 1) => Handler::Finished,
            more => unreachable!("{name}: the handler ran {more:?} times"),
        };
        assert_eq!(handler, case.handler, "{name}");
        let leased = *leased.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(leased.unwrap_or(case.leased), case.leased, "{name}");
        assert_eq!(flagged, case.flagged, "{name}");
        redlock.close().await;
        for node in nodes {
            let left = node.inner().value(KEY);
            assert!(left.is_none_or(|left| left == SOMEBODY), "{name}: left on a node");
        }
    }
}
