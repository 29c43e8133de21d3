//! Scenarios of permits.

use std::collections::BTreeSet;

use redlock_core::LockErrorKind;
use tokio::time::sleep;

use crate::directed::{ms, scenario};

/// Readers are no lock, and share what stands there.
pub(crate) fn a_slot_that_others_share_is_taken() -> Result<(), String> {
    scenario(async |_, redlock| {
        let reader = redlock.try_read("s/0").await.unwrap();
        let permit = redlock.semaphore("s", 1).unwrap().try_acquire().await;
        match permit {
            Err(error) if error.kind() == LockErrorKind::Contended && !reader.is_lost() => Ok(()),
            other => Err(format!("beside a reader: {other:?}")),
        }
    })
}

/// Two nodes give one slot, the third another one.
pub(crate) fn other_slots_go_back() -> Result<(), String> {
    scenario(async |nodes, redlock| {
        nodes[0].inner().put("s/1", "somebody else", None);
        nodes[1..].iter().for_each(|node| node.inner().put("s/0", "somebody else", None));
        let permit = redlock.semaphore("s", 2).unwrap().try_acquire().await.unwrap();
        sleep(ms(1_000)).await;
        match (permit.slot(), nodes[0].inner().value("s/0")) {
            (1, None) => Ok(()),
            (slot, other) => Err(format!("had {slot}, and kept {}", other.is_some())),
        }
    })
}

pub(crate) fn attempts_begin_anywhere() -> Result<(), String> {
    scenario(async |_, redlock| {
        let (semaphore, mut slots) = (redlock.semaphore("s", 64).unwrap(), BTreeSet::new());
        for _ in 0..20 {
            let permit = semaphore.try_acquire().await.unwrap();
            slots.insert(permit.slot());
            permit.release().await.unwrap();
        }
        if slots.len() > 5 { Ok(()) } else { Err(format!("all had one of {slots:?}")) }
    })
}
