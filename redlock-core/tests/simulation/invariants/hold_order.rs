//! Fences follow the order of the holds, also where the calls overlapped, and so no holder is refused as stale while it
//! holds. The argument in `fence.rs`, part two; it needs the assumptions of mutual exclusion.

use super::{Event, Ledger, World};

pub(super) fn check(_: &World, ledger: &Ledger, event: &Event) -> Result<(), String> {
    match *event {
        Event::Granted(id) => {
            let fence = ledger.holds[id].fence;
            let above = ledger.rivals(id).find(|(_, other)| other.fence > fence);
            match above {
                Some((other, _)) => Err(format!("hold {id} is below the earlier hold {other}")),
                None => Ok(()),
            }
        }
        Event::Wrote { hold, passed: false, .. } if ledger.holds[hold].holds() => {
            Err(format!("hold {hold} stands, and its write was refused"))
        }
        _ => Ok(()),
    }
}
