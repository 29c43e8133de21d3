use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::trial::{BRIEF, LATE, LONG, SHORT, Trial, all_but, assert_unextended};
use crate::node::{Extension, Removal};

pub(super) async fn an_extension_prolongs(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG / 10).await;
    assert_eq!(t.extend(&claim, LONG).await, Extension::Extended);
    let left = t.left("a").await;
    assert!(left > LONG / 2 && left <= LONG, "{left:?} left");
    t.assert_held(&claim, ["a"]).await;
}

pub(super) async fn an_extension_never_shortens(t: &Trial<'_>) {
    let claim = t.claim(["a", "b"]);
    t.take(&t.same(&claim, ["a"]), LONG).await;
    t.take(&t.same(&claim, ["b"]), LONG / 10).await;
    assert_eq!(t.extend(&t.same(&claim, ["a"]), LONG / 10).await, Extension::Extended);
    assert!(t.left("a").await > LONG / 2);
    // Each resource for itself.
    assert_eq!(t.extend(&claim, LONG / 5).await, Extension::Extended);
    assert!(t.left("a").await > LONG / 2);
    assert!(t.left("b").await > LONG / 10);
}

pub(super) async fn an_extended_resource_outlives_its_first_time_and_then_frees_itself(
    t: &Trial<'_>,
) {
    let claim = t.claim(["a"]);
    let began = Instant::now();
    let extended = BRIEF + SHORT * 2;
    t.take(&claim, BRIEF).await;
    assert_eq!(t.extend(&claim, extended).await, Extension::Extended);
    t.until_free("a", extended + LATE).await;
    let lived = began.elapsed();
    assert!(lived + Duration::from_millis(2) >= extended, "free after {lived:?}");
}

pub(super) async fn an_extension_does_not_bring_back_what_was_released(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    assert_eq!(t.release(&claim).await, Removal::Removed);
    assert_eq!(t.extend(&claim, LONG).await, Extension::Gone);
    t.assert_free(["a"]).await;
}

pub(super) async fn an_extension_does_not_bring_back_what_expired(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, SHORT).await;
    sleep(SHORT + Duration::from_millis(50)).await;
    t.until_free("a", LATE).await;
    assert_eq!(t.extend(&claim, LONG).await, Extension::Gone);
    t.assert_free(["a"]).await;
}

pub(super) async fn an_extension_leaves_a_foreign_holder_alone(t: &Trial<'_>) {
    let holder = t.claim(["a"]);
    t.take(&holder, LONG / 2).await;
    assert_eq!(t.extend(&t.claim(["a"]), LONG).await, Extension::Foreign);
    t.assert_held(&holder, ["a"]).await;
    assert!(t.left("a").await <= LONG / 2);
}

pub(super) async fn several_resources_are_extended_together(t: &Trial<'_>) {
    let claim = t.claim(["a", "b", "c"]);
    t.take(&claim, LONG / 10).await;
    assert_eq!(t.extend(&claim, LONG).await, Extension::Extended);
    for part in ["a", "b", "c"] {
        assert!(t.left(part).await > LONG / 2, "`{part}`");
    }
}

pub(super) async fn several_resources_are_extended_all_or_none_when_one_is_gone(t: &Trial<'_>) {
    for gone in ["c", "b", "a"] {
        let claim = t.claim(["a", "b", "c"]);
        t.take(&claim, LONG / 2).await;
        t.release(&t.same(&claim, [gone])).await;
        assert_eq!(t.extend(&claim, LONG).await, Extension::Gone);
        t.assert_free([gone]).await;
        assert_unextended(t, all_but(gone)).await;
        t.release(&claim).await;
    }
}

pub(super) async fn several_resources_are_extended_all_or_none_when_one_is_foreign(t: &Trial<'_>) {
    for foreign in ["c", "b", "a"] {
        let (claim, other) = (t.claim(["a", "b", "c"]), t.claim([foreign]));
        t.take(&other, LONG / 2).await;
        let rest = all_but(foreign);
        t.take(&t.same(&claim, &rest), LONG / 2).await;
        assert_eq!(t.extend(&claim, LONG).await, Extension::Foreign);
        assert_unextended(t, ["a", "b", "c"]).await;
        t.assert_held(&other, [foreign]).await;
        t.release(&claim).await;
        t.release(&other).await;
    }
}

pub(super) async fn an_extension_reports_the_foreign_holder_before_the_gone_resource(
    t: &Trial<'_>,
) {
    for foreign in ["a", "b"] {
        let other = t.claim([foreign]);
        t.take(&other, LONG / 2).await;
        assert_eq!(t.extend(&t.claim(["a", "b"]), LONG).await, Extension::Foreign);
        assert_eq!(t.release(&other).await, Removal::Removed);
        t.assert_free(["a", "b"]).await;
    }
}
