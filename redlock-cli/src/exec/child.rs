//! The command while it runs, and the watcher that stands between.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ffi::OsString;
use std::future::Future;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as Socket;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process, kill_process_group,
    test_kill_process_group, waitid,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, sleep};

use super::processes::{self, Process};
use super::{myself, trampoline, watcher};
use crate::process::group;

/// How often those that are to end are looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How often a watcher that somebody stopped is made to go on.
pub(super) const GLANCE: Duration = Duration::from_secs(1);
/// How long it is waited for those that were killed: one that hangs in the kernel ends when it can.
const KILLED: Duration = Duration::from_secs(2);

/// A watcher that waits for a lock. Dropped it is ended and reaped: this process's parent may reap nobody but its own.
pub(super) struct Watcher {
    process: std::process::Child,
    words: Lines<BufReader<OwnedReadHalf>>,
    to_it: OwnedWriteHalf,
    leads: bool,
    /// Children that this process had before.
    others: Vec<Pid>,
}

impl Watcher {
    /// Starts one for `command`, which is to have all as it is here.
    ///
    /// The command `leads` a group of its own, or stays in this process's.
    pub(super) fn start(command: &[OsString], leads: bool) -> io::Result<Self> {
        // Where the watcher itself is killed, what is below it comes here.
        watcher::inherit_orphans()?;
        let others = processes::children();
        let (ours, its) = Socket::pair()?;
        let program = myself::program();
        let mut again = Command::new(&program);
        // Whoever kills all that are called `redlock` is to find the watcher alive.
        again.arg0("lock-watcher").arg(watcher::WATCH).arg(&program);
        again.arg(if leads { watcher::LEADS } else { "shares" }).arg("--").args(command);
        let process = again.stdin(OwnedFd::from(its)).spawn().map_err(|error| {
            let hint =
                if error.kind() == io::ErrorKind::NotFound { " (is /proc mounted?)" } else { "" };
            let program = program.display();
            io::Error::new(
                error.kind(),
                format!("`{program}` cannot be started again: {error}{hint}"),
            )
        })?;
        drop(again);
        send_standard_input(&ours)?;
        ours.set_nonblocking(true)?;
        let (words, to_it) = UnixStream::from_std(ours)?.into_split();
        Ok(Self { process, words: BufReader::new(words).lines(), to_it, leads, others })
    }

