use super::trial::{LIMIT, LONG, Trial};
use crate::node::{Terms, Vote};

pub(super) async fn two_servers_have_different_runs(t: &Trial<'_>) {
    let first = t.node().identity(LIMIT).await.expect("an answer to identity");
    let second = t.fixture.second_node().identity(LIMIT).await.expect("an answer to identity");
    assert!(first.run_id.is_some());
    assert_ne!(first.run_id, second.run_id);
}

pub(super) async fn two_servers_have_different_names(t: &Trial<'_>) {
    assert_ne!(t.node().name(), t.fixture.second_node().name());
}

pub(super) async fn two_servers_share_no_memory(t: &Trial<'_>) {
    t.take(&t.claim(["a"]), LONG).await;
    let vote = t.fixture.second_node().acquire(t.claim(["a"]), Terms::new(LONG), LIMIT).await;
    assert!(matches!(vote, Ok(Vote::Granted { .. })), "{vote:?}");
}
