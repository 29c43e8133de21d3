use super::shared::{assert_shared, reader};
use super::trial::{LIMIT, LONG, Trial, fenced};
use crate::decide::fence::LARGEST;
use crate::node::key::{COUNTER_PREFIX, INTENT_PREFIX};
use crate::node::{Claim, Extension, Fault, Removal, Terms, Vote};

fn behind(t: &Trial<'_>, prefix: &str, part: &str) -> Vec<u8> {
    [prefix.as_bytes(), &t.name(part)].concat()
}

async fn assert_wrong(t: &Trial<'_>, claim: &Claim, terms: Terms) {
    match t.node().acquire(claim.clone(), terms, LIMIT).await {
        Err(error) => assert_eq!(error.fault(), Fault::WrongType, "{error}"),
        Ok(vote) => panic!("expected an error, got {vote:?}"),
    }
}

pub(super) async fn a_sorted_set_of_something_else_is_left_alone(t: &Trial<'_>) {
    let name = t.name("b");
    t.fixture.put_sorted_set(&name, LONG).await;
    for parts in [&["b"][..], &["a", "b", "c"]] {
        for claim in [t.claim(parts), reader(t, parts)] {
            for terms in [Terms::new(LONG), fenced(LONG, 0, LONG)] {
                assert_wrong(t, &claim, terms.with_intent(Some(LONG))).await;
                assert_wrong(t, &claim, terms).await;
            }
            assert_ne!(t.extend(&claim, LONG).await, Extension::Extended);
            assert_ne!(t.release(&claim).await, Removal::Removed);
        }
    }
    assert!(t.fixture.is_sorted_set(&name).await);
    t.assert_free(["a", "c"]).await;
    assert_eq!(t.counters(["a", "b", "c"]).await, [None; 3]);
    let looked = t.node().inspect(t.key(["b"]), LIMIT).await;
    assert!(looked.is_err_and(|error| error.fault() == Fault::WrongType));
}

pub(super) async fn a_list_is_not_shared(t: &Trial<'_>) {
    let name = t.name("b");
    t.fixture.put_list(&name, LONG).await;
    for parts in [&["b"][..], &["a", "b", "c"]] {
        let claim = reader(t, parts);
        assert_wrong(t, &claim, Terms::new(LONG)).await;
        assert_eq!(t.extend(&claim, LONG).await, Extension::Foreign);
        assert_eq!(t.release(&claim).await, Removal::Foreign);
    }
    assert!(t.fixture.is_list(&name).await);
    t.assert_free(["a", "c"]).await;
}

pub(super) async fn an_intent_without_an_end_counts_for_nothing(t: &Trial<'_>) {
    t.fixture.put(&behind(t, INTENT_PREFIX, "a"), b"1", None).await;
    let claim = reader(t, &["a"]);
    t.take(&claim, LONG).await;
    assert_shared(t, "a", &[&claim]).await;
    t.fixture.put(&behind(t, INTENT_PREFIX, "a"), b"1", Some(LONG)).await;
    t.refused(&reader(t, &["a"])).await;
}

pub(super) async fn a_share_beside_a_counter_that_is_no_number_is_a_misconfiguration(
    t: &Trial<'_>,
) {
    let counter = behind(t, COUNTER_PREFIX, "b");
    for text in ["", "seven", "1e3", "9007199254740991", &(LARGEST - 1).to_string()] {
        t.fixture.put(&counter, text.as_bytes(), Some(LONG)).await;
        for claim in [reader(t, &["b"]), reader(t, &["a", "b", "c"]), t.claim(["b"])] {
            assert_wrong(t, &claim, fenced(LONG, 0, LONG)).await;
        }
    }
    t.assert_free(["a", "b", "c"]).await;
    assert_eq!(t.counters(["a", "c"]).await, [None; 2]);
}

pub(super) async fn the_last_numbers_are_given(t: &Trial<'_>) {
    let counter = behind(t, COUNTER_PREFIX, "a");
    let last = (LARGEST - 3).to_string();
    t.fixture.put(&counter, last.as_bytes(), Some(LONG)).await;
    let share = reader(t, &["a"]);
    assert_eq!(t.take_fenced(&share, 0).await, LARGEST - 2);
    t.release(&share).await;
    let vote = t.vote(&t.claim(["a"]), fenced(LONG, 0, LONG)).await;
    assert_eq!(vote, Vote::Granted { fence: Some(LARGEST - 1) });
}
