//! What a cycle of the library itself costs, without any server: `try_lock` and `release` by one task over five nodes.
//!
//! `cycles memory N` does N of them over nodes in memory, `cycles wire N` over nodes whose servers answer at once with what a
//! Redis 7.0 would. `scripts/cycles` runs it under callgrind, which counts instructions, the same in every run.

#![allow(clippy::print_stdout)]

use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use redlock_protocol::redlock_core::{InMemoryNode, LockNode, Redlock};
use redlock_protocol::{Arg, CallError, Reply, ServerNode, Wire};
use tokio::runtime::Builder;

const NODES: usize = 5;

/// A server that knows one lock, which is always free.
#[derive(Debug)]
struct Free(usize);

impl Wire for Free {
    const LISTENS: bool = true;

    async fn call(
        &self,
        name: &'static str,
        args: &[Arg<'_>],
        _timeout: Duration,
    ) -> Result<Reply, CallError> {
        Ok(match (name, args.len()) {
            ("INFO", _) => Reply::Bytes(
                format!(
                    "redis_version:7.0.15\r\nrun_id:{:040x}\r\nuptime_in_seconds:9\r\n",
                    self.0
                )
                .into_bytes(),
            ),
            ("SET", _) => Reply::Nil,
            _ => Reply::Int(1),
        })
    }
}

fn over(what: &str) -> Result<Redlock, Box<dyn Error>> {
    let node = |index: usize| -> Result<Arc<dyn LockNode>, String> {
        match what {
            "memory" => Ok(Arc::new(InMemoryNode::new(index.to_string()))),
            "wire" => Ok(Arc::new(ServerNode::new(index.to_string(), Free(index)))),
            other => Err(format!("no nodes called {other}: memory or wire")),
        }
    };
    let nodes = (0..NODES).map(node).collect::<Result<Vec<_>, _>>()?;
    Ok(Redlock::builder().nodes(nodes).ttl(Duration::from_secs(10)).build()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let what = args.next().ok_or("memory or wire?")?;
    let cycles: u32 = args.next().ok_or("how many cycles?")?.parse()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let redlock = runtime.block_on(async { over(&what) })?;
    let some = async |cycles| {
        for _ in 0..cycles {
            redlock.try_lock("key").await?.release().await?;
        }
        Ok::<_, Box<dyn Error>>(())
    };
    // What is done once.
    runtime.block_on(some(100))?;
    let counted = allocation_counter::measure(|| {
        if let Err(error) = runtime.block_on(some(cycles)) {
            println!("{error}");
        }
    });
    println!("{:.1}", counted.count_total as f64 / f64::from(cycles.max(1)));
    Ok(())
}
