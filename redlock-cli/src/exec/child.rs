//! The command while it runs.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, test_kill_process_group,
    waitid,
};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::time::{Instant, sleep};

use super::trampoline;

/// How often a group that is to end is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// The command. Dropping it leaves it running, until this process ends.
pub(super) struct Child {
    process: std::process::Child,
    pid: Pid,
    /// It leads a group of its own, to which signals go.
    leads: bool,
    /// Some child has ended, or may have.
    changes: Stream,
}

impl Child {
    /// Starts the command with `variables` on top of this process's environment, and all else as it is here.
    ///
    /// It `leads` a group of its own, or stays in this process's.
    pub(super) fn spawn(
        command: &[OsString],
        variables: Vec<(&'static str, String)>,
        leads: bool,
    ) -> io::Result<Self> {
        // Before the start: an end that comes at once must not be missed.
        let changes = signal(SignalKind::child())?;
        let mut trampoline: Command = trampoline::command(command)?;
        trampoline.envs(variables);
        if leads {
            trampoline.process_group(0);
        }
        let process = trampoline.spawn()?;
        let pid = Pid::from_child(&process);
        Ok(Self { process, pid, leads, changes })
    }

    /// Whether it is in this process's group, and hears from the terminal by itself.
    pub(super) fn shares_our_group(&self) -> bool {
        !self.leads
    }

    /// Waits for its end. It is not reaped: until [`reap`](Self::reap) nobody else can get its id. Cancel safe.
    pub(super) async fn ended(&mut self) -> io::Result<()> {
        loop {
            let how = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            match waitid(WaitId::Pid(self.pid), how) {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            if self.changes.recv().await.is_none() {
                return Err(io::Error::other("no more news of the command"));
            }
        }
    }

    /// How it ended.
    pub(super) fn reap(&mut self) -> io::Result<ExitStatus> {
        self.process.wait()
    }

    /// Sends a signal to it, and to its group if it leads one. Not after it was reaped.
    pub(super) fn signal(&self, signal: Signal) {
        // It may have ended, or changed its user so that it is not ours to signal.
        let _ = if self.leads {
            kill_process_group(self.pid, signal)
        } else {
            kill_process(self.pid, signal)
        };
    }

    /// Waits until the group that it led is empty, and kills what is left of it at `deadline`. To be called once it was
    /// reaped. Tells whether anything had to be killed.
    pub(super) async fn clear_group(&self, deadline: Instant) -> bool {
        if !self.leads {
            return false;
        }
        // The id stays the group's for as long as there is anybody in it.
        while test_kill_process_group(self.pid).is_ok() {
            if Instant::now() >= deadline {
                return kill_process_group(self.pid, Signal::KILL).is_ok();
            }
            sleep(LOOK.min(deadline - Instant::now())).await;
        }
        false
    }
}
