//! Assumption A8 of `docs/SAFETY.md` broken on purpose: nodes whose wall clocks are further apart than is allowed for.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{builder, ms, nodes, pass};
use redlock_core::faults::Misbehaviour;
use redlock_core::{LockGuard, LockOptions};

fn number(guard: &LockGuard) -> u64 {
    guard.fence().unwrap().get()
}

/// Of three nodes one is a quarter of an hour ahead, and its number went to all.
async fn after_a_clock_was_ahead(clock_error: Duration) -> (u64, u64) {
    let nodes = nodes(3);
    nodes[2].inner().step_clock(900_000_000);
    let redlock = builder(&nodes).fencing(true).clock_error(clock_error).build().unwrap();
    nodes[0].always(Misbehaviour::Refused);
    let first = redlock.lock("a").await.unwrap();
    let fence = number(&first);
    first.release().await.unwrap();
    nodes[0].heal();
    // Idle for longer than counters are kept by default, and then without the fast node.
    pass(Duration::from_secs(700)).await;
    nodes[2].always(Misbehaviour::Refused);
    (fence, number(&redlock.lock("a").await.unwrap()))
}

#[tokio::test(start_paused = true)]
async fn clocks_that_are_too_far_apart_break_the_order_of_what_was_forgotten() {
    let (first, second) = after_a_clock_was_ahead(Duration::ZERO).await;
    assert!(second < first, "which is what the assumption is for");
    let (first, second) = after_a_clock_was_ahead(Duration::from_secs(900)).await;
    assert!(second > first, "{second} after {first}");
}

/// The same with a server that lost its counters: a guard for a second, and a clock that is five seconds ahead.
async fn after_a_restart(clock_error: Duration) -> (u64, u64) {
    let nodes = nodes(3);
    pass(Duration::from_secs(60)).await;
    nodes[2].inner().step_clock(5_000_000);
    let ttl = Duration::from_secs(1);
    let builder =
        builder(&nodes).fencing(true).ttl(ttl).restart_guard(ttl).clock_error(clock_error);
    let redlock = builder.build().unwrap();
    nodes[0].always(Misbehaviour::Refused);
    let first = redlock.lock("a").await.unwrap();
    let fence = number(&first);
    first.release().await.unwrap();
    nodes[0].heal();
    nodes[1].inner().restart();
    nodes[2].always(Misbehaviour::Refused);
    let second = redlock.lock_with("a", &LockOptions::new().wait_for(ms(60_000))).await.unwrap();
    (fence, number(&second))
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_is_shorter_than_clocks_are_apart_breaks_the_order_after_a_restart() {
    let (first, second) = after_a_restart(Duration::ZERO).await;
    assert!(second < first, "which is what the assumption is for");
    let (first, second) = after_a_restart(Duration::from_secs(5)).await;
    assert!(second > first, "{second} after {first}");
}
