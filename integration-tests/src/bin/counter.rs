//! Tasks that add to counters in a store of its own by reading, waiting a little, and writing, each under a lock.
//!
//! `counter STORE_ADDR KEYS TASKS ROUNDS [unlocked]`, nodes from `REDLOCK_NODES`, the client from `REDLOCK_CLIENT`. Prints
//! how many additions were made, and how often somebody else was inside at the same time.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::resp::{Connection, Reply};
use redlock_core::{LockOptions, Redlock, RetryPolicy};

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [store, keys, tasks, rounds, unlocked @ ..] = &args[..] else {
        return Err("usage: counter STORE_ADDR KEYS TASKS ROUNDS [unlocked]".into());
    };
    let (store, keys): (SocketAddr, usize) = (store.parse()?, keys.parse()?);
    let (tasks, rounds): (usize, usize) = (tasks.parse()?, rounds.parse()?);
    let ttl = Duration::from_secs(20);
    let redlock = Redlock::builder().nodes(Client::from_environment()?).ttl(ttl).build()?;
    let locked = unlocked.is_empty();
    let running: Vec<_> = (0..tasks)
        .map(|task| tokio::spawn(add(redlock.clone(), store, keys, task, rounds, locked)))
        .collect();
    let (mut added, mut overlaps) = (0, 0);
    for task in running {
        let (task_added, task_overlaps) = task.await??;
        added += task_added;
        overlaps += task_overlaps;
    }
    redlock.close().await;
    println!("{added} {overlaps}");
    Ok(())
}

async fn add(
    redlock: Redlock,
    store: SocketAddr,
    keys: usize,
    task: usize,
    rounds: usize,
    locked: bool,
) -> Result<(usize, i64), Failure> {
    let mut store = Connection::connect(store).await?;
    let retry = RetryPolicy::uniform(Duration::from_millis(5), Duration::from_millis(60))?;
    let options = LockOptions::new().wait_for(Duration::from_secs(90)).retry(retry);
    let (mut added, mut overlaps) = (0, 0);
    for round in 0..rounds {
        let key = format!("key-{}", (task + round) % keys);
        let guard = if locked { Some(redlock.lock_with(&key, &options).await?) } else { None };
        let inside = number(store.call(&["INCR", &format!("inside-{key}")]).await?);
        overlaps += inside - 1;
        let value = number(store.call(&["GET", &key]).await?);
        tokio::time::sleep(Duration::from_millis(1)).await;
        store.call(&["SET", &key, &(value + 1).to_string()]).await?;
        store.call(&["DECR", &format!("inside-{key}")]).await?;
        added += 1;
        if let Some(guard) = guard {
            if guard.is_lost() {
                return Err(format!("lost {key} within {:?}", options).into());
            }
            // A release that too few nodes confirmed goes on in the background.
            let _ = guard.release().await;
        }
    }
    Ok((added, overlaps))
}

fn number(reply: Reply) -> i64 {
    match reply {
        Reply::Int(number) => number,
        other => other.text().and_then(|text| text.parse().ok()).unwrap_or(0),
    }
}
