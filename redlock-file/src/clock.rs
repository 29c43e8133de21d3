//! The clocks of this machine, and which start of it they count from.

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};

use crate::error::FileNodeError;

/// One reading of both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Nanoseconds since the machine started, the same in all its processes.
    pub(crate) boot: u64,
    /// Microseconds since 1970. Only fencing counters go by it.
    pub(crate) wall: u64,
}

impl Times {
    pub(crate) fn read() -> Self {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { boot: boot_nanos(), wall: micros(wall) }
    }
}

/// Suspended time counts where the system has a clock for it. Where it does not, a lock lives longer than its holder
/// believes, which is safe.
#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: ClockId = ClockId::Monotonic;

pub(crate) fn boot_nanos() -> u64 {
    nanos(Duration::try_from(clock_gettime(CLOCK)).unwrap_or_default())
}

/// 584 years are as good as never.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// What the boot-time clock counts from: a start of the machine, and the time namespace that shifts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Boot {
    pub(crate) id: [u8; 16],
    pub(crate) namespace: u64,
}

impl Boot {
    /// Where the system has no id for its starts. Another start then shows only in records of the future.
    pub(crate) const UNNAMED: [u8; 16] = [0; 16];

    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn read() -> Result<Self, FileNodeError> {
        const ID: &str = "/proc/sys/kernel/random/boot_id";
        let unreadable = |cause| FileNodeError::new("boot id", ID, "must be readable", cause);
        let text = std::fs::read_to_string(ID).map_err(|cause| unreadable(Some(cause)))?;
        let digits = text.trim().replace('-', "");
        let id = u128::from_str_radix(&digits, 16).map_err(|_| unreadable(None))?;
        let namespace = std::fs::read_link("/proc/self/ns/time").ok();
        let namespace = namespace.as_ref().and_then(|link| link.to_str());
        let inode = namespace.and_then(|link| link.strip_prefix("time:[")?.strip_suffix(']'));
        // Kernels without time namespaces have one clock for all.
        let namespace = inode.and_then(|inode| inode.parse().ok()).unwrap_or(0);
        Ok(Self { id: id.to_be_bytes(), namespace })
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(crate) fn read() -> Result<Self, FileNodeError> {
        Ok(Self { id: Self::UNNAMED, namespace: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_goes_on_and_the_boot_stays() {
        let (first, second) = (Times::read(), Times::read());
        assert!(first.boot > 0 && first.boot <= second.boot);
        assert_eq!(Boot::read().unwrap(), Boot::read().unwrap());
        assert_eq!(nanos(Duration::MAX), u64::MAX);
    }
}