    /// Starts the command, with `variables` on top of this process's environment, unless `given_up` comes first. Then, and
    /// where it fails, nothing of the command is left.
    pub(super) async fn run<T>(
        mut self,
        variables: Vec<(&'static str, String)>,
        given_up: impl Future<Output = T>,
    ) -> io::Result<Result<Child, T>> {
        let watcher = Pid::from_child(&self.process);
        let begun = tokio::select! {
            biased;
            why = given_up => Ok(Err(why)),
            begun = self.start_command(variables) => begun.map(Ok),
            never = keep_awake(watcher) => match never {},
        };
        match begun {
            Ok(Ok(pid)) => Ok(Ok(Child { pid, watcher: self, watched: true })),
            Ok(Err(why)) => {
                self.end_all().await;
                Ok(Err(why))
            }
            Err(error) => {
                self.end_all().await;
                Err(error)
            }
        }
    }

    /// Kills it, and what it may have started.
    async fn end_all(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let until = Instant::now() + KILLED;
        // Now all of it is below this process.
        loop {
            let below = processes::below(getpid(), &self.others).unwrap_or_default();
            let living: Vec<_> = below.iter().filter(|one| one.lives()).collect();
            if living.is_empty() || Instant::now() >= until {
                break;
            }
            for one in living {
                let _ = one.signal(Signal::KILL);
            }
            sleep(LOOK).await;
        }
        self.reap_orphans();
    }

    fn reap_orphans(&self) {
        let left = processes::left_to(getpid()).into_iter();
        left.filter(|pid| !self.others.contains(pid)).for_each(reap);
    }

    async fn start_command(&mut self, variables: Vec<(&'static str, String)>) -> io::Result<Pid> {
        let variables: BTreeMap<_, _> = variables.into_iter().collect();
        let line = serde_json::to_string(&variables)? + "\n";
        // Where it cannot hear there is nothing to be heard from it either.
        let _ = self.to_it.write_all(line.as_bytes()).await;
        let said = self.words.next_line().await.unwrap_or_default().ok_or_else(died)?;
        match said.split_once(' ') {
            Some(("started", id)) => id.parse().ok().and_then(Pid::from_raw).ok_or_else(died),
            Some(("failed", why)) => Err(io::Error::other(why.to_owned())),
            _ => Err(died()),
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The command, which has ended when this is dropped.
pub(super) struct Child {
    pid: Pid,
    watcher: Watcher,
    /// By a watcher that lives.
    watched: bool,
}

impl Child {
    /// Whether it is in this process's group, and hears from the terminal by itself.
    pub(super) fn shares_our_group(&self) -> bool {
        !self.watcher.leads
    }

    /// Waits for its end. It is not reaped: nobody else can get its id. Cancel safe.
    ///
    /// # Errors
    ///
    /// The watcher died first. What is left of the command is now below this process.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        let said = self.watcher.words.next_line().await.unwrap_or_default();
        let status = said.as_deref().and_then(|said| said.strip_prefix("ended ")?.parse().ok());
        self.watched = status.is_some();
        status.map(ExitStatus::from_raw).ok_or_else(died)
    }

    /// Sends a signal to it, and to what it started that is in its group.
    pub(super) fn signal(&self, signal: Signal) {
        // Whoever ended, or changed its user so that it is not ours to signal, is none to be told.
        if self.watcher.leads {
            let _ = kill_process_group(self.pid, signal);
        } else {
            let _ = kill_process(self.pid, signal);
            let ours = group();
            self.signal_others(signal, |other| Some(other.group) == ours);
        }
    }

    /// Sends a signal to it, and to all that it started.
    pub(super) fn signal_all(&self, signal: Signal) {
        self.signal(signal);
        let told = if self.watcher.leads { Some(self.pid.as_raw_nonzero().get()) } else { group() };
        self.signal_others(signal, |other| Some(other.group) != told);
        self.wake_watcher();
    }

    /// Somebody may have stopped the watcher, which has to tell of the end.
    pub(super) fn wake_watcher(&self) {
        if self.watched {
            let _ = kill_process(Pid::from_child(&self.watcher.process), Signal::CONT);
        }
    }

    fn signal_others(&self, signal: Signal, which: impl Fn(&Process) -> bool) {
        let others = self.below().unwrap_or_default();
        for other in others.iter().filter(|other| other.pid != self.pid && which(other)) {
            let _ = other.signal(signal);
        }
    }

    /// Whether it ended before it was the command. To be called when it has ended, and before it is reaped.
    pub(super) fn is_unbegun(&self) -> bool {
        trampoline::is_unbegun(self.pid)
    }

    /// Lets go of what it left running. To be called when it has ended.
    pub(super) fn leave(&mut self) {
        // Killed it does nothing, now and when this process ends.
        let _ = self.watcher.process.kill();
    }

    /// Reaps it and its watcher, which was left. It takes its time, so the lock need not be held for it.
    pub(super) fn reap(&mut self) {
        let _ = self.watcher.process.wait();
        // It is a child of this process now. Whoever comes after may not reap.
        reap(self.pid);
    }

    /// The same once all that it started was to end.
    fn leave_nobody(&mut self) {
        self.leave();
        self.reap();
        self.watcher.reap_orphans();
    }

    /// Waits until nobody is left of all that it started, and kills who is at `deadline`. To be called when it has ended.
    /// Tells whether anything had to be killed. Cancel safe.
    pub(super) async fn clear(&mut self, deadline: Instant) -> bool {
        if self.below().is_none() {
            // Then the group is looked at, where who is not reaped counts.
            let _ = self.watcher.to_it.write_all(b"reap\n").await;
        }
        while self.anybody() {
            if Instant::now() >= deadline {
                self.kill_all().await;
                return true;
            }
            sleep(LOOK.min(deadline - Instant::now())).await;
        }
        self.leave_nobody();
        false
    }

    /// Kills it and all that it started, and waits for their end.
    pub(super) async fn kill_all(&mut self) {
        let until = Instant::now() + KILLED;
        self.signal_all(Signal::KILL);
        while self.anybody() && Instant::now() < until {
            sleep(LOOK).await;
            // Who was started meanwhile.
            self.signal_all(Signal::KILL);
        }
        self.leave_nobody();
    }

    fn anybody(&self) -> bool {
        match self.below() {
            Some(below) => below.iter().any(Process::lives),
            // The id stays the group's for as long as there is anybody in it.
            None => self.watcher.leads && test_kill_process_group(self.pid).is_ok(),
        }
    }

    fn below(&self) -> Option<Vec<Process>> {
        if self.watched {
            processes::below(Pid::from_child(&self.watcher.process), &[])
        } else {
            processes::below(getpid(), &self.watcher.others)
        }
    }
}

/// Makes a child of this process go on, whoever stops it.
async fn keep_awake(child: Pid) -> Infallible {
    loop {
        sleep(GLANCE).await;
        let _ = kill_process(child, Signal::CONT);
    }
}

/// Where it is a child that has ended.
fn reap(pid: Pid) {
    let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
}

fn died() -> io::Error {
    io::Error::other("the process that watches over the command has died")
}

/// It comes with the first byte.
fn send_standard_input(socket: &Socket) -> io::Result<()> {
    let stdin = io::stdin();
    let files = [stdin.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&files));
    // Not every system has NOSIGNAL, and this process ignores SIGPIPE.
    sendmsg(socket, &[IoSlice::new(&[0])], &mut control, SendFlags::empty())?;
    Ok(())
}
