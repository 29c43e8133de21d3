//! While a majority is up and reachable, whoever comes gets the lock, or all permits, once the last holder's time is over: the published
//! algorithm's liveness property B.

use super::super::world::name;
use super::{Event, Ledger, World};

pub(super) fn check(_: &World, _: &Ledger, event: &Event) -> Result<(), String> {
    match event {
        Event::Progress { key, failure: Some(failure) } => {
            Err(format!("{}: {failure}", name(*key)))
        }
        _ => Ok(()),
    }
}
