// How long something is remembered.
#![allow(clippy::disallowed_methods)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::info::{Abilities, NativeRelease};
use crate::scripts::Script;

/// What the server behind the present connection can do, if it said so.
///
/// Nothing is sent on trial: what comes after a refused command would arrive behind whatever else was sent
/// meanwhile, such as the release that was to follow it.
#[derive(Debug, Default)]
pub(crate) struct Known {
    abilities: AtomicU32,
    /// A bit for each script that the server has run.
    scripts: AtomicU32,
    /// Until when releases are not told, and why.
    mute: Mutex<Option<(Instant, Why)>>,
}

/// Why releases are not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Refused,
    Unheard,
}

impl Why {
    /// For how long telling is not tried again. A right can be granted at any time, and the connection can be replaced
    /// between two commands, which nobody hears of. Somebody may begin to listen at any time: he loses so much at most, once.
    const fn lasts(self) -> Duration {
        match self {
            Self::Refused => Duration::from_secs(60),
            Self::Unheard => Duration::from_millis(50),
        }
    }
}

impl Known {
    const SET_GET: u32 = 0b100;
    const NO_DIGESTS: u32 = 1 << 31;

    /// Forgets all of it: another server may stand behind the next connection.
    pub(crate) fn forget(&self) {
        self.abilities.store(0, Ordering::Relaxed);
        self.scripts.store(0, Ordering::Relaxed);
        *self.mute() = None;
    }

    /// Takes over what the server said of itself.
    pub(crate) fn learn(&self, abilities: Abilities) {
        let native = match abilities.native_release {
            NativeRelease::None => 0,
            NativeRelease::Delifeq => 1,
            NativeRelease::Delex => 2,
        };
        let set_get = if abilities.set_get { Self::SET_GET } else { 0 };
        self.abilities.store(set_get | native, Ordering::Relaxed);
    }

    pub(crate) fn abilities(&self) -> Abilities {
        let bits = self.abilities.load(Ordering::Relaxed);
        let native_release = match bits & 0b11 {
            1 => NativeRelease::Delifeq,
            2 => NativeRelease::Delex,
            _ => NativeRelease::None,
        };
        Abilities { set_get: bits & Self::SET_GET != 0, native_release }
    }

    /// Whether the server has run the script, and lets the user call it by its digest.
    pub(crate) fn has_run(&self, script: &Script) -> bool {
        self.scripts.load(Ordering::Relaxed) & (1 << script.id | Self::NO_DIGESTS) == 1 << script.id
    }

    pub(crate) fn ran(&self, script: &Script) {
        // A look before the write: this is so at almost every call.
        if self.scripts.load(Ordering::Relaxed) & (1 << script.id) == 0 {
            self.scripts.fetch_or(1 << script.id, Ordering::Relaxed);
        }
    }

    /// The server forgot its scripts.
    pub(crate) fn forget_scripts(&self) {
        self.scripts.store(0, Ordering::Relaxed);
    }

    /// Scripts cannot be called by their digest.
    pub(crate) fn lack_digests(&self) {
        self.scripts.fetch_or(Self::NO_DIGESTS, Ordering::Relaxed);
    }

    /// Whether releases are not told for now, since they cannot be or since nobody hears them. Once that is over one release
    /// is told, to find out; the others go on without until it is answered.
    pub(crate) fn is_mute(&self, now: Instant) -> bool {
        let mut mute = self.mute();
        let Some((until, why)) = &mut *mute else { return false };
        let silent = now < *until;
        if !silent {
            *until = now + why.lasts();
        }
        silent
    }

    /// Whether releases cannot be told, as far as is known.
    pub(crate) fn may_not_tell(&self) -> bool {
        self.mute().is_some_and(|(until, why)| why == Why::Refused && Instant::now() < until)
    }

    pub(crate) fn lack_telling(&self) {
        *self.mute() = Some((Instant::now() + Why::Refused.lasts(), Why::Refused));
    }

    /// A release was told, and nobody heard it.
    pub(crate) fn was_unheard(&self) {
        *self.mute() = Some((Instant::now() + Why::Unheard.lasts(), Why::Unheard));
    }

    /// Somebody listens from now on, or heard what was told.
    pub(crate) fn is_heard(&self) {
        self.mute().take_if(|(_, why)| *why == Why::Unheard);
    }

    /// A release was told, so that can be done.
    pub(crate) fn was_told(&self) {
        *self.mute() = None;
    }

    fn mute(&self) -> MutexGuard<'_, Option<(Instant, Why)>> {
        self.mute.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lack_set_get(&self) {
        self.learn(Abilities { set_get: false, ..self.abilities() });
    }

    pub(crate) fn lack_native_release(&self) {
        self.learn(Abilities { native_release: NativeRelease::None, ..self.abilities() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_mute(known: &Known) -> bool {
        known.is_mute(Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn that_releases_cannot_be_told_is_forgotten_with_the_connection_or_after_a_while() {
        let known = Known::default();
        let abilities = Abilities { set_get: true, native_release: NativeRelease::Delex };
        assert!(!is_mute(&known));
        known.lack_telling();
        known.learn(abilities);
        assert!(is_mute(&known) && known.abilities() == abilities);
        tokio::time::advance(Why::Refused.lasts() - Duration::from_millis(1)).await;
        assert!(is_mute(&known));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!is_mute(&known) && known.abilities() == abilities);
        assert!(is_mute(&known), "one finds out for all");
        known.was_told();
        assert!(!is_mute(&known));
        known.lack_telling();
        known.forget();
        assert!(!is_mute(&known) && !known.abilities().set_get);
    }

    #[tokio::test(start_paused = true)]
    async fn that_nobody_hears_is_forgotten_after_a_moment_or_when_somebody_listens() {
        let known = Known::default();
        known.was_unheard();
        assert!(is_mute(&known));
        tokio::time::advance(Why::Unheard.lasts()).await;
        assert!(!is_mute(&known));
        assert!(is_mute(&known), "one finds out for all");
        known.was_unheard();
        assert!(!known.may_not_tell(), "shares are told all the same");
        known.is_heard();
        assert!(!is_mute(&known));
        known.lack_telling();
        known.is_heard();
        assert!(is_mute(&known));
    }
}
