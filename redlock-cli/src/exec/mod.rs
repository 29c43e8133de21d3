//! `redlock exec`: lock, run, renew while it runs, release.

mod child;
mod foreground;
mod report;
mod settings;
mod signals;
mod supervise;
mod trampoline;

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use redlock_core::{LockError, LockGuard, Redlock};
use rustix::process::Signal;
use tokio::time::timeout;

use self::child::Child;
use self::report::Report;
use self::signals::Signals;
use self::supervise::End;
use crate::args::ExecArgs;
use crate::config::{Config, Nodes};
use crate::exit::{self, Ending, Failure};

pub(crate) use self::trampoline::{CHILD, child};

/// What releases in the background may take before the process ends: somewhat more than the longest node timeout. By then
/// they were sent, and a node that hangs reads them when it goes on, whether this process lives or not.
const CLOSING: Duration = Duration::from_millis(250);

pub(crate) async fn run(args: &ExecArgs) -> Ending {
    let config = Config::load(&args.nodes)?;
    let report = Report::new(args);
    let redlock = settings::handle(args, &config)?;
    if config.nodes == Nodes::Embedded {
        report.this_machine_only();
    }
    // There the command stays in this process's group: outside of it, it could not read from the terminal.
    let at_terminal = foreground::is_ours();
    // From here on a signal ends nothing before its time.
    let mut signals = Signals::listen(at_terminal)?;
    let had = match unless_signalled(&mut signals, settings::lock(&redlock, args)).await {
        Ok(had) => had,
        Err(signal) => {
            close(&redlock).await;
            report.interrupted(signal);
            return Ok(ExitCode::from(exit::by_signal(signal.as_raw())));
        }
    };
    match had {
        Ok(guard) => {
            report.locked(&guard.lease());
            let ending = run_under(&guard, args, &report, &mut signals, !at_terminal).await;
            // The command has ended, and whatever becomes of the release does not change its code.
            let lost = guard.is_lost();
            report.released(guard.release().await, lost);
            close(&redlock).await;
            ending
        }
        Err(error) => {
            close(&redlock).await;
            refused(&error, args, &report)
        }
    }
}

async fn run_under(
    guard: &LockGuard,
    args: &ExecArgs,
    report: &Report<'_>,
    signals: &mut Signals,
    own_group: bool,
) -> Ending {
    let lease = guard.lease();
    let variables = settings::environment(&args.keys, &lease);
    let mut child = Child::spawn(&args.command, variables, own_group)
        .map_err(|error| Failure::new(format_args!("the command cannot be started: {error}")))?;
    let end = supervise::supervise(&mut child, &lease, signals, args.kill_after, report).await?;
    Ok(ExitCode::from(match end {
        End::Lost => args.lost_exit_code,
        End::Ended(status) => exit::of_child(status),
    }))
}

fn refused(error: &LockError, args: &ExecArgs, report: &Report<'_>) -> Ending {
    if report::is_contention(error.kind()) {
        report.contended(error);
        return Ok(ExitCode::from(args.conflict_exit_code));
    }
    Err(Failure::new(report.failure(error)))
}

/// What `work` comes to, or the signal that came before.
async fn unless_signalled<T>(
    signals: &mut Signals,
    work: impl Future<Output = T>,
) -> Result<T, Signal> {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            received = signals.next() => match received.signal {
                Signal::TSTP => signals::stop_here(),
                signal => return Err(signal),
            },
            done = &mut work => return Ok(done),
        }
    }
}

/// Waits until nothing is left on the nodes, but not for nodes that do not answer.
async fn close(redlock: &Redlock) {
    // What is left after that expires by itself.
    let _ = timeout(CLOSING, redlock.close()).await;
}
