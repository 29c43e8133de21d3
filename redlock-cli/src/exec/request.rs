//! What `redlock exec` is to do.

use std::ffi::OsString;
use std::time::Duration;

use redlock_core::Label;

use crate::config::Flags;
use crate::exit::Failure;

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) keys: Vec<String>,
    pub(crate) command: Vec<OsString>,
    pub(crate) mode: Mode,
    /// Zero: try once.
    pub(crate) wait: Duration,
    pub(crate) ttl: Option<Duration>,
    pub(crate) max_hold: Option<Duration>,
    /// For how long nobody else is to run the command.
    pub(crate) at_least: Option<Duration>,
    pub(crate) conflict_exit_code: u8,
    pub(crate) lost_exit_code: u8,
    /// From SIGTERM to SIGKILL.
    pub(crate) kill_after: Duration,
    /// What the holder calls itself.
    pub(crate) label: Name,
    /// Unless the configuration wants no fencing numbers.
    pub(crate) fence: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    pub(crate) flags: Flags,
}

impl Request {
    /// What the command line's own rules cannot say.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self.mode {
            Mode::Permits(permits) if self.keys.len() > 1 => Err(Failure::usage(format_args!(
                "--permits = `{permits}`: takes one KEY, not {}",
                self.keys.len()
            ))),
            _ => Ok(()),
        }
    }

    pub(super) fn tries_once(&self) -> bool {
        self.wait.is_zero()
    }
}

/// Beside whom the command may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Beside nobody.
    Alone,
    /// Beside others that share.
    Shared,
    /// Beside others, so many in all.
    Permits(u16),
}

/// What a holder calls itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Name {
    /// By user, host, process and program.
    Usual,
    Given(Label),
    /// Nothing.
    None,
}
