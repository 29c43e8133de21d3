//! What is broken in a run, and what is asked of it all the same.

use std::time::Duration;

use crate::checker::Rules;

pub(crate) const SERVERS: usize = 5;
pub(crate) const WORKERS: usize = 6;
/// Of the semaphore.
pub(crate) const PERMITS: u16 = 3;

/// A mix of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Servers hang, crash and forget, links fail, workers hang and die. Clocks are right.
    Mixed,
    /// Readers, writers, writers that become readers, permits, and clients of the plain algorithm, together on one set of
    /// servers that fails as in [`Mixed`](Self::Mixed). What is restarted comes back later than any hold can last: plain clients have no
    /// restart guard.
    Modes,
    /// Much of the same on servers whose clocks run half a percent fast, which the drift allowance covers.
    Clocks,
    /// Clocks run a fifth fast and jump, against every assumption of the lock: holds may overlap. Servers do not forget,
    /// since the restart guard reads the same clocks; so fences must hold.
    BrokenClocks,
}

impl Profile {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Mixed, Self::Modes, Self::Clocks, Self::BrokenClocks]
            .into_iter()
            .find(|profile| profile.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mixed => "mixed",
            Self::Modes => "modes",
            Self::Clocks => "clocks",
            Self::BrokenClocks => "broken-clocks",
        }
    }

    /// The rate of the servers' clocks, where they have their own.
    pub(crate) fn rate(self) -> Option<&'static str> {
        match self {
            Self::Mixed | Self::Modes => None,
            Self::Clocks => Some("x1.005"),
            Self::BrokenClocks => Some("x1.2"),
        }
    }

    /// How many holds of a thousand last as long as the lease.
    pub(crate) fn full_holds(self) -> u32 {
        match self {
            Self::Mixed | Self::Modes => 10,
            Self::Clocks => 50,
            Self::BrokenClocks => 200,
        }
    }

    pub(crate) fn rules(self, time: Duration) -> Rules {
        // A run in which next to nothing happened proves nothing. An idle machine makes some five times as many.
        let (hand_overs_a_minute, stale_a_minute) = match self {
            Self::Mixed => (300, 1),
            Self::Modes => (300, 1),
            Self::Clocks => (100, 1),
            Self::BrokenClocks => (50, 1),
        };
        let of = |a_minute: u64| a_minute * time.as_secs() / 60;
        let modes = |a_minute: u64| if self == Self::Modes { of(a_minute) } else { 0 };
        Rules {
            clocks_hold: self != Self::BrokenClocks,
            hand_overs: of(hand_overs_a_minute),
            servers: SERVERS,
            workers: WORKERS,
            stale_refused: of(stale_a_minute),
            shared: modes(60),
            downgrades: modes(30),
            plain: modes(30),
            permits: modes(30),
            most: PERMITS,
        }
    }
}
