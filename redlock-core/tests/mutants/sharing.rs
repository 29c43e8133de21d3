//! Scenarios of locks that are shared.

use redlock_core::faults::{Misbehaviour, Verb};
use redlock_core::{LockErrorKind, LockOptions, Redlock};
use tokio::time::sleep;

use crate::directed::{ms, scenario};

/// Of a writer that met readers, and gave up.
async fn wanted(redlock: &Redlock) {
    let brief = LockOptions::new().wait_for(ms(2_000));
    let error = redlock.lock_with("k", &brief).await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::TimedOut);
}

pub(crate) fn a_writer_that_gave_up_keeps_nobody_off_for_long() -> Result<(), String> {
    scenario(async |_, redlock| {
        let _reader = redlock.try_read("k").await.unwrap();
        wanted(&redlock).await;
        sleep(ms(1_000)).await;
        redlock.try_read("k").await.map(drop).map_err(|error| format!("still kept off: {error}"))
    })
}

pub(crate) fn a_share_outlives_a_shorter_one_that_came_later() -> Result<(), String> {
    scenario(async |_, redlock| {
        let brief = LockOptions::new().ttl(ms(1_000));
        let _long = redlock.try_read("k").await.unwrap();
        let _short = redlock.try_read_with("k", &brief).await.unwrap();
        sleep(ms(2_000)).await;
        match redlock.try_lock("k").await {
            Err(error) if error.kind() == LockErrorKind::Contended => Ok(()),
            other => Err(format!("a writer beside a reader: {other:?}")),
        }
    })
}

pub(crate) fn a_writer_that_waits_takes_no_share_away() -> Result<(), String> {
    scenario(async |_, redlock| {
        let reader = redlock.try_read("k").await.unwrap();
        wanted(&redlock).await;
        reader.extend(ms(10_000)).await.map_err(|error| format!("not extended: {error}"))
    })
}

/// The last holder's number stands on two nodes of three, and a reader hears of one of these and of the third.
pub(crate) fn a_share_is_above_every_writer_before_it() -> Result<(), String> {
    scenario(async |nodes, _| {
        let redlock = crate::directed::fenced(&nodes).build().unwrap();
        redlock.try_lock("first contact").await.unwrap().release().await.unwrap();
        nodes[2].always(Misbehaviour::Refused);
        redlock.try_lock("k").await.unwrap().release().await.unwrap();
        nodes[2].heal();
        nodes[0].on(Verb::Acquire).next(1, Misbehaviour::LostRequest);
        let reader = redlock.try_read("k").await.map_err(|error| format!("{error}"))?;
        let fence = reader.fence().unwrap().get();
        let counters = nodes.iter().map(|node| node.inner().counter("k"));
        match counters.filter(|counter| *counter >= Some(fence)).count() {
            2.. => Ok(()),
            one => Err(format!("{one} node stands at the fence")),
        }
    })
}
