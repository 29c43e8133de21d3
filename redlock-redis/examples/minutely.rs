//! A job that runs once a minute, on whichever of the machines that start it comes first.
//!
//! `cargo run -p redlock-redis --example minutely -- redis://127.0.0.1:6379 redis://…`

#![allow(clippy::print_stdout)]

use std::time::{Duration, SystemTime};

use redlock_redis::RedisNode;
use redlock_redis::redlock_core::{LockError, LockOptions, Redlock, Renewal};
use tokio::time::{Instant, interval_at};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<(), LockError> {
    let nodes = RedisNode::connect_all(std::env::args().skip(1))?;
    let redlock = Redlock::builder().nodes(nodes).ttl(MINUTE).build()?;
    every_minute(&redlock, async || println!("the report")).await
}

/// Runs the job at each full minute, unless another machine runs it or ran it just now.
pub(crate) async fn every_minute(redlock: &Redlock, job: impl AsyncFn()) -> Result<(), LockError> {
    // Taken for 40 s at the least, however early the job is done: clocks may be apart by as much as the other 20.
    let once = LockOptions::new().at_least(Duration::from_secs(40)).renewal(Renewal::Auto);
    let once = once.wait_for(Duration::from_secs(2)); // for starts in the same moment, each with a part of the nodes
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs() % 60;
    let mut minute = interval_at(Instant::now() + MINUTE - Duration::from_secs(since), MINUTE);
    loop {
        minute.tick().await;
        match redlock.lock_with("report", &once).await {
            Ok(guard) => match guard.lease().run(job()).await {
                Ok(()) => println!("done"), // the guard goes, and the lock stays taken for the rest of the time
                Err(lost) => println!("{lost}"),
            },
            Err(error) if error.is_contended() => println!("skipped: {error}"),
            Err(error) if error.is_retryable() => println!("not this time: {error}"),
            Err(error) => return Err(error),
        }
    }
}
