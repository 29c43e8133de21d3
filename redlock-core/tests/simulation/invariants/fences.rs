//! Of two holds of a resource, unless both are shares, the one that was asked for after the other was given out has the larger fence, and no two
//! have the same. The argument in `fence.rs`; it needs no assumption on time.

use super::super::profile::Profile;
use super::{Event, Ledger, World};

pub(super) fn check(world: &World, ledger: &Ledger, event: &Event) -> Result<(), String> {
    let Event::Granted(id) = *event else { return Ok(()) };
    if !world.setup.fencing {
        return Ok(());
    }
    let hold = &ledger.holds[id];
    let Some(fence) = hold.fence else { return Err(format!("hold {id} has no fence")) };
    // Nodes that forget without a guard keep real time alone.
    let unique = world.setup.profile != Profile::Unguarded;
    let wrong = ledger.others(id).find(|(number, other)| match other.fence {
        // Who read before has no greater one, and who wrote before it read has the same.
        Some(earlier) if other.shared && hold.shared => {
            other.granted < hold.called && earlier > fence
        }
        Some(_) if hold.of == Some(*number) => false,
        Some(earlier) if other.granted < hold.called => earlier >= fence,
        Some(other) => unique && other == fence,
        None => true,
    });
    match wrong {
        Some((other, o)) => {
            Err(format!("hold {id} has fence {fence}, the earlier hold {other} {:?}", o.fence))
        }
        None => Ok(()),
    }
}
