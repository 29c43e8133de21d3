//! `redlock exec`: lock, run, renew while it runs, release.

// Whatever is said here is said by `say`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod child;
mod hold;
mod myself;
mod processes;
mod refusal;
mod report;
mod request;
mod settings;
mod signals;
mod supervise;
mod terminal;
mod trampoline;
mod watcher;

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use redlock_core::{LostReason, Redlock};
use rustix::process::Signal;
use tokio::time::{Instant, sleep_until, timeout};

use self::child::{Child, Watcher};
use self::hold::Hold;
use self::refusal::Refusal;
use self::report::Report;
use self::signals::{Received, Signals};
use self::supervise::End;
use crate::config::{Config, Nodes};
use crate::exit::{self, Ending, Failure};

pub(crate) use self::request::{Mode, Name, Request};
pub(crate) use self::trampoline::{CHILD, child};
pub(crate) use self::watcher::{WATCH, watch};

/// What releases in the background may take before the process ends, at the least and at the most. They are sent at once, so
/// a node that answers at all has answered by then, and one that hangs reads them when it goes on, whether this process lives
/// or not.
const CLOSING: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));

/// So many times as long as a majority of the nodes took are the others waited for.
const SLOWER: u32 = 4;

/// What a command may take to begin once this process was asked to end.
const BEGINNING: Duration = Duration::from_secs(1);

pub(crate) async fn run(request: &Request) -> Ending {
    request.check()?;
    let config = Config::load(&request.flags)?;
    let report = Report::new(request);
    let redlock = settings::handle(request, &config)?;
    if matches!(config.nodes, Nodes::Embedded) {
        report.this_machine_only();
    }
    // There the command stays in this process's group: outside of it, it could not read from the terminal.
    let at_terminal = terminal::controls_us();
    // From here on a signal ends nothing before its time.
    let mut signals = Signals::listen(at_terminal)?;
    // Before the lock is had, so that it begins while the nodes are asked.
    let watcher = Watcher::start(&request.command, !at_terminal).map_err(|error| {
        Failure::new(format_args!("nothing could watch over the command: {error}"))
    })?;
    let had = match unless_signalled(&mut signals, hold::take(&redlock, request)).await {
        Ok(had) => had,
        Err(signal) => {
            close(&redlock, None).await;
            report.interrupted(signal);
            return Ok(ExitCode::from(exit::by_signal(signal.as_raw())));
        }
    };
    match had {
        Ok(hold) => {
            report.had(&hold);
            let mut started = None;
            let ending =
                run_under(&hold, request, &report, &mut signals, watcher, &mut started).await;
            // The command has ended, and whatever becomes of the release does not change its code.
            let lost = hold.lease().is_lost();
            let asked = Instant::now();
            let ran = started.as_ref().is_some_and(|child| !child.is_unbegun());
            let released = match request.at_least {
                // Another machine may be able to.
                Some(_) if !ran => hold.give_back(&redlock, &request.keys).await,
                _ => hold.release().await,
            };
            report.released(released, lost);
            close(&redlock, Some(asked.elapsed())).await;
            if let Some(mut child) = started {
                child.reap();
            }
            ending
        }
        Err(refusal) => {
            close(&redlock, None).await;
            refused(&refusal, request, &report)
        }
    }
}

async fn run_under(
    hold: &Hold,
    request: &Request,
    report: &Report<'_>,
    signals: &mut Signals,
    watcher: Watcher,
    started: &mut Option<Child>,
) -> Ending {
    let lease = hold.lease();
    let variables = hold.environment(&request.keys);
    let mut early = Vec::new();
    let given_up = async {
        tokio::select! {
            biased;
            reason = lease.lost() => GivenUp::Lost(reason),
            signal = asked_to_end(signals, &mut early) => GivenUp::Asked(signal),
        }
    };
    let child = watcher
        .run(variables, given_up)
        .await
        .map_err(|error| Failure::new(format_args!("the command cannot be started: {error}")))?;
    let child = match child {
        Ok(child) => started.insert(child),
        Err(GivenUp::Lost(reason)) => {
            report.lost_before(reason);
            return Ok(ExitCode::from(request.lost_exit_code));
        }
        Err(GivenUp::Asked(signal)) => {
            report.not_begun(signal);
            return Ok(ExitCode::from(exit::by_signal(signal.as_raw())));
        }
    };
    early
        .into_iter()
        .for_each(|received| supervise::pass_on(received, child, signals, &lease, false));
    let end = supervise::supervise(child, &lease, signals, request.kill_after, report).await?;
    Ok(ExitCode::from(match end {
        End::Lost => request.lost_exit_code,
        End::Ended(status) => exit::of_child(status),
    }))
}

/// Why there is no command after all.
enum GivenUp {
    Lost(LostReason),
    Asked(Signal),
}

/// The first signal that is meant to end this process, once the command had time to begin and to hear it itself. All that
/// come are kept.
async fn asked_to_end(signals: &mut Signals, early: &mut Vec<Received>) -> Signal {
    let mut asked = None;
    loop {
        let (signal, until) = asked.unwrap_or((Signal::TERM, Instant::now()));
        tokio::select! {
            biased;
            received = signals.next() => {
                early.push(received);
                if signals::asks_to_end(received.signal) {
                    asked = asked.or(Some((received.signal, Instant::now() + BEGINNING)));
                }
            }
            () = sleep_until(until), if asked.is_some() => return signal,
        }
    }
}

fn refused(refusal: &Refusal, request: &Request, report: &Report<'_>) -> Ending {
    let Refusal { error, seen } = refusal;
    match seen.as_ref().and_then(|seen| report.why_skipped(seen)) {
        Some(why) => report.skipped(&why),
        None if seen.is_none() && report::is_contention(error.kind()) => report.contended(error),
        // Where nobody is known to have it, the job may not have been run at all.
        None => {
            let failure = || Failure::new(report.failure(error));
            return Err(settings::impossible(request, error).unwrap_or_else(failure));
        }
    }
    Ok(ExitCode::from(request.conflict_exit_code))
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
                Signal::TSTP => signals.stop_here(),
                signal => return Err(signal),
            },
            done = &mut work => return Ok(done),
        }
    }
}

/// Waits until nothing is left on the nodes, but not for nodes that do not answer while others, a majority, `took` so long.
async fn close(redlock: &Redlock, took: Option<Duration>) {
    let (least, most) = CLOSING;
    let limit = took.map_or(most, |took| took.saturating_mul(SLOWER).clamp(least, most));
    // What is left after that expires by itself.
    let _ = timeout(limit, redlock.close()).await;
}
