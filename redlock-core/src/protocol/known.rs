use std::sync::atomic::{AtomicU8, Ordering};

use super::info::{Abilities, NativeRelease};

/// What the server behind the present connection can do, if it said so.
///
/// Nothing is sent on trial: what comes after a refused command would arrive behind whatever else was sent
/// meanwhile, such as the release that was to follow it.
#[derive(Debug, Default)]
pub(super) struct Known(AtomicU8);

impl Known {
    const SET_GET: u8 = 0b100;
    /// The user may not publish.
    const MUTE: u8 = 0b1000;

    /// Forgets all of it: another server may stand behind the next connection.
    pub(super) fn forget(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Takes over what the server said of itself.
    pub(super) fn learn(&self, abilities: Abilities) {
        let native = match abilities.native_release {
            NativeRelease::None => 0,
            NativeRelease::Delifeq => 1,
            NativeRelease::Delex => 2,
        };
        let set_get = if abilities.set_get { Self::SET_GET } else { 0 };
        let mute = self.0.load(Ordering::Relaxed) & Self::MUTE;
        self.0.store(mute | set_get | native, Ordering::Relaxed);
    }

    pub(super) fn abilities(&self) -> Abilities {
        let bits = self.0.load(Ordering::Relaxed);
        let native_release = match bits & 0b11 {
            1 => NativeRelease::Delifeq,
            2 => NativeRelease::Delex,
            _ => NativeRelease::None,
        };
        Abilities { set_get: bits & Self::SET_GET != 0, native_release }
    }

    /// Whether releases cannot be told.
    pub(super) fn is_mute(&self) -> bool {
        self.0.load(Ordering::Relaxed) & Self::MUTE != 0
    }

    pub(super) fn lack_telling(&self) {
        self.0.fetch_or(Self::MUTE, Ordering::Relaxed);
    }

    pub(super) fn lack_set_get(&self) {
        self.learn(Abilities { set_get: false, ..self.abilities() });
    }

    pub(super) fn lack_native_release(&self) {
        self.learn(Abilities { native_release: NativeRelease::None, ..self.abilities() });
    }
}
