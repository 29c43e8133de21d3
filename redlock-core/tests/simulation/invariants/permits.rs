//! At most as many permits are in use as the process that gives most of them has it, of the slots below any number no more
//! than that, and each slot has one holder: N mutexes.

use std::collections::BTreeSet;

use super::super::world::bit_of;
use super::{Event, Ledger, World};

pub(super) fn check(world: &World, ledger: &Ledger, event: &Event) -> Result<(), String> {
    let Event::Granted(id) = *event else { return Ok(()) };
    let hold = &ledger.holds[id];
    let Some(permits) = hold.permits else { return Ok(()) };
    let below = |number: u16| (0..number).fold(0_u8, |bits, slot| bits | 1 << bit_of(slot));
    if hold.keys.count_ones() != 1 || hold.keys & below(permits) == 0 {
        return Err(format!("hold {id} of {permits} permits has the slots {:#b}", hold.keys));
    }
    let used: Vec<u8> = ledger.permits().map(|hold| hold.keys).collect();
    let most = world.setup.most_permits();
    if used.len() > usize::from(most) {
        return Err(format!("hold {id} makes {} permits in use of {most}", used.len()));
    }
    for number in 1..=most {
        let slots = used.iter().filter(|slot| *slot & below(number) != 0).count();
        if slots > usize::from(number) {
            return Err(format!("hold {id} makes {slots} in use of the first {number}"));
        }
    }
    match used.iter().collect::<BTreeSet<_>>().len() {
        slots if slots == used.len() => Ok(()),
        _ => Err(format!("hold {id} has a slot that somebody has")),
    }
}
