//! Whether servers are containers or local processes.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::OnceCell;

use super::clock;
use super::kind::{Kind, Wanted, repository};

/// What a server of some kind is started from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Image {
        name: String,
        tag: String,
    },
    Binary(PathBuf),
    /// A binary under libfaketime, and how its clock begins.
    Clocked {
        binary: PathBuf,
        library: PathBuf,
        clock: String,
    },
}

/// Decides once per process and kind, and says so on stderr. Panics if the server cannot be had.
pub(super) async fn source(kind: Kind) -> &'static Source {
    static SOURCES: [OnceCell<Source>; 3] = [const { OnceCell::const_new() }; 3];
    SOURCES[kind as usize].get_or_init(|| find(kind.wanted())).await
}

/// A local process with a clock of its own. Panics if it cannot be had.
pub(super) fn with_clock(kind: Kind, clock: String) -> Source {
    match (kind.binary(), clock::library()) {
        (Ok(binary), Ok(library)) => Source::Clocked { binary, library, clock },
        (Err(missing), _) | (_, Err(missing)) => panic!("{missing}"),
    }
}

/// Decides it, and says so on stderr. Panics if the server cannot be had.
pub(super) async fn find(wanted: Wanted) -> Source {
    let wish = std::env::var("REDLOCK_TEST_PROVIDER").unwrap_or_default();
    let (docker, why_not) = match wish.as_str() {
        "local" => (None, "REDLOCK_TEST_PROVIDER=local".to_owned()),
        "docker" => match image(&wanted).await {
            Ok(image) => (Some(image), String::new()),
            Err(why) => {
                let image = wanted.image;
                panic!("REDLOCK_TEST_PROVIDER=docker, but no containers for {image}: {why}")
            }
        },
        "" | "auto" => match image(&wanted).await {
            Ok(image) => (Some(image), String::new()),
            Err(why) => (None, why),
        },
        other => panic!("REDLOCK_TEST_PROVIDER={other}: give `docker` or `local`, or nothing"),
    };
    if let Some((name, tag)) = docker {
        announce(&format!("provider: testcontainers ({name}:{tag})"));
        return Source::Image { name, tag };
    }
    let binary = wanted.binary.unwrap_or_else(|missing| panic!("{missing} ({why_not})"));
    let path = binary.display();
    let version = output(Command::new(&binary).arg("--version"))
        .await
        .unwrap_or_else(|why| panic!("{path} does not run: {why}"));
    let version = version.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    announce(&format!("provider: local processes ({version}, {path}); {why_not}"));
    Source::Binary(binary)
}

/// The image's name and tag, or why there can be no containers.
async fn image(wanted: &Wanted) -> Result<(String, String), String> {
    engine().await?;
    let image = match std::env::var(wanted.image_variable) {
        Ok(image) if !image.is_empty() => image,
        _ => {
            let script = repository().join("scripts/test-image");
            let printed = output(Command::new(script).arg(wanted.image)).await?;
            printed.lines().last().unwrap_or_default().to_owned()
        }
    };
    // A colon before the last slash is a registry's port, not a tag.
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => Ok((name.to_owned(), tag.to_owned())),
        _ => Ok((image, "latest".to_owned())),
    }
}

/// Asks the engine for its version. Only an engine on this machine will do: servers are reached on loopback ports.
async fn engine() -> Result<(), String> {
    match std::env::var("DOCKER_HOST") {
        Ok(host) if !host.is_empty() && !host.starts_with("unix:") => {
            return Err(format!("DOCKER_HOST={host} is not on this machine"));
        }
        _ => {}
    }
    output(Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]))
        .await
        .map(|_| ())
        .map_err(|why| format!("no Docker engine ({why})"))
}

/// What the command prints, if it succeeds within a minute.
pub(super) async fn output(command: &mut Command) -> Result<String, String> {
    let command = command.stdin(std::process::Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(60), command.output())
        .await
        .map_err(|_| "timed out".to_owned())?
        .map_err(|e| e.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

/// Writes past the test framework's capture: which servers were tested must be in every log.
fn announce(text: &str) {
    let _ = std::io::stderr().write_all(format!("integration-tests: {text}\n").as_bytes());
}
