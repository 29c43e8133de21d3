//! Surroundings of a test: what is not named is not set, and no file is there but the one that is given.

#![allow(dead_code)]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use redlock_config::{Place, Settings, SettingsError, Surroundings};

pub(crate) type Set<'a> = &'a [(&'a str, &'a [u8])];

/// Variables as bytes, and the text of the file that `REDLOCK_CONFIG` names, or any other that is looked for.
pub(crate) fn around<'a>(set: Set<'a>, file: Option<&'a str>) -> Surroundings<'a> {
    let var = move |name: &str| {
        let value = set.iter().find(|(variable, _)| *variable == name);
        value.map(|(_, value)| OsString::from_vec(value.to_vec()))
    };
    Surroundings::new(var, move |_| Ok(file.map(str::to_owned)))
}

/// What a file comes to by itself, with a variable for a password.
pub(crate) fn of_file(text: &str) -> Result<Settings, SettingsError> {
    let around = around(&[("SECRET", b"hunter2")], Some(text)).with_file("redlock.toml");
    Settings::new().resolve(&around)
}

/// What variables come to by themselves.
pub(crate) fn of_variables(set: Set<'_>) -> Result<Settings, SettingsError> {
    Settings::new().resolve(&around(set, None))
}

/// Where the nodes are, in clear.
pub(crate) fn urls(settings: &Settings) -> Vec<String> {
    let url = |place: &Place| match place {
        Place::Server(url) => url.expose().to_owned(),
        Place::Directory(path) => path.display().to_string(),
        Place::Shared(path) => format!("{} shared", path.display()),
    };
    settings.nodes().iter().map(|node| url(node.place())).collect()
}

/// Nothing that is said of it shows the password of these tests.
pub(crate) fn checked(error: &SettingsError, what: &str) {
    for shown in [error.to_string(), format!("{error:?}"), format!("{error:#?}")] {
        assert!(!shown.contains("hunter2") && !shown.contains("xyzzy"), "{what}: {shown}");
        assert!(!shown.contains(['\u{1b}', '\r']), "{what}: {shown:?}");
    }
    assert!(!error.to_string().contains('\n'), "{what}: {error}");
}
