//! The codes that `redlock` exits with, beside those of the command that it runs.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

/// All is well.
pub(crate) const OK: u8 = 0;
/// Held by another; `-E` changes it. The same as that of `flock`.
pub(crate) const CONTENDED: u8 = 1;
/// The command line is wrong. What clap exits with.
pub(crate) const USAGE: u8 = 2;
/// The lock was lost while the command ran; `--lost-exit-code` changes it. What `timeout` exits with when time is up.
pub(crate) const LOST: u8 = 124;
/// `redlock` itself failed: configuration, or no majority of nodes.
pub(crate) const FAILED: u8 = 125;
/// The command cannot be run.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
/// There is no such command.
pub(crate) const NOT_FOUND: u8 = 127;

/// The code of a process that a signal ended, as a shell has it.
pub(crate) fn by_signal(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

/// The code of a command that ended by itself or by a signal.
pub(crate) fn of_child(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => u8::try_from(code).unwrap_or(u8::MAX),
        (None, Some(signal)) => by_signal(signal),
        (None, None) => FAILED,
    }
}

/// How a subcommand ended.
pub(crate) type Ending = Result<ExitCode, Failure>;

/// Why `redlock` itself failed: one line for people, without secrets. Exits with [`FAILED`], or with [`USAGE`].
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    pub(crate) fn new(text: impl std::fmt::Display) -> Self {
        Self { text: text.to_string(), code: FAILED }
    }

    /// What was asked for cannot be.
    pub(crate) fn usage(text: impl std::fmt::Display) -> Self {
        Self { text: text.to_string(), code: USAGE }
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

macro_rules! from {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(error)
            }
        })*
    };
}

from!(
    redlock_config::SettingsError,
    redlock_core::ConfigError,
    redlock_core::LockError,
    redlock_file::FileNodeError,
    std::io::Error
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_s_code_is_its_own_or_that_of_its_signal() {
        // As wait(2) has it: the code in the second byte, a signal in the first.
        for (raw, code) in [(0, 0), (3 << 8, 3), (255 << 8, 255), (15, 143), (9, 137)] {
            assert_eq!(of_child(ExitStatus::from_raw(raw)), code, "{raw}");
        }
    }
}
