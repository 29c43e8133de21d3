//! Takes away the servers of a process that died without doing so itself.
//!
//! The watchdog is a shell that waits for its standard input to end. This process holds the other end of that pipe and
//! never writes to it, so it ends exactly when this process does, in whatever way. What to remove is found by a mark
//! that every server carries from its first moment (working directory, container label): there is no list that could be
//! out of date.
//!
//! PostgreSQL is asked to end before it is killed: a killed one leaves its shared memory behind.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::SystemTime;

/// The label that containers of this harness carry; its value is [`Watchdog::owner`].
pub(super) const LABEL: &str = "redlock-test.owner";

// $1: directory, $2: owner. Two rounds, because the engine may still be working on a request of the dead process.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
cat >/dev/null
for file in "$1"/*/data/postmaster.pid; do
    [ ! -e "$file" ] || kill -QUIT "$(head -n 1 "$file")" 2>/dev/null
done
for pause in 0 0.1 0.2 0.5 1 2; do
    sleep $pause
    [ -n "$(find "$1" -path '*/data/postmaster.pid' 2>/dev/null)" ] || break
done
for pause in 0 1; do
    sleep $pause
    for cwd in $(find /proc -mindepth 2 -maxdepth 2 -name cwd -lname "$1/*" 2>/dev/null); do
        pid=${cwd#/proc/}
        kill -9 "${pid%/cwd}" 2>/dev/null
    done
    rm -rf "$1"
    if [ -n "$DOCKER_USED" ]; then
        names=$(docker ps -aq --filter "label=redlock-test.owner=$2" 2>/dev/null)
        [ -z "$names" ] || docker rm -f -v $names >/dev/null 2>&1
    fi
done
"#;

#[derive(Debug)]
pub(super) struct Watchdog {
    /// Servers that are local processes run in directories below this one.
    pub(super) directory: PathBuf,
    /// Names this process among all that ever ran.
    pub(super) owner: String,
    _shell: Child, // holds the pipe
}

/// Starts this process's watchdog, once.
pub(super) fn watchdog() -> &'static Watchdog {
    static WATCHDOG: OnceLock<Watchdog> = OnceLock::new();
    WATCHDOG.get_or_init(|| {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let owner = format!("{}-{}", std::process::id(), now.as_nanos());
        // /proc shows a working directory by its real name, so the mark must be that too.
        let parent = std::env::temp_dir().canonicalize().expect("a directory for temporary files");
        let directory = parent.join(format!("redlock-test-{owner}"));
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "redlock-test-watchdog"])
            .arg(&directory)
            .arg(&owner)
            .env("DOCKER_USED", if docker_exists() { "1" } else { "" })
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0) // a Ctrl-C is for the tests, not for what tidies up after them
            .spawn()
            .expect("`sh` for the watchdog");
        std::fs::create_dir(&directory).expect("a directory for the servers");
        Watchdog { directory, owner, _shell: shell }
    })
}

fn docker_exists() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::var("REDLOCK_TEST_PROVIDER").as_deref() != Ok("local")
        && std::env::split_paths(&path).any(|dir| dir.join("docker").is_file())
}
