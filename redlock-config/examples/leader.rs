//! Three processes run for leadership, one leads. It is killed, and another takes its place.
//!
//! `REDLOCK_NODES=redis://…,redis://… cargo run -p redlock-config --example leader` starts itself three times more, asks the
//! nodes who leads, kills that process, and ends when another leads and was told to end in order.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redlock_core::{Election, LeaderState, Redlock};

const TTL: Duration = Duration::from_secs(6);
/// The name of a candidate, for its process.
const NAME: &str = "REDLOCK_CANDIDATE";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let redlock = redlock_config::builder_from_env().await?.ttl(TTL).build()?;
    let election = redlock.election("example:leader")?;
    match std::env::var(NAME) {
        Ok(name) => candidate(&name, &redlock, election).await,
        Err(_) => audience(&redlock, election).await,
    }
}

/// Leads when it can, until its standard input ends.
async fn candidate(
    name: &str,
    redlock: &Redlock,
    election: Election,
) -> Result<(), Box<dyn Error>> {
    let election = election.label(name).step_down(Duration::from_millis(300));
    let running = election.run(async |leader| {
        println!("{name} leads in term {}", leader.term());
        let work = async {
            loop {
                // The term goes along with every write: the resource refuses lower ones.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            () = leader.stepping_down() => println!("{name} steps down"),
            () = work => {}
        }
    });
    let told = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let end = async {
        let _ = told.await;
        redlock.close().await; // stops the work, and resigns
        println!("{name} ends");
    };
    tokio::join!(running, end).0?;
    Ok(())
}

/// Starts three candidates, and kills the one that leads.
async fn audience(redlock: &Redlock, election: Election) -> Result<(), Box<dyn Error>> {
    let mut candidates = Vec::new();
    for name in ["ada", "bob", "cyd"] {
        let mut command = Command::new(std::env::current_exe()?);
        let child = command.env(NAME, name).stdin(Stdio::piped()).spawn()?;
        candidates.push(Candidate { name, child });
    }
    let mut observer = election.observe();
    let first = loop {
        if let LeaderState::Known { label: Some(label), .. } = observer.next().await? {
            break label;
        }
    };
    tokio::time::sleep(TTL).await;
    let leads = |candidate: &&mut Candidate| candidate.name == first.as_str();
    let leader = candidates.iter_mut().find(leads).ok_or("somebody else leads")?;
    println!("--- {first} is killed");
    leader.child.kill()?;
    let killed = Instant::now();
    loop {
        if let LeaderState::Known { label: Some(label), .. } = observer.next().await? {
            let after = killed.elapsed().as_secs_f32();
            println!(
                "--- {label} leads, {after:.1} s later; a leadership lasts {TTL:?} unless renewed"
            );
            break;
        }
    }
    for mut candidate in candidates {
        drop(candidate.child.stdin.take());
        candidate.child.wait()?;
    }
    redlock.close().await;
    Ok(())
}

struct Candidate {
    name: &'static str,
    child: Child,
}

impl Drop for Candidate {
    fn drop(&mut self) {
        // It has ended, unless this ends early.
        let _ = self.child.kill();
    }
}
