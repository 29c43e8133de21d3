//! `redlock inspect`.

mod lock;
mod permits;

use std::process::ExitCode;

use self::lock::Lock;
use self::permits::Permits;
use crate::config::{Config, Flags};
use crate::exit::{self, Ending, Failure};
use crate::look::{Looker, State, View};
use crate::output;

/// What `redlock inspect` is to do.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) keys: Vec<String>,
    /// The keys are semaphores of so many.
    pub(crate) permits: Option<u16>,
    pub(crate) json: bool,
    pub(crate) flags: Flags,
}

pub(crate) async fn run(request: &Request) -> Ending {
    let config = Config::load(&request.flags)?;
    let mut looker = Looker::new(&config)?;
    let keys = match request.permits {
        Some(permits) => permits::slots(&request.keys, permits),
        None => request.keys.clone(),
    };
    let views = looker.look(&keys).await?;
    let fences = looker.counters(&keys).await?;
    let mut permits = vec![None; views.len()];
    if request.permits.is_none() {
        for (view, permits) in views.iter().zip(&mut permits) {
            *permits = Some(taken_permits(&mut looker, view, &config.key_prefix).await?);
        }
    }
    let locks = views.iter().zip(fences).zip(permits);
    let locks = locks.map(|((view, fence), permits)| Lock { view, fence, permits });
    let locks: Vec<_> = locks.collect();
    let said: Result<Vec<_>, _> = match request.permits {
        Some(permits) => {
            let slots = request.keys.iter().zip(locks.chunks(permits.into()));
            slots.map(|(name, slots)| Permits { name, slots }.said(request.json)).collect()
        }
        None => locks.iter().map(|lock| lock.said(request.json)).collect(),
    };
    for (index, said) in said?.iter().enumerate() {
        let gap = if index == 0 || request.json { "" } else { "\n" };
        if !output::try_line(format_args!("{gap}{said}"))? {
            break;
        }
    }
    let unknown = views.iter().any(|view| view.state == State::Unknown);
    Ok(if unknown { ExitCode::from(exit::FAILED) } else { ExitCode::SUCCESS })
}

/// Where nobody has the lock: the locks by whose names a semaphore of the same name has its permits, as many as are taken. They are
/// no part of the lock, and the semaphore is none of its state; but whoever looks for one finds it free under this name.
async fn taken_permits(
    looker: &mut Looker,
    view: &View,
    prefix: &str,
) -> Result<Vec<String>, Failure> {
    if view.state != State::Free {
        return Ok(Vec::new());
    }
    let slots = permits::possible(&view.key, prefix);
    let views = looker.look(&slots).await?;
    let taken =
        views.into_iter().filter(|slot| !matches!(slot.state, State::Free | State::Unknown));
    Ok(taken.map(|slot| slot.key).collect())
}
