//! Servers whose clock a test sets, by libfaketime.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Where the clock's setting is, in the server's directory.
const FILE: &str = "clock";

/// libfaketime, or how to get it.
pub(super) fn library() -> Result<PathBuf, String> {
    // Debian has one directory for each architecture.
    let architectures = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut directories: Vec<_> = architectures.map(|entry| entry.path()).collect();
    directories.extend(["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from));
    directories
        .into_iter()
        .map(|directory| directory.join("faketime/libfaketime.so.1"))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            "no libfaketime for servers with a clock of their own; run `./scripts/test-servers` or \
             `apt-get install -y faketime`"
                .to_owned()
        })
}

/// Sets the clock of the server in `directory`, at once.
pub(super) fn set(directory: &Path, clock: &str) -> Result<(), String> {
    // Renamed into place: the server never reads half of it.
    let draft = directory.join("clock.new");
    std::fs::write(&draft, clock)
        .and_then(|()| std::fs::rename(&draft, directory.join(FILE)))
        .map_err(|e| e.to_string())
}

/// Has the command read its clock where [`set`] writes it.
pub(super) fn attach(command: &mut Command, library: &Path, directory: &Path) {
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", directory.join(FILE))
        .env("FAKETIME_NO_CACHE", "1")
        // Times to live are wall clock times; the server's own timers are not what is tested.
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
}

/// Has a command of this machine, and what it starts, live in the past by so much. Its monotonic clock is as ever.
pub fn live_behind(command: &mut Command, behind: Duration) -> Result<(), String> {
    command
        .env("LD_PRELOAD", library()?)
        .env("FAKETIME", format!("-{:.3}", behind.as_secs_f64()))
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    Ok(())
}
