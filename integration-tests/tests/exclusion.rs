//! Many tasks in several processes add to counters under locks: not one addition is lost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Output;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{Server, Servers};
use tokio::process::Command;
use tokio::time::sleep;

const KEYS: usize = 4;
const TASKS: usize = 8;
const ROUNDS: usize = 12;
/// Two over each client.
const PROCESSES: [Client; 4] = [Client::Redis, Client::Fred, Client::Redis, Client::Fred];

/// What the processes did and what the store has to show for it.
struct Outcome {
    added: i64,
    overlaps: i64,
    stored: i64,
}

async fn contend(
    nodes: &Servers,
    store: &Server,
    locked: bool,
    meanwhile: impl Future<Output = ()>,
) -> Outcome {
    let processes: Vec<_> = PROCESSES
        .iter()
        .map(|client| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_counter"));
            command.arg(store.addr().to_string());
            command
                .args([KEYS, TASKS, ROUNDS].map(|n| n.to_string()))
                .args((!locked).then_some("unlocked"));
            command
                .env("REDLOCK_NODES", nodes.urls().join(","))
                .env("REDLOCK_CLIENT", client.name());
            tokio::spawn(command.kill_on_drop(true).output())
        })
        .collect();
    meanwhile.await;
    let mut outcome = Outcome { added: 0, overlaps: 0, stored: 0 };
    for process in processes {
        let output: Output = process.await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (added, overlaps) = said.trim().split_once(' ').unwrap();
        outcome.added += added.parse::<i64>().unwrap();
        outcome.overlaps += overlaps.parse::<i64>().unwrap();
    }
    for key in 0..KEYS {
        outcome.stored += store.get(&format!("key-{key}")).await.unwrap().parse::<i64>().unwrap();
    }
    outcome
}

#[tokio::test]
async fn not_one_addition_of_thirty_two_tasks_in_four_processes_is_lost() {
    let (nodes, store) = (Servers::start(5).await, Servers::start(1).await);
    let outcome = contend(&nodes, &store[0], true, async {}).await;
    assert_eq!(outcome.added, (PROCESSES.len() * TASKS * ROUNDS) as i64);
    assert_eq!((outcome.stored, outcome.overlaps), (outcome.added, 0));
}

#[tokio::test]
async fn not_one_addition_is_lost_while_nodes_hang_in_turn() {
    let (nodes, store) = (Servers::start(5).await, Servers::start(1).await);
    let hanging = async {
        for node in nodes.iter() {
            node.pause().await;
            sleep(Duration::from_millis(700)).await;
            node.resume().await;
        }
    };
    let outcome = contend(&nodes, &store[0], true, hanging).await;
    assert_eq!(outcome.added, (PROCESSES.len() * TASKS * ROUNDS) as i64);
    assert_eq!((outcome.stored, outcome.overlaps), (outcome.added, 0));
}

/// The measure itself: it must be able to find what it looks for.
#[tokio::test]
async fn without_the_lock_additions_are_lost_and_seen_to_overlap() {
    let (nodes, store) = (Servers::start(1).await, Servers::start(1).await);
    let outcome = contend(&nodes, &store[0], false, async {}).await;
    assert!(outcome.stored < outcome.added, "{} of {}", outcome.stored, outcome.added);
    assert!(outcome.overlaps > 0);
}
