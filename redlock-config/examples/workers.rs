//! Three workers share one job queue's lock: lock, work, renew, release, while two of five nodes fail.
//!
//! Runs on the nodes that `REDLOCK_NODES=redis://…,redis://…` or `redlock.toml` names, or on five in memory where none is named.
//! The failures are made between this program and its nodes, so real servers are not touched. Ctrl-C stops the workers and
//! releases what they hold.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use redlock_config::Settings;
use redlock_core::faults::{Faulty, Misbehaviour};
use redlock_core::{InMemoryNode, LockNode, Redlock, Renewal};

const RESOURCE: &str = "example:report";
const TTL: Duration = Duration::from_secs(5);
/// Long enough for a machine that is busy.
const NODE_TIMEOUT: Duration = Duration::from_secs(1);
const JOBS: usize = 3;

type Node = Arc<Faulty<dyn LockNode>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_env()?;
    let nodes: Vec<Node> = match settings.nodes() {
        [] => ["one", "two", "three", "four", "five"]
            .map(|name| Arc::new(InMemoryNode::new(name)) as _)
            .into(),
        _ => settings.open()?,
    }
    .into_iter()
    .map(|node: Arc<dyn LockNode>| Arc::new(Faulty::new(node)))
    .collect();
    let redlock = settings
        .builder_over(nodes.iter().map(|node| Arc::clone(node) as Arc<dyn LockNode>))
        .ttl(TTL)
        .node_timeout(NODE_TIMEOUT)
        .wait_for(Duration::from_secs(30))
        .renewal(Renewal::Auto)
        .build()?;
    let names: Vec<&str> = nodes.iter().map(|node| node.name()).collect();
    println!("nodes: {}; a lock lasts {TTL:?} unless renewed\n", names.join(", "));

    let start = Instant::now();
    let inside = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = ["ada", "bob", "cyd"]
        .map(|name| tokio::spawn(work(name, redlock.clone(), Arc::clone(&inside), start)))
        .into();
    let stop: Vec<_> = workers.iter().map(|worker| worker.abort_handle()).collect();
    let outage = tokio::spawn(outage(nodes, start));
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            println!(
                "{:>5.1} s  stopped by Ctrl-C: what is held is released",
                start.elapsed().as_secs_f32()
            );
            stop.iter().for_each(|worker| worker.abort());
        }
    });

    let mut rows = Vec::new();
    let mut failed = 0;
    for worker in workers {
        match worker.await {
            Ok(Ok(done)) => rows.extend(done),
            Ok(Err(error)) => {
                failed += 1;
                println!("{error}");
            }
            Err(stopped) if stopped.is_cancelled() => failed += 1,
            Err(panicked) => return Err(panicked.into()),
        }
    }
    outage.abort();
    let state = redlock.inspect(RESOURCE).await?.state;
    redlock.close().await;

    rows.sort_by(|a: &Row, b| a.at.total_cmp(&b.at));
    if !rows.is_empty() {
        println!("\nworker  job  locked at  waited  held    renewals  overlaps");
        for Row { worker, job, at, waited, held, renewals, overlaps } in rows {
            println!(
                "{worker:<6}  {job:>3}  {at:>7.2} s  {waited:>4.2} s  {held:>4.2} s  {renewals:>8}  {overlaps:>8}"
            );
        }
    }
    println!("\nafterwards the lock is {state:?}");
    if failed > 0 {
        return Err(format!("{failed} of 3 workers did not finish").into());
    }
    Ok(())
}

struct Row {
    worker: &'static str,
    job: usize,
    at: f32,
    waited: f32,
    held: f32,
    renewals: usize,
    overlaps: usize,
}

/// Locks, works, and releases, a few times. Every second job takes longer than a lock lasts.
async fn work(
    worker: &'static str,
    redlock: Redlock,
    inside: Arc<AtomicUsize>,
    start: Instant,
) -> Result<Vec<Row>, redlock_core::LockError> {
    let mut rows = Vec::new();
    for job in 1..=JOBS {
        let asked = Instant::now();
        let guard = redlock.lock(RESOURCE).await?;
        let locked = Instant::now();
        println!("{:>5.1} s  {worker} has the lock", start.elapsed().as_secs_f32());

        let overlaps = inside.fetch_add(1, Ordering::SeqCst);
        let (lease, mut renewals, mut until) = (guard.lease(), 0, guard.valid_until());
        let duration = Duration::from_millis(if job % 2 == 0 { 6_000 } else { 250 });
        while locked.elapsed() < duration && !lease.is_lost() {
            tokio::time::sleep(Duration::from_millis(25)).await;
            // The deadline is computed anew each time: small differences are rounding.
            if lease.valid_until() > until + Duration::from_millis(10) {
                renewals += 1;
                until = lease.valid_until();
            }
        }
        if let Some(reason) = lease.lost_reason() {
            println!("{:>5.1} s  {worker} lost the lock: {reason}", start.elapsed().as_secs_f32());
        }
        inside.fetch_sub(1, Ordering::SeqCst);

        guard.release().await?;
        rows.push(Row {
            worker,
            job,
            at: locked.duration_since(start).as_secs_f32(),
            waited: locked.duration_since(asked).as_secs_f32(),
            held: locked.elapsed().as_secs_f32(),
            renewals,
            overlaps,
        });
        // Between two jobs, so that the others get their turn: nobody queues for a lock.
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    Ok(rows)
}

/// Hangs one node and cuts another off, then lets both come back. With fewer than five nodes, only what the majority
/// can bear.
async fn outage(nodes: Vec<Node>, start: Instant) {
    let bearable = (nodes.len() - 1) / 2;
    let say = |text: String| println!("{:>5.1} s  {text}", start.elapsed().as_secs_f32());
    let (mut hung, mut cut) = (None, None);
    tokio::time::sleep(Duration::from_millis(700)).await;
    if bearable > 0 {
        hung = nodes.first().inspect(|node| {
            node.hang();
            say(format!("--- {} hangs", node.name()));
        });
    }
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    if bearable > 1 {
        cut = nodes.get(1).inspect(|node| {
            node.always(Misbehaviour::Refused);
            say(format!("--- {} refuses connections", node.name()));
        });
    }
    tokio::time::sleep(Duration::from_millis(4_500)).await;
    for node in [hung, cut].into_iter().flatten() {
        node.heal();
        say(format!("--- {} is back", node.name()));
    }
}
