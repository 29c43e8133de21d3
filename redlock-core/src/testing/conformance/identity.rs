use std::time::Duration;

use tokio::time::sleep;

use super::trial::{LIMIT, LONG, Trial};
use crate::node::Identity;

async fn identity(t: &Trial<'_>) -> Identity {
    t.node().identity(LIMIT).await.expect("an answer to identity")
}

pub(super) async fn the_name_stays(t: &Trial<'_>) {
    let (before, node) = (t.node().name().to_owned(), t.node());
    assert!(!before.is_empty());
    t.take(&t.claim(["a"]), LONG).await;
    assert_eq!(node.name(), before);
}

pub(super) async fn the_run_stays_and_its_uptime_grows(t: &Trial<'_>) {
    let before = identity(t).await;
    assert_ne!(before.run_id.as_deref(), Some(""));
    sleep(Duration::from_millis(50)).await;
    t.take(&t.claim(["a"]), LONG).await;
    let after = identity(t).await;
    assert_eq!(before.run_id, after.run_id);
    assert!(before.uptime <= after.uptime, "{:?} and then {:?}", before.uptime, after.uptime);
}

pub(super) async fn a_node_is_a_master_on_its_own(t: &Trial<'_>) {
    let identity = identity(t).await;
    assert!(!identity.replica && !identity.cluster, "{identity:?}");
}
