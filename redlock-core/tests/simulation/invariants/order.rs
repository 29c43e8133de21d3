//! What is sent over one connection is applied in the order sent, as rule 5 of the contract of `LockNode` has it: an acquire
//! is not done behind the release that was to undo it, be it that it was refused with others and sent again.

use super::{Event, Ledger, World};

pub(super) fn check(_: &World, _: &Ledger, event: &Event) -> Result<(), String> {
    match *event {
        Event::Behind { process, node, awaited } => {
            let by = if awaited { "somebody" } else { "nobody" };
            Err(format!("n{node} does an acquire of p{process} behind its release, for {by}"))
        }
        _ => Ok(()),
    }
}
