//! Giving a claim back to nodes that lost it, or a part of it, while a majority holds it.
#![cfg(all(feature = "metrics", feature = "tracing"))]
#![allow(clippy::unwrap_used)]

#[path = "common/log.rs"]
mod log;
#[path = "common/recorder.rs"]
mod recorder;

mod common;

use common::*;
use log::Log;
use recorder::{Seen, recorder};
use redlock_core::faults::Verb;

/// Requests that the node failed, by any fault.
fn failures(seen: &Seen, node: &str) -> usize {
    let label = format!("node={node}");
    let errors = seen.emitted().into_iter().filter(|(_, (name, labels))| {
        name == "redlock_node_errors_total" && labels.contains(&label)
    });
    errors.count()
}

async fn a_part_comes_back(fencing: bool) {
    let (seen, _recorder) = recorder();
    let (log, _log) = Log::set();
    let nodes = nodes(3);
    let redlock = builder(&nodes).fencing(fencing).build().unwrap();
    let guard = redlock.lock(["x", "y"]).await.unwrap();
    nodes[0].inner().remove("y");
    guard.extend(TTL).await.unwrap();
    pass(ms(100)).await;
    assert_eq!(standing(&nodes, "y"), 3, "repaired");
    assert_eq!((log.warnings(), failures(&seen, "node-0")), (vec![], 0), "in silence");
    nodes.iter().for_each(|node| node.clear_log());
    redlock.lock("another").await.unwrap().release().await.unwrap();
    assert_eq!(calls(&nodes, Verb::Identity), [0; 3], "nobody is asked again who they are");
    guard.release().await.unwrap();
    pass(ms(100)).await;
    assert_eq!(littered(&nodes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_lost_one_of_several_resources_is_given_it_back_in_silence() {
    a_part_comes_back(false).await;
}

#[tokio::test(start_paused = true)]
async fn so_is_one_of_a_fenced_lock() {
    a_part_comes_back(true).await;
}
