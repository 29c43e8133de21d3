//! What errors look like to whoever prints them.
#![allow(clippy::unwrap_used)]

mod common;

use std::error::Error;

use common::*;
use redlock_core::faults::Misbehaviour::{LostReply, Refused};
use redlock_core::faults::Verb;
use redlock_core::node::{Fault, NodeError};
use redlock_core::{Fence, FenceGate, LockError, LockErrorKind, LockKey, LostReason};

/// `Debug` is what `main` prints of an error that `?` hands it.
fn reads_well(error: &dyn Error, name: &str) {
    let (line, all) = (format!("{error:?}"), format!("{error:#?}"));
    assert_eq!(line, error.to_string());
    assert!(!line.contains(['\n', '{']), "{line}");
    assert!(all.starts_with(name), "{all}");
}

#[tokio::test(start_paused = true)]
async fn debug_of_an_error_reads_as_its_display_and_all_is_behind_the_alternate() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let guard = redlock.lock("k").await.unwrap();
    let held = redlock.try_lock("k").await.unwrap_err();
    reads_well(&held, "LockError {");
    let all = format!("{held:#?}");
    for part in ["Contended", "Tally {", "NodeReport {", "retry_after", "attempts"] {
        assert!(all.contains(part), "{all}");
    }
    nodes.iter().for_each(|node| node.on(Verb::Extend).always(Refused));
    let unanswered = guard.extend(TTL).await.unwrap_err();
    reads_well(&unanswered, "ExtendError {");
    assert!(format!("{unanswered:#?}").contains("NodeReport {"));
    let invalid = redlock.lock("").await.unwrap_err();
    reads_well(&invalid, "LockError {");
    reads_well(&LockKey::new("").unwrap_err(), "ConfigError {");
    reads_well(&NodeError::new(Fault::Permission, "NOPERM del"), "NodeError {");
    let gate = FenceGate::new();
    gate.admit(Fence::try_from(2_u64).unwrap()).unwrap();
    reads_well(&gate.admit(Fence::try_from(1_u64).unwrap()).unwrap_err(), "StaleFence {");
    let token = String::from_utf8(nodes[0].inner().value("k").unwrap()).unwrap();
    assert!(!all.contains(&token[..8]), "{all}");
}

#[tokio::test(start_paused = true)]
async fn what_an_extension_says_is_a_locks_error_with_what_each_node_said() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let guard = redlock.lock("k").await.unwrap();
    let invalid = LockError::from(guard.extend(ms(1)).await.unwrap_err());
    assert_eq!(invalid.kind(), LockErrorKind::Invalid);
    assert_eq!(invalid.config().unwrap().field(), "ttl");
    nodes[1..].iter().for_each(|node| node.on(Verb::Extend).always(LostReply));
    let error = guard.extend(TTL).await.unwrap_err();
    assert!(error.is_retryable());
    let unanswered = LockError::from(error);
    assert_eq!((unanswered.kind(), unanswered.attempts()), (LockErrorKind::Unreachable, 1));
    assert_eq!((unanswered.tally().granted, unanswered.tally().unknown), (1, 2));
    assert_eq!(unanswered.nodes().len(), 3);
    assert_eq!(
        unanswered.to_string(),
        "not extended: no majority of nodes answered alike, the old deadline stays (1 of 3 extended): node-1 no answer \
         in time; node-2 no answer in time"
    );
    reads_well(&unanswered, "LockError {");
    assert!(!unanswered.is_retryable(), "the work is under way");
    pass(TTL).await;
    let error = guard.extend(TTL).await.unwrap_err();
    assert!(!error.is_retryable());
    let lost = LockError::from(error);
    assert_eq!((lost.kind(), lost.attempts()), (LockErrorKind::Lost, 0));
    assert_eq!(lost.lost_reason(), Some(LostReason::NoQuorum));
    assert_eq!(
        lost.to_string(),
        "not extended: the lock is lost, it expired while no majority of nodes answered alike"
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_not_begun_may_be_tried_again() {
    let nodes = nodes(3);
    let redlock = redlock(&nodes);
    let guard = redlock.lock("k").await.unwrap();
    let held = redlock.try_lock("k").await.unwrap_err();
    assert!(held.is_contended() && held.is_retryable());
    let invalid = redlock.try_lock("").await.unwrap_err();
    assert!(!invalid.is_contended() && !invalid.is_retryable());
    nodes.iter().for_each(|node| node.always(Refused));
    let outage = redlock.try_lock("j").await.unwrap_err();
    assert!(!outage.is_contended() && outage.is_retryable());
    let unreleased = guard.release().await.unwrap_err();
    assert_eq!(unreleased.kind(), outage.kind());
    assert!(!unreleased.is_retryable(), "the work is done");
    use LockErrorKind::*;
    let kinds = [
        Contended,
        TimedOut,
        TooManyWaiters,
        Unreachable,
        Late,
        Misconfigured,
        Invalid,
        Closed,
        Environment,
        Lost,
    ];
    let those = |is: fn(LockErrorKind) -> bool| kinds.into_iter().filter(|kind| is(*kind)).count();
    assert_eq!(those(LockErrorKind::is_contended), 3);
    assert_eq!(those(LockErrorKind::is_retryable), 5);
    assert!(kinds[..5].iter().all(|kind| kind.is_retryable()));
    assert!(kinds[..3].iter().all(|kind| kind.is_contended()));
}

#[cfg(feature = "route")]
#[test]
fn so_do_the_errors_of_routes() {
    use redlock_core::route::{KeyError, Rejection};
    for error in [KeyError::missing("header x-tenant"), KeyError::not_utf8()] {
        reads_well(&error, if error == KeyError::not_utf8() { "Invalid(" } else { "Missing(" });
        reads_well(&Rejection::from(error), "Rejection {");
    }
}
