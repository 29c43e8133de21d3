//! What comes again and again, and is said once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::decide::lease::Moment;
use crate::node::millis;

/// What comes again within this time belongs to one spell.
const QUIET: Duration = Duration::from_secs(30);

/// Something that may come often and is spoken of once, until there was none of it for a while.
#[derive(Debug, Default)]
pub(crate) struct Spell {
    /// Milliseconds of the last time, from 1.
    last: AtomicU64,
}

impl Spell {
    /// Whether one begins at `now`.
    pub(super) fn begins(&self, now: Moment) -> bool {
        let now = millis(now.0).saturating_add(1);
        let last = self.last.swap(now, Ordering::Relaxed);
        last == 0 || now.saturating_sub(last) > millis(QUIET)
    }
}
