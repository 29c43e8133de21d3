//! One of many workers imports at a time, for as long as that takes, and stops when its lock is lost.
//!
//! `cargo run -p redlock-redis --example worker -- redis://127.0.0.1:6379 redis://…`

#![allow(clippy::print_stdout)]

use std::time::Duration;

use redlock_redis::RedisNode;
use redlock_redis::redlock_core::{Lease, LockError, LockErrorKind, Redlock};
use tokio::time::sleep;

#[tokio::main]
async fn main() -> Result<(), LockError> {
    let nodes = RedisNode::connect_all(std::env::args().skip(1))?;
    let redlock = Redlock::builder().nodes(nodes).ttl(Duration::from_secs(10)).build()?;
    let ended = tokio::select! {
        ended = work(&redlock, import) => ended,
        _ = tokio::signal::ctrl_c() => Ok(()), // drops the import where it is, and releases
    };
    redlock.close().await;
    ended
}

/// Imports under the lock, which is renewed meanwhile, again and again.
pub(crate) async fn work(redlock: &Redlock, import: impl AsyncFn(Lease)) -> Result<(), LockError> {
    loop {
        match redlock.with_lock("import", |lease| import(lease)).await {
            Ok(()) => println!("imported"),
            // Stopped half-way: another worker may be at it already.
            Err(error) if error.kind() == LockErrorKind::Lost => println!("{error}"),
            // Somebody else's turn all the time, or an outage.
            Err(error) if error.is_retryable() => println!("{error}"),
            Err(error) => return Err(error),
        }
        sleep(Duration::from_secs(1)).await;
    }
}

async fn import(lease: Lease) {
    for row in 1..=20 {
        sleep(Duration::from_secs(1)).await;
        println!("row {row} of 20, held for {:.1?} more unless renewed", lease.remaining());
    }
}
