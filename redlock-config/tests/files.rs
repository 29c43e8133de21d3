//! Files as they lie on a disk.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::{Path, PathBuf};

use common::urls;
use redlock_config::{Settings, SettingsError, SettingsErrorKind, Surroundings};

/// A directory of a test, removed when it ends.
struct Home(PathBuf);

impl Home {
    fn new(test: &str) -> Self {
        let name = format!("redlock-config-{test}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// With this variable and no other, and this machine's files.
fn with(variable: &str, value: &Path) -> Result<Settings, SettingsError> {
    let var = |name: &str| (name == variable).then(|| value.as_os_str().to_owned());
    Settings::new().resolve(&Surroundings::process().with_variables(var))
}

#[test]
fn one_that_is_there_and_cannot_be_read_is_an_error_with_its_name() {
    let home = Home::new("places");
    let link = |name: &str, to: &str| {
        std::fs::create_dir_all(home.at(name)).unwrap();
        std::os::unix::fs::symlink(to, home.at(name).join("redlock.toml")).unwrap();
    };
    link("dangling", "/nonexistent");
    link("looping", "redlock.toml");
    link("directory", ".");
    std::os::unix::fs::symlink("looped", home.at("looped")).unwrap();
    std::fs::create_dir(home.at("binary")).unwrap();
    std::fs::write(home.at("binary/redlock.toml"), b"ttl = '1s' # \xff").unwrap();
    for name in ["dangling", "looping", "directory", "looped", "binary"] {
        let file = home.at(name).join("redlock.toml");
        for error in [
            with("XDG_CONFIG_HOME", &home.at(name)).unwrap_err(),
            with("REDLOCK_CONFIG", &file).unwrap_err(),
            Settings::from_file(&file).unwrap_err(),
        ] {
            assert_eq!(error.kind(), SettingsErrorKind::Unreadable, "{name}: {error}");
            assert_eq!(error.origin(), file.to_str().unwrap());
            assert!(std::error::Error::source(&error).is_some(), "{name}: {error}");
        }
    }
    let absent = home.at("absent.toml");
    for error in [with("REDLOCK_CONFIG", &absent), Settings::from_file(&absent)] {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), SettingsErrorKind::Unreadable);
        assert_eq!(error.to_string(), format!("{}: there is no such file", absent.display()));
    }
}

#[test]
fn one_that_can_be_read_is_read_and_named_with_its_lines() {
    let home = Home::new("read");
    std::fs::create_dir(home.at("fine")).unwrap();
    let file = home.at("fine/redlock.toml");
    std::fs::write(&file, "# ours\nnodes = [\n  'a:1',\n  'b:1',\n]").unwrap();
    for settings in [
        with("XDG_CONFIG_HOME", &home.at("fine")).unwrap(),
        with("REDLOCK_CONFIG", &file).unwrap(),
        Settings::from_file(&file).unwrap(),
    ] {
        assert_eq!(urls(&settings), ["redis://a:1", "redis://b:1"]);
        let origin = format!("{}, line 4, nodes[1]", file.display());
        assert_eq!(settings.nodes()[1].origin(), origin);
    }
}

#[test]
fn a_home_in_which_nothing_is_no_fault() {
    for home in ["/nonexistent", "/dev/null"] {
        let settings = with("HOME", Path::new(home)).unwrap();
        // This machine may have a file of its own.
        assert!(settings.nodes().is_empty() || Path::new("/etc/redlock.toml").exists(), "{home}");
    }
}
