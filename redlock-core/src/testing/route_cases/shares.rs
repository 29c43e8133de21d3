use std::time::Duration;

use super::Handler;
use super::policies::{PolicyCase, Situation, rejected, served};
use crate::route::{HeldAs, LockPolicy, OnLost};

/// Answers where requests of some methods share.
pub(super) fn of_shares() -> Vec<PolicyCase> {
    use Situation::*;
    let new = || LockPolicy::new().shared_methods(["GET"]);
    let secs = Duration::from_secs;
    let by = |method: &'static str, case: PolicyCase| PolicyCase { method, ..case };
    // By GET: to its end, to where it was stopped, or not at all.
    let shares = |case: PolicyCase| PolicyCase { held: Some(HeldAs::Share), ..by("GET", case) };
    let stopped = |case: PolicyCase| PolicyCase { handler: Handler::Stopped, ..shares(case) };
    let passes = |method, case: PolicyCase| PolicyCase { held: None, ..by(method, case) };
    vec![
        shares(served("a free lock is shared", Free, new())),
        shares(served("readers run beside readers", Shared, new())),
        by("HEAD", shares(served("GET names HEAD among those that share", Shared, new()))),
        served("what does not share has the lock alone", Free, new()),
        rejected("readers exclude who does not share", Shared, new(), 409, Some("3"), "contended"),
        by(
            "GET",
            rejected(
                "who does not share excludes readers",
                Held,
                new(),
                409,
                Some("3"),
                "contended",
            ),
        ),
        passes("OPTIONS", served("what neither shares nor locks passes", Held, new())),
        by(
            "OPTIONS",
            rejected(
                "all that do not share exclude",
                Shared,
                new().all_methods(),
                409,
                Some("3"),
                "contended",
            ),
        ),
        passes("PUT", served("nor does it where methods are named", Held, new().methods(["POST"]))),
        shares(served("to share goes before to lock", Shared, new().methods(["GET", "POST"]))),
        shares(served("a writer is waited for", Held, new().wait_up_to(secs(5)))),
        served("readers are waited for", Shared, new().wait_up_to(secs(5))),
        rejected(
            "readers are waited for in vain",
            Shared,
            new().wait_up_to(secs(1)),
            409,
            Some("2"),
            "contended",
        ),
        PolicyCase {
            fenced: true,
            ..shares(served("a share has a number", Shared, new().fencing(true)))
        },
        shares(served("a share runs to completion", Shared, new().run_to_completion(true))),
        by("GET", rejected("no quorum to share", NoQuorum, new(), 503, Some("1"), "no_quorum")),
        passes(
            "GET",
            served(
                "no quorum to share, allowed",
                NoQuorum,
                new().no_quorum(crate::route::NoQuorum::Allow),
            ),
        ),
        by(
            "GET",
            rejected(
                "held as far as anybody knows is not shared",
                HeldInAnOutage,
                new().no_quorum(crate::route::NoQuorum::Allow),
                409,
                Some("1"),
                "contended",
            ),
        ),
        by(
            "GET",
            rejected("misconfigured to share", Misconfigured, new(), 500, None, "misconfigured"),
        ),
        by("GET", rejected("shutting down readers", Closed, new(), 503, Some("1"), "closed")),
        shares(served("a share is renewed", Slow, new())),
        stopped(rejected("shared too long", Slow, new().max_hold(secs(15)), 503, None, "lost")),
        stopped(rejected("a share is lost", LostMeanwhile, new(), 503, None, "lost")),
        PolicyCase {
            flagged: true,
            ..shares(served(
                "a share is lost, and finished",
                LostMeanwhile,
                new().on_lost(OnLost::Finish),
            ))
        },
    ]
}
