//! Signals that reach `redlock` itself, and who sent them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use rustix::process::{Signal, getpid, kill_process};
use signal_hook::flag;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::Cause;
use signal_hook_tokio::SignalsInfo;

use crate::process::{is_ignored, leads_session};

/// Those that are passed on to the command.
const PASSED_ON: [Signal; 6] =
    [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM, Signal::USR1, Signal::USR2];

/// A signal that reached this process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received {
    pub(super) signal: Signal,
    /// It was sent by the kernel on behalf of a terminal, to every process of the group.
    pub(super) by_terminal: bool,
}

/// Signals to stop and to go on that come so close to one another are received in either order: each thread of this process may
/// be given one of them.
const MOMENT: Duration = Duration::from_millis(10);

/// Receives signals instead of being ended by them.
pub(super) struct Signals {
    stream: SignalsInfo<WithOrigin>,
    /// When one to go on was received, other than the one that continued this process.
    continued: Option<Instant>,
    /// The one that continued this process is still to be received.
    spent: bool,
    /// One to go on has come, and is still to be received.
    goes_on: Arc<AtomicBool>,
}

impl Signals {
    /// Begins to receive. A signal that was ignored when the process began stays ignored, here and by the command: that is
    /// what `nohup` and a shell's `&` are about. One that was blocked stays blocked, here and by the command.
    ///
    /// Ctrl-Z is left to the kernel `at_terminal`: it stops all of the group, or nobody where no shell could continue it.
    /// Elsewhere SIGTSTP has to stop the command too.
    pub(super) fn listen(at_terminal: bool) -> io::Result<Self> {
        let stops: &[_] = if at_terminal { &[] } else { &[Signal::TSTP, Signal::CONT] };
        let handled = PASSED_ON.iter().chain(stops).map(|signal| signal.as_raw());
        let handled: Vec<_> = handled.filter(|raw| !is_ignored(*raw)).collect();
        let (stream, goes_on) = (SignalsInfo::new(&handled)?, Arc::new(AtomicBool::new(false)));
        if handled.contains(&Signal::CONT.as_raw()) {
            flag::register(Signal::CONT.as_raw(), Arc::clone(&goes_on))?;
        }
        Ok(Self { stream, continued: None, spent: false, goes_on })
    }

    /// The next one, but for those to go on. Cancel safe.
    pub(super) async fn next(&mut self) -> Received {
        loop {
            match self.stream.next().await {
                Some(origin) => match Signal::from_named_raw(origin.signal) {
                    Some(Signal::CONT) => self.went_on(),
                    Some(signal) => {
                        // That it is gone is told the leader of its session alone.
                        let to_all = signal != Signal::HUP || !leads_session();
                        let by_terminal = matches!(origin.cause, Cause::Kernel) && to_all;
                        return Received { signal, by_terminal };
                    }
                    None => {}
                },
                // Only a closed stream ends, and nobody closes it.
                None => std::future::pending().await,
            }
        }
    }

    fn went_on(&mut self) {
        self.goes_on.store(false, Ordering::SeqCst);
        if !std::mem::take(&mut self.spent) {
            self.continued = Some(Instant::now());
        }
    }

    /// Stops this process, and returns when it is continued. That may have happened already, since the signal to stop came:
    /// then it goes on at once, for nobody would continue it once more.
    pub(super) fn stop_here(&mut self) {
        // One may always signal oneself.
        self.stop_by(|_| {
            let _ = kill_process(getpid(), Signal::STOP);
        });
    }

    fn stop_by(&mut self, stop: impl FnOnce(&AtomicBool)) {
        let taken_back = self.continued.take().is_some_and(|at| at.elapsed() < MOMENT);
        // One that comes after this look is lost: to look and to stop are two steps.
        if !taken_back && !self.goes_on.load(Ordering::SeqCst) {
            stop(&self.goes_on);
            self.goes_on.store(false, Ordering::SeqCst);
            self.spent = true;
        }
    }
}

/// Whether it is meant to end whom it reaches.
pub(super) fn asks_to_end(signal: Signal) -> bool {
    matches!(signal, Signal::TERM | Signal::INT | Signal::HUP | Signal::QUIT)
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    fn send(signal: Signal) {
        kill_process(getpid(), signal).unwrap();
    }

    /// Any thread may be given it, and whoever sent it goes on meanwhile.
    fn go_on(heard: &AtomicBool) {
        heard.store(false, Ordering::SeqCst);
        send(Signal::CONT);
        while !heard.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
    }

    /// In one test, since signals are for the whole process.
    #[tokio::test]
    async fn who_was_told_to_go_on_since_it_was_told_to_stop_does_not_stop() {
        let mut signals = Signals::listen(false).unwrap();
        let stops = |signals: &mut Signals| {
            let mut stopped = false;
            // Whoever stops is continued.
            signals.stop_by(|heard| {
                stopped = true;
                go_on(heard);
            });
            stopped
        };
        send(Signal::TSTP);
        assert_eq!(signals.next().await.signal, Signal::TSTP);
        assert!(stops(&mut signals));
        // What continued it says nothing about the next one.
        send(Signal::TSTP);
        assert_eq!(signals.next().await.signal, Signal::TSTP);
        assert!(stops(&mut signals));

        send(Signal::TSTP);
        assert_eq!(signals.next().await.signal, Signal::TSTP);
        go_on(&signals.goes_on);
        assert!(!stops(&mut signals), "it came before it stopped");

        let began = Instant::now();
        go_on(&signals.goes_on);
        send(Signal::TSTP);
        assert_eq!(signals.next().await.signal, Signal::TSTP);
        let stopped = stops(&mut signals);
        assert!(!stopped || began.elapsed() >= MOMENT, "who knows which of them was first");

        go_on(&signals.goes_on);
        // Receives what there is.
        assert!(timeout(MOMENT * 2, signals.next()).await.is_err());
        sleep(MOMENT * 2).await;
        send(Signal::TSTP);
        assert_eq!(signals.next().await.signal, Signal::TSTP);
        assert!(stops(&mut signals), "that was long before");
    }
}
