//! Nobody gets a lock before the time is over for which its last holder wanted it to stay taken, however early that one let
//! it go, and also when it was lost: `LockOptions::at_least`.

use super::{Event, Ledger, World};

pub(super) fn check(world: &World, ledger: &Ledger, event: &Event) -> Result<(), String> {
    let Event::Granted(id) = *event else { return Ok(()) };
    let at = world.at();
    match ledger.rivals(id).find(|(_, other)| other.not_before.is_some_and(|then| at < then)) {
        Some((other, _)) => Err(format!("hold {id} was granted while hold {other} is kept")),
        None => Ok(()),
    }
}
