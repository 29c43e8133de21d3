//! `redlock`: run commands under a distributed lock, see who holds one, check a set of nodes.
//!
//! This is a library so that the tests of the workspace can build the command. It has no API but [`main`].

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod bench;
mod config;
mod doctor;
mod exec;
mod exit;
mod generate;
mod inspect;
mod interrupt;
mod nodeset;
mod output;
mod progress;
mod raw;
mod release;
mod scratch;
mod view;
mod watch;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::Parser;
use exit::Ending;

/// All that the command does.
pub fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    // Not for people, and on the way of every command that is run: past clap.
    if words.next().is_some_and(|word| word == exec::CHILD) {
        return exec::child(words);
    }
    let ending = match Cli::parse().command {
        Command::Completions(args) => generate::completions(&args),
        Command::Man(args) => generate::man(&args),
        command => run(command),
    };
    ending.unwrap_or_else(|failure| {
        eprintln!("redlock: {failure}");
        ExitCode::from(exit::FAILED)
    })
}

/// On one thread: the child must not outlive the thread that started it.
fn run(command: Command) -> Ending {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ending = runtime.block_on(async {
        match command {
            Command::Exec(args) => exec::run(&args).await,
            Command::Inspect(args) => inspect::run(&args).await,
            Command::Watch(args) => watch::run(&args).await,
            Command::Release(args) => release::run(&args).await,
            Command::Doctor(args) => doctor::run(&args).await,
            Command::Bench(args) => bench::run(&args).await,
            Command::Completions(_) | Command::Man(_) => Ok(ExitCode::SUCCESS),
        }
    });
    // A hung connection must not keep the process.
    runtime.shutdown_background();
    ending
}
