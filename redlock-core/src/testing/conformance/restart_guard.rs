use std::time::Duration;

use tokio::time::sleep;

use super::trial::{LIMIT, LONG, Trial, assert_unextended, fenced};
use crate::node::{Extension, Removal, Terms, Vote};

/// Longer than any server of a test has run.
const AGES: Duration = Duration::from_secs(10 * 365 * 86400);

fn guarded(guard: Duration) -> Terms {
    Terms::new(LONG).with_guard(Some(guard))
}

fn assert_warming(vote: Vote) {
    match vote {
        Vote::Warming { uptime, remaining } => {
            assert!(uptime < AGES && remaining <= AGES, "{vote:?}");
            let sum = uptime + remaining;
            assert!(sum > AGES - Duration::from_secs(2) && sum <= AGES, "{vote:?}");
        }
        vote => panic!("expected to be told to wait, got {vote:?}"),
    }
}

pub(super) async fn a_node_younger_than_the_guard_grants_nothing(t: &Trial<'_>) {
    for parts in [&["a"][..], &["a", "b", "c"]] {
        let claim = t.claim(parts);
        assert_warming(t.vote(&claim, guarded(AGES)).await);
        assert_eq!(t.release(&claim).await, Removal::Gone);
    }
    t.assert_free(["a", "b", "c"]).await;
}

pub(super) async fn a_node_older_than_the_guard_grants(t: &Trial<'_>) {
    // A server counts whole seconds.
    let guard = Duration::from_secs(1);
    for part in ["a", "b"] {
        let claim = t.claim([part]);
        for _ in 0..40 {
            match t.vote(&claim, guarded(guard)).await {
                Vote::Warming { remaining, .. } => sleep(remaining.min(guard)).await,
                vote => {
                    assert_eq!(vote, Vote::Granted { fence: None });
                    break;
                }
            }
        }
        t.assert_held(&claim, [part]).await;
    }
    // No guard at all is none, whatever the age.
    assert_eq!(
        t.vote(&t.claim(["c"]), guarded(Duration::ZERO)).await,
        Vote::Granted { fence: None }
    );
}

pub(super) async fn within_the_guard_a_held_resource_is_refused_as_held(t: &Trial<'_>) {
    let holder = t.claim(["b"]);
    t.take(&holder, LONG).await;
    for parts in [&["b"][..], &["a", "b", "c"]] {
        let vote = t.vote(&t.claim(parts), guarded(AGES)).await;
        assert!(matches!(vote, Vote::Held { .. }), "{vote:?}");
    }
    t.assert_held(&holder, ["b"]).await;
    t.assert_free(["a", "c"]).await;
}

pub(super) async fn within_the_guard_an_extension_and_a_release_work(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG / 10).await;
    let terms = Terms { ttl: LONG / 2, ..guarded(AGES) };
    let answer = t.node().extend(claim.clone(), terms, LIMIT).await;
    assert_eq!(answer, Ok(Extension::Extended));
    assert_unextended(t, ["a"]).await;
    assert_eq!(t.release(&claim).await, Removal::Removed);
}

pub(super) async fn the_guard_holds_for_a_fenced_acquire_too(t: &Trial<'_>) {
    let terms = fenced(LONG, u64::MAX, LONG);
    for parts in [&["a"][..], &["a", "b"]] {
        assert_warming(t.vote(&t.claim(parts), terms.with_guard(Some(AGES))).await);
    }
    t.assert_free(["a", "b"]).await;
    assert_eq!(t.counters(["a", "b"]).await, [None; 2]);
    let granted = t.vote(&t.claim(["a", "b"]), terms.with_guard(Some(Duration::ZERO))).await;
    assert!(matches!(granted, Vote::Granted { fence: Some(_) }), "{granted:?}");
}
