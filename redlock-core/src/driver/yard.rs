//! Where stragglers wait until they are looked after.

use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use super::background::Background;

/// Whoever keeps the acquires that were not answered when its lock was won.
pub(crate) trait Keeps: Send + Sync {
    /// Looks for answers once, and has what is still out driven on its own.
    fn look_after(&self, cx: &mut Context<'_>);

    /// Has the acquires driven on their own.
    fn go_on(&self);
}

/// Work that needs nobody to wait for it.
pub(super) trait Work: Send {
    /// Whether nothing is left to do.
    fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Goes on in a task of its own.
    fn go_on(self: Box<Self>);
}

pub(super) enum Straggler {
    Acquires(Weak<dyn Keeps>),
    Work(Box<dyn Work>),
}

/// Stragglers that wait to be looked after.
#[derive(Default)]
pub(crate) struct Stragglers(Mutex<Yard>);

#[derive(Default)]
pub(super) struct Yard {
    pub(super) parked: Vec<Straggler>,
    /// The task is to look once more, whether or not anything is parked.
    pub(super) looks_on: bool,
    /// Where the task runs that looks after them, while it does.
    pub(super) keeper: Option<Background>,
}

impl Stragglers {
    pub(super) fn lock(&self) -> MutexGuard<'_, Yard> {
        // Nothing panics while it is locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Straggler {
    pub(super) fn look_after(self, cx: &mut Context<'_>) {
        match self {
            Self::Work(mut work) => {
                if work.poll_done(cx).is_pending() {
                    work.go_on();
                }
            }
            Self::Acquires(keeps) => {
                if let Some(keeps) = keeps.upgrade() {
                    keeps.look_after(cx);
                }
            }
        }
    }

    pub(super) fn go_on(self) {
        match self {
            Self::Work(work) => work.go_on(),
            Self::Acquires(keeps) => {
                if let Some(keeps) = keeps.upgrade() {
                    keeps.go_on();
                }
            }
        }
    }
}
