use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::shared::{reader, refused_by_shares};
use super::trial::{BRIEF, LATE, LONG, SHORT, Trial};
use crate::node::{Expiry, Extension, Terms, Vote};

/// What a server's clock of whole milliseconds may be off against ours.
const GRAIN: Duration = Duration::from_millis(2);

pub(super) async fn an_intent_keeps_new_shares_off_and_nothing_else(t: &Trial<'_>) {
    let (holder, writer) = (reader(t, &["a"]), t.claim(["a"]));
    t.take(&holder, LONG / 2).await;
    let wants = Terms::new(LONG).with_intent(Some(LONG));
    assert!(matches!(t.vote(&writer, wants).await, Vote::Shared { .. }));
    let late = reader(t, &["a", "b"]);
    let Expiry::In(left) = t.refused(&late).await else { panic!("no end") };
    assert!(left > LONG / 2 && left <= LONG, "{left:?}");
    assert!(t.holding("b").await.is_none());
    t.take_again(&holder, LONG).await;
    assert_eq!(t.extend(&holder, LONG).await, Extension::Extended);
    let heedless = t.vote(&reader(t, &["a"]), Terms::new(LONG).heeding(false)).await;
    assert!(matches!(heedless, Vote::Granted { .. }), "{heedless:?}");
    refused_by_shares(t, &t.claim(["a"])).await;
}

pub(super) async fn an_intent_outlives_the_shares_and_ends_by_itself(t: &Trial<'_>) {
    let (holder, writer) = (reader(t, &["a"]), t.claim(["a"]));
    t.take(&holder, LONG).await;
    let began = Instant::now();
    let wants = Terms::new(LONG).with_intent(Some(BRIEF));
    assert!(matches!(t.vote(&writer, wants).await, Vote::Shared { .. }));
    t.release(&holder).await;
    let late = reader(t, &["a"]);
    let mut refusals = 0;
    while !matches!(t.vote(&late, Terms::new(LONG)).await, Vote::Granted { .. }) {
        refusals += 1;
        assert!(began.elapsed() <= BRIEF + LATE, "it does not end");
        sleep(SHORT / 50).await;
    }
    assert!(refusals > 0 && began.elapsed() + GRAIN >= BRIEF, "over after {:?}", began.elapsed());
}

pub(super) async fn a_writer_that_was_waiting_takes_its_intent_along(t: &Trial<'_>) {
    let (holder, writer) = (reader(t, &["a"]), t.claim(["a"]));
    t.take(&holder, LONG).await;
    let wants = Terms::new(LONG).with_intent(Some(LONG));
    assert!(matches!(t.vote(&writer, wants).await, Vote::Shared { .. }));
    t.release(&holder).await;
    assert!(matches!(t.vote(&writer, wants).await, Vote::Granted { .. }));
    t.release(&writer).await;
    t.take(&reader(t, &["a"]), LONG).await;
}

pub(super) async fn no_intent_is_left_where_a_value_is_in_the_way(t: &Trial<'_>) {
    let (holder, beside) = (t.claim(["a"]), reader(t, &["b"]));
    t.take(&holder, LONG).await;
    t.take(&beside, LONG).await;
    let wants = Terms::new(LONG).with_intent(Some(LONG));
    for parts in [&["a"][..], &["a", "b"], &["a", "c"]] {
        let vote = t.vote(&t.claim(parts), wants).await;
        assert!(matches!(vote, Vote::Held { .. }), "{vote:?}");
    }
    t.release(&holder).await;
    t.take(&reader(t, &["a", "b", "c"]), LONG).await;
}
