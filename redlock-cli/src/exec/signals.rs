//! Signals that reach `redlock` itself, and who sent them.

use std::io;

use futures_util::StreamExt;
use rustix::process::{Signal, getpid, kill_process};
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::Cause;
use signal_hook_tokio::SignalsInfo;

/// Those that are passed on to the command.
const PASSED_ON: [Signal; 6] =
    [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM, Signal::USR1, Signal::USR2];

/// A signal that reached this process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received {
    pub(super) signal: Signal,
    /// It was sent by the kernel on behalf of a terminal, which sends it to every process of the group.
    pub(super) by_terminal: bool,
}

/// Receives signals instead of being ended by them.
pub(super) struct Signals(SignalsInfo<WithOrigin>);

impl Signals {
    /// Begins to receive. A signal that was ignored when the process began stays ignored, here and by the command: that is
    /// what `nohup` and a shell's `&` are about.
    ///
    /// Ctrl-Z is left to the kernel `at_terminal`: it stops all of the group, or nobody where no shell could continue it.
    /// Elsewhere SIGTSTP has to stop the command too.
    pub(super) fn listen(at_terminal: bool) -> io::Result<Self> {
        let ignored = ignored();
        let stop = (!at_terminal).then_some(Signal::TSTP);
        let handled = PASSED_ON.into_iter().chain(stop).map(Signal::as_raw);
        let handled = handled.filter(|raw| ignored & (1 << (raw - 1)) == 0);
        Ok(Self(SignalsInfo::new(handled)?))
    }

    /// The next one. Cancel safe.
    pub(super) async fn next(&mut self) -> Received {
        loop {
            match self.0.next().await {
                Some(origin) => {
                    if let Some(signal) = Signal::from_named_raw(origin.signal) {
                        let by_terminal = matches!(origin.cause, Cause::Kernel);
                        return Received { signal, by_terminal };
                    }
                }
                // Only a closed stream ends, and nobody closes it.
                None => std::future::pending().await,
            }
        }
    }
}

/// Stops this process, and returns when it is continued.
pub(super) fn stop_here() {
    // One may always signal oneself.
    let _ = kill_process(getpid(), Signal::STOP);
}

/// The signals that are ignored, a bit each. What cannot be found out counts as not ignored.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
