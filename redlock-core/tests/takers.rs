//! Several that take over one lock.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::sync::Arc;

use common::*;
use redlock_core::faults::{Faulty, Misbehaviour, Verb};
use redlock_core::{LockErrorKind, Redlock};
use tokio::task::JoinSet;

/// Of a process that draws delays of its own.
fn handle(nodes: &[Node], process: u64) -> Redlock {
    builder(nodes).fencing(true).retry_seed(process).build().unwrap()
}

/// The same nodes by connections of another process, over which requests take their time: it is the first at the node of its
/// number.
fn apart(nodes: &[Node], process: u64) -> Vec<Node> {
    let count = nodes.len() as u64;
    let of = |(at, node): (u64, &Node)| {
        let node = Arc::new(Faulty::new(Arc::clone(node.inner())));
        let way = ms(10) * u32::try_from((at + count - process % count) % count).unwrap();
        node.on(Verb::Acquire).always(Misbehaviour::SlowRequest(way));
        node
    };
    (0..).zip(nodes).map(of).collect()
}

#[tokio::test(start_paused = true)]
async fn of_many_who_take_over_at_one_moment_and_have_a_part_each_one_has_it() {
    let nodes = nodes(3);
    let giver = handle(&nodes, 99);
    meet(&giver).await;
    let handover = giver.try_lock("k").await.unwrap().hand_over();
    let mut tries = JoinSet::new();
    for process in 0..6 {
        let (taker, handover) = (handle(&apart(&nodes, process), process), handover.clone());
        tries.spawn(async move {
            let taken = taker.take_over(&handover).await;
            // The lock stays with who has it.
            taken.map(|guard| (taker, guard))
        });
    }
    let (won, refused): (Vec<_>, Vec<_>) =
        tries.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1, "{refused:?}");
    for error in refused.into_iter().map(Result::unwrap_err) {
        assert_eq!(error.kind(), LockErrorKind::Contended, "{error}");
        assert!(error.attempts() >= 2, "nobody had it at first: {error}");
    }
    // Where somebody has it nobody tries again.
    let late = giver.take_over(&handover).await.unwrap_err();
    assert_eq!((late.kind(), late.attempts()), (LockErrorKind::Contended, 1), "{late}");
}
