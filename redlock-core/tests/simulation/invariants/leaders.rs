//! One leader at a time, each with a greater term than those before; a leader is told to step down before another leads, and
//! its work makes no step once it is lost: `Leader`, `Lease::run`. A process that stood still is told when it goes on.

use std::time::Duration;

use tokio::time::Instant;

use super::{Event, Ledger, World};

pub(super) fn check(world: &World, ledger: &Ledger, event: &Event) -> Result<(), String> {
    match *event {
        Event::Granted(id) if ledger.holds[id].leads => follows(world, ledger, id),
        Event::Worked(id) if !ledger.holds[id].holds() => {
            Err(format!("leader {id} is lost, and works on"))
        }
        _ => Ok(()),
    }
}

fn follows(world: &World, ledger: &Ledger, id: usize) -> Result<(), String> {
    let (now, at, term) = (Instant::now(), world.at(), ledger.holds[id].fence);
    let processes = world.processes.lock().unwrap();
    for (other, former) in ledger.others(id).filter(|(_, other)| other.leads) {
        if former.holds() {
            return Err(format!("{id} leads while {other} does"));
        }
        if former.fence >= term {
            return Err(format!(
                "leader {id} has the term {term:?}, {other} had {:?}",
                former.fence
            ));
        }
        let stood = processes[former.process].gate.thaw() + Duration::from_millis(2) >= now;
        if !former.stepping_down && former.ended != Some(at) && !stood {
            return Err(format!("{id} leads, and {other} was not told to step down"));
        }
    }
    Ok(())
}
