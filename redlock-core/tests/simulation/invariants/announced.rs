//! Whoever waits for the loss of a lock is told before another can hold it: `Lease::lost`. A process that stood still is
//! told when it goes on.

use std::time::Duration;

use tokio::time::Instant;

use super::{Event, Ledger, World};

pub(super) fn check(world: &World, ledger: &Ledger, event: &Event) -> Result<(), String> {
    let Event::Granted(id) = *event else { return Ok(()) };
    let (now, at) = (Instant::now(), world.at());
    let processes = world.processes.lock().unwrap();
    let untold = ledger.rivals(id).find(|(_, other)| {
        let stood = processes[other.process].gate.thaw() + Duration::from_millis(2) >= now;
        // Told in the same instant is told in time.
        let over = !other.holds() && other.ended != Some(at);
        over && !other.announced && !stood
    });
    match untold {
        Some((other, _)) => Err(format!("hold {id} was granted, hold {other} not told of its end")),
        None => Ok(()),
    }
}
