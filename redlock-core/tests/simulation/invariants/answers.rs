//! Where nothing is lost and no message is late every caller is given an answer: what is refused together is sent again.

use super::super::profile::Profile;
use super::{Event, Ledger, World};

pub(super) fn check(world: &World, _: &Ledger, event: &Event) -> Result<(), String> {
    match *event {
        Event::Unanswered { process, node } if world.setup.profile == Profile::Calm => {
            Err(format!("n{node} gave a caller of p{process} no answer"))
        }
        _ => Ok(()),
    }
}
