//! The short examples, over nodes in memory and on paused time.

#![allow(clippy::unwrap_used, clippy::panic)]

// Their `main` is for those who run them.
#[allow(dead_code)]
#[path = "../examples/minutely.rs"]
mod minutely;
#[allow(dead_code)]
#[path = "../examples/worker.rs"]
mod worker;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use redlock_core::{InMemoryNode, Lease, Redlock};
use tokio::time::{sleep, timeout};

const MINUTE: Duration = Duration::from_secs(60);

fn nodes() -> Vec<Arc<InMemoryNode>> {
    ["a", "b", "c"].map(|name| Arc::new(InMemoryNode::new(name))).into()
}

fn handle(nodes: &[Arc<InMemoryNode>], ttl: Duration) -> Redlock {
    Redlock::builder().nodes(nodes).ttl(ttl).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn of_three_machines_one_runs_the_job_each_minute() {
    let nodes = nodes();
    let machines = [(); 3].map(|()| handle(&nodes, MINUTE));
    let runs = Cell::new(0);
    let job = async || runs.set(runs.get() + 1);
    let [a, b, c] = machines.each_ref().map(|machine| minutely::every_minute(machine, &job));
    let all = async { tokio::join!(a, b, c) };
    // From whichever second of a minute on, ten minutes begin in this time.
    let ten = 10 * MINUTE + Duration::from_millis(500);
    assert!(timeout(ten, all).await.is_err(), "they go on");
    assert_eq!(runs.get(), 10);
}

#[tokio::test(start_paused = true)]
async fn an_import_is_stopped_at_the_loss_and_begun_again() {
    let nodes = nodes();
    let redlock = handle(&nodes, Duration::from_secs(10));
    let (begun, done) = (Cell::new(0), Cell::new(0));
    let import = async |_: Lease| {
        begun.set(begun.get() + 1);
        sleep(MINUTE).await;
        done.set(done.get() + 1);
    };
    let working = worker::work(&redlock, import);
    let forget = async {
        sleep(MINUTE / 2).await;
        nodes.iter().for_each(|node| node.clear());
        sleep(MINUTE * 2).await;
    };
    tokio::select! {
        ended = working => panic!("{ended:?}"),
        () = forget => {}
    }
    // The first was stopped where it was, the second came to its end, the third is under way.
    assert_eq!((begun.get(), done.get()), (3, 1));
}
