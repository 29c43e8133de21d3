//! Where nothing fails, a writer that waits has the lock within its budget, though somebody reads at every moment and readers
//! always come again: what `LockOptions::writer_intent` is for.

use super::{Event, Ledger, World};

pub(super) fn check(_: &World, _: &Ledger, event: &Event) -> Result<(), String> {
    match event {
        Event::Waited { micros, failure: Some(failure) } => {
            Err(format!("a writer waited for {micros} us: {failure}"))
        }
        _ => Ok(()),
    }
}
