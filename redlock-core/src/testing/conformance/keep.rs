use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::trial::{BRIEF, LATE, LIMIT, LONG, SHORT, Trial, all_but, assert_unextended};
use crate::node::key::MAX_RESOURCES;
use crate::node::{Claim, Expiry, Extension, Holder, Removal, Terms, Vote};

pub(super) async fn a_keep_puts_the_mark_in_the_tokens_place(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    assert_eq!(t.keep(&claim, LONG / 2).await, Removal::Removed);
    t.assert_kept(&claim, ["a"]).await;
}

pub(super) async fn what_is_kept_is_refused_to_all_for_the_rest(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    t.keep(&claim, LONG / 2).await;
    for asking in [&t.claim(["a"]), &claim] {
        match t.refused(asking).await {
            Expiry::In(left) => assert!(left > LONG / 4 && left <= LONG / 2, "{left:?} left"),
            other => panic!("expected an end, got {other:?}"),
        }
    }
    t.assert_kept(&claim, ["a"]).await;
}

pub(super) async fn a_refusal_tells_a_mark_from_a_holder(t: &Trial<'_>) {
    let (holder, done) = (t.claim(["a"]), t.claim(["b"]));
    t.take(&holder, LONG / 10).await;
    t.take(&done, LONG).await;
    t.keep(&done, LONG / 2).await;
    // Of several resources it is about that which is taken for longest.
    for (parts, wanted) in [(&["a"][..], false), (&["b"], true), (&["a", "b"], true)] {
        match t.vote(&t.claim(parts), Terms::new(LONG)).await {
            Vote::Held { kept, .. } => assert_eq!(kept, wanted, "{parts:?}"),
            vote => panic!("expected a refusal, got {vote:?}"),
        }
    }
    t.put("c", b"kept:0123456789abcde", Some(LONG)).await;
    let vote = t.vote(&t.claim(["c"]), Terms::new(LONG)).await;
    assert!(matches!(vote, Vote::Held { kept: false, .. }), "{vote:?}");
}

pub(super) async fn what_is_kept_is_free_after_the_rest_and_not_before(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    let began = Instant::now();
    t.keep(&claim, BRIEF).await;
    sleep(SHORT / 2).await;
    t.assert_kept(&claim, ["a"]).await;
    t.until_free("a", BRIEF + LATE).await;
    let lived = began.elapsed();
    assert!(lived + Duration::from_millis(2) >= BRIEF, "free after {lived:?}");
    t.take(&t.claim(["a"]), LONG).await;
}

pub(super) async fn nothing_that_was_sent_for_the_token_fits_the_mark(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    t.keep(&claim, LONG / 2).await;
    assert_eq!(t.extend(&claim, LONG).await, Extension::Foreign);
    assert_eq!(t.release(&claim).await, Removal::Foreign);
    let told = t.node().release_and_tell(claim.clone(), LIMIT).await;
    assert_eq!(told, Ok(Removal::Foreign));
    t.assert_kept(&claim, ["a"]).await;
    assert!(t.left("a").await <= LONG / 2, "the mark was lengthened");
}

pub(super) async fn a_keep_never_lengthens(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG / 2).await;
    assert_eq!(t.keep(&claim, LONG).await, Removal::Removed);
    t.assert_kept(&claim, ["a"]).await;
    let left = t.left("a").await;
    assert!(left > LONG / 4 && left <= LONG / 2, "{left:?} left");
}

pub(super) async fn a_keep_of_a_hold_for_ever_has_an_end(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.put("a", claim.token().as_bytes(), None).await;
    assert_eq!(t.keep(&claim, LONG).await, Removal::Removed);
    t.assert_kept(&claim, ["a"]).await;
    let left = t.left("a").await;
    assert!(left > LONG / 2 && left <= LONG, "{left:?} left");
}

pub(super) async fn a_second_keep_leaves_the_mark_as_it_is(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    t.keep(&claim, LONG / 2).await;
    for rest in [LONG, Duration::from_millis(1)] {
        assert_eq!(t.keep(&claim, rest).await, Removal::Removed);
        t.assert_kept(&claim, ["a"]).await;
        let left = t.left("a").await;
        assert!(left > LONG / 4 && left <= LONG / 2, "{left:?} left");
    }
}

