//! Where the file is, if there is one.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::error::SettingsError;

const NAME: &str = "redlock.toml";
const SYSTEM: &str = "/etc/redlock.toml";

/// The user's, then the system's.
pub(crate) fn usual(var: &dyn Fn(&str) -> Option<OsString>) -> Result<Vec<PathBuf>, SettingsError> {
    Ok(own(var)?.into_iter().chain([PathBuf::from(SYSTEM)]).collect())
}

/// The user's; nothing for whoever has no home.
fn own(var: &dyn Fn(&str) -> Option<OsString>) -> Result<Option<PathBuf>, SettingsError> {
    let set = |name: &'static str| {
        let Some(value) = var(name).filter(|value| !value.is_empty()) else { return Ok(None) };
        let path = PathBuf::from(value);
        if path.is_absolute() {
            return Ok(Some(path));
        }
        let value = path.to_string_lossy().escape_debug().to_string();
        Err(SettingsError::invalid(name, value, "must be an absolute path"))
    };
    Ok(match set("XDG_CONFIG_HOME")? {
        Some(directory) => Some(directory.join(NAME)),
        None => set("HOME")?.map(|home| home.join(".config").join(NAME)),
    })
}

/// The text of a file; nothing if there is none. A link that leads nowhere is there.
pub(crate) fn read(path: &Path) -> io::Result<Option<String>> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => std::fs::read_to_string(path).map(Some),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
