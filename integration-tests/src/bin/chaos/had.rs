//! What a worker has of a key, in whichever mode.

use std::time::Duration;

use redlock_core::{LockGuard, Permit, ReadGuard};

use crate::history::{Micros, Mode, now};
use crate::plain;

pub(crate) enum Had {
    Lock(LockGuard),
    Share(ReadGuard),
    Permit(Permit),
    Plain(plain::Held),
}

impl Had {
    pub(crate) fn mode(&self) -> Mode {
        match self {
            Self::Lock(_) => Mode::Writer,
            Self::Share(_) => Mode::Reader,
            Self::Permit(_) => Mode::Permit,
            Self::Plain(_) => Mode::Plain,
        }
    }

    pub(crate) fn fence(&self) -> Option<u64> {
        let fence = match self {
            Self::Lock(guard) => guard.fence(),
            Self::Share(guard) => guard.fence(),
            Self::Permit(permit) => permit.fence(),
            Self::Plain(_) => None,
        };
        fence.map(|fence| fence.get())
    }

    pub(crate) fn remaining(&self) -> Duration {
        match self {
            Self::Lock(guard) => guard.remaining(),
            Self::Share(guard) => guard.remaining(),
            Self::Permit(permit) => permit.remaining(),
            Self::Plain(held) => held.remaining(),
        }
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.remaining().is_zero()
    }

    /// The lease's end, or earlier if this process is stopped in between: what is claimed here was certainly held. `None`
    /// if it is over.
    pub(crate) fn until(&self) -> Option<Micros> {
        let (now, remaining) = (now(), self.remaining());
        (!remaining.is_zero())
            .then(|| now + u64::try_from(remaining.as_micros()).unwrap_or_default())
    }

    /// One that too few nodes confirm goes on in the background.
    pub(crate) async fn release(self) {
        match self {
            Self::Lock(guard) => drop(guard.release().await),
            Self::Share(guard) => drop(guard.release().await),
            Self::Permit(permit) => drop(permit.release().await),
            Self::Plain(held) => held.release().await,
        }
    }
}
