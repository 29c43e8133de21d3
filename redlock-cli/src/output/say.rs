//! What is said can be lost; the work cannot. Nothing here panics, and nobody who does not read is waited for.

use std::fmt::{Arguments, Write as _};
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::termios::{LocalModes, tcgetattr, tcgetpgrp};
use signal_hook::consts::signal::SIGTTOU;

use crate::process::{group, is_ignored};

/// How long a line may take. A pipe that nobody empties, and a terminal at Ctrl-S, would take it never.
const PATIENCE: Duration = Duration::from_millis(300);
/// Lines that may wait to be written. Those that come after are lost.
const WAITING: usize = 64;

/// A line, and who is told that it was written.
type Line = (String, SyncSender<()>);

/// One line on standard error, in one piece. Whether it gets there changes nothing.
pub(crate) fn say(args: Arguments<'_>) {
    static VOICE: OnceLock<Option<Voice>> = OnceLock::new();
    let mut line = String::new();
    // One that cannot be put in words is said as far as it goes.
    let _ = line.write_fmt(args);
    line.push('\n');
    match VOICE.get_or_init(|| Voice::new(PATIENCE, write)) {
        Some(voice) => voice.say(line),
        // No thread is to be had.
        None => write(&line),
    }
}

/// A thread that writes, so that nobody else hangs.
struct Voice {
    lines: SyncSender<Line>,
    patience: Duration,
    /// A line took too long, and none was written since. The lines after it are not waited for, or each would cost as much:
    /// who waits here renews no lock.
    stuck: Arc<AtomicBool>,
}

impl Voice {
    fn new(patience: Duration, write: impl Fn(&str) + Send + 'static) -> Option<Self> {
        let (sender, lines) = sync_channel::<Line>(WAITING);
        let stuck = Arc::new(AtomicBool::new(false));
        let voice = Self { lines: sender, patience, stuck: stuck.clone() };
        let write_all = move || {
            for (line, written) in lines {
                write(&line);
                stuck.store(false, Ordering::Relaxed);
                // Who said it may have stopped waiting.
                let _ = written.try_send(());
            }
        };
        thread::Builder::new().name("redlock-says".to_owned()).spawn(write_all).ok()?;
        Some(voice)
    }

    fn say(&self, line: String) {
        let waits = !self.stuck.load(Ordering::Relaxed);
        let (written, heard) = sync_channel(1);
        if self.lines.try_send((line, written)).is_ok()
            && waits
            && heard.recv_timeout(self.patience).is_err()
        {
            // Written just now, it is found out with the next line.
            self.stuck.store(true, Ordering::Relaxed);
        }
    }
}

fn write(line: &str) {
    let mut stderr = io::stderr().lock();
    if would_stop_us(&stderr) {
        return;
    }
    // Nobody may be there to read it.
    let _ = stderr.write_all(line.as_bytes());
}

/// Whether a word there would stop this process with its group, the command included: on the terminal that controls it, in the
/// background, after `stty tostop`.
fn would_stop_us(stderr: impl AsFd) -> bool {
    let foreground = match tcgetpgrp(&stderr) {
        Ok(pid) => pid.as_raw_nonzero().get(),
        // One that cannot be named here, as `group` has it.
        Err(Errno::OPNOTSUPP) => 0,
        Err(_) => return false,
    };
    group() != Some(foreground)
        && tcgetattr(&stderr).is_ok_and(|modes| modes.local_modes.contains(LocalModes::TOSTOP))
        && !is_ignored(SIGTTOU)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn after_a_line_that_hangs_no_other_is_waited_for_until_one_is_written() {
        let (go_on, may) = channel();
        let mut voice =
            Voice::new(Duration::from_millis(10), move |_| may.recv().unwrap()).unwrap();
        voice.say("hangs".to_owned());
        assert!(voice.stuck.load(Ordering::Relaxed));
        // Long enough that only who does not wait comes back.
        voice.patience = Duration::from_secs(1_000);
        let (done, is_done) = channel();
        let voice = Arc::new(voice);
        let other = voice.clone();
        thread::spawn(move || {
            other.say("comes after".to_owned());
            done.send(())
        });
        is_done.recv_timeout(Duration::from_secs(60)).expect("it was waited for");
        go_on.send(()).unwrap();
        while voice.stuck.load(Ordering::Relaxed) {
            thread::yield_now();
        }
    }
}
