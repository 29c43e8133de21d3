//! From words to an [`Order`], and what is said where that does not work.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use clap_complete::Shell;

use super::cli::{Cli, Command};
use crate::output::plain;
use crate::{bench, doctor, exec, exit, inspect, leader, list, output, release, watch};

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Order {
    Exec(exec::Request),
    Inspect(inspect::Request),
    List(list::Request),
    Watch(watch::Request),
    Leader(leader::Request),
    Release(release::Request),
    Doctor(doctor::Request),
    Bench(bench::Request),
    Completions(Shell),
    /// Into this directory.
    Man(Option<PathBuf>),
}

/// What this process's command line asks for; or how it ended, with what clap has to say about it said.
pub(crate) fn parse() -> Result<Order, ExitCode> {
    match parsed(std::env::args_os()) {
        Ok(order) => Ok(order),
        Err(error) if error.use_stderr() => {
            // Who does not hear it is told by the code.
            let _ = error.print();
            Err(ExitCode::from(exit::USAGE))
        }
        Err(help) => {
            let done = help.print().and_then(|()| io::stdout().flush());
            Err(match output::written(done) {
                Ok(_) => ExitCode::SUCCESS,
                Err(failure) => {
                    output::say(format_args!("redlock: {failure}"));
                    ExitCode::from(exit::FAILED)
                }
            })
        }
    }
}

pub(crate) fn parsed(
    words: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<Order, clap::Error> {
    let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
    let parsed = Cli::try_parse_from(&words).map_err(|error| helped(error, &words));
    Ok(match parsed?.command {
        Command::Exec(args) => Order::Exec(args.into()),
        Command::Inspect(args) => Order::Inspect(args.into()),
        Command::List(args) => Order::List(args.into()),
        Command::Watch(args) => {
            let several = || several("one key can be watched, and several are given");
            Order::Watch(args.request().ok_or_else(several)?)
        }
        Command::Leader(args) => {
            let several = || several("one election has a leader, and several are given");
            Order::Leader(args.request().ok_or_else(several)?)
        }
        Command::Release(args) => Order::Release(args.into()),
        Command::Doctor(args) => Order::Doctor(args.into()),
        Command::Bench(args) => Order::Bench(args.into()),
        Command::Completions(args) => Order::Completions(args.shell),
        Command::Man(args) => Order::Man(args.directory),
    })
}

fn several(why: &str) -> clap::Error {
    Cli::command().error(ErrorKind::TooManyValues, why)
}

/// The verbs that take a key.
const OF_KEYS: [&str; 5] = [" exec ", " inspect ", " watch ", " leader ", " release "];

/// clap's own tip for a word that begins with a dash, `--` before it, is of no use where that begins the command. And it
/// repeats a bad value as it is.
fn helped(mut error: clap::Error, words: &[OsString]) -> clap::Error {
    let takes_key = |error: &clap::Error| match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => {
            let usage = usage.to_string();
            OF_KEYS.iter().any(|verb| usage.contains(verb))
        }
        _ => true,
    };
    if error.kind() == ErrorKind::UnknownArgument
        && takes_key(&error)
        && let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg)
        && let Some(ContextValue::StyledStrs(_)) = error.get(ContextKind::Suggested)
    {
        // Of `-key` clap names no more than `-k`.
        let whole = words.iter().find(|whole| !word.starts_with("--") && begins(whole, word));
        let word = whole.map_or_else(|| word.clone(), |whole| plain(&whole.to_string_lossy()));
        let tip = format!("a key that begins with a dash is given as '--key={word}'");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    // Under `flock` the command follows the key as it is.
    if error.kind() == ErrorKind::MissingRequiredArgument
        && let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg)
        && missing.iter().any(|argument| argument.starts_with("<COMMAND>"))
    {
        let tip = "the command comes after '--': redlock exec KEY -- COMMAND";
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    if let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) {
        let value = plain(value);
        error.insert(ContextKind::InvalidValue, ContextValue::String(value));
    }
    error
}

fn begins(word: &OsStr, start: &str) -> bool {
    word.as_encoded_bytes().starts_with(start.as_bytes())
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
