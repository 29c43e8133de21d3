//! Mutual exclusion, by true time: nobody holds beside anybody, but those who share beside each other. A hold lasts from when the call returned until the holder's own deadline, or until it
//! begins to let go. The safety property of the published algorithm.

use super::{Event, Ledger, World};

pub(super) fn check(_: &World, ledger: &Ledger, event: &Event) -> Result<(), String> {
    let Event::Granted(id) = *event else { return Ok(()) };
    match ledger.rivals(id).find(|(_, other)| other.holds()) {
        Some((other, _)) => Err(format!("hold {id} was granted while hold {other} stands")),
        None => Ok(()),
    }
}
