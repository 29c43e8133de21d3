use super::trial::{LATE, LIMIT, LONG, SHORT, Trial, all_but};
use crate::node::token::Token;
use crate::node::{Claim, Removal};

pub(super) async fn a_release_frees(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    assert_eq!(t.release(&claim).await, Removal::Removed);
    t.assert_free(["a"]).await;
}

pub(super) async fn a_released_resource_goes_to_the_next(t: &Trial<'_>) {
    let (first, second) = (t.claim(["a"]), t.claim(["a"]));
    t.take(&first, LONG).await;
    t.release(&first).await;
    t.take(&second, LONG).await;
    t.assert_held(&second, ["a"]).await;
}

pub(super) async fn a_release_by_another_leaves_the_holder_alone(t: &Trial<'_>) {
    let holder = t.claim(["a"]);
    t.take(&holder, LONG).await;
    assert_eq!(t.release(&t.claim(["a"])).await, Removal::Foreign);
    t.assert_held(&holder, ["a"]).await;
    assert!(t.left("a").await > LONG / 2);
}

pub(super) async fn a_release_by_almost_the_holders_token_frees_nothing(t: &Trial<'_>) {
    for parts in [&["a"][..], &["b", "c", "d"]] {
        let holder = t.claim(parts);
        t.take(&holder, LONG).await;
        let own = holder.token().expose();
        let half = own.len() / 2;
        // Each differs from the holder's in a run of digits alone.
        for (from, to) in [(0, 1), (own.len() - 1, own.len()), (0, half), (half, own.len())] {
            let other: String = own
                .bytes()
                .enumerate()
                .map(|(at, digit)| match digit {
                    _ if !(from..to).contains(&at) => digit.into(),
                    b'0' => '1',
                    _ => '0',
                })
                .collect();
            let other = Claim::new(holder.key().clone(), Token::parse(&other).unwrap());
            assert_eq!(t.release(&other).await, Removal::Foreign);
            t.assert_held(&holder, parts).await;
            // Whether anybody is told or not.
            let told = t.node().release_and_tell(other, LIMIT).await;
            assert_eq!(told, Ok(Removal::Foreign));
            t.assert_held(&holder, parts).await;
        }
    }
}

pub(super) async fn a_release_frees_no_value_that_only_contains_the_token(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    let token = claim.token().as_bytes();
    for value in [&token[..39], &[token, b"0"].concat(), &[b"0", token].concat(), b""] {
        t.put("a", value, Some(LONG)).await;
        assert_eq!(t.release(&claim).await, Removal::Foreign);
        let told = t.node().release_and_tell(claim.clone(), LIMIT).await;
        assert_eq!(told, Ok(Removal::Foreign));
        assert_eq!(t.value("a").await.as_deref(), Some(value));
    }
}

pub(super) async fn a_release_of_what_is_free_says_gone(t: &Trial<'_>) {
    assert_eq!(t.release(&t.claim(["a"])).await, Removal::Gone);
    assert_eq!(t.release(&t.claim(["a", "b"])).await, Removal::Gone);
    t.assert_free(["a", "b"]).await;
}

pub(super) async fn a_second_release_says_gone(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    assert_eq!(t.release(&claim).await, Removal::Removed);
    assert_eq!(t.release(&claim).await, Removal::Gone);
}

pub(super) async fn a_release_of_what_expired_says_gone(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, SHORT).await;
    t.until_free("a", SHORT + LATE).await;
    assert_eq!(t.release(&claim).await, Removal::Gone);
}

pub(super) async fn a_late_release_leaves_the_next_holder_alone(t: &Trial<'_>) {
    let (first, second) = (t.claim(["a"]), t.claim(["a"]));
    t.take(&first, SHORT).await;
    t.until_free("a", SHORT + LATE).await;
    t.take(&second, LONG).await;
    assert_eq!(t.release(&first).await, Removal::Foreign);
    t.assert_held(&second, ["a"]).await;
}

pub(super) async fn several_resources_are_released_together(t: &Trial<'_>) {
    let claim = t.claim(["a", "b", "c"]);
    t.take(&claim, LONG).await;
    assert_eq!(t.release(&claim).await, Removal::Removed);
    t.assert_free(["a", "b", "c"]).await;
}

pub(super) async fn a_release_frees_the_rest_when_one_is_gone(t: &Trial<'_>) {
    for gone in ["a", "b", "c"] {
        let claim = t.claim(["a", "b", "c"]);
        t.take(&claim, LONG).await;
        t.release(&t.same(&claim, [gone])).await;
        assert_eq!(t.release(&claim).await, Removal::Gone);
        t.assert_free(["a", "b", "c"]).await;
    }
}

pub(super) async fn a_release_frees_the_rest_when_one_is_foreign(t: &Trial<'_>) {
    for foreign in ["a", "b", "c"] {
        let (claim, other) = (t.claim(["a", "b", "c"]), t.claim([foreign]));
        t.take(&other, LONG).await;
        let rest = all_but(foreign);
        t.take(&t.same(&claim, &rest), LONG).await;
        assert_eq!(t.release(&claim).await, Removal::Foreign);
        t.assert_free(rest).await;
        t.assert_held(&other, [foreign]).await;
        t.release(&other).await;
    }
}

pub(super) async fn a_release_reports_the_foreign_holder_before_the_gone_resource(t: &Trial<'_>) {
    for foreign in ["a", "b"] {
        let other = t.claim([foreign]);
        t.take(&other, LONG).await;
        assert_eq!(t.release(&t.claim(["a", "b"])).await, Removal::Foreign);
        assert_eq!(t.release(&other).await, Removal::Removed);
    }
}
