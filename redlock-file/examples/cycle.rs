//! What it takes to take a free lock and to release it, in a directory of the temporary file system:
//! `cargo run --release -p redlock-file --example cycle [DIRECTORY]`
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use redlock_core::Redlock;
use redlock_file::FileNode;

const CYCLES: u32 = 5_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let parent = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = parent.join(format!("redlock-cycle-{}", std::process::id()));
    let opening = Instant::now();
    let node = FileNode::open(&dir)?;
    println!("opening a new directory: {:?}", opening.elapsed());
    let again = Instant::now();
    drop(FileNode::open(&dir)?);
    println!("opening it again: {:?}", again.elapsed());
    let redlock = Redlock::builder().node(node).ttl(Duration::from_secs(10)).build()?;
    let first = Instant::now();
    redlock.lock("first").await?.release().await?;
    println!("first cycle: {:?}", first.elapsed());
    let began = Instant::now();
    for _ in 0..CYCLES {
        redlock.lock("orders:42").await?.release().await?;
    }
    println!("each of {CYCLES} more: {:?}", began.elapsed() / CYCLES);
    redlock.close().await;
    std::fs::remove_dir_all(dir)?;
    Ok(())
}
