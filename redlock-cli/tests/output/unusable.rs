//! What is set and cannot be used ends the command before anything is locked.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::common::{ended, redlock};

/// Over nothing but what is built in: what runs here would hold a lock of this machine.
const VERBS: [&[&str]; 5] = [
    &["exec", "-n", "k", "--", "echo", "ran"],
    &["inspect", "k"],
    &["watch", "k"],
    &["doctor"],
    &["bench", "--duration", "10ms"],
];

#[test]
fn it_is_named_and_nothing_runs() {
    let home = std::env::temp_dir().join(format!("redlock-unusable-{}", std::process::id()));
    let locked = home.join("locked");
    std::fs::create_dir_all(&locked).unwrap();
    std::fs::write(locked.join("redlock.toml"), "nodes = ['127.0.0.1:1']").unwrap();
    symlink("looped", home.join("looped")).unwrap();
    std::fs::set_permissions(&locked, PermissionsExt::from_mode(0o000)).unwrap();
    let looped = home.join("looped");
    let looped = looped.as_os_str().as_bytes();
    let cases: [(&str, &[u8], &str); 9] = [
        ("REDLOCK_NODES", b" ", "REDLOCK_NODES"),
        ("REDLOCK_NODES", b",,", "REDLOCK_NODES"),
        ("REDLOCK_NODES", b"\xff", "REDLOCK_NODES"),
        ("REDLOCK_PASSWORD", b"\xff", "REDLOCK_PASSWORD"),
        ("REDLOCK_CONFIG", b"", "REDLOCK_CONFIG"),
        ("REDLOCK_CLIENT", b"", "REDLOCK_CLIENT"),
        ("REDLOCK_RESTART_GUARD", b"60", "REDLOCK_RESTART_GUARD: `60` has no unit"),
        ("HOME", b"relative", "HOME"),
        ("XDG_CONFIG_HOME", looped, "looped/redlock.toml"),
    ];
    for (variable, value, named) in cases {
        for words in VERBS {
            let mut command = redlock();
            command.args(words).env_remove("XDG_CONFIG_HOME");
            let ended = ended(command.env(variable, OsStr::from_bytes(value)));
            assert_eq!((ended.code, &*ended.stdout), (Some(125), ""), "{words:?}: {ended:?}");
            assert!(ended.stderr.contains(named), "{words:?}: {ended:?}");
            assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        }
    }
    // As a user to whom rights apply, from where everybody can run it.
    let everybodys = home.join("redlock");
    std::fs::copy(env!("CARGO_BIN_EXE_redlock"), &everybodys).unwrap();
    let mut command = Command::new(everybodys);
    for (name, value) in redlock().get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null());
    if rustix::process::geteuid().is_root() {
        command.uid(65_534);
    }
    command.args(VERBS[0]).env("XDG_CONFIG_HOME", &locked);
    let tried = command.output();
    std::fs::set_permissions(&locked, PermissionsExt::from_mode(0o700)).unwrap();
    std::fs::remove_dir_all(home).unwrap();
    let tried = tried.unwrap();
    assert_eq!((tried.status.code(), &*tried.stdout), (Some(125), b"" as &[u8]), "{tried:?}");
    let said = String::from_utf8_lossy(&tried.stderr);
    assert!(said.contains("locked/redlock.toml: Permission denied"), "{said}");
}
