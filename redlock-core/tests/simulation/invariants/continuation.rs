//! Who took a lock over is told that the hold is continued only if nobody held any of its keys since the giver did. The
//! argument in `handover.rs`.

use super::{Event, Ledger, World};

pub(super) fn check(_: &World, ledger: &Ledger, event: &Event) -> Result<(), String> {
    let Event::Granted(id) = *event else { return Ok(()) };
    let hold = &ledger.holds[id];
    let Some(passed) = hold.passed.as_ref().filter(|passed| passed.continued) else {
        return Ok(());
    };
    let giver = &ledger.holds[passed.giver];
    match ledger.others(id).find(|(_, other)| other.granted > giver.granted) {
        Some((other, _)) => Err(format!(
            "hold {id} continues hold {}, and hold {other} was granted in between",
            passed.giver
        )),
        None => Ok(()),
    }
}
