use super::trial::{LATE, LONG, SHORT, Trial};
use crate::node::{Expiry, Holder, Removal};

pub(super) async fn a_free_resource_shows_nobody(t: &Trial<'_>) {
    assert_eq!(t.holding("a").await, None);
}

pub(super) async fn a_held_resource_shows_its_holder_and_the_time_left(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG).await;
    let holding = t.holding("a").await.expect("a holder");
    assert!(holding.holder.is(claim.token()));
    let Expiry::In(left) = holding.expiry else {
        panic!("expected an end, got {:?}", holding.expiry)
    };
    assert!(left > LONG / 2 && left <= LONG, "{left:?} left of {LONG:?}");
}

pub(super) async fn a_hold_for_ever_shows_as_such(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.put("a", claim.token().as_bytes(), None).await;
    assert_eq!(t.holding("a").await.expect("a holder").expiry, Expiry::Never);
    assert_eq!(t.release(&claim).await, Removal::Removed);
}

pub(super) async fn several_resources_show_in_the_order_of_the_key(t: &Trial<'_>) {
    let (first, last) = (t.claim(["a"]), t.claim(["c", "d"]));
    t.take(&last, LONG).await;
    t.take(&first, LONG / 2).await;
    let holdings = t.holdings(["d", "c", "b", "a"]).await;
    let holders: Vec<_> =
        holdings.iter().map(|holding| holding.as_ref().map(|held| held.holder)).collect();
    let holder = |claim: &crate::node::Claim| Some(Holder::of(claim.token().as_bytes()));
    assert_eq!(holders, [holder(&first), None, holder(&last), holder(&last)]);
    let ends: Vec<_> = holdings.iter().flatten().map(|holding| holding.expiry).collect();
    assert!(matches!(ends[0], Expiry::In(left) if left <= LONG / 2), "{ends:?}");
    assert!(matches!(ends[2], Expiry::In(left) if left > LONG / 2), "{ends:?}");
}

pub(super) async fn a_foreign_value_of_any_bytes_shows_its_fingerprint(t: &Trial<'_>) {
    let long = vec![0xfe; 5000];
    for value in [&b"\xff\xfe\0\r\n"[..], b"42", b" v ", b"-ERR no", b"\"q\"", &long] {
        t.put("a", value, Some(LONG)).await;
        let holding = t.holding("a").await.expect("a holder");
        assert_eq!(holding.holder, Holder::of(value), "{}", value.escape_ascii());
        t.refused(&t.claim(["a"])).await;
        assert_eq!(t.release(&t.claim(["a"])).await, Removal::Foreign);
    }
}

pub(super) async fn an_empty_value_is_a_holder(t: &Trial<'_>) {
    t.put("a", b"", Some(LONG)).await;
    assert_eq!(t.holding("a").await.expect("a holder").holder, Holder::of(b""));
    t.refused(&t.claim(["a"])).await;
    t.refused(&t.claim(["a", "b"])).await;
    assert_eq!(t.release(&t.claim(["a"])).await, Removal::Foreign);
    assert_eq!(t.value("a").await.as_deref(), Some(&b""[..]));
}

pub(super) async fn an_expired_resource_shows_nobody(t: &Trial<'_>) {
    t.take(&t.claim(["a", "b"]), SHORT).await;
    for part in ["a", "b"] {
        t.until_free(part, SHORT + LATE).await;
    }
    assert_eq!(t.holdings(["a", "b"]).await, [None, None]);
}

pub(super) async fn looking_changes_nothing(t: &Trial<'_>) {
    let claim = t.claim(["a"]);
    t.take(&claim, LONG / 2).await;
    for _ in 0..10 {
        t.holdings(["a", "b"]).await;
    }
    t.assert_held(&claim, ["a"]).await;
    t.assert_free(["b"]).await;
    let left = t.left("a").await;
    assert!(left > LONG / 4 && left <= LONG / 2, "{left:?} left");
}
