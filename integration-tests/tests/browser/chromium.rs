//! A browser without a window, which shows one page and tells what became of it.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;
use tokio::time::timeout;

/// It needs a second or two.
const PATIENCE: Duration = Duration::from_secs(180);

/// Names by which Debian and others have it. A snap, as Ubuntu's `chromium-browser` is, reads no files of ours, so it is the last.
const NAMES: &[&str] = &["chromium", "google-chrome", "google-chrome-stable", "chromium-browser"];

/// Says how to get it where it is missing.
fn browser() -> PathBuf {
    if let Some(given) = std::env::var_os("REDLOCK_TEST_BROWSER").filter(|given| !given.is_empty())
    {
        return given.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let found = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    found.into_iter().find(|program| program.is_file()).unwrap_or_else(|| {
        panic!(
            "no browser: none of {} is in PATH, and REDLOCK_TEST_BROWSER names none. \
             Run scripts/test-servers as root, or: apt-get install -y --no-install-recommends chromium",
            NAMES.join(", ")
        )
    })
}

/// The document as it is when all of the page is there and its script has run.
pub(crate) async fn dump(page: &Path, profile: &Path, dark: bool) -> String {
    let browser = browser();
    let mut command = Command::new(&browser);
    // As root, and in containers, there is no sandbox to be had; the pages are our own.
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
    command.args(["--no-first-run", "--disable-extensions", "--disable-background-networking"]);
    command.args(["--window-size=1500,1000", "--force-device-scale-factor=1", "--dump-dom"]);
    command.arg(format!("--blink-settings=preferredColorScheme={}", i32::from(!dark)));
    command.arg(
        [OsString::from("--user-data-dir="), profile.into()].into_iter().collect::<OsString>(),
    );
    command.arg(format!("file://{}", page.display()));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // It has processes of its own, which go with it.
    let child = command.process_group(0).kill_on_drop(true).spawn();
    let child = child.unwrap_or_else(|error| panic!("{}: {error}", browser.display()));
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    group.map(|group| kill_process_group(group, Signal::KILL));
    let output =
        output.unwrap_or_else(|_| panic!("{} did not end in {PATIENCE:?}", browser.display()));
    let output = output.unwrap();
    let (dom, said) = [&output.stdout, &output.stderr].map(|s| String::from_utf8_lossy(s)).into();
    let (code, signal) = (output.status.code(), output.status.signal());
    assert!(output.status.success(), "{}: {code:?} {signal:?}: {said}", browser.display());
    assert!(dom.contains("</html>"), "{} showed nothing: {said}", browser.display());
    dom.into_owned()
}
