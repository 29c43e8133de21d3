//! `redlock release`.

mod force;
mod stdin;
mod told;

use std::process::ExitCode;
use std::time::Duration;

use futures_util::future::join_all;
use redlock_core::{LockKey, Redlock, Release, Token};
use tokio::time::timeout;

use self::told::Told;
use crate::config::{Config, Flags};
use crate::exit::{self, Ending, Failure};
use crate::look::{self, GRACE, Looker, State, View};
use crate::output::{self, plain};

/// What is left on nodes that do not answer is not waited for: what was sent they read when they go on.
const CLOSING: Duration = Duration::from_millis(250);

/// What `redlock release` is to do.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) keys: Vec<String>,
    pub(crate) way: Way,
    pub(crate) flags: Flags,
}

#[derive(Debug)]
pub(crate) enum Way {
    /// From the holder of this token; `-` reads it from standard input.
    Token(String),
    /// From whoever holds it.
    Force { asks: bool },
    /// Nobody said: who holds it is shown, and how it can be released.
    Unsaid,
}

pub(crate) async fn run(request: &Request) -> Ending {
    let config = Config::load(&request.flags)?;
    let redlock = look::handle(&config)?;
    let mut looker = Looker::beside(&redlock, &config)?;
    for key in &request.keys {
        LockKey::new(format!("{}{key}", config.key_prefix))?;
    }
    let mut told = Told::default();
    let ending = match &request.way {
        Way::Token(given) => {
            by_token(&redlock, &mut looker, &request.keys, &stdin::token(given)?, &mut told).await
        }
        Way::Force { asks } => {
            force::run(&config, &mut looker, &request.keys, *asks, &mut told).await
        }
        Way::Unsaid => shown(&config, &mut looker, &request.keys, &mut told).await,
    };
    let _ = timeout(CLOSING, redlock.close()).await;
    let code = ending?;
    told.well()?;
    Ok(ExitCode::from(code))
}

/// Shows who holds the locks, and the ways to release them.
async fn shown(
    config: &Config,
    looker: &mut Looker,
    keys: &[String],
    told: &mut Told,
) -> Result<u8, Failure> {
    let views = looker.look(keys).await?;
    for view in &views {
        told.state(looker, view, "").await?;
    }
    output::say(format_args!("redlock: {}", ways(&views, force::can(config))));
    Ok(exit::USAGE)
}

/// What there is to do about locks of which some are taken, or none. Pure.
fn ways(views: &[View], by_force: bool) -> &'static str {
    let mut taken = views.iter().map(|view| &view.state).filter(|state| **state != State::Free);
    let is_shared = |state: &State| matches!(state, State::Shared(_));
    match (taken.clone().next(), by_force) {
        (None, _) => "nothing to release; what a token holds is released by --token",
        (Some(_), _) if taken.all(is_shared) => {
            "nothing was released; a share is released by its holder alone: end that, or wait until it is free"
        }
        (Some(_), true) => {
            "nothing was released; its holder releases it by its token (--token TOKEN, or --token - to read it from standard \
             input), anybody else takes it away with --force, or waits until it is free"
        }
        (Some(_), false) => {
            "nothing was released; its holder releases it by its token (--token TOKEN, or --token - to read it from standard \
             input), and a lock in a directory cannot be taken away: end its holder, or wait until it is free"
        }
    }
}

async fn by_token(
    redlock: &Redlock,
    looker: &mut Looker,
    keys: &[String],
    token: &Token,
    told: &mut Told,
) -> Result<u8, Failure> {
    // A server that is listed twice would say twice that it was released.
    looker.meet(GRACE).await?;
    let mut worst = exit::OK;
    // All at once: a node that hangs is in nobody's way twice.
    let releases = join_all(keys.iter().map(|key| redlock.release(key, token))).await;
    for (key, release) in keys.iter().zip(releases) {
        let shown = plain(key);
        match release {
            Ok(Release::Released | Release::Kept) => told.line(format_args!("{shown}: released")),
            Ok(Release::Uncertain) => told.line(format_args!(
                "{shown}: released, as far as this token held it: too few nodes answered to tell"
            )),
            Ok(Release::AlreadyGone) => {
                worst = worst.max(exit::CONTENDED);
                // Whose it is now, or that it is free.
                let now = looker.one(key).await?;
                told.state(looker, &now, "; this token does not hold it").await?;
            }
            Err(error) => {
                worst = exit::FAILED;
                output::say(format_args!("redlock: {shown}: not released: {error}"));
            }
        }
    }
    Ok(worst)
}
