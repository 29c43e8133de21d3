//! A process that runs for leadership again and again, and says what it believes, with the time of the machine's monotonic
//! clock in microseconds: `leads TERM AT`, `holds AT` every few milliseconds, `steps-down AT`, `lost AT`, `resigned AT`.
//!
//! `candidate NAME TTL_MS LABEL`, nodes from `REDLOCK_NODES`, the client from `REDLOCK_CLIENT`. SIGTERM makes it resign and
//! end.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use integration_tests::clock;
use integration_tests::nodes::Client;
use redlock_core::{LeaderGuard, Redlock};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name, ttl, label] = &args[..] else {
        return Err("usage: candidate NAME TTL_MS LABEL".into());
    };
    let ttl = Duration::from_millis(ttl.parse()?);
    let redlock = Redlock::builder().nodes(Client::from_environment()?).ttl(ttl).build()?;
    let election = redlock.election(name)?.label(label).step_down(ttl / 5);
    let mut terminated = signal(SignalKind::terminate())?;
    println!("runs");
    loop {
        let leader = tokio::select! {
            leader = election.campaign() => leader?,
            _ = terminated.recv() => break,
        };
        println!("leads {} {}", leader.term().get(), clock::micros());
        tokio::select! {
            () = believe(&leader) => {}
            _ = terminated.recv() => {
                leader.resign().await?;
                println!("resigned {}", clock::micros());
                break;
            }
        }
    }
    redlock.close().await;
    Ok(())
}

/// Until it is lost.
async fn believe(leader: &LeaderGuard) {
    let mut stepping_down = pin!(leader.stepping_down());
    let mut told = false;
    loop {
        // The clock first: what is believed after that was true then.
        let at = clock::micros();
        if leader.is_lost() {
            return println!("lost {}", clock::micros());
        }
        println!("holds {at}");
        tokio::select! {
            biased;
            _ = leader.lost() => {}
            () = &mut stepping_down, if !told => {
                told = true;
                println!("steps-down {}", clock::micros());
            }
            () = sleep(Duration::from_millis(2)) => {}
        }
    }
}
