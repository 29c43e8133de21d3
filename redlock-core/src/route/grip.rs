use super::LockPolicy;
use crate::decide::release::Release;
use crate::error::{ConfigError, LockError};
use crate::handle::guard::{Lease, LockGuard};
use crate::handle::options::LockOptions;
use crate::handle::read::ReadGuard;
use crate::handle::redlock::Redlock;
use crate::node::key::LockKey;

/// How a request has its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeldAs {
    /// Alone: the lock.
    Lock,
    /// Beside others that share it, by [`shared_methods`](LockPolicy::shared_methods).
    Share,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Lock,
    Share,
}

impl Wish {
    pub(super) fn of(policy: &LockPolicy, method: &str) -> Self {
        if policy.shares(method) { Self::Share } else { Self::Lock }
    }

    /// Every wish that the policy may come to.
    pub(super) fn check(
        redlock: &Redlock,
        policy: &LockPolicy,
        options: &LockOptions,
    ) -> Result<(), ConfigError> {
        if policy.shared_methods.is_some() {
            redlock.check_shared(options).map_err(|error| in_policy("shared_methods", error))?;
        }
        Ok(())
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
        })
    }
}

/// What a node lacks, by the name of the option that needs it.
fn in_policy(option: &'static str, error: ConfigError) -> ConfigError {
    match error.field() {
        "read" => ConfigError::new(option, error.value().to_owned(), error.rule().to_owned()),
        _ => error,
    }
}

/// What a request has of its key. Dropped, it releases in the background.
pub(super) enum Grip {
    Lock(LockGuard),
    Share(ReadGuard),
}

impl Grip {
    pub(super) fn lease(&self) -> Lease {
        match self {
            Self::Lock(guard) => guard.lease(),
            Self::Share(guard) => guard.lease(),
        }
    }

    pub(super) fn held_as(&self) -> HeldAs {
        match self {
            Self::Lock(_) => HeldAs::Lock,
            Self::Share(_) => HeldAs::Share,
        }
    }

    pub(super) async fn release(self) -> Result<Release, LockError> {
        match self {
            Self::Lock(guard) => guard.release().await,
            Self::Share(guard) => guard.release().await,
        }
    }
}
