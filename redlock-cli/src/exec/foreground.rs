//! Whether a person sits in front of this process.

use std::fs::OpenOptions;

use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;

/// Whether this process is in the foreground of its terminal, if it has one.
///
/// The terminal is asked and not standard input: with `< file` Ctrl-C still reaches the process.
pub(super) fn is_ours() -> bool {
    let terminal = OpenOptions::new().read(true).open("/dev/tty");
    terminal.is_ok_and(|terminal| tcgetpgrp(&terminal).is_ok_and(|group| group == getpgrp()))
}
