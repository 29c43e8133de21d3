use super::trial::{LIMIT, LONG, Trial, fenced};
use crate::node::label::{Label, MAX_LABEL_BYTES};
use crate::node::{Claim, Expiry, Extension, Removal, Terms, Vote};

fn label(text: &str) -> Option<Label> {
    Some(Label::new(text).unwrap())
}

/// The same token under every label that it can be mistaken by.
fn mistakable(claim: &Claim) -> Vec<Claim> {
    let labels = [None, label("me"), label("m"), label("me2"), label("ME"), label("you")];
    let all = labels.into_iter().map(|label| claim.clone().with_label(label));
    all.filter(|other| other.value() != claim.value()).collect()
}

pub(super) async fn a_labelled_claim_stands_as_token_and_label(t: &Trial<'_>) {
    let longest = "x".repeat(MAX_LABEL_BYTES);
    for text in ["orders@pod-7", "Grüße, \"世界\" \\ '%s' $1", &longest] {
        for parts in [&["a"][..], &["b", "c"]] {
            let claim = t.claim(parts).with_label(label(text));
            t.take(&claim, LONG).await;
            t.assert_held(&claim, parts).await;
            t.take_again(&claim, LONG).await;
            assert_eq!(t.extend(&claim, LONG * 2).await, Extension::Extended);
            assert!(t.left(parts[0]).await > LONG);
            assert_eq!(t.release(&claim).await, Removal::Removed);
            t.take(&claim, LONG).await;
            let told = t.node().release_and_tell(claim, LIMIT).await;
            assert_eq!(told, Ok(Removal::Removed));
            t.assert_free(parts).await;
        }
    }
}

pub(super) async fn the_same_token_with_another_label_is_somebody_else(t: &Trial<'_>) {
    for parts in [&["a"][..], &["b", "c"]] {
        for own in [None, label("me")] {
            let claim = t.claim(parts).with_label(own);
            t.take(&claim, LONG).await;
            for other in mistakable(&claim) {
                t.refused(&other).await;
                assert_eq!(t.extend(&other, LONG * 5).await, Extension::Foreign);
                assert_eq!(t.release(&other).await, Removal::Foreign);
                let told = t.node().release_and_tell(other, LIMIT).await;
                assert_eq!(told, Ok(Removal::Foreign));
                t.assert_held(&claim, parts).await;
                assert!(t.left(parts[0]).await <= LONG);
            }
            assert_eq!(t.release(&claim).await, Removal::Removed);
        }
    }
}

pub(super) async fn an_inspection_shows_the_label(t: &Trial<'_>) {
    let (own, other) = (t.claim(["a"]).with_label(label("me")), t.claim(["b"]));
    t.take(&own, LONG).await;
    t.take(&other, LONG).await;
    let labels = t.holdings(["a", "b", "c"]).await;
    let labels: Vec<_> = labels.into_iter().map(|holding| holding?.label).collect();
    assert_eq!(labels, [label("me"), None, None]);
}

pub(super) async fn a_refusal_tells_the_label_of_who_holds_longest(t: &Trial<'_>) {
    let named = |part: &'static str, text| t.claim([part]).with_label(label(text));
    t.take(&named("a", "short"), LONG / 10).await;
    t.take(&named("b", "long"), LONG).await;
    t.take(&named("c", "short"), LONG / 10).await;
    t.take(&t.claim(["d"]), LONG * 2).await;
    let refused = async |parts: &[&str]| match t.vote(&t.claim(parts), Terms::new(LONG)).await {
        Vote::Held { label, .. } => label,
        vote => panic!("expected a refusal, got {vote:?}"),
    };
    assert_eq!(refused(&["a"]).await, label("short"));
    assert_eq!(refused(&["a", "b", "c", "e"]).await, label("long"));
    assert_eq!(refused(&["d"]).await, None);
    assert_eq!(refused(&["a", "d"]).await, None);
    let for_ever = named("f", "for ever");
    t.put("f", for_ever.value(), None).await;
    assert_eq!(refused(&["b", "f"]).await, label("for ever"));
    t.release(&for_ever).await;
}

pub(super) async fn a_value_of_another_program_has_no_label(t: &Trial<'_>) {
    let token = t.claim(["a"]).token().expose().to_owned();
    let long = "x".repeat(10_000);
    for value in [
        b"orders@pod-7".to_vec(),
        format!("{token} ").into_bytes(),
        format!("{token}\tme").into_bytes(),
        format!("{token} \x1b]0;me\x07").into_bytes(),
        format!("{token} two\nlines").into_bytes(),
        format!("{token} \u{202e}em").into_bytes(),
        format!("{token} {long}").into_bytes(),
        format!("{} me", token.to_uppercase()).into_bytes(),
        [token.as_bytes(), b" \xff\xfe"].concat(),
        long.into_bytes(),
    ] {
        t.put("a", &value, Some(LONG)).await;
        assert_eq!(t.holding("a").await.expect("a holder").label, None);
        for parts in [&["a"][..], &["a", "b"]] {
            let vote = t.vote(&t.claim(parts), Terms::new(LONG)).await;
            let Vote::Held { expiry, label, .. } = vote else { panic!("{vote:?}") };
            assert_eq!(label, None);
            assert!(matches!(expiry, Expiry::In(left) if left > LONG / 2), "{expiry:?}");
        }
    }
}

pub(super) async fn a_labelled_claim_is_fenced_as_a_whole(t: &Trial<'_>) {
    let claim = t.claim(["a", "b"]).with_label(label("me"));
    t.take_fenced(&claim, 0).await;
    t.assert_held(&claim, ["a", "b"]).await;
    assert_eq!(t.vote(&claim, fenced(LONG, 0, LONG)).await, Vote::AlreadyOurs);
    let number = t.counter("a").await.expect("a counter");
    for other in mistakable(&claim) {
        assert_eq!(t.raise(&other, number + 7).await, Extension::Foreign);
        let extended = t.node().extend(other.clone(), fenced(LONG, 0, LONG), LIMIT).await;
        assert_eq!(extended, Ok(Extension::Foreign));
        match t.vote(&other, fenced(LONG, 0, LONG)).await {
            Vote::Held { fence, label: told, .. } => {
                assert_eq!((fence, told), (Some(number), label("me")));
            }
            vote => panic!("expected a refusal, got {vote:?}"),
        }
    }
    assert_eq!(t.counters(["a", "b"]).await, [Some(number); 2]);
    assert_eq!(t.raise(&claim, number + 1).await, Extension::Extended);
    assert_eq!(t.release(&claim).await, Removal::Removed);
}
