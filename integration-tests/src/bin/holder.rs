//! A process that takes a lock, says so, and says every 20 ms whether it still has it, until it has not or gets SIGTERM.
//!
//! With a store, a fenced holder writes `KEY` there when it has lost the lock, as one that never looked would, unless a
//! later fence was there before.
//!
//! `holder KEY TTL_MS [renew]`, nodes from `REDLOCK_NODES`, the client from `REDLOCK_CLIENT`, the store's address from
//! `REDLOCK_STORE`.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::resp;
use integration_tests::store::WRITE;
use redlock_core::{LockOptions, Redlock, Renewal};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [key, ttl, renew @ ..] = &args[..] else {
        return Err("usage: holder KEY TTL_MS [renew]".into());
    };
    let ttl = Duration::from_millis(ttl.parse()?);
    let store = std::env::var("REDLOCK_STORE").ok();
    let builder = Redlock::builder().nodes(Client::from_environment()?).ttl(ttl);
    let redlock = builder.fencing(store.is_some()).build()?;
    let renewal = if renew.is_empty() { Renewal::Off } else { Renewal::Auto };
    let mut terminated = signal(SignalKind::terminate())?;

    let guard = redlock.lock_with(key, &LockOptions::new().renewal(renewal)).await?;
    println!("held");
    let lease = guard.lease();
    loop {
        tokio::select! {
            _ = terminated.recv() => break,
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
        match lease.lost_reason() {
            Some(reason) => {
                println!("lost {reason:?}");
                if let (Some(store), Some(fence)) = (&store, lease.fence()) {
                    let write = ["EVAL", WRITE, "1", key, "stale", &fence.to_string()];
                    println!("written {}", resp::call(store.parse()?, &write).await?);
                }
                break;
            }
            None => println!("working"),
        }
    }
    drop(guard);
    redlock.close().await;
    println!("closed");
    Ok(())
}
