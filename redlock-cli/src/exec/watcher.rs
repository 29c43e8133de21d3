//! The process between `redlock` and the command: it sees to it that nothing of the command outlives `redlock`.
//!
//! `redlock` starts itself once more as `redlock __watch …`, before it locks, and holds one end of a pair of sockets. The
//! watcher starts the command, and everything that the command starts stays below it, wherever it goes: whoever loses its
//! parent becomes the watcher's child. When its socket ends, `redlock` has died, and the watcher kills all below it. Where
//! the command ended in order, `redlock` kills the watcher first, and what the command left running is left alone.
//!
//! Once the command runs the watcher is in a session of its own: no signal to a group or from a terminal reaches it, and the
//! command's group is orphaned or not as it would be without it.
//!
//! Words on the socket are lines. To the watcher: one byte with the command's standard input, variables as JSON, and later
//! `reap`. From it: `started ID` or `failed WHY`, and `ended STATUS` as wait(2) has it, or
//! `ended unknown`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, WaitOptions, getpid, kill_process,
    kill_process_group, setsid, wait, waitid,
};
use signal_hook::consts::signal as signals;

use super::{processes, trampoline};
use crate::exit;
use crate::output::say;
use crate::process::is_ignored;

/// The hidden subcommand.
pub(crate) const WATCH: &str = "__watch";
/// Its second word, where the command leads a group of its own.
pub(super) const LEADS: &str = "leads";

/// How often it is looked whether those that were killed are gone.
const LOOK: Duration = Duration::from_millis(5);

/// Those that would end or stop it, and that of its children, which must not be ignored.
const HEARD: [i32; 16] = [
    signals::SIGHUP,
    signals::SIGINT,
    signals::SIGQUIT,
    signals::SIGTERM,
    signals::SIGUSR1,
    signals::SIGUSR2,
    signals::SIGALRM,
    signals::SIGVTALRM,
    signals::SIGPROF,
    signals::SIGIO,
    signals::SIGXCPU,
    signals::SIGXFSZ,
    signals::SIGTSTP,
    signals::SIGTTIN,
    signals::SIGTTOU,
    signals::SIGCHLD,
];

/// `redlock __watch PROGRAM leads|shares -- COMMAND…`, with the socket as its standard input.
pub(crate) fn watch(mut words: impl Iterator<Item = OsString>) -> ExitCode {
    let (Some(program), Some(how), Some(_)) = (words.next(), words.next(), words.next()) else {
        say(format_args!("redlock: {WATCH} is not for you; see `redlock exec`"));
        return ExitCode::from(exit::FAILED);
    };
    match run(program, how == LEADS, words) {
        Ok(()) => ExitCode::SUCCESS,
        // It is said by `redlock`, which hears the end of the socket.
        Err(_) => ExitCode::from(exit::FAILED),
    }
}

fn run(program: OsString, leads: bool, command: impl Iterator<Item = OsString>) -> io::Result<()> {
    inherit_orphans()?;
    hear_signals()?;
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let Some(stdin) = standard_input(&socket)? else { return Ok(()) };
    let mut words = BufReader::new(socket.try_clone()?);
    let mut line = String::new();
    if words.read_line(&mut line)? == 0 {
        // There is no lock, so there is no command.
        return Ok(());
    }
    let variables: BTreeMap<String, String> = serde_json::from_str(&line)?;
    let mut trampoline = trampoline::command(&program, command);
    trampoline.envs(variables).stdin(stdin);
    if leads {
        trampoline.process_group(0);
    }
    let child = match trampoline.spawn() {
        Ok(child) => child,
        Err(error) => return writeln!(socket, "failed {error}"),
    };
    // It leads no group, so it can.
    let _ = setsid();
    let command = Pid::from_child(&child);
    let (go_on, may_reap) = channel();
    if let Err(error) =
        thread::Builder::new().spawn(move || look_after(command, &socket, &may_reap))
    {
        end_all(command, leads);
        return writeln!(words.get_mut(), "failed {error}");
    }
    while words.read_line(&mut line).is_ok_and(|read| read > 0) {
        let _ = go_on.send(());
    }
    // Nobody renews any more.
    if end_all(command, leads) {
        say(format_args!("redlock: killed, and its command with it"));
    }
    Ok(())
}

