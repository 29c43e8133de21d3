//! What tests may put in place of the system's clocks and randomness.

use crate::driver::Wrapper;
use crate::driver::clock::{AheadSource, Clock, WallSource};

#[derive(Default)]
pub(crate) struct Overrides {
    pub(crate) seed: Option<u64>,
    pub(crate) ahead: Option<AheadSource>,
    pub(crate) wall: Option<WallSource>,
    pub(crate) wrapper: Wrapper,
}

impl Overrides {
    pub(crate) fn apply(self) -> (Clock, fastrand::Rng, Wrapper) {
        let mut clock = self.ahead.map_or_else(Clock::system, Clock::new);
        if let Some(wall) = self.wall {
            clock = clock.with_wall(wall);
        }
        let rng = self.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        (clock, rng, self.wrapper)
    }
}

impl std::fmt::Debug for Overrides {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Overrides").field("seed", &self.seed).finish_non_exhaustive()
    }
}
