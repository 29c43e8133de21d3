use super::trial::{LIMIT, LONG, Trial};
use crate::node::{Extension, Fault, NodeError, Removal, Vote};

/// A server may notice the type, or see only that the name is taken.
fn assert_not_granted(vote: &Result<Vote, NodeError>) {
    match vote {
        Ok(vote) => assert!(matches!(vote, Vote::Held { .. }), "{vote:?}"),
        Err(error) => assert_eq!(error.fault(), Fault::WrongType),
    }
}

async fn put_list(t: &Trial<'_>, part: &str) {
    t.fixture.put_list(&t.name(part), LONG).await;
}

async fn assert_list(t: &Trial<'_>, part: &str) {
    assert!(t.fixture.is_list(&t.name(part)).await, "`{part}` is no list any more");
}

pub(super) async fn a_value_of_another_type_is_not_taken(t: &Trial<'_>) {
    put_list(t, "a").await;
    assert_not_granted(&t.try_acquire(&t.claim(["a"]), LONG).await);
    assert_list(t, "a").await;
}

pub(super) async fn a_claim_with_one_value_of_another_type_takes_nothing(t: &Trial<'_>) {
    put_list(t, "b").await;
    assert_not_granted(&t.try_acquire(&t.claim(["a", "b", "c"]), LONG).await);
    t.assert_free(["a", "c"]).await;
    assert_list(t, "b").await;
}

pub(super) async fn a_value_of_another_type_is_not_extended(t: &Trial<'_>) {
    let claim = t.claim(["a", "b"]);
    t.take(&t.same(&claim, ["a"]), LONG / 2).await;
    put_list(t, "b").await;
    assert_eq!(t.extend(&claim, LONG).await, Extension::Foreign);
    assert!(t.left("a").await <= LONG / 2);
    assert_list(t, "b").await;
}

pub(super) async fn a_value_of_another_type_is_not_released(t: &Trial<'_>) {
    put_list(t, "a").await;
    let claim = t.claim(["a"]);
    assert_eq!(t.release(&claim).await, Removal::Foreign);
    assert_eq!(t.node().release_and_tell(claim, LIMIT).await, Ok(Removal::Foreign));
    assert_list(t, "a").await;
}

pub(super) async fn a_release_frees_the_rest_when_one_is_of_another_type(t: &Trial<'_>) {
    let claim = t.claim(["a", "b", "c"]);
    t.take(&t.same(&claim, ["a", "c"]), LONG).await;
    put_list(t, "b").await;
    assert_eq!(t.release(&claim).await, Removal::Foreign);
    t.assert_free(["a", "c"]).await;
    assert_list(t, "b").await;
}

pub(super) async fn looking_at_a_value_of_another_type_does_no_harm(t: &Trial<'_>) {
    put_list(t, "a").await;
    match t.node().inspect(t.key(["a"]), LIMIT).await {
        Ok(holdings) => assert!(holdings.iter().all(Option::is_some), "{holdings:?}"),
        Err(error) => assert_eq!(error.fault(), Fault::WrongType),
    }
    assert_list(t, "a").await;
}
