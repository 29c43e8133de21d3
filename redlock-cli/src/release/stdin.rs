//! Standard input: a token, or a key that confirms.

use std::io::{self, BufRead};

use redlock_core::Token;

use crate::exit::Failure;

/// The token as given, or from standard input: the list of processes shows arguments to everybody.
pub(super) fn token(given: &str) -> Result<Token, Failure> {
    if given != "-" {
        return Ok(Token::parse(given)?);
    }
    let mut line = String::new();
    // No more than anybody means to give.
    let read = io::BufRead::read_line(&mut io::Read::take(io::stdin().lock(), 1024), &mut line);
    read.map_err(unread)?;
    Ok(Token::parse(line.trim())?)
}

/// Whether what is typed is the key.
pub(super) fn typed(key: &str) -> Result<bool, Failure> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(unread)?;
    Ok(line.trim_end_matches(['\n', '\r']) == key)
}

fn unread(error: io::Error) -> Failure {
    Failure::new(format_args!("standard input: {error}"))
}
