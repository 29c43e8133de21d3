//! A hold has no gap: nobody else was granted between its grant and any later time at which it stands. Otherwise an
//! extension came too late, or brought back what was gone.

use super::{Event, Ledger, World};

pub(super) fn check(_: &World, ledger: &Ledger, event: &Event) -> Result<(), String> {
    let Event::Looked(id) = *event else { return Ok(()) };
    let hold = &ledger.holds[id];
    if !hold.holds() {
        return Ok(());
    }
    match ledger.rivals(id).find(|(_, other)| other.granted > hold.granted) {
        Some((other, _)) => Err(format!("hold {id} stands, and hold {other} was granted since")),
        None => Ok(()),
    }
}
