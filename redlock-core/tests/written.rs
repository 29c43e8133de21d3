//! Policies and times as they are written in a configuration.

#![cfg(all(feature = "serde", feature = "route"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use redlock_core::route::middleware::RouteLock;
use redlock_core::route::{ContendedStatus, HoldUntil, LockPolicy, MissingPart, NoQuorum, OnLost};
use redlock_core::{InMemoryNode, Redlock, Renewal, duration};

fn read(json: &str) -> Result<LockPolicy, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[test]
fn what_is_left_out_is_as_it_usually_is() {
    assert_eq!(read("{}"), Ok(LockPolicy::new()));
    let null = r#"{"ttl": null, "methods": null, "fencing": null, "renewal": null}"#;
    assert_eq!(read(null), Ok(LockPolicy::new()));
}

#[test]
fn every_option_can_be_written() {
    let json = r#"{
        "methods": ["GET", "POST"],
        "shared_methods": ["HEAD"],
        "wait_up_to": "5s",
        "contended_status": "too_many_requests",
        "retry_after": "2s",
        "names_holder": true,
        "no_quorum": "allow",
        "missing_part": "pass",
        "hold_until": "response_head",
        "on_lost": "finish",
        "run_to_completion": true,
        "ttl": "1m 30s",
        "renewal": "auto",
        "max_hold": "10m",
        "fencing": true,
        "waiters_per_key": 7,
        "waiters": 70,
        "held": 700
    }"#;
    let secs = Duration::from_secs;
    let policy = LockPolicy::new()
        .methods(["GET", "POST"])
        .shared_methods(["HEAD"])
        .wait_up_to(secs(5))
        .contended_status(ContendedStatus::TooManyRequests)
        .retry_after(secs(2))
        .names_holder(true)
        .no_quorum(NoQuorum::Allow)
        .missing_part(MissingPart::Pass)
        .hold_until(HoldUntil::ResponseHead)
        .on_lost(OnLost::Finish)
        .run_to_completion(true)
        .ttl(secs(90))
        .renewal(Renewal::Auto)
        .max_hold(secs(600))
        .fencing(true)
        .waiters_per_key(7)
        .waiters(70)
        .held(700);
    assert_eq!(read(json), Ok(policy));
    // None of them is what it would be anyway, so none was passed over. Of renewal there is one other word.
    assert_eq!(read(r#"{"renewal": "off"}"#), Ok(LockPolicy::new().renewal(Renewal::Off)));
    // Not together with those that share.
    assert_eq!(read(r#"{"permits": 64}"#), Ok(LockPolicy::new().permits(64)));
}

#[test]
fn the_words_of_each_choice_are_those_of_its_variants() {
    let status = LockPolicy::new().contended_status(ContendedStatus::Locked);
    assert_eq!(read(r#"{"contended_status": "locked"}"#), Ok(status));
    assert_eq!(read(r#"{"methods": "all"}"#), Ok(LockPolicy::new().all_methods()));
    for usual in [
        r#"{"methods": "unsafe"}"#,
        r#"{"contended_status": "conflict"}"#,
        r#"{"no_quorum": "deny"}"#,
        r#"{"missing_part": "reject"}"#,
        r#"{"hold_until": "body_end"}"#,
        r#"{"on_lost": "cancel"}"#,
    ] {
        assert_eq!(read(usual), Ok(LockPolicy::new()), "{usual}");
    }
}

#[test]
fn what_is_unknown_or_of_another_type_is_refused() {
    for (json, said) in [
        (
            r#"{"wait": "5s"}"#,
            "unknown field `wait`, expected one of `methods`, `shared_methods`, `permits`",
        ),
        (r#"{"wait_up_to": 5}"#, "expected a time with its unit, such as \"8s\""),
        (r#"{"wait_up_to": "5"}"#, "`5` has no unit: write 5s for seconds"),
        (r#"{"ttl": "soon"}"#, "`soon` must be a time with its unit"),
        (r#"{"no_quorum": "maybe"}"#, "unknown variant `maybe`, expected `deny` or `allow`"),
        (r#"{"on_lost": "Cancel"}"#, "unknown variant `Cancel`, expected `cancel` or `finish`"),
        (r#"{"renewal": "on"}"#, "unknown variant `on`, expected `off` or `auto`"),
        (r#"{"fencing": "yes"}"#, "invalid type: string \"yes\", expected a boolean"),
        (r#"{"held": -1}"#, "expected usize"),
        (r#"{"methods": "safe"}"#, "methods = `safe`: must be `unsafe`, `all` or a list"),
        (r#"{"methods": 7}"#, "expected \"unsafe\", \"all\" or a list such as [\"POST\"]"),
        (r#"{"methods": [7]}"#, "expected a string"),
        (r#"{"shared_methods": "GET"}"#, "expected a sequence"),
        (r#"{"permits": -1}"#, "expected u16"),
    ] {
        let error = read(json).unwrap_err();
        assert!(error.contains(said), "{json}: {error}");
        assert!(error.contains("at line 1"), "{json}: {error}");
    }
}

/// What breaks a rule by itself is refused in the same words by a layer, to which it comes no further from here.
#[test]
fn what_breaks_a_rule_is_refused_when_it_is_read() {
    let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(Duration::from_secs(10));
    let redlock = redlock.build().unwrap();
    let (ms, secs, new) = (Duration::from_millis, Duration::from_secs, LockPolicy::new);
    for (json, policy) in [
        (r#"{"methods": []}"#, new().methods([""; 0])),
        (r#"{"methods": ["post"]}"#, new().methods(["post"])),
        (r#"{"shared_methods": []}"#, new().shared_methods([""; 0])),
        (r#"{"shared_methods": ["GTE"]}"#, new().shared_methods(["GTE"])),
        (r#"{"permits": 0}"#, new().permits(0)),
        (r#"{"permits": 65}"#, new().permits(65)),
        (r#"{"permits": 2, "shared_methods": ["GET"]}"#, new().permits(2).shared_methods(["GET"])),
        (r#"{"ttl": "9ms"}"#, new().ttl(ms(9))),
        (r#"{"max_hold": "9s"}"#, new().max_hold(secs(9))),
        (
            r#"{"max_hold": "11s", "renewal": "off"}"#,
            new().max_hold(secs(11)).renewal(Renewal::Off),
        ),
        (r#"{"wait_up_to": "0s"}"#, new().wait_up_to(secs(0))),
        (r#"{"retry_after": "0s"}"#, new().retry_after(secs(0))),
        (r#"{"retry_after": "61m"}"#, new().retry_after(secs(3_660))),
        (r#"{"waiters": 0}"#, new().waiters(0)),
        (r#"{"held": 0}"#, new().held(0)),
        (r#"{"waiters_per_key": 0}"#, new().waiters_per_key(0)),
        (r#"{"waiters_per_key": 9, "waiters": 8}"#, new().waiters_per_key(9).waiters(8)),
    ] {
        let refused = RouteLock::new(&redlock, policy).unwrap_err();
        let error = read(json).unwrap_err();
        assert!(error.starts_with(&refused.to_string()), "{json}: {error}, and {refused}");
    }
}

#[test]
fn a_time_is_text_alone() {
    let of = |json: &str| {
        let mut json = serde_json::Deserializer::from_str(json);
        duration::deserialize(&mut json).map_err(|error| error.to_string())
    };
    assert_eq!(of("\"1m 30s\""), Ok(Duration::from_secs(90)));
    let error = of("8").unwrap_err();
    assert!(error.contains("expected a time with its unit, such as \"8s\""), "{error}");
    let error = of("\"8\"").unwrap_err();
    assert!(error.starts_with("`8` has no unit: write 8s"), "{error}");
}
