//! What another program stored keeps its value and its time to live, and is no lock of ours: "compare before change" in
//! the contract of `LockNode`.

use super::super::world::{FOREIGN, FOREIGN_BIT, UNTOUCHED};
use super::{Event, Ledger, World};

pub(super) fn check(world: &World, ledger: &Ledger, event: &Event) -> Result<(), String> {
    match *event {
        Event::Granted(id) if ledger.holds[id].keys & FOREIGN_BIT != 0 => {
            Err(format!("hold {id} is of a key that stands for somebody else"))
        }
        Event::Expired if world.setup.foreign => {
            let kept = |key: &str| {
                let key = redlock_core::LockKey::new(key).unwrap();
                let holdings = |node: &std::sync::Arc<_>| {
                    super::validity::holdings(std::sync::Arc::clone(node), &key)
                };
                world.nodes.iter().map(holdings).collect::<Vec<_>>()
            };
            let (touched, untouched) = (kept(FOREIGN), kept(UNTOUCHED));
            if touched == untouched && touched.iter().flatten().all(Option::is_some) {
                return Ok(());
            }
            Err(format!("it stands as {touched:?}, was left alone as {untouched:?}"))
        }
        _ => Ok(()),
    }
}
