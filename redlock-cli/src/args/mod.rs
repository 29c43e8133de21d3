//! The command line: what clap reads of it, and what that asks for.

mod bench;
mod cli;
mod doctor;
mod exec;
mod generate;
mod inspect;
mod leader;
mod list;
mod nodes;
mod parse;
mod release;
mod watch;

pub(crate) use self::cli::Cli;
#[cfg(test)]
pub(crate) use self::parse::parsed;
pub(crate) use self::parse::{Order, parse};