pub(super) async fn a_keep_by_another_leaves_the_holder_alone(t: &Trial<'_>) {
    let holder = t.claim(["a"]);
    t.take(&holder, LONG).await;
    assert_eq!(t.keep(&t.claim(["a"]), SHORT).await, Removal::Foreign);
    t.assert_held(&holder, ["a"]).await;
    assert!(t.left("a").await > LONG / 2);
}

pub(super) async fn a_keep_leaves_the_mark_of_another_alone(t: &Trial<'_>) {
    let before = t.claim(["a"]);
    t.take(&before, LONG).await;
    t.keep(&before, LONG).await;
    assert_eq!(t.keep(&t.claim(["a"]), SHORT).await, Removal::Foreign);
    t.assert_kept(&before, ["a"]).await;
    assert!(t.left("a").await > LONG / 2);
}

pub(super) async fn a_keep_of_what_is_free_takes_nothing(t: &Trial<'_>) {
    assert_eq!(t.keep(&t.claim(["a"]), LONG).await, Removal::Gone);
    assert_eq!(t.keep(&t.claim(["a", "b"]), LONG).await, Removal::Gone);
    t.assert_free(["a", "b"]).await;
}

pub(super) async fn a_keep_of_what_expired_takes_nothing(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, SHORT).await;
    t.until_free("a", SHORT + LATE).await;
    assert_eq!(t.keep(&claim, LONG).await, Removal::Gone);
    t.assert_free(["a"]).await;
}

pub(super) async fn as_many_resources_as_a_key_takes_are_kept_together(t: &Trial<'_>) {
    let parts: Vec<String> = (0..MAX_RESOURCES).map(|i| i.to_string()).collect();
    let claim = t.claim(&parts);
    t.take(&claim, LONG).await;
    assert_eq!(t.keep(&claim, LONG / 2).await, Removal::Removed);
    t.assert_kept(&claim, &parts).await;
}

pub(super) async fn a_keep_keeps_the_rest_when_one_is_gone(t: &Trial<'_>) {
    for gone in ["a", "b", "c"] {
        let claim = t.claim(["a", "b", "c"]);
        t.take(&claim, LONG / 2).await;
        t.release(&t.same(&claim, [gone])).await;
        assert_eq!(t.keep(&claim, LONG).await, Removal::Gone);
        t.assert_kept(&claim, all_but(gone)).await;
        t.assert_free([gone]).await;
        assert_unextended(t, all_but(gone)).await;
        t.clear(all_but(gone)).await;
    }
}

pub(super) async fn a_keep_keeps_the_rest_when_one_is_foreign(t: &Trial<'_>) {
    for foreign in ["a", "b", "c"] {
        let (claim, other) = (t.claim(["a", "b", "c"]), t.claim([foreign]));
        t.take(&other, LONG).await;
        t.take(&t.same(&claim, all_but(foreign)), LONG / 2).await;
        assert_eq!(t.keep(&claim, LONG).await, Removal::Foreign);
        t.assert_kept(&claim, all_but(foreign)).await;
        t.assert_held(&other, [foreign]).await;
        t.release(&other).await;
        assert_unextended(t, all_but(foreign)).await;
        t.clear(all_but(foreign)).await;
    }
}

pub(super) async fn a_mark_shows_as_such(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    t.keep(&claim, LONG).await;
    let holder = t.holding("a").await.expect("the mark is seen").holder;
    assert!(holder.is_kept() && !holder.is(claim.token()));
    assert_eq!(holder.to_string(), Holder::of(claim.token().as_bytes()).to_string());
}

impl Trial<'_> {
    async fn keep(&self, claim: &Claim, rest: Duration) -> Removal {
        self.node().keep(claim.clone(), rest, LIMIT).await.expect("an answer to keep")
    }

    /// Takes away what stands there, which nobody can release.
    async fn clear(&self, parts: Vec<&'static str>) {
        for part in parts {
            self.put(part, "", Some(SHORT)).await;
            self.until_free(part, SHORT + LATE).await;
        }
    }

    /// Insists that the claim's marks stand, in the server's memory and not only in the node's words.
    async fn assert_kept<P: AsRef<[u8]>>(&self, claim: &Claim, parts: impl IntoIterator<Item = P>) {
        for part in parts {
            let value = self.value(&part).await;
            let name = part.as_ref().escape_ascii();
            assert!(value == Some(claim.mark()), "`{name}` has not the claim's mark");
        }
    }
}
