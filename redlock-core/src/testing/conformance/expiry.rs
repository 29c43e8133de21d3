use std::time::Duration;

use tokio::time::Instant;

use super::trial::{LATE, LIMIT, LONG, SHORT, Trial};
use crate::node::{Expiry, Extension, Removal, Terms, Vote};

/// What a server's clock of whole milliseconds may be off against ours.
const GRAIN: Duration = Duration::from_millis(2);

const CENTURY: Duration = Duration::from_secs(100 * 365 * 86400);

pub(super) async fn a_resource_frees_itself_after_its_time_and_not_before(t: &Trial<'_>) {
    let began = Instant::now();
    t.take(&t.claim(["a"]), SHORT).await;
    t.until_free("a", SHORT + LATE).await;
    let lived = began.elapsed();
    assert!(lived + GRAIN >= SHORT, "free after {lived:?}, {SHORT:?} were granted");
    t.assert_free(["a"]).await;
}

pub(super) async fn a_resource_that_freed_itself_goes_to_the_next(t: &Trial<'_>) {
    let next = t.claim(["a"]);
    t.take(&t.claim(["a"]), SHORT).await;
    t.until_free("a", SHORT + LATE).await;
    t.take(&next, LONG).await;
    t.assert_held(&next, ["a"]).await;
    assert!(t.left("a").await > LONG / 2);
}

pub(super) async fn the_shortest_time_to_live_is_granted(t: &Trial<'_>) {
    // The second is no whole number of milliseconds.
    for (part, ttl) in [("a", Duration::from_millis(10)), ("b", Duration::from_nanos(10_000_001))] {
        let began = Instant::now();
        t.take(&t.claim([part]), ttl).await;
        t.until_free(part, ttl + LATE).await;
        assert!(began.elapsed() + GRAIN >= ttl);
    }
}

pub(super) async fn a_time_to_live_of_a_century_is_granted(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, CENTURY).await;
    let left = t.left("a").await;
    assert!(left > CENTURY - LONG && left <= CENTURY, "{left:?} left");
    assert_eq!(t.release(&claim).await, Removal::Removed);
}

pub(super) async fn a_time_to_live_beyond_all_bounds_is_kept_or_refused(t: &Trial<'_>) {
    for parts in [&["a"][..], &["b", "c"]] {
        let claim = t.claim(parts);
        match t.try_acquire(&claim, Duration::MAX).await {
            Ok(Vote::Granted { .. }) => {
                t.assert_held(&claim, parts).await;
                for part in parts {
                    let expiry = t.holding(part).await.expect("the resource is held").expiry;
                    assert!(!matches!(expiry, Expiry::In(left) if left < CENTURY), "{expiry:?}");
                }
                assert_eq!(t.release(&claim).await, Removal::Removed);
            }
            Ok(vote) => panic!("nobody holds it, yet {vote:?}"),
            Err(_) => t.assert_free(parts).await,
        }
    }
}

pub(super) async fn an_extension_beyond_all_bounds_is_kept_or_refused(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    let answer = t.node().extend(claim.clone(), Terms::new(Duration::MAX), LIMIT).await;
    assert!(!matches!(answer, Ok(Extension::Gone | Extension::Foreign)), "{answer:?}");
    t.assert_held(&claim, ["a"]).await;
    let expiry = t.holding("a").await.expect("the resource is held").expiry;
    let least = if answer.is_ok() { CENTURY } else { LONG / 2 };
    assert!(!matches!(expiry, Expiry::In(left) if left < least), "{expiry:?}");
    assert_eq!(t.release(&claim).await, Removal::Removed);
}

pub(super) async fn several_resources_free_themselves(t: &Trial<'_>) {
    t.take(&t.claim(["a", "b", "c"]), SHORT).await;
    for part in ["a", "b", "c"] {
        t.until_free(part, SHORT + LATE).await;
    }
}
