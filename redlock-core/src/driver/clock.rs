//! The only place where a handle reads the time.
//!
//! The time line is tokio's clock (so tests may pause it) plus the time that the host was suspended, which
//! `Instant` leaves out on Linux and macOS. Suspension shows as a jump of a clock that counts it against the
//! monotonic one: the boot-time clock where the system has it, else the wall clock.
//!
//! The wall clock is read for the hints of fencing numbers alone, which may be wrong without harm.

#![allow(clippy::disallowed_methods)]

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::decide::lease::Moment;

/// What two clocks differ by from one reading to the next without the host having been suspended.
const NOISE: Duration = Duration::from_millis(5);

/// For how long a [`glance`](Clock::glance) goes by the last look at whether the host was suspended.
const GLANCE: Duration = Duration::from_millis(1);

/// Reads how far a clock that counts suspended time is ahead of the monotonic one.
pub(crate) type AheadSource = Box<dyn Fn() -> Duration + Send + Sync>;

/// Reads the time since 1970.
pub(crate) type WallSource = Box<dyn Fn() -> Duration + Send + Sync>;

pub(crate) struct Clock {
    origin: Instant,
    ahead: AheadSource,
    meter: Mutex<SuspendMeter>,
    wall: WallSource,
}

impl Clock {
    pub(crate) fn new(ahead: AheadSource) -> Self {
        let meter = SuspendMeter::new(ahead());
        let wall = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { origin: Instant::now(), ahead, meter: Mutex::new(meter), wall: Box::new(wall) }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn with_wall(self, wall: WallSource) -> Self {
        Self { wall, ..self }
    }

    pub(crate) fn system() -> Self {
        Self::new(Box::new(system::ahead))
    }

    pub(crate) fn now(&self) -> Moment {
        if mutant!(WallClock) {
            return Moment((self.wall)());
        }
        let running = Instant::now().saturating_duration_since(self.origin);
        let mut meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: an older reading that comes after a newer one would look like a clock set back, and the next
        // one like the same suspension once more.
        let suspended = meter.observe((self.ahead)());
        meter.looked = meter.looked.max(running);
        Moment(running.saturating_add(suspended))
    }

    /// The time as of a quarter of the work. What a suspension took that began less than a millisecond after the last full
    /// look may be missing, so it is early then and never late: good for the moment before a request, for durations, for
    /// pauses and budgets. Whether something is still held is judged by [`now`](Self::now).
    pub(crate) fn glance(&self) -> Moment {
        if mutant!(WallClock) {
            return self.now();
        }
        let running = Instant::now().saturating_duration_since(self.origin);
        let meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        if running.saturating_sub(meter.looked) >= GLANCE {
            drop(meter);
            return self.now();
        }
        Moment(running.saturating_add(meter.suspended))
    }

    /// Microseconds since 1970.
    pub(crate) fn wall_micros(&self) -> u64 {
        u64::try_from((self.wall)().as_micros()).unwrap_or(u64::MAX)
    }

    /// The instant on tokio's clock that will be `moment`, if the host is not suspended before.
    pub(crate) fn instant(&self, moment: Moment) -> Instant {
        // Read first: if the thread is put off before the second reading, the instant is early and not late.
        let now = Instant::now();
        let left = moment.since(self.now());
        // Some thirty years are as good as never, and no platform's clock overflows.
        now + left.min(Duration::from_secs(1_000_000_000))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// Adds up the jumps of a clock against the monotonic one.
///
/// A jump ahead counts as suspended time, though with a wall clock it may have been set: a lease that ends
/// early is safe. A jump back counts as nothing.
#[derive(Debug)]
struct SuspendMeter {
    last: Duration,
    suspended: Duration,
    /// When it was last looked at, on the clock that leaves suspended time out.
    looked: Duration,
}

impl SuspendMeter {
    fn new(ahead: Duration) -> Self {
        Self { last: ahead, suspended: Duration::ZERO, looked: Duration::ZERO }
    }

    fn observe(&mut self, ahead: Duration) -> Duration {
        if ahead > self.last.saturating_add(NOISE) {
            self.suspended = self.suspended.saturating_add(ahead - self.last);
            self.last = ahead;
        } else if self.last > ahead.saturating_add(NOISE) {
            self.last = ahead;
        }
        self.suspended
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    pub(super) fn ahead() -> Duration {
        let read = |id| Duration::try_from(clock_gettime(id)).unwrap_or_default();
        let mut before = read(ClockId::Monotonic);
        let mut ahead = Duration::ZERO;
        // A thread that is put off between two readings would see a jump that is none.
        for _ in 0..8 {
            let boot = read(ClockId::Boottime);
            let after = read(ClockId::Monotonic);
            ahead = boot.saturating_sub(after);
            if after.saturating_sub(before) < Duration::from_millis(1) {
                break;
            }
            before = after;
        }
        ahead
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    use std::sync::OnceLock;
    use std::time::{Duration, Instant, SystemTime};

    /// Added so that a wall clock that is set back does not go below zero at once.
    const HEADROOM: Duration = Duration::from_secs(1_000_000_000);

    pub(super) fn ahead() -> Duration {
        static START: OnceLock<(SystemTime, Instant)> = OnceLock::new();
        let (wall, monotonic) = START.get_or_init(|| (SystemTime::now(), Instant::now()));
        let wall = match SystemTime::now().duration_since(*wall) {
            Ok(ahead) => HEADROOM + ahead,
            Err(behind) => HEADROOM.saturating_sub(behind.duration()),
        };
        wall.saturating_sub(monotonic.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, OnceLock};
    use std::task::{Context, Waker};

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn jumps_ahead_add_up_and_noise_does_not() {
        let mut meter = SuspendMeter::new(ms(1_000));
        assert_eq!(meter.observe(ms(1_003)), ms(0));
        assert_eq!(meter.observe(ms(998)), ms(0));
        assert_eq!(meter.observe(ms(4_000)), ms(3_000));
        assert_eq!(meter.observe(ms(4_002)), ms(3_000));
        assert_eq!(meter.observe(ms(4_500)), ms(3_500));
    }

    #[test]
    fn a_clock_set_back_hides_no_later_suspension() {
        let mut meter = SuspendMeter::new(ms(100_000));
        assert_eq!(meter.observe(ms(40_000)), ms(0));
        assert_eq!(meter.observe(ms(50_000)), ms(10_000));
    }

    #[tokio::test(start_paused = true)]
    async fn time_spent_suspended_counts() {
        let ahead = Arc::new(AtomicU64::new(0));
        let source = Arc::clone(&ahead);
        let clock =
            Clock::new(Box::new(move || Duration::from_millis(source.load(Ordering::Relaxed))));
        let start = clock.now();
        tokio::time::advance(ms(10)).await;
        assert_eq!(clock.now().since(start), ms(10));
        ahead.store(60_000, Ordering::Relaxed);
        assert_eq!(clock.now().since(start), ms(60_010));
        assert_eq!(clock.instant(start.plus(ms(60_020))), Instant::now() + ms(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_glance_is_early_by_a_suspension_for_a_millisecond_at_most_and_never_late() {
        let ahead = Arc::new(AtomicU64::new(0));
        let source = Arc::clone(&ahead);
        let clock =
            Clock::new(Box::new(move || Duration::from_millis(source.load(Ordering::Relaxed))));
        let start = clock.now();
        ahead.store(60_000, Ordering::Relaxed);
        assert_eq!(clock.glance().since(start), ms(0));
        tokio::time::advance(ms(1)).await;
        assert_eq!(clock.glance().since(start), ms(60_001));
        ahead.store(90_000, Ordering::Relaxed);
        assert_eq!(clock.glance().since(start), ms(60_001));
        assert_eq!(clock.now().since(start), ms(90_001));
        assert_eq!(clock.glance().since(start), ms(90_001));
    }

    #[tokio::test(start_paused = true)]
    async fn a_thread_put_off_while_it_reads_the_clocks_gives_no_late_instant() {
        let put_off = || {
            let advance = std::pin::pin!(tokio::time::advance(ms(50)));
            let _ = advance.poll(&mut Context::from_waker(Waker::noop()));
            ms(0)
        };
        let clock = Clock::new(Box::new(put_off));
        let origin = Instant::now();
        let instant = clock.instant(Moment(ms(1_000)));
        assert!(instant <= origin + ms(1_000), "{:?} late", instant - origin - ms(1_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reading_that_another_thread_overtakes_counts_no_suspension_twice() {
        static SUSPENDED: AtomicU64 = AtomicU64::new(0);
        static OVERTAKEN: AtomicU64 = AtomicU64::new(0);
        static CLOCK: OnceLock<Clock> = OnceLock::new();
        let read = || {
            let read = SUSPENDED.load(Ordering::Relaxed);
            // Between this thread's reading and its use the host is suspended, and another thread comes by, if it can.
            if OVERTAKEN.swap(1, Ordering::Relaxed) == 0 {
                SUSPENDED.store(30_000, Ordering::Relaxed);
                if let Some(clock) = CLOCK.get().filter(|clock| clock.meter.try_lock().is_ok()) {
                    clock.now();
                }
            }
            ms(read)
        };
        OVERTAKEN.store(1, Ordering::Relaxed);
        let clock = CLOCK.get_or_init(|| Clock::new(Box::new(read)));
        let start = clock.now();
        OVERTAKEN.store(0, Ordering::Relaxed);
        clock.now();
        assert_eq!(clock.now().since(start), ms(30_000));
    }

    #[test]
    fn the_system_clock_moves_on_and_was_not_suspended() {
        let clock = Clock::system();
        let (a, b) = (clock.now(), clock.now());
        assert!(b >= a);
        assert!(b.since(a) < Duration::from_secs(60));
    }
}
