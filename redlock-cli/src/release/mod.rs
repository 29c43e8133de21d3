//! `redlock release`.

mod force;

use std::io::{self, BufRead};
use std::process::ExitCode;

use redlock_core::{LockKey, Redlock, Release, Token};

use crate::args::ReleaseArgs;
use crate::config::Config;
use crate::exit::{self, Ending, Failure};
use crate::inspect;
use crate::output::{self, plain};
use crate::view::State;

pub(crate) async fn run(args: &ReleaseArgs) -> Ending {
    let config = Config::load(&args.nodes)?;
    let redlock = inspect::looking(&config)?;
    for key in &args.keys {
        LockKey::new(key)?;
    }
    let ending = match &args.token {
        Some(given) => by_token(&redlock, &args.keys, &token(given)?).await,
        None => force::run(&config, &redlock, args).await,
    };
    redlock.close().await;
    ending
}

/// The token as given, or from standard input: the list of processes shows arguments to everybody.
fn token(given: &str) -> Result<Token, Failure> {
    if given != "-" {
        return Ok(Token::parse(given)?);
    }
    let mut line = String::new();
    // No more than anybody means to give.
    io::BufRead::read_line(&mut io::Read::take(io::stdin().lock(), 1024), &mut line)?;
    Ok(Token::parse(line.trim())?)
}

async fn by_token(redlock: &Redlock, keys: &[String], token: &Token) -> Ending {
    let mut all = true;
    for key in keys {
        let shown = plain(key);
        match redlock.release(key, token).await {
            Ok(Release::Released) => output::line(format_args!("{shown}: released"))?,
            Ok(Release::AlreadyGone) => {
                all = false;
                // Whose it is now, or that it is free.
                let views = inspect::all(redlock, std::slice::from_ref(key)).await?;
                let now = views.first().map_or(shown, |view| view.headline());
                output::line(format_args!("{now}; this token does not hold it"))?;
            }
            Err(error) => return Err(Failure::new(format_args!("{shown}: not released: {error}"))),
        }
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(exit::CONTENDED) })
}

/// Whether what is typed is the key.
fn typed(key: &str) -> io::Result<bool> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\n', '\r']) == key)
}

/// Whether a majority says that nobody holds it.
fn is_free(state: State) -> bool {
    state == State::Free
}
