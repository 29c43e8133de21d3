//! One process takes a lock and begins the work, another one goes on with it and releases.
//!
//! The first process stands for an API that accepts an order and answers at once; it starts the second one, a worker, from
//! this same program, and hands the lock over through its standard input: the text is a secret, and command lines and
//! environments can be read by others. Runs on the servers in `REDLOCK_NODES=redis://…,redis://…`.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::io::{Write, read_to_string, stdin};
use std::process::{Command, Stdio};
use std::time::Duration;

use redlock_core::{Handover, LockOptions, Redlock, Renewal};

const RESOURCE: &str = "example:order:42";
const TTL: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let builder = redlock_config::builder_from_env().await?;
    let redlock = builder.ttl(TTL).fencing(true).build()?;
    match std::env::args().nth(1).as_deref() {
        None => api(&redlock).await?,
        Some("worker") => worker(&redlock).await?,
        Some(other) => return Err(format!("`{other}`: must be `worker` or nothing").into()),
    }
    redlock.close().await;
    Ok(())
}

async fn api(redlock: &Redlock) -> Result<(), Box<dyn Error>> {
    let guard = redlock.lock(RESOURCE).await?;
    println!("api: accepted the order under fence {}", number(guard.fence().map(|f| f.get())));
    // From here on this process must not touch the order: its lease is over before the text exists.
    let handover = guard.hand_over();
    println!("api: handed over with {:.1} s left", handover.remaining().as_secs_f32());

    let mut worker = Command::new(std::env::current_exe()?);
    let mut worker = worker.arg("worker").stdin(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = worker.stdin.take() {
        stdin.write_all(handover.expose().as_bytes())?;
    }
    // An API would answer its caller now. If the message were lost the lock would free itself, or be taken over here again.
    let status = worker.wait()?;
    if status.success() { Ok(()) } else { Err(format!("the worker ended with {status}").into()) }
}

async fn worker(redlock: &Redlock) -> Result<(), Box<dyn Error>> {
    let handover = Handover::parse(read_to_string(stdin())?.trim())?;
    let options = LockOptions::new().renewal(Renewal::Auto);
    let guard = redlock.take_over_with(&handover, &options).await?;
    let before = number(handover.fence().map(|fence| fence.get()));
    if guard.continued() {
        println!("worker: goes on where fence {before} stopped");
    } else {
        println!("worker: somebody may have been in between, so it looks at the order anew");
    }
    let lease = guard.lease();
    tokio::select! {
        reason = lease.lost() => return Err(format!("stopped: {reason}").into()),
        () = tokio::time::sleep(Duration::from_millis(200)) => {}
    }
    println!("worker: shipped the order under fence {}", number(guard.fence().map(|f| f.get())));
    println!("worker: released, {:?}", guard.release().await?);
    Ok(())
}

fn number(fence: Option<u64>) -> String {
    fence.map_or_else(|| "none".to_owned(), |fence| fence.to_string())
}
