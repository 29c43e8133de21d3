//! `redlock`: run commands under a distributed lock, see who holds one, check a set of nodes.
//!
//! This is a library so that the tests of the workspace can build the command. It has no API but [`main`].

mod args;
mod bench;
mod config;
mod doctor;
mod duration;
#[allow(clippy::print_stderr)]
mod exec;
mod exit;
mod generate;
mod inspect;
mod label;
mod leader;
mod list;
mod look;
mod nodes;
mod output;
mod process;
mod release;
mod watch;

use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use args::Order;
use exit::Ending;

/// All that the command does.
pub fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    // Not for people, and on the way of every command that is run: past clap.
    match words.next() {
        Some(word) if word == exec::CHILD => return exec::child(words),
        Some(word) if word == exec::WATCH => return exec::watch(words),
        _ => {}
    }
    let order = match args::parse() {
        Ok(order) => order,
        Err(ended) => return ended,
    };
    let ending = match order {
        Order::Completions(shell) => generate::completions(shell),
        Order::Man(directory) => generate::man(directory.as_deref()),
        order => run(order),
    };
    ending.unwrap_or_else(|failure| {
        output::say(format_args!("redlock: {failure}"));
        ExitCode::from(failure.code())
    })
}

/// On one thread: the child must not outlive the thread that started it.
fn run(order: Order) -> Ending {
    process::outlive_full_files()?;
    enough_descriptors()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ending = runtime.block_on(async {
        match order {
            Order::Exec(request) => exec::run(&request).await,
            Order::Inspect(request) => inspect::run(&request).await,
            Order::List(request) => list::run(&request).await,
            Order::Watch(request) => watch::run(&request).await,
            Order::Leader(request) => leader::run(&request).await,
            Order::Release(request) => release::run(&request).await,
            Order::Doctor(request) => doctor::run(&request).await,
            Order::Bench(request) => bench::run(&request).await,
            Order::Completions(_) | Order::Man(_) => Ok(ExitCode::SUCCESS),
        }
    });
    // A hung connection must not keep the process.
    runtime.shutdown_background();
    ending
}

/// The runtime panics where it cannot have those that it begins with, six at most.
fn enough_descriptors() -> std::io::Result<()> {
    let pair = UnixStream::pair;
    let _held = (pair()?, pair()?, pair()?);
    Ok(())
}
