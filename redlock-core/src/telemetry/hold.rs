//! A hold, its extensions and its release.

#[cfg(any(feature = "metrics", feature = "tracing"))]
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(feature = "metrics")]
use super::meter::{self, Up};
use super::state::Held;
#[cfg(any(feature = "metrics", feature = "tracing"))]
use super::values::Loss;
use super::values::{Freed, Renewed};
use crate::decide::release::Release;
use crate::error::{ExtendError, LockError, LostReason};

/// A lock that is held.
#[derive(Debug)]
pub(crate) struct Holding {
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    over: AtomicBool,
    #[cfg(feature = "metrics")]
    held: std::sync::Mutex<Option<Up>>,
}

impl Holding {
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(any(feature = "metrics", feature = "tracing"))]
            over: AtomicBool::new(false),
            #[cfg(feature = "metrics")]
            held: std::sync::Mutex::new(Some(Up::new(&meter::HELD))),
        }
    }

    /// The hold is over, for whoever notices it first. Without a reason its guard gave it away.
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    pub(crate) fn over(&self, of: &Held<'_>, reason: Option<LostReason>) {
        if self.over.swap(true, Ordering::Relaxed) {
            return;
        }
        let held = || of.told.now().since(of.granted);
        let loss = reason.and_then(Loss::of);
        #[cfg(feature = "metrics")]
        {
            drop(self.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take());
            meter::observe(&meter::HOLD_DURATION, held());
            if let Some(loss) = loss {
                meter::count(meter::LOSSES.of_word(loss));
            }
        }
        #[cfg(feature = "tracing")]
        super::speak::over(of, held, loss);
    }

    /// Nobody looks on.
    #[cfg(not(any(feature = "metrics", feature = "tracing")))]
    pub(crate) fn over(&self, _: &Held<'_>, _: Option<LostReason>) {}
}

/// A round of extending. Dropped before its end, it was cancelled.
pub(crate) struct Extending {
    over: bool,
}

impl Extending {
    pub(crate) fn begin() -> Self {
        Self { over: false }
    }

    pub(crate) fn ended(mut self, of: &Held<'_>, result: &Result<(), ExtendError>) {
        self.over = true;
        let renewed = match result {
            Ok(()) => Renewed::Extended,
            Err(error) => error.kind().into(),
        };
        count_extension(renewed);
        #[cfg(feature = "tracing")]
        if let (Renewed::Unanswered, Err(error)) = (renewed, result) {
            super::speak::not_extended(of, error.nodes());
        }
        let _ = of;
    }
}

impl Drop for Extending {
    fn drop(&mut self) {
        if !self.over {
            count_extension(Renewed::Cancelled);
        }
    }
}

fn count_extension(renewed: Renewed) {
    #[cfg(feature = "metrics")]
    meter::count(meter::EXTENSIONS.of_word(renewed));
    let _ = renewed;
}

/// A release that somebody waits for. Dropped before its end, it goes on without.
pub(crate) struct Releasing {
    over: bool,
}

impl Releasing {
    pub(crate) fn begin() -> Self {
        Self { over: false }
    }

    pub(crate) fn ended(mut self, result: &Result<Release, LockError>) {
        self.over = true;
        count_release(match result {
            Ok(Release::Released) => Freed::Released,
            Ok(Release::Kept) => Freed::Kept,
            Ok(Release::AlreadyGone) => Freed::AlreadyGone,
            Ok(Release::Uncertain) => Freed::Uncertain,
            Err(_) => Freed::Unconfirmed,
        });
    }
}

impl Drop for Releasing {
    fn drop(&mut self) {
        if !self.over {
            unawaited();
        }
    }
}

/// A release whose end nobody waits for.
pub(crate) fn unawaited() {
    count_release(Freed::Unawaited);
}

fn count_release(freed: Freed) {
    #[cfg(feature = "metrics")]
    meter::count(meter::RELEASES.of_word(freed));
    let _ = freed;
}
