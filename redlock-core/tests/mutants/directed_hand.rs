//! Scenarios of locks that are handed over, to which chance does not lead.

use redlock_core::faults::{Misbehaviour, Verb};
use redlock_core::{Handover, LockErrorKind};
use tokio::time::sleep;

use crate::directed::{fenced, ms, scenario};

/// After its lease the giver's value stands on two nodes, and still somebody held in between: one key was kept by a clock
/// that is slow, the other was made by an acquire that arrived late.
pub(crate) fn a_givers_ghost_continues_nothing() -> Result<(), String> {
    scenario(async |nodes, _| {
        let (giver, stranger, taker) = (fenced(&nodes), fenced(&nodes), fenced(&nodes));
        let (giver, stranger) = (giver.build().unwrap(), stranger.build().unwrap());
        giver.try_lock("first contact").await.unwrap().release().await.unwrap();
        nodes[2].reordering(true);
        nodes[2].on(Verb::Acquire).next(1, Misbehaviour::SlowRequest(ms(15_000)));
        let guard = giver.try_lock("k").await.unwrap();
        let value = nodes[1].inner().value("k").unwrap();
        let handover = Handover::parse(&guard.hand_over().expose()).unwrap();
        sleep(ms(9_000)).await;
        nodes[1].inner().put("k", value, None);
        sleep(ms(2_000)).await;

        let guard = stranger.try_lock("k").await.unwrap();
        assert!(guard.fence() > handover.fence());
        assert_eq!(giver.try_lock("k").await.unwrap_err().kind(), LockErrorKind::Contended);
        guard.release().await.unwrap();
        sleep(ms(5_000)).await;
        assert_eq!(nodes[1].inner().value("k"), nodes[2].inner().value("k"));

        match taker.build().unwrap().take_over(&handover).await {
            Ok(guard) if guard.continued() => Err("the stranger's hold is not seen".into()),
            Ok(_) => Ok(()),
            Err(error) => Err(format!("it is free: {error}")),
        }
    })
}
