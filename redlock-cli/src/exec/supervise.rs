//! Between the start of the command and its end.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use redlock_core::Lease;
use rustix::process::Signal;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::child::{Child, GLANCE};
use super::report::Report;
use super::signals::{Received, Signals, asks_to_end};

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
    if watched.is_err() {
        // Whatever went wrong: nothing goes on that nobody watches.
        child.kill_all().await;
    }
    watched
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
    let mut glance = interval(GLANCE);
    glance.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let status = loop {
        let deadline = lost.unwrap_or_else(Instant::now);
        tokio::select! {
            biased;
            // First: a process that was stopped finds both at once.
            reason = lease.lost(), if lost.is_none() => {
                // What is said comes after what is done: it may take its time.
                lost = Some(terminate(child, kill_after));
                report.lost(reason);
            }
            ended = child.ended() => {
                break ended?;
            }
            received = signals.next() => pass_on(received, child, signals, lease, lost.is_some()),
            () = sleep_until(deadline), if lost.is_some() && !killed => {
                child.signal_all(Signal::KILL);
                killed = true;
                report.killed(kill_after);
            }
            _ = glance.tick() => child.wake_watcher(),
            () = report.renewals(lease, &mut valid_until), if lost.is_none() => {}
        }
    };
    let Some(deadline) = lost else {
        child.leave();
        return Ok(End::Ended(status));
    };
    let cleared = clear(child, deadline, signals).await;
    match cleared {
        Cleared::Late if !killed => report.killed(kill_after),
        Cleared::Asked => report.cut_short(),
        Cleared::InTime | Cleared::Late => {}
    }
    Ok(End::Lost)
}

/// What became of those that the command left running.
enum Cleared {
    InTime,
    /// They were killed at the deadline.
    Late,
    /// They were killed before it, since somebody asked for the end.
    Asked,
}

/// Waits for those that the command left running, until `deadline` or until this process is asked to end.
async fn clear(child: &mut Child, mut deadline: Instant, signals: &mut Signals) -> Cleared {
    let mut asked = false;
    loop {
        tokio::select! {
            biased;
            received = signals.next() => match received.signal {
                Signal::TSTP => stop_with(child, signals, || true),
                signal if asks_to_end(signal) => {
                    asked = asked || Instant::now() < deadline;
                    deadline = deadline.min(Instant::now());
                }
                // The command would have been the one to know what it means.
                _ => {}
            },
            killed = child.clear(deadline) => return match killed {
                false => Cleared::InTime,
                true if asked => Cleared::Asked,
                true => Cleared::Late,
            },
        }
    }
}

/// Tells the command to end, and gives the time at which it is to be killed.
fn terminate(child: &Child, kill_after: Duration) -> Instant {
    child.signal_all(Signal::TERM);
    // A process that is stopped ends only when it goes on.
    child.signal_all(Signal::CONT);
    let now = Instant::now();
    now.checked_add(kill_after).unwrap_or_else(|| now + NEVER)
}

/// Gives the command a signal that it did not get by itself.
pub(super) fn pass_on(
    received: Received,
    child: &Child,
    signals: &mut Signals,
    lease: &Lease,
    told_to_end: bool,
) {
    let ends = asks_to_end(received.signal);
    if received.signal == Signal::TSTP {
        // One that loses its lock meanwhile is told to end before it goes on.
        stop_with(child, signals, || told_to_end || !lease.is_lost());
    } else if !(received.by_terminal && child.shares_our_group()) {
        child.signal(received.signal);
        if ends {
            // They are meant to end it, and one that is stopped ends only when it goes on.
            child.signal(Signal::CONT);
        }
    }
    if ends {
        child.wake_watcher();
    }
}

/// Stops, and all of the command with this process, which goes on after it if `goes_on` then.
fn stop_with(child: &Child, signals: &mut Signals, goes_on: impl FnOnce() -> bool) {
    // While this process is stopped nobody renews, so the command is not asked whether it likes to stop.
    child.signal_all(Signal::STOP);
    signals.stop_here();
    if goes_on() {
        child.signal_all(Signal::CONT);
    }
}
