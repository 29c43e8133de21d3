// A node keeps its own time, apart from the handle's.
#![allow(clippy::disallowed_methods)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// A node's clock. As with a server's, one clock is behind times to live, uptime and fencing numbers, and it can be set.
pub(super) struct Clock {
    origin: Instant,
    rate: u64,
    /// Wall time at `origin`, since 1970.
    wall: Duration,
    /// By how much it was set forward, in microseconds.
    set: AtomicI64,
}

impl Clock {
    /// The rate of a clock that runs as tokio's does.
    pub(super) const TRUE: u64 = 1_000_000;

    pub(super) fn new() -> Self {
        let origin = Instant::now();
        Self { origin, rate: Self::TRUE, wall: wall(origin), set: AtomicI64::new(0) }
    }

    /// Time since the node was made. As a [`Duration`] every time to live can be added to it; an [`Instant`] would
    /// overflow.
    pub(super) fn now(&self) -> Duration {
        let elapsed = Instant::now().saturating_duration_since(self.origin);
        let elapsed = if self.rate == Self::TRUE { elapsed } else { self.scaled(elapsed) };
        let set = self.set.load(Ordering::Relaxed);
        if set == 0 {
            return elapsed;
        }
        let by = Duration::from_micros(set.unsigned_abs());
        if set < 0 { elapsed.saturating_sub(by) } else { elapsed.saturating_add(by) }
    }

    /// Microseconds since 1970 at a time that [`now`](Self::now) gave.
    pub(super) fn micros(&self, now: Duration) -> u64 {
        u64::try_from(self.wall.saturating_add(now).as_micros()).unwrap_or(u64::MAX)
    }

    fn scaled(&self, elapsed: Duration) -> Duration {
        let nanos =
            elapsed.as_nanos().saturating_mul(u128::from(self.rate)) / u128::from(Self::TRUE);
        let secs = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
        Duration::from_secs(secs)
            .saturating_add(Duration::from_nanos((nanos % 1_000_000_000) as u64))
    }

    #[cfg(feature = "testing")]
    pub(super) fn set_rate(&mut self, ppm: i64) {
        self.rate = Self::TRUE.saturating_add_signed(ppm);
    }

    #[cfg(feature = "testing")]
    pub(super) fn set_wall(&mut self, wall: Duration) {
        self.wall = wall;
    }

    #[cfg(feature = "testing")]
    pub(super) fn step(&self, micros: i64) {
        self.set.fetch_add(micros, Ordering::Relaxed);
    }
}

/// Wall time at a point of tokio's time, which may be paused: all nodes of a process agree.
fn wall(at: Instant) -> Duration {
    static ANCHOR: OnceLock<(SystemTime, std::time::Instant)> = OnceLock::new();
    let (wall, instant) = ANCHOR.get_or_init(|| (SystemTime::now(), std::time::Instant::now()));
    let wall = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let at = at.into_std();
    wall.saturating_add(at.saturating_duration_since(*instant))
        .saturating_sub(instant.saturating_duration_since(at))
}
