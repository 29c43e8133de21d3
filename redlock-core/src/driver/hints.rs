use std::sync::atomic::{AtomicU64, Ordering};

use crate::decide::fence::hint;

/// Makes the hints of a handle's fenced attempts.
///
/// One floor serves all resources: a hint that is higher than a resource needs costs nothing, since fences need not be
/// dense. A node whose clock is far ahead lifts it out of reach, and then it counts for nothing.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    /// The largest hint given out, and the largest counter that any node told.
    floor: AtomicU64,
}

impl Hints {
    /// The hint of the next attempt.
    pub(super) fn next(&self, wall: u64) -> u64 {
        let update = |floor| Some(hint(wall, floor));
        match self.floor.fetch_update(Ordering::Relaxed, Ordering::Relaxed, update) {
            Ok(floor) | Err(floor) => hint(wall, floor),
        }
    }

    /// A node told of a counter: the next hint should be above it.
    pub(super) fn saw(&self, counter: u64) {
        self.floor.fetch_max(counter, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_follow_the_clock_and_never_fall_behind_what_was_seen() {
        let hints = Hints::default();
        assert_eq!(hints.next(100), 100);
        assert_eq!(hints.next(100), 102, "twice within a microsecond");
        assert_eq!(hints.next(50), 104, "the clock was set back");
        hints.saw(500);
        hints.saw(400);
        assert_eq!(hints.next(200), 502);
        assert_eq!(hints.next(1_000), 1_000);
    }

    #[test]
    fn one_clock_that_is_far_ahead_spoils_no_other_resources_hints() {
        let hints = Hints::default();
        hints.saw(900_000_000);
        assert_eq!(hints.next(1_000), 1_000);
        assert_eq!(hints.next(1_000), 1_002);
    }
}
