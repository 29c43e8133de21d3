//! The codes that `redlock` exits with, beside those of the command that it runs.

use std::process::ExitCode;

/// All is well.
pub(crate) const OK: u8 = 0;
/// Held by another; `-E` changes it. The same as that of `flock`.
pub(crate) const CONTENDED: u8 = 1;
/// The command line is wrong. What clap exits with.
#[cfg_attr(not(test), expect(dead_code, reason = "clap's own"))]
pub(crate) const USAGE: u8 = 2;
/// The lock was lost while the command ran; `--lost-exit-code` changes it. What `timeout` exits with when time is up.
pub(crate) const LOST: u8 = 124;
/// `redlock` itself failed: configuration, or no majority of nodes.
pub(crate) const FAILED: u8 = 125;
/// The command cannot be run.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
/// There is no such command.
pub(crate) const NOT_FOUND: u8 = 127;

/// How a subcommand ended.
pub(crate) type Ending = Result<ExitCode, Failure>;

/// Why `redlock` itself failed: one line for people, without secrets. Exits with [`FAILED`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(text: impl std::fmt::Display) -> Self {
        Self(text.to_string())
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
    redlock_core::ConfigError,
    redlock_core::LockError,
    std::io::Error,
    crate::config::ConfigFault
);
