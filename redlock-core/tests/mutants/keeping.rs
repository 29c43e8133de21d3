//! Scenarios of locks that stay taken after their end.

// On the paused clock.
#![allow(clippy::disallowed_methods)]

use redlock_core::faults::{Misbehaviour, Verb};
use redlock_core::{LockErrorKind, LockOptions, Redlock};
use tokio::time::{Instant, sleep, sleep_until};

use crate::directed::{ms, scenario};

const T: u64 = 3_000;

fn at_least(time: u64) -> LockOptions {
    LockOptions::new().at_least(ms(time))
}

/// Whether the key is taken at `at`, and free a little after `end`.
async fn taken(redlock: &Redlock, began: Instant, at: u64, end: u64) -> Result<(), String> {
    sleep_until(began + ms(at)).await;
    match redlock.try_lock("k").await {
        Err(error) if error.kind() == LockErrorKind::Contended => {}
        Err(error) => return Err(format!("after {at} ms: {error}")),
        Ok(_) => return Err(format!("after {at} ms somebody else has it")),
    }
    sleep_until(began + ms(end + end / 50 + 10)).await;
    redlock.try_lock("k").await.map(drop).map_err(|error| format!("after {end} ms: {error}"))
}

/// The extension was sent before the end and comes after the keep.
pub(crate) fn a_late_extension_does_not_lengthen_what_is_kept() -> Result<(), String> {
    scenario(async |nodes, redlock| {
        let began = Instant::now();
        let guard = redlock.try_lock_with("k", &at_least(T)).await.unwrap();
        for node in &nodes {
            node.reordering(true);
            node.on(Verb::Extend).always(Misbehaviour::SlowRequest(ms(1_000)));
        }
        guard.extend(ms(9_000)).await.unwrap_err();
        guard.release().await.unwrap();
        taken(&redlock, began, T, T).await
    })
}

/// At whatever moment of it another could have the lock.
pub(crate) fn who_keeps_does_not_hold() -> Result<(), String> {
    scenario(async |_, redlock| {
        let guard = redlock.try_lock_with("k", &at_least(T)).await.unwrap();
        let lease = guard.lease();
        guard.release().await.unwrap();
        if lease.is_lost() { Ok(()) } else { Err("the lease goes on beside the mark".into()) }
    })
}

pub(crate) fn a_failed_keep_is_tried_again() -> Result<(), String> {
    scenario(async |nodes, redlock| {
        let began = Instant::now();
        let guard = redlock.try_lock_with("k", &at_least(T)).await.unwrap();
        for node in &nodes {
            node.on(Verb::Release).next(1, Misbehaviour::LostRequest);
        }
        guard.release().await.unwrap_err();
        taken(&redlock, began, T, T).await
    })
}

/// It comes when less is left of the token than it was sent with, and nothing else comes through.
pub(crate) fn a_late_keep_does_not_lengthen() -> Result<(), String> {
    scenario(async |nodes, redlock| {
        let began = Instant::now();
        let guard = redlock.try_lock_with("k", &at_least(9_000)).await.unwrap();
        for node in &nodes {
            node.on(Verb::Release).next(1, Misbehaviour::SlowRequest(ms(8_000)));
            node.reordering(true);
        }
        let release = tokio::spawn(guard.release());
        sleep(ms(10)).await;
        nodes.iter().for_each(|node| node.on(Verb::Release).always(Misbehaviour::LostRequest));
        release.await.unwrap().unwrap_err();
        taken(&redlock, began, 9_000, 10_000).await
    })
}
