//! `redlock inspect`.

use std::process::ExitCode;
use std::time::Duration;

use redlock_core::{LockKey, Redlock};
use tokio::task::JoinSet;

use crate::args::InspectArgs;
use crate::config::Config;
use crate::exit::{self, Ending, Failure};
use crate::view::{State, View};
use crate::{nodeset, output};

/// How long a node may take to answer somebody who only looks.
const LIMIT: Duration = Duration::from_secs(2);
/// Such a handle takes no locks, but has to have one.
const TTL: Duration = Duration::from_secs(10);

pub(crate) async fn run(args: &InspectArgs) -> Ending {
    let redlock = looking(&Config::load(&args.nodes)?)?;
    let views = all(&redlock, &args.keys).await?;
    for (index, view) in views.iter().enumerate() {
        if args.json {
            output::line(output::json(&view.json())?)?;
        } else {
            let gap = if index == 0 { "" } else { "\n" };
            output::line(format_args!("{gap}{}", view.text()))?;
        }
    }
    let unknown = views.iter().any(|view| view.state == State::Unknown);
    Ok(if unknown { ExitCode::from(exit::FAILED) } else { ExitCode::SUCCESS })
}

/// A handle for looking at locks and for releasing them.
pub(crate) fn looking(config: &Config) -> Result<Redlock, Failure> {
    // The guard is about grants, and would limit the time to live.
    let config = Config { restart_guard: None, ..config.clone() };
    let builder = nodeset::builder(&config)?.ttl(TTL).node_timeout(LIMIT).wake_ups(true);
    Ok(builder.build()?)
}

/// Asks for all keys at once.
pub(crate) async fn all(redlock: &Redlock, keys: &[String]) -> Result<Vec<View>, Failure> {
    let mut asking = JoinSet::new();
    for (index, key) in keys.iter().enumerate() {
        let (redlock, key) = (redlock.clone(), key.clone());
        LockKey::new(&key)?;
        asking.spawn(async move {
            let inspection = redlock.inspect(&key).await?;
            Ok::<_, Failure>((index, View::new(&key, &inspection)))
        });
    }
    let mut views = Vec::with_capacity(keys.len());
    while let Some(view) = asking.join_next().await {
        views.push(view.map_err(Failure::new)??);
    }
    views.sort_by_key(|(index, _)| *index);
    Ok(views.into_iter().map(|(_, view)| view).collect())
}
