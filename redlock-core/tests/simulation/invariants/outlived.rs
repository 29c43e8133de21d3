//! No key outlives its release: once all is well and quiet again nothing stands on a node that was sent its release, though
//! that was lost, refused or overtaken, and though no time to live has ended by then.

use super::super::world::{BITS, name};
use super::{Event, Ledger, World};

pub(super) fn check(world: &World, ledger: &Ledger, event: &Event) -> Result<(), String> {
    let Event::Quiet = *event else { return Ok(()) };
    for (number, node) in world.nodes.iter().enumerate() {
        for key in (0..BITS).map(name) {
            let Some(value) = node.value(&key) else { continue };
            if ledger.released.contains(&(number, value)) {
                return Err(format!("{key} stands on n{number} after its release"));
            }
        }
    }
    Ok(())
}
