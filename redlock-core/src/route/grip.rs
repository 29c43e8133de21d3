use super::{KeyError, LockPolicy, MAX_PLAIN_KEY_BYTES};
use crate::decide::release::Release;
use crate::error::{ConfigError, LockError};
use crate::handle::guard::{Lease, LockGuard};
use crate::handle::options::LockOptions;
use crate::handle::read::ReadGuard;
use crate::handle::redlock::Redlock;
use crate::handle::semaphore::Permit;
use crate::node::key::LockKey;

/// How a request has its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeldAs {
    /// Alone: the lock.
    Lock,
    /// Beside others that share it, by [`shared_methods`](LockPolicy::shared_methods).
    Share,
    /// As one of so many at once, by [`permits`](LockPolicy::permits).
    Permit {
        /// Which of them, from 0: no other request has the same at the same time, over all replicas. For work that is split
        /// among as many workers, shards or connections as there are permits.
        slot: u16,
    },
}

impl HeldAs {
    /// Whether who asks meets it. Permits are of the same name and of other resources; of two layers' those below the number
    /// of the inner one are what it asks for.
    pub(super) fn may_be(self, wish: Wish) -> bool {
        match (self, wish) {
            (Self::Permit { slot }, Wish::Permit(permits)) => slot < permits,
            (Self::Permit { .. }, _) | (_, Wish::Permit(_)) => false,
            (Self::Lock | Self::Share, Wish::Lock | Wish::Share) => true,
        }
    }
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Lock,
    Share,
    /// One of so many.
    Permit(u16),
}

impl Wish {
    pub(super) fn of(policy: &LockPolicy, method: &str) -> Self {
        match policy.permits {
            Some(permits) => Self::Permit(permits),
            None if policy.shares(method) => Self::Share,
            None => Self::Lock,
        }
    }

    /// Whether whatever the policy may come to can be had of these nodes.
    pub(super) fn check(
        redlock: &Redlock,
        policy: &LockPolicy,
        options: &LockOptions,
    ) -> Result<(), ConfigError> {
        redlock.check(options)?;
        if policy.shared_methods.is_some() {
            redlock.check_shared(options).map_err(|error| in_policy("shared_methods", error))?;
        }
        let Some(permits) = policy.permits else {
            return redlock.check_prefix(MAX_PLAIN_KEY_BYTES);
        };
        redlock.check_prefix(MAX_PLAIN_KEY_BYTES + LONGEST_SLOT.len())?;
        let semaphore = redlock.semaphore("any", permits);
        semaphore.map(drop).map_err(|error| in_policy("permits", error))
    }

    /// Whether it can be had of a key at all.
    pub(super) fn fits(self, key: &LockKey) -> Result<(), KeyError> {
        match self {
            Self::Permit(_) if key.single().is_none() => {
                let rule = "a key that there are permits for must name one resource";
                Err(KeyError::Misuse(rule.to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Asks the nodes for it.
    pub(super) async fn take(
        self,
        redlock: &Redlock,
        key: &LockKey,
        options: &LockOptions,
        waits: bool,
    ) -> Result<Grip, LockError> {
        Ok(match (self, waits) {
            (Self::Lock, true) => Grip::Lock(redlock.lock_with(key, options).await?),
            (Self::Lock, false) => Grip::Lock(redlock.try_lock_with(key, options).await?),
            (Self::Share, true) => Grip::Share(redlock.read_with(key, options).await?),
            (Self::Share, false) => Grip::Share(redlock.try_read_with(key, options).await?),
            (Self::Permit(permits), waits) => {
                let semaphore = redlock.semaphore(key.single().unwrap_or_default(), permits);
                // Of nodes and the number it was found out when the route was made.
                let semaphore = semaphore.map_err(|error| renamed("key", error))?;
                Grip::Permit(match waits {
                    true => semaphore.acquire_with(options).await?,
                    false => semaphore.try_acquire_with(options).await?,
                })
            }
        })
    }
}

/// What stands behind a key.
const LONGEST_SLOT: &str = "/63";

fn renamed(field: &'static str, error: ConfigError) -> ConfigError {
    ConfigError::new(field, error.value().to_owned(), error.rule().to_owned())
}

/// What a node lacks, by the name of the option that needs it.
fn in_policy(option: &'static str, error: ConfigError) -> ConfigError {
    match error.field() {
        "read" | "semaphore" => renamed(option, error),
        _ => error,
    }
}

/// What a request has of its key. Dropped, it releases in the background.
pub(super) enum Grip {
    Lock(LockGuard),
    Share(ReadGuard),
    Permit(Permit),
}

impl Grip {
    pub(super) fn lease(&self) -> Lease {
        match self {
            Self::Lock(guard) => guard.lease(),
            Self::Share(guard) => guard.lease(),
            Self::Permit(permit) => permit.lease(),
        }
    }

    pub(super) fn held_as(&self) -> HeldAs {
        match self {
            Self::Lock(_) => HeldAs::Lock,
            Self::Share(_) => HeldAs::Share,
            Self::Permit(permit) => HeldAs::Permit { slot: permit.slot() },
        }
    }

    pub(super) async fn release(self) -> Result<Release, LockError> {
        match self {
            Self::Lock(guard) => guard.release().await,
            Self::Share(guard) => guard.release().await,
            Self::Permit(permit) => permit.release().await,
        }
    }
}
