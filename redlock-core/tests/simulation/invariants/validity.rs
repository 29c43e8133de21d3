//! No holder takes itself for one longer than a majority of nodes keeps everybody else out, and nobody is given a lock
//! that is over already: "MIN_VALIDITY" of the published algorithm. A node that warms up keeps everybody out.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use redlock_core::node::{Expiry, Holder, Holding};
use redlock_core::{InMemoryNode, LockKey, LockNode};

use super::{Event, Ledger, World};

pub(super) fn check(world: &World, ledger: &Ledger, event: &Event) -> Result<(), String> {
    let (Event::Granted(id) | Event::Looked(id)) = *event else { return Ok(()) };
    if !world.setup.profile.keeps_assumptions() {
        return Ok(());
    }
    let Some(lease) = &ledger.holds[id].lease else { return Ok(()) };
    if lease.is_lost() {
        return match event {
            Event::Granted(_) => Err(format!("hold {id} was over when it was given out")),
            _ => Ok(()),
        };
    }
    let claims = lease.remaining();
    if ledger.holds[id].shared {
        return shared(world, lease.key(), claims).map_err(|why| format!("hold {id} {why}"));
    }
    let kept: Vec<_> = (0..world.setup.nodes).map(|node| keeps(world, node, lease.key())).collect();
    let warm = kept.iter().filter(|kept| kept.warming >= claims).count();
    let safe = |holder: Option<Holder>| {
        let held = |k: &&Kept| k.warming < claims && k.holder == holder && k.left >= claims;
        warm + kept.iter().filter(held).count()
    };
    let best = kept.iter().filter(|kept| kept.holder.is_some()).map(|kept| safe(kept.holder)).max();
    if best.unwrap_or(warm) >= world.setup.majority() {
        return Ok(());
    }
    Err(format!("hold {id} claims {claims:?} more, its nodes keep it for {kept:?}"))
}

/// A majority keeps writers out for as long, for the sake of one and the same holder.
fn shared(world: &World, key: &LockKey, claims: Duration) -> Result<(), String> {
    let nodes =
        || (0..world.setup.nodes).map(|node| (node, holdings(world.nodes[node].clone(), key)));
    let warm = |node| keeps(world, node, key).warming >= claims;
    let parts = |holding: &Holding| match &holding.shares {
        Some(shares) => shares.shown.iter().map(|share| (share.holder, share.expiry)).collect(),
        None => vec![(holding.holder, holding.expiry)],
    };
    let stands = |node, holding: &Option<Holding>, holder: Holder| {
        let lasts = |expiry| match expiry {
            Expiry::In(left) => truly(world, node, left) >= claims,
            _ => true,
        };
        let mut parts = holding.iter().flat_map(parts);
        parts.any(|(other, expiry)| other == holder && lasts(expiry))
    };
    let all: Vec<_> = nodes().collect();
    let holders: Vec<Holder> = all
        .iter()
        .flat_map(|(_, holdings)| holdings.iter().flatten().flat_map(parts))
        .map(|(holder, _)| holder)
        .collect();
    let safe = |holder: Option<Holder>| {
        let safe = all.iter().filter(|(node, holdings)| {
            warm(*node) || holder.is_some_and(|h| holdings.iter().all(|one| stands(*node, one, h)))
        });
        safe.count() >= world.setup.majority()
    };
    if holders.into_iter().map(Some).chain([None]).any(safe) {
        return Ok(());
    }
    Err(format!("claims {claims:?} more, and its nodes have {all:?}"))
}

/// What a node's time is in truth.
fn truly(world: &World, node: usize, by_its_clock: Duration) -> Duration {
    let rate = 1_000_000_u64.saturating_add_signed(world.setup.rates[node]);
    let nanos = by_its_clock.as_nanos() * 1_000_000 / u128::from(rate);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[derive(Debug)]
struct Kept {
    holder: Option<Holder>,
    left: Duration,
    warming: Duration,
}

/// For how long, in true time, a node keeps the key for one holder, or itself out of votes.
fn keeps(world: &World, node: usize, key: &LockKey) -> Kept {
    let truly = |by_its_clock: Duration| truly(world, node, by_its_clock);
    let limit = Duration::ZERO;
    let server: &Arc<InMemoryNode> = &world.nodes[node];
    let holdings = holdings(Arc::clone(server), key);
    let mut kept = Kept { holder: None, left: Duration::MAX, warming: Duration::ZERO };
    for holding in holdings {
        let Some(holding) = holding else {
            kept.left = Duration::ZERO;
            continue;
        };
        if kept.holder.is_some_and(|holder| holder != holding.holder) {
            kept.left = Duration::ZERO;
        }
        kept.holder = Some(holding.holder);
        if let Expiry::In(left) = holding.expiry {
            kept.left = kept.left.min(truly(left));
        }
    }
    if world.setup.guard {
        let identity = at_once(Arc::clone(server).identity(limit)).unwrap();
        // Whole milliseconds of `warm_up` are a little more than the guard.
        let guard = Duration::from_millis(world.setup.warm_up() - 1);
        kept.warming = truly(guard.saturating_sub(identity.uptime.unwrap()));
    }
    kept
}

pub(super) fn holdings(node: Arc<InMemoryNode>, key: &LockKey) -> Vec<Option<Holding>> {
    at_once(node.inspect(key.clone(), Duration::ZERO)).unwrap()
}

/// An in-memory node answers at the first poll.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!(),
    }
}