/// Kills all below this process, until nobody is left that it may kill. Tells whether there was anybody.
fn end_all(command: Pid, leads: bool) -> bool {
    let mut any = false;
    loop {
        let Some(found) = processes::below(getpid(), &[]) else {
            let killed = match leads {
                true => kill_process_group(command, Signal::KILL),
                false => kill_process(command, Signal::KILL),
            };
            return killed.is_ok();
        };
        let left = found.iter().filter(|one| one.lives());
        // One that changed its user may not be ours to kill.
        let killed = left.filter(|one| one.signal(Signal::KILL).is_ok()).count();
        if killed == 0 {
            return any;
        }
        any = true;
        thread::sleep(LOOK);
    }
}

/// Tells of the command's begin and end, and reaps others.
fn look_after(command: Pid, mut socket: &UnixStream, may_reap: &Receiver<()>) {
    // Who does not hear it has died, which is heard elsewhere.
    let _ = writeln!(socket, "started {}", command.as_raw_nonzero());
    match end_of(command).as_ref().and_then(raw) {
        Some(status) => {
            let _ = writeln!(socket, "ended {status}");
        }
        // Who would go on waiting for the end is to take it for the worst.
        None => {
            let _ = writeln!(socket, "ended unknown");
        }
    }
    if may_reap.recv().is_ok() {
        while wait(WaitOptions::empty()).is_ok_and(|reaped| reaped.is_some()) {}
    }
}

/// Waits for the command's end, and reaps others. The command itself, whose id would be free then, only when told to.
fn end_of(command: Pid) -> Option<WaitIdStatus> {
    let unreaped = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    loop {
        waited(WaitId::All, unreaped).ok()?;
        if let Ok(Some(status)) = waited(WaitId::Pid(command), unreaped | WaitIdOptions::NOHANG) {
            return Some(status);
        }
        let mut orphans = processes::left_to(getpid());
        orphans.retain(|pid| *pid != command);
        for orphan in &orphans {
            let _ = waited(WaitId::Pid(*orphan), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        }
        if orphans.is_empty() {
            // It ended just now, or nothing tells who did.
            return waited(WaitId::Pid(command), unreaped).ok()?;
        }
    }
}

fn waited(who: WaitId<'_>, how: WaitIdOptions) -> rustix::io::Result<Option<WaitIdStatus>> {
    loop {
        match waitid(who.clone(), how) {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}

/// As wait(2) has it.
fn raw(status: &WaitIdStatus) -> Option<i32> {
    let code = status.exit_status().map(|code| (code & 0xff) << 8);
    code.or(status.terminating_signal())
}

/// What came with the first byte; nothing if no byte came.
fn standard_input(socket: &UnixStream) -> io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let received = loop {
        let parts = &mut [IoSliceMut::new(&mut byte)];
        match recvmsg(socket, parts, &mut control, RecvFlags::empty()) {
            Err(Errno::INTR) => {}
            done => break done?,
        }
    };
    if received.bytes == 0 {
        return Ok(None);
    }
    let files = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => Some(files),
        _ => None,
    });
    let file = files.flatten().next().ok_or(io::ErrorKind::InvalidData)?;
    fcntl_setfd(&file, FdFlags::CLOEXEC)?;
    Ok(Some(file))
}

/// Signals that are meant for others do not end it. By the command they are seen as they would be without it.
fn hear_signals() -> io::Result<()> {
    let heard = Arc::new(AtomicBool::new(false));
    for signal in HEARD {
        if signal == signals::SIGCHLD || !is_ignored(signal) {
            signal_hook::flag::register(signal, heard.clone())?;
        }
    }
    Ok(())
}

/// Processes below this one that lose their parent become its children.
pub(super) fn inherit_orphans() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(getpid()))?;
    Ok(())
}
