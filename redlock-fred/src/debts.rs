use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::silence::Silence;

/// The commands of a connection that were left without an answer.
#[derive(Debug, Default)]
pub(crate) struct Debts {
    silence: Mutex<Silence>,
    more: Notify,
}

/// A command whose answer somebody waits for. Dropped unpaid, its answer is owed.
pub(crate) struct Debt<'a>(Option<&'a Debts>, usize);

impl Debts {
    /// So many commands are about to be sent as one; nothing if none may be.
    pub(crate) fn begin(&self, commands: usize) -> Option<Debt<'_>> {
        let full = self.silence().is_full();
        // Not made before it is known: dropped, it would be owed.
        if full { None } else { Some(Debt(Some(self), commands)) }
    }

    /// Whether a question is to be asked.
    pub(crate) fn ask(&self, now: Instant) -> bool {
        self.silence().ask(now)
    }

    /// No answer to it yet. Tells whether that lasts too long.
    pub(crate) fn look(&self, now: Instant) -> bool {
        let mut silence = self.silence();
        silence.look(now);
        silence.is_too_long()
    }

    /// The question was answered.
    pub(crate) fn answered(&self) {
        self.silence().answered();
    }

    /// Waits until more is owed.
    pub(crate) async fn more(&self) {
        self.more.notified().await;
    }

    fn silence(&self) -> MutexGuard<'_, Silence> {
        self.silence.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Debt<'_> {
    /// There is an answer, or will never be one.
    pub(crate) fn paid(mut self) {
        self.0 = None;
    }
}

impl Drop for Debt<'_> {
    fn drop(&mut self) {
        if let Some(debts) = self.0 {
            debts.silence().owe(self.1);
            debts.more.notify_one();
        }
    }
}
