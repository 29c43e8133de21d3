use std::fmt;
use std::sync::{Arc, Weak};

use super::grip::{Grip, HeldAs, Wish};
use super::limits::Holding;
use crate::handle::guard::Lease;
use crate::handle::redlock::Redlock;
use crate::node::key::LockKey;

/// A lock that one layer took, until the last who must not run without it is done.
pub(super) struct Keep {
    pub(super) grip: Grip,
    pub(super) counted: Holding,
}

/// The locks under which a request is handled, outermost first. The middlewares keep it in the request's extensions.
///
/// It owns none of them: they are released when the layers that took them say so, whoever still has this.
#[derive(Clone, Default)]
pub struct HeldLocks {
    locks: Arc<Vec<Held>>,
    /// The lock of the layer that is nearest to whoever looks, unless that let the request pass without one.
    own: Option<usize>,
}

#[derive(Clone)]
struct Held {
    redlock: Redlock,
    key: LockKey,
    lease: Lease,
    held_as: HeldAs,
    keep: Weak<Keep>,
    /// Whether the layer that took it stops the handler when it is lost.
    cancels: bool,
}

/// What the layers around a layer hold of the key that it is about to lock.
pub(super) enum Around {
    Nothing,
    /// All of it.
    All(HeldLocks),
    /// Something that it would wait for, and so for itself.
    InTheWay(&'static str),
}

impl HeldLocks {
    /// The lock of the handler's own layer, which is the innermost one. `None` if that let the request pass without a
    /// lock, whatever the layers around it hold.
    pub fn lease(&self) -> Option<&Lease> {
        self.own().map(|held| &held.lease)
    }

    /// How the handler's own layer has its key: alone, shared, or as one of so many. `None` as of [`lease`](Self::lease).
    pub fn held_as(&self) -> Option<HeldAs> {
        self.own().map(|held| held.held_as)
    }

    fn own(&self) -> Option<&Held> {
        self.own.and_then(|own| self.locks.get(own))
    }

    /// All locks of all layers, outermost first.
    pub fn leases(&self) -> impl ExactSizeIterator<Item = &Lease> {
        self.locks.iter().map(|held| &held.lease)
    }

    /// The same for a layer that lets the request pass without a lock of its own.
    #[must_use]
    pub fn passed(&self) -> Self {
        Self { locks: Arc::clone(&self.locks), own: None }
    }

    pub(super) fn around(&self, redlock: &Redlock, key: &LockKey, wish: Wish) -> Around {
        let mut shared = false;
        let mut held = |resource: &[u8]| {
            let found = self.locks.iter().position(|held| {
                held.redlock.is_same(redlock)
                    && !held.lease.is_lost()
                    && held.key.resources().any(|known| known == resource)
                    && held.held_as.may_be(wish)
            });
            shared |= found.is_some_and(|at| self.locks[at].held_as == HeldAs::Share);
            found
        };
        let found: Vec<_> = key.resources().filter_map(&mut held).collect();
        match found.last() {
            None => Around::Nothing,
            Some(_) if shared && wish == Wish::Lock => Around::InTheWay(
                "a layer around shares what the inner one is to lock, which then waits for the request itself",
            ),
            Some(own) if found.len() == key.resources().len() => {
                Around::All(Self { locks: Arc::clone(&self.locks), own: Some(*own) })
            }
            Some(_) => Around::InTheWay(
                "two layers' keys share some of their resources and not all of the inner one's",
            ),
        }
    }

    pub(super) fn and(
        &self,
        redlock: &Redlock,
        key: LockKey,
        keep: &Arc<Keep>,
        cancels: bool,
    ) -> Self {
        let mut locks = self.locks.to_vec();
        locks.push(Held {
            redlock: redlock.clone(),
            key,
            lease: keep.grip.lease(),
            held_as: keep.grip.held_as(),
            keep: Arc::downgrade(keep),
            cancels,
        });
        Self { own: Some(locks.len() - 1), locks: Arc::new(locks) }
    }

    /// Keeps all of them from being released for as long as this lives.
    pub(super) fn keep_all(&self) -> Vec<Arc<Keep>> {
        self.locks.iter().filter_map(|held| held.keep.upgrade()).collect()
    }

    /// The locks without which a handler must not go on.
    pub(super) fn cancelling(&self) -> impl Iterator<Item = &Lease> {
        self.locks.iter().filter(|held| held.cancels).map(|held| &held.lease)
    }
}

impl fmt::Debug for HeldLocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.leases()).finish()
    }
}
