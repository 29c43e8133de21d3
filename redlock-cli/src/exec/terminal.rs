//! Whether a terminal controls this process.

use std::fs::OpenOptions;

/// Whether there is one, in its foreground or not: a shell with job control may bring this process there at any time.
///
/// The terminal is asked and not standard input: with `< file` Ctrl-C still reaches the process.
pub(super) fn controls_us() -> bool {
    OpenOptions::new().read(true).open("/dev/tty").is_ok()
}
