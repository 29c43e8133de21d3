//! The task that renews a hold while its guard lives.

use std::sync::Arc;

use crate::decide::lease::renew_at;
use crate::handle::hold::Hold;

/// Renews at a third of the time to live until the hold ends. A failed renewal is tried again until the
/// deadline and releases nothing. It ends with the guard; an extension that is under way then cannot bring
/// the lock back, since nodes extend only what still stands.
pub(crate) async fn renew(hold: Arc<Hold>) {
    let ttl = hold.plan.ttl;
    let clock = &hold.claimed.set.clock;
    let (mut renewed, mut failed) = (hold.granted, None);
    while hold.renewable() {
        let due = renew_at(renewed, failed, ttl);
        tokio::select! {
            biased;
            _ = hold.lost() => return,
            () = tokio::time::sleep(due.since(clock.now())) => {}
        }
        let began = clock.now();
        match hold.extend(ttl).await {
            Ok(()) => (renewed, failed) = (began, None),
            Err(error) if error.is_lost() => return,
            Err(_) => failed = Some(clock.now()),
        }
    }
}
