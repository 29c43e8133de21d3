//! `redlock`, once more.

use std::ffi::OsString;
use std::path::Path;

/// The program of this process while `/proc` is there, also after its file was replaced or removed.
const LINK: &str = "/proc/self/exe";

/// What starts this program again, in a process of this one. Without `/proc` it is what it was called, which is looked for
/// in `PATH` as the caller's shell did.
pub(super) fn program() -> OsString {
    if Path::new(LINK).exists() {
        return LINK.into();
    }
    match std::env::current_exe() {
        Ok(path) => path.into(),
        Err(_) => std::env::args_os().next().unwrap_or_else(|| "redlock".into()),
    }
}
