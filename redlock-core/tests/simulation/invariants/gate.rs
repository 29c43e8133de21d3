//! A resource that checks fences lets nobody write after a later reader or writer was there, and nobody read after a later holder has written, however late, paused or wrong about
//! the time the writer is. What fencing is for, after Kleppmann.

use super::{Event, Ledger, World};

pub(super) fn check(_: &World, ledger: &Ledger, event: &Event) -> Result<(), String> {
    let Event::Wrote { hold: id, key, passed: true } = *event else { return Ok(()) };
    let hold = &ledger.holds[id];
    let later = ledger.writes.iter().find(|write| {
        let other = &ledger.holds[write.hold];
        let beside = hold.shared && other.shared;
        write.key == key && !beside && other.called > hold.granted
    });
    match later {
        Some(write) => Err(format!("hold {id} wrote after the later hold {}", write.hold)),
        None => Ok(()),
    }
}
