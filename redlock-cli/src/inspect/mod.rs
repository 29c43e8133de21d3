//! `redlock inspect`.

mod lock;
mod permits;

use std::process::ExitCode;

use self::lock::Lock;
use self::permits::Permits;
use crate::config::{Config, Flags};
use crate::exit::{self, Ending};
use crate::look::{Looker, State, slots};
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
        Some(permits) => slots::slots(&request.keys, permits),
        None => request.keys.clone(),
    };
    let views = looker.look(&keys).await?;
    let fences = looker.counters(&keys).await?;
    let mut permits = vec![None; views.len()];
    if request.permits.is_none() {
        for (view, permits) in views.iter().zip(&mut permits) {
            *permits = Some(slots::taken(&mut looker, view).await?);
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
