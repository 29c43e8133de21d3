//! The child before it becomes the command: it sees to it that the command dies with its watcher.
//!
//! A process can ask the kernel for a signal at its parent's death only for itself, and nothing of ours may run between
//! `fork` and `exec` (that would take `unsafe` code). So the watcher starts `redlock` once more as `redlock __child PID --
//! COMMAND…`, which asks for `SIGKILL` and then becomes the command; the request survives that, unless the command changes
//! its user or gains privileges (set-user-ID, file capabilities).
//!
//! The kernel looks at the death of the *thread* that started the child. That is the main thread, which ends last.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::process::{Pid, getppid};

use crate::exit;
use crate::output::say;

/// The hidden subcommand.
pub(crate) const CHILD: &str = "__child";

/// What starts `command` as a child of this process.
pub(super) fn command(program: &OsStr, command: impl Iterator<Item = OsString>) -> Command {
    let mut trampoline = Command::new(program);
    trampoline
        .arg0("redlock")
        .arg(CHILD)
        .arg(std::process::id().to_string())
        .arg("--")
        .args(command);
    trampoline
}

/// Becomes the command; returns only if that fails, with the code that `env` would exit with.
pub(crate) fn child(mut words: impl Iterator<Item = OsString>) -> ExitCode {
    let parent = words.next().and_then(|word| Pid::from_raw(word.to_str()?.parse().ok()?));
    let (Some(parent), Some(_), Some(program)) = (parent, words.next(), words.next()) else {
        return fail(exit::FAILED, format_args!("{CHILD} is not for you; see `redlock exec`"));
    };
    if let Err(error) = die_with_parent() {
        let why = format_args!("the command cannot be bound to this process: {error}");
        return fail(exit::FAILED, why);
    }
    // It died before it was asked about.
    if getppid() != Some(parent) {
        return fail(exit::FAILED, format_args!("redlock ended before the command began"));
    }
    let error = Command::new(&program).args(words).exec();
    let code = match error.kind() {
        io::ErrorKind::NotFound => exit::NOT_FOUND,
        _ => exit::NOT_EXECUTABLE,
    };
    fail(code, format_args!("{}: {error}", OsStr::new(&program).display()))
}

/// The name of a process that ended before it became the command, for who looks at it before it is reaped.
const UNBEGUN: &str = "redlock-unbegun";

/// Whether this child, which has ended and is not reaped, never became the command. Not known where there is no `/proc`.
pub(super) fn is_unbegun(child: Pid) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{}/comm", child.as_raw_nonzero()));
    name.is_ok_and(|name| name.trim_end() == UNBEGUN)
}

fn fail(code: u8, why: std::fmt::Arguments<'_>) -> ExitCode {
    call_unbegun();
    say(format_args!("redlock: {why}"));
    ExitCode::from(code)
}

#[cfg(target_os = "linux")]
fn die_with_parent() -> io::Result<()> {
    use rustix::process::{Signal, set_parent_process_death_signal};
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

#[cfg(target_os = "linux")]
fn call_unbegun() {
    if let Ok(name) = std::ffi::CString::new(UNBEGUN) {
        let _ = rustix::thread::set_name(&name);
    }
}

#[cfg(not(target_os = "linux"))]
fn call_unbegun() {}

/// Other systems have nothing of the kind.
#[cfg(not(target_os = "linux"))]
fn die_with_parent() -> io::Result<()> {
    Ok(())
}
