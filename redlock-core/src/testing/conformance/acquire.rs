use std::time::Duration;

use super::trial::{LONG, Trial, all_but};
use crate::node::Expiry;

pub(super) async fn a_free_resource_is_granted_under_its_own_name(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    // Clients of other make exclude us only if key and value are exactly these.
    t.assert_held(&claim, ["a"]).await;
}

pub(super) async fn a_held_resource_is_refused_with_the_time_it_has_left(t: &Trial<'_>) {
    t.take(&t.claim(["a"]), LONG).await;
    let expiry = t.refused(&t.claim(["a"])).await;
    let Expiry::In(left) = expiry else { panic!("expected an end, got {expiry:?}") };
    assert!(left > LONG / 2 && left <= LONG, "{left:?} left of {LONG:?}");
}

pub(super) async fn a_resource_held_for_ever_is_refused_as_such(t: &Trial<'_>) {
    let holder = t.claim(["a"]);
    t.put("a", holder.token().as_bytes(), None).await;
    assert_eq!(t.refused(&t.claim(["a"])).await, Expiry::Never);
    t.release(&holder).await;
}

pub(super) async fn a_refusal_leaves_the_holder_alone(t: &Trial<'_>) {
    let holder = t.claim(["a"]);
    t.take(&holder, LONG / 2).await;
    t.refused(&t.claim(["a"])).await;
    t.assert_held(&holder, ["a"]).await;
    let left = t.left("a").await;
    assert!(left > LONG / 4 && left <= LONG / 2, "{left:?} left");
}

pub(super) async fn an_acquire_sent_twice_is_told_from_a_fresh_grant(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    t.take_again(&claim, LONG).await;
    t.assert_held(&claim, ["a"]).await;
}

pub(super) async fn an_acquire_sent_twice_does_not_prolong(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG / 2).await;
    t.take_again(&claim, LONG).await;
    assert!(t.left("a").await <= LONG / 2);
}

pub(super) async fn an_acquire_sent_twice_does_not_shorten(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    t.take_again(&claim, LONG / 10).await;
    assert!(t.left("a").await > LONG / 2);
}

pub(super) async fn a_value_that_only_begins_like_the_token_is_not_ours(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    let token = claim.token().as_bytes();
    for other in [
        [token, b"0"].concat(),
        token[..39].to_vec(),
        token.to_ascii_uppercase(),
        [token, b"\0"].concat(),
    ] {
        if other == token {
            // A token of digits only has no upper case.
            continue;
        }
        t.put("a", &other, Some(LONG)).await;
        t.refused(&claim).await;
        t.release(&claim).await;
        t.extend(&claim, LONG * 2).await;
        assert_eq!(t.value("a").await, Some(other));
        assert!(t.left("a").await <= LONG);
    }
}

pub(super) async fn several_resources_are_granted_together(t: &Trial<'_>) {
    let claim = t.claim(["a", "b", "c"]);
    t.take(&claim, LONG).await;
    t.assert_held(&claim, ["a", "b", "c"]).await;
    t.refused(&t.claim(["b"])).await;
}

pub(super) async fn several_resources_are_granted_all_or_none(t: &Trial<'_>) {
    // The held one comes last, so that a node which writes as it goes has written the others.
    for held in ["c", "b", "a"] {
        let holder = t.claim([held]);
        t.take(&holder, LONG).await;
        t.refused(&t.claim(["a", "b", "c"])).await;
        t.assert_free(all_but(held)).await;
        t.assert_held(&holder, [held]).await;
        t.release(&holder).await;
    }
}

pub(super) async fn of_several_holders_the_longest_is_reported(t: &Trial<'_>) {
    t.take(&t.claim(["a"]), LONG / 10).await;
    t.take(&t.claim(["b"]), LONG).await;
    t.take(&t.claim(["d"]), LONG / 10).await;
    let claim = t.claim(["a", "b", "c", "d"]);
    // Our own hold does not count, however long.
    t.take(&t.same(&claim, ["c"]), LONG * 10).await;
    let expiry = t.refused(&claim).await;
    let Expiry::In(left) = expiry else { panic!("expected an end, got {expiry:?}") };
    assert!(left > LONG / 2 && left <= LONG, "{left:?} left of {LONG:?}");
}

pub(super) async fn of_several_holders_one_for_ever_is_reported(t: &Trial<'_>) {
    let for_ever = t.claim(["b"]);
    t.take(&t.claim(["a"]), LONG).await;
    t.put("b", for_ever.token().as_bytes(), None).await;
    t.take(&t.claim(["c"]), LONG).await;
    assert_eq!(t.refused(&t.claim(["a", "b", "c"])).await, Expiry::Never);
    t.release(&for_ever).await;
}

pub(super) async fn a_partly_own_claim_is_completed(t: &Trial<'_>) {
    let claim = t.claim(["a", "b"]);
    t.take(&t.same(&claim, ["b"]), LONG / 2).await;
    t.take_again(&claim, LONG).await;
    t.assert_held(&claim, ["a", "b"]).await;
    assert!(t.left("a").await > LONG / 2 + Duration::from_secs(5));
    assert!(t.left("b").await <= LONG / 2);
}

pub(super) async fn a_partly_own_claim_that_is_refused_keeps_what_it_had(t: &Trial<'_>) {
    let (claim, other) = (t.claim(["a", "b", "c"]), t.claim(["c"]));
    t.take(&t.same(&claim, ["a"]), LONG / 2).await;
    t.take(&other, LONG).await;
    t.refused(&claim).await;
    t.assert_held(&claim, ["a"]).await;
    assert!(t.left("a").await <= LONG / 2);
    t.assert_free(["b"]).await;
    t.assert_held(&other, ["c"]).await;
}
