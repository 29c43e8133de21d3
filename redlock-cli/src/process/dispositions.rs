//! What signals do to this process.

use std::io;
use std::sync::{Arc, LazyLock};

use signal_hook::consts::signal::SIGXFSZ;

/// A file that may grow no further (`ulimit -f`) is an error of its node and not the end of this process. The command finds
/// the signal as it would without it.
pub(crate) fn outlive_full_files() -> io::Result<()> {
    if !is_ignored(SIGXFSZ) {
        signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    }
    Ok(())
}

/// Whether a signal was ignored when this process began, or is now. What cannot be found out counts as not ignored.
pub(crate) fn is_ignored(signal: i32) -> bool {
    static IGNORED: LazyLock<u64> = LazyLock::new(ignored);
    *IGNORED & (1 << (signal - 1)) != 0
}

/// A bit for each.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
