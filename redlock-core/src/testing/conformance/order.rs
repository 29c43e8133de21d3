use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::trial::{Begun, LATE, LIMIT, LONG, Trial};
use crate::node::token::Token;
use crate::node::{Claim, Extension, Fault, Removal, Terms, Vote};

/// How often a race is run.
const ROUNDS: usize = 20;

pub(super) async fn of_many_at_once_one_is_granted(t: &Trial<'_>) {
    let claims = (0..32).map(|_| t.claim(["a"])).collect();
    let winner = the_one_granted(t, claims).await;
    t.assert_held(&winner, ["a"]).await;
}

pub(super) async fn of_overlapping_claims_at_once_one_is_granted(t: &Trial<'_>) {
    let claims = (0..8)
        .flat_map(|_| [t.claim(["a", "b"]), t.claim(["b", "c"]), t.claim(["a", "c"])])
        .collect();
    let winner = the_one_granted(t, claims).await;
    assert_eq!(t.release(&winner).await, Removal::Removed);
    t.assert_free(["a", "b", "c"]).await;
}

async fn the_one_granted(t: &Trial<'_>, claims: Vec<Claim>) -> Claim {
    let mut asking = JoinSet::new();
    for claim in claims {
        let node = t.node();
        asking.spawn(
            async move { (node.acquire(claim.clone(), Terms::new(LONG), LIMIT).await, claim) },
        );
    }
    let mut granted = Vec::new();
    for (vote, claim) in asking.join_all().await {
        if matches!(vote.expect("an answer to acquire"), Vote::Granted { .. }) {
            granted.push(claim);
        }
    }
    assert_eq!(granted.len(), 1, "claims granted");
    granted.remove(0)
}

pub(super) async fn holders_never_overlap(t: &Trial<'_>) {
    let (inside, deadline) = (Arc::new(AtomicUsize::new(0)), Instant::now() + LONG / 2);
    let mut holders = JoinSet::new();
    for _ in 0..8 {
        let (node, key, inside) = (t.node(), t.key(["a"]), inside.clone());
        holders.spawn(async move {
            let mut turns = 3;
            while turns > 0 {
                assert!(Instant::now() < deadline, "no progress");
                let claim = Claim::new(key.clone(), Token::random().unwrap());
                match node.clone().acquire(claim.clone(), Terms::new(LONG), LIMIT).await {
                    Ok(Vote::Granted { .. }) => {
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "holders at a time");
                        sleep(Duration::from_millis(1)).await;
                        inside.fetch_sub(1, Ordering::SeqCst);
                        assert_eq!(node.clone().release(claim, LIMIT).await, Ok(Removal::Removed));
                        turns -= 1;
                    }
                    Ok(_) => sleep(Duration::from_millis(2)).await,
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    holders.join_all().await;
}

pub(super) async fn a_release_right_behind_its_acquire_leaves_nothing(t: &Trial<'_>) {
    for _ in 0..ROUNDS {
        let claim = t.claim(["a"]);
        let acquire =
            Begun::poll_once(t.node().acquire(claim.clone(), Terms::new(LONG), LIMIT)).await;
        let release = Begun::poll_once(t.node().release(claim, LIMIT)).await;
        assert_eq!(release.answer().await, Removal::Removed);
        assert!(matches!(acquire.answer().await, Vote::Granted { .. }));
        t.assert_free(["a"]).await;
    }
}

pub(super) async fn a_release_makes_up_for_an_acquire_whose_caller_left(t: &Trial<'_>) {
    for round in 0..ROUNDS {
        let claim = t.claim([round.to_string()]);
        drop(Begun::poll_once(t.node().acquire(claim.clone(), Terms::new(LONG), LIMIT)).await);
        t.release(&claim).await;
    }
    // Time for whatever is still on its way.
    sleep(Duration::from_millis(100)).await;
    t.assert_free((0..ROUNDS).map(|round| round.to_string())).await;
}

pub(super) async fn an_acquire_right_behind_a_release_is_granted(t: &Trial<'_>) {
    let mut holder = t.claim(["a"]);
    t.take(&holder, LONG).await;
    for _ in 0..ROUNDS {
        let next = t.claim(["a"]);
        let release = Begun::poll_once(t.node().release(holder, LIMIT)).await;
        let acquire =
            Begun::poll_once(t.node().acquire(next.clone(), Terms::new(LONG), LIMIT)).await;
        assert!(matches!(acquire.answer().await, Vote::Granted { .. }));
        assert_eq!(release.answer().await, Removal::Removed);
        holder = next;
    }
    t.assert_held(&holder, ["a"]).await;
}

pub(super) async fn what_is_never_polled_is_never_sent(t: &Trial<'_>) {
    let (held, free) = (t.claim(["held"]), t.claim(["free"]));
    t.take(&held, LONG / 2).await;
    drop(t.node().acquire(free, Terms::new(LONG), LIMIT));
    drop(t.node().extend(held.clone(), Terms::new(LONG), LIMIT));
    drop(t.node().release(held.clone(), LIMIT));
    sleep(Duration::from_millis(50)).await;
    t.assert_free(["free"]).await;
    t.assert_held(&held, ["held"]).await;
    assert!(t.left("held").await <= LONG / 2);
}

pub(super) async fn a_time_limit_of_nothing_is_kept(t: &Trial<'_>) {
    let (claim, none) = (t.claim(["a"]), Duration::ZERO);
    let vote = timeout(LATE, t.node().acquire(claim.clone(), Terms::new(LONG), none)).await;
    match vote.expect("acquire ends in time") {
        Ok(vote) => assert!(matches!(vote, Vote::Granted { .. }), "{vote:?}"),
        Err(error) => assert_eq!(error.fault(), Fault::Timeout),
    }
    let extension = timeout(LATE, t.node().extend(claim.clone(), Terms::new(LONG), none)).await;
    match extension.expect("extend ends in time") {
        // Whether the acquire was applied is not known.
        Ok(extension) => assert_ne!(extension, Extension::Foreign),
        Err(error) => assert_eq!(error.fault(), Fault::Timeout),
    }
    let removal = timeout(LATE, t.node().release(claim.clone(), none)).await;
    match removal.expect("release ends in time") {
        Ok(removal) => assert_ne!(removal, Removal::Foreign),
        Err(error) => assert_eq!(error.fault(), Fault::Timeout),
    }
    t.release(&claim).await;
    t.assert_free(["a"]).await;
}
