//! Locks free themselves, by the last time to live at the latest, and counters after their life: the published
//! algorithm's liveness property A. Where no message is lost nothing is left when the handles are closed, but marks of what
//! is kept.

use super::super::ledger::Hold;
use super::super::profile::Profile;
use super::super::world::{BITS, FOREIGN, UNTOUCHED, name};
use super::{Event, Ledger, World};

pub(super) fn check(world: &World, ledger: &Ledger, event: &Event) -> Result<(), String> {
    let leaked = |key: &[u8]| {
        let held = |bit: usize| {
            let stays = |hold: &Hold| {
                // Longer by the drift allowance, on a clock that may be slow.
                let slack = world.setup.longest * 50 + 5_000;
                let kept = hold.not_before.is_some_and(|then| world.at() < then + slack);
                hold.lease.is_some() || kept
            };
            ledger.holds.iter().any(|hold| stays(hold) && hold.keys & (1 << bit) != 0)
        };
        (0..BITS).any(|bit| key == name(bit).as_bytes() && held(bit))
    };
    let left = || {
        let keys = world.nodes.iter().flat_map(|node| node.keys());
        keys.filter(|key| key != FOREIGN.as_bytes() && key != UNTOUCHED.as_bytes())
    };
    match *event {
        Event::Closed if world.setup.profile == Profile::Calm => {
            match left().find(|key| !leaked(key)) {
                Some(key) => Err(format!("{:?} stands after close", String::from_utf8_lossy(&key))),
                None => Ok(()),
            }
        }
        Event::Expired => match left().next() {
            Some(key) => Err(format!("{:?} stands for ever", String::from_utf8_lossy(&key))),
            None => Ok(()),
        },
        Event::Forgotten => match world.nodes.iter().map(|node| node.counters()).sum::<usize>() {
            0 => Ok(()),
            left => Err(format!("{left} counters are never forgotten")),
        },
        _ => Ok(()),
    }
}
