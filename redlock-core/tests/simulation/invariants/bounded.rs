//! Every call comes back in time: the wait budget and node timeouts, as each method's documentation has it.

use super::{Event, Ledger, World};

pub(super) fn check(_: &World, _: &Ledger, event: &Event) -> Result<(), String> {
    match *event {
        Event::Called { what, took, bound } if took > bound => {
            Err(format!("{what} took {took} us, {bound} at most"))
        }
        _ => Ok(()),
    }
}
