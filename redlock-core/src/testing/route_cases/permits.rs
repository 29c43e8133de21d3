use std::time::Duration;

use super::Handler;
use super::policies::{PolicyCase, Situation, rejected, served};
use crate::route::{ContendedStatus, HeldAs, LockPolicy, OnLost};

/// Answers where so many requests of a key are served at once.
pub(super) fn of_permits() -> Vec<PolicyCase> {
    use Situation::*;
    let of = |permits| LockPolicy::new().permits(permits);
    let secs = Duration::from_secs;
    let by = |method: &'static str, case: PolicyCase| PolicyCase { method, ..case };
    let with = |slot, case: PolicyCase| PolicyCase { held: Some(HeldAs::Permit { slot }), ..case };
    let stopped = |case: PolicyCase| PolicyCase { handler: Handler::Stopped, ..with(0, case) };
    let unlocked = |case: PolicyCase| PolicyCase { held: None, ..case };
    let too_many = ContendedStatus::TooManyRequests;
    vec![
        with(0, served("a permit is taken", Free, of(1))),
        with(1, served("the one that is left is taken", Taken(1), of(2))),
        with(63, served("of so many, too", Taken(63), of(64))),
        rejected("all are taken", Taken(2), of(2), 409, Some("3"), "contended"),
        rejected(
            "there are no more of another key",
            Taken(63),
            of(63),
            409,
            Some("3"),
            "contended",
        ),
        rejected(
            "all are taken, as a limit has it",
            Taken(2),
            of(2).contended_status(too_many),
            429,
            Some("3"),
            "contended",
        ),
        rejected(
            "told when one may be free",
            Taken(2),
            of(2).retry_after(secs(7)),
            409,
            Some("7"),
            "contended",
        ),
        with(0, served("one is waited for", Taken(1), of(1).wait_up_to(secs(5)))),
        rejected(
            "waited for in vain, all taken",
            Taken(2),
            of(2).wait_up_to(secs(1)),
            409,
            Some("2"),
            "contended",
        ),
        with(0, served("the lock of the key is another one", Held, of(1))),
        with(0, served("so are shares of it", Shared, of(1))),
        unlocked(by("GET", served("a safe method takes no permit", Taken(1), of(1)))),
        by(
            "GET",
            with(0, served("a method that is named takes one", Free, of(1).methods(["GET"]))),
        ),
        by(
            "HEAD",
            rejected(
                "GET names HEAD, all taken",
                Taken(1),
                of(1).methods(["GET"]),
                409,
                Some("3"),
                "contended",
            ),
        ),
        PolicyCase {
            fenced: true,
            ..with(0, served("a permit has a number", Free, of(1).fencing(true)))
        },
        with(0, served("a permit runs to completion", Free, of(1).run_to_completion(true))),
        rejected("no quorum for a permit", NoQuorum, of(2), 503, Some("1"), "no_quorum"),
        unlocked(served(
            "no quorum for a permit, allowed",
            NoQuorum,
            of(2).no_quorum(crate::route::NoQuorum::Allow),
        )),
        rejected("misconfigured for a permit", Misconfigured, of(2), 500, None, "misconfigured"),
        rejected("shutting down permits", Closed, of(2), 503, Some("1"), "closed"),
        with(0, served("a permit is renewed", Slow, of(1))),
        stopped(rejected("had too long", Slow, of(1).max_hold(secs(15)), 503, None, "lost")),
        stopped(rejected("a permit is lost", LostMeanwhile, of(1), 503, None, "lost")),
        PolicyCase {
            flagged: true,
            ..with(
                0,
                served(
                    "a permit is lost, and finished",
                    LostMeanwhile,
                    of(1).on_lost(OnLost::Finish),
                ),
            )
        },
    ]
}
