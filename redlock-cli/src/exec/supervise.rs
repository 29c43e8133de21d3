//! Between the start of the command and its end.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use redlock_core::Lease;
use rustix::process::Signal;
use tokio::time::{Instant, sleep_until};

use super::child::Child;
use super::report::Report;
use super::signals::{Received, Signals, stop_here};

/// Longer than any process lives.
const NEVER: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

/// How it ended.
pub(super) enum End {
    /// The command ended while the lock was held.
    Ended(ExitStatus),
    /// The lock was lost. The command has ended by now.
    Lost,
}

/// Waits for the command's end. Passes signals on, and ends the command when the lock is lost: with SIGTERM, and with
/// SIGKILL once `kill_after` has passed.
///
/// A command that is found ended when the lock is lost counts as having lost it. This process may have been stopped, and
/// cannot tell which of the two came first.
pub(super) async fn supervise(
    child: &mut Child,
    lease: &Lease,
    signals: &mut Signals,
    kill_after: Duration,
    report: &Report<'_>,
) -> io::Result<End> {
    let watched = watch(child, lease, signals, kill_after, report).await;
    // Whatever went wrong: nothing goes on without the lock.
    watched.inspect_err(|_| child.signal(Signal::KILL))
}

async fn watch(
    child: &mut Child,
    lease: &Lease,
    signals: &mut Signals,
    kill_after: Duration,
    report: &Report<'_>,
) -> io::Result<End> {
    let mut valid_until = lease.valid_until();
    // Once the lock is lost: when the command is killed.
    let mut lost: Option<Instant> = None;
    let mut killed = false;
    loop {
        let deadline = lost.unwrap_or_else(Instant::now);
        tokio::select! {
            biased;
            // First: a process that was stopped finds both at once.
            reason = lease.lost(), if lost.is_none() => {
                report.lost(reason);
                lost = Some(terminate(child, kill_after));
            }
            ended = child.ended() => {
                ended?;
                break;
            }
            received = signals.next() => pass_on(received, child, lease, lost.is_some()),
            () = sleep_until(deadline), if lost.is_some() && !killed => {
                report.killed(kill_after);
                child.signal(Signal::KILL);
                killed = true;
            }
            () = report.renewals(lease, &mut valid_until), if lost.is_none() => {}
        }
    }
    let status = child.reap()?;
    let Some(deadline) = lost else { return Ok(End::Ended(status)) };
    if child.clear_group(deadline).await && !killed {
        report.killed(kill_after);
    }
    Ok(End::Lost)
}

/// Tells the command to end, and gives the time at which it is to be killed.
fn terminate(child: &Child, kill_after: Duration) -> Instant {
    child.signal(Signal::TERM);
    // A process that is stopped ends only when it goes on.
    child.signal(Signal::CONT);
    let now = Instant::now();
    now.checked_add(kill_after).unwrap_or_else(|| now + NEVER)
}

/// Gives the command a signal that it did not get by itself.
fn pass_on(received: Received, child: &Child, lease: &Lease, told_to_end: bool) {
    if received.signal == Signal::TSTP {
        // While this process is stopped nobody renews, so the command is not asked whether it likes to stop.
        child.signal(Signal::STOP);
        stop_here();
        // One that lost its lock meanwhile is told to end before it goes on.
        if told_to_end || !lease.is_lost() {
            child.signal(Signal::CONT);
        }
    } else if !(received.by_terminal && child.shares_our_group()) {
        child.signal(received.signal);
    }
}
