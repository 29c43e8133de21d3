use super::*;
use crate::error::{ExtendErrorKind, NodeOutcome, NodeReport, Tally};
use crate::node::Expiry;
use crate::node::label::Label;

fn contended(told: Option<Duration>, policy: &LockPolicy) -> Rejection {
    let error = LockError::new(LockErrorKind::Contended, Tally::default(), Vec::new(), told);
    Rejection::of_lock_error(error, policy)
}

#[test]
fn a_client_is_never_told_to_come_back_at_once_or_after_more_than_an_hour() {
    let secs = Duration::from_secs;
    for (told, header) in [
        (None, 1),
        (Some(Duration::ZERO), 1),
        (Some(Duration::from_nanos(1)), 1),
        (Some(secs(1)), 1),
        (Some(secs(1) + Duration::from_nanos(1)), 2),
        (Some(secs(3_599)), 3_599),
        (Some(secs(3_600)), 3_600),
        (Some(secs(3_601)), 3_600),
        (Some(Duration::MAX), 3_600),
    ] {
        let rejection = contended(told, &LockPolicy::new());
        assert_eq!(rejection.retry_after_seconds(), Some(header), "{told:?}");
        assert!(!rejection.retry_after().unwrap().is_zero());
        assert_eq!(rejection.lock_error().unwrap().retry_after(), told, "what nodes said is kept");
        // What the policy says goes before.
        let said = contended(told, &LockPolicy::new().retry_after(secs(7)));
        assert_eq!(said.retry_after_seconds(), Some(7));
    }
    // A policy that nobody has checked yet.
    for (said, header) in [(Duration::ZERO, 1), (Duration::MAX, u64::MAX)] {
        let rejection = contended(None, &LockPolicy::new().retry_after(said));
        assert_eq!(rejection.retry_after_seconds(), Some(header));
    }
    for kind in [LockErrorKind::Unreachable, LockErrorKind::Late, LockErrorKind::Closed] {
        let error = LockError::new(kind, Tally::default(), Vec::new(), Some(Duration::ZERO));
        let rejection = Rejection::of_lock_error(error, &LockPolicy::new());
        assert_eq!(rejection.retry_after_seconds(), Some(1), "{kind:?}");
    }
    let policy = LockPolicy::new();
    for rejection in [Rejection::overloaded(), Rejection::crowded(&policy), Rejection::closed()] {
        assert_eq!(rejection.retry_after_seconds(), Some(1));
    }
}

#[test]
fn a_client_is_told_who_has_the_lock_only_if_the_policy_says_so() {
    let label = Label::new(r#"orders "7" \ é"#).unwrap();
    let outcome = NodeOutcome::Held { expiry: Expiry::Unknown, label: Some(label), kept: false };
    let nodes = vec![NodeReport { name: "a".into(), outcome, latency: None }];
    let told = |kind, policy: &LockPolicy| {
        let error = LockError::new(kind, Tally::default(), nodes.clone(), None);
        let body = Rejection::of_lock_error(error, policy).problem_json();
        body.split_once(r#","holder":"#).map(|(_, holder)| holder.to_owned())
    };
    let (silent, names) = (LockPolicy::new(), LockPolicy::new().names_holder(true));
    for kind in [LockErrorKind::Contended, LockErrorKind::TimedOut] {
        assert_eq!(told(kind, &silent), None);
        // As JSON has it, behind all other members.
        assert_eq!(told(kind, &names).as_deref(), Some(r#""orders \"7\" \\ é"}"#));
    }
    assert_eq!(told(LockErrorKind::Unreachable, &names), None);
    let crowded = Rejection::crowded(&names).problem_json();
    assert!(!crowded.contains("holder"), "{crowded}");
}

fn refusal(rejection: Rejection) -> (&'static str, u16, Option<u64>) {
    (rejection.kind().as_str(), rejection.status(), rejection.retry_after_seconds())
}

#[test]
fn what_a_handler_meets_is_answered_as_a_layer_answers() {
    let lock = |kind| LockError::new(kind, Tally::default(), Vec::new(), None);
    for (kind, answer) in [
        (LockErrorKind::Contended, ("contended", 409, Some(1))),
        (LockErrorKind::TimedOut, ("contended", 409, Some(1))),
        (LockErrorKind::TooManyWaiters, ("contended", 409, Some(1))),
        (LockErrorKind::Unreachable, ("no_quorum", 503, Some(1))),
        (LockErrorKind::Late, ("no_quorum", 503, Some(1))),
        (LockErrorKind::Closed, ("closed", 503, Some(1))),
        (LockErrorKind::Misconfigured, ("misconfigured", 500, None)),
        (LockErrorKind::Environment, ("misconfigured", 500, None)),
        (LockErrorKind::Lost, ("lost", 503, None)),
    ] {
        assert_eq!(refusal(lock(kind).into()), answer, "{kind:?}");
    }
    let rule = |field| ConfigError::new(field, "x", "must be another one");
    assert_eq!(refusal(LockError::from(rule("key")).into()), ("bad_request", 400, None));
    assert_eq!(refusal(rule("ttl").into()), ("misconfigured", 500, None));
    assert_eq!(
        refusal(LockError::from(KeyError::missing("id")).into()),
        ("bad_request", 400, None)
    );
}

#[test]
fn who_is_to_come_back_was_not_served_at_all() {
    let released = LockError::unreleased(Tally::default(), Vec::new());
    assert_eq!(refusal(released.into()), ("no_quorum", 503, None));
    let extended = |kind| ExtendError::new(kind, Vec::new());
    let unanswered = extended(ExtendErrorKind::Unanswered);
    assert_eq!(refusal(unanswered.into()), ("no_quorum", 503, None));
    let lost = extended(ExtendErrorKind::Lost(LostReason::Expired));
    assert_eq!(refusal(lost.into()), ("lost", 503, None));
    assert_eq!(refusal(Lost::new(LostReason::Stolen).into()), ("lost", 503, None));
}
