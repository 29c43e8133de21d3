use super::trial::{LIMIT, LONG, Trial, fenced};
use crate::node::key::COUNTER_PREFIX;
use crate::node::{Claim, Fault};

/// What a script's own reading of numbers might let pass, and what is too large to count on from.
pub(super) const NO_NUMBERS: [&str; 14] = [
    "",
    "seven",
    "-7",
    "+7",
    "7.5",
    "1e3",
    " 7",
    "7\n",
    "inf",
    "nan",
    "0x10",
    "9007199254740991",
    "18446744073709551616",
    "00000000000000007",
];

fn counter_name(t: &Trial<'_>, part: &str) -> Vec<u8> {
    [COUNTER_PREFIX.as_bytes(), &t.name(part)].concat()
}

async fn assert_misconfigured(t: &Trial<'_>, claim: &Claim) {
    let vote = t.node().acquire(claim.clone(), fenced(LONG, 0, LONG), LIMIT).await;
    match vote {
        Err(error) => assert_eq!(error.fault(), Fault::WrongType, "{error}"),
        Ok(vote) => panic!("expected an error, got {vote:?}"),
    }
}

pub(super) async fn a_counter_of_another_type_is_a_misconfiguration(t: &Trial<'_>) {
    let counter = counter_name(t, "b");
    t.fixture.put_list(&counter, LONG).await;
    for parts in [&["b"][..], &["a", "b", "c"]] {
        assert_misconfigured(t, &t.claim(parts)).await;
    }
    t.assert_free(["a", "b", "c"]).await;
    assert_eq!(t.counters(["a", "c"]).await, [None; 2]);
    assert!(t.fixture.is_list(&counter).await);
}

pub(super) async fn a_counter_that_is_no_number_is_a_misconfiguration(t: &Trial<'_>) {
    let counter = counter_name(t, "b");
    for text in NO_NUMBERS {
        t.fixture.put(&counter, text.as_bytes(), Some(LONG)).await;
        for parts in [&["b"][..], &["a", "b", "c"]] {
            assert_misconfigured(t, &t.claim(parts)).await;
        }
        t.assert_free(["a", "b", "c"]).await;
        assert_eq!(t.fixture.value(&counter).await.as_deref(), Some(text.as_bytes()));
    }
    assert_eq!(t.counters(["a", "c"]).await, [None; 2]);
}

pub(super) async fn a_counter_that_is_no_number_is_not_raised(t: &Trial<'_>) {
    let counter = counter_name(t, "b");
    let claim = t.claim(["a", "b"]);
    t.take(&claim, LONG).await;
    for text in NO_NUMBERS {
        t.fixture.put(&counter, text.as_bytes(), Some(LONG)).await;
        match t.node().raise(claim.clone(), 7, LONG, LIMIT).await {
            Err(error) => assert_eq!(error.fault(), Fault::WrongType, "{text:?}: {error}"),
            Ok(answer) => panic!("{text:?}: expected an error, got {answer:?}"),
        }
        assert_eq!(t.counter("a").await, None);
        assert_eq!(t.fixture.value(&counter).await.as_deref(), Some(text.as_bytes()));
    }
    t.assert_held(&claim, ["a", "b"]).await;
}
