//! `redlock leader`.

use std::process::ExitCode;

use serde::Serialize;

use crate::config::{Config, Flags};
use crate::exit::{self, Ending};
use crate::look::{HoldJson, Looker, State, View};
use crate::output;

/// What `redlock leader` is to do.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) name: String,
    pub(crate) json: bool,
    pub(crate) flags: Flags,
}

pub(crate) async fn run(request: &Request) -> Ending {
    let mut looker = Looker::new(&Config::load(&request.flags)?)?;
    let view = looker.one(&request.name).await?;
    if request.json {
        output::try_line(output::json(&json(&view))?)?;
    } else {
        output::try_line(text(&view))?;
    }
    let unknown = view.state == State::Unknown;
    Ok(if unknown { ExitCode::from(exit::FAILED) } else { ExitCode::SUCCESS })
}

fn text(view: &View) -> String {
    match &view.state {
        State::Held(hold) => format!("{}: led by {}", output::plain(&view.key), hold.known()),
        // Who keeps a lock has let go of it, and who shares one leads nobody.
        State::Free | State::Kept(_) | State::Shared(_) => {
            format!("{}: no leader", output::plain(&view.key))
        }
        State::Unknown => view.headline(),
    }
}

/// The fields are stable: `name`, `state` (`led`, `none`, `unknown`), and of the leader `holder`, `label`, `expiry`,
/// `remaining_ms` as `redlock inspect` has them.
#[derive(Debug, Serialize)]
struct LeaderJson<'a> {
    name: &'a str,
    state: &'static str,
    #[serde(flatten)]
    leader: HoldJson<'a>,
}

fn json(view: &View) -> LeaderJson<'_> {
    let (state, leader) = match &view.state {
        State::Held(hold) => ("led", Some(hold)),
        State::Free | State::Kept(_) | State::Shared(_) => ("none", None),
        State::Unknown => ("unknown", None),
    };
    LeaderJson { name: &view.key, state, leader: HoldJson::from(leader) }
}

#[cfg(test)]
#[path = "leader_tests.rs"]
mod tests;
