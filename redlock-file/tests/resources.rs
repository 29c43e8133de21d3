//! What is held is kept and given back by a process that has run out of something.
//!
//! The process is this very test binary, asked to run one "test" that holds locks, uses up what it is told, and goes on.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use redlock_core::key::LockKey;
use redlock_core::node::{Claim, Extension, FenceTerms, Removal, Terms, Vote};
use redlock_core::{LockNode, Token};
use redlock_file::FileNode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const DIR: &str = "REDLOCK_RESOURCES_DIR";
const WITHOUT: &str = "REDLOCK_RESOURCES_WITHOUT";

const LIMIT: Duration = Duration::from_secs(10);
const LONG: Duration = Duration::from_secs(600);

/// A directory that ends with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let dir = std::env::temp_dir()
            .join(format!("redlock-resources-{}", Token::random().unwrap().expose()));
        std::fs::create_dir(&dir).unwrap();
        Self(dir)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn run(mut command: Command, without: &str, needs: &str) {
    command.env(WITHOUT, without);
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}: {needs}"));
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{needs}\n{text}\n{errors}");
    assert!(text.contains("kept and given back without"), "{needs}\n{text}\n{errors}");
}

/// Holder over a file system of this size, which ends with the process.
fn on_a_small_disk(options: &str, without: &str) {
    let scratch = Scratch::new();
    let mut command = Command::new("unshare");
    // The mount is seen by the child alone.
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let script = r#"mount -t tmpfs -o "$1" tmpfs "$2" || exit; shift 2; exec "$@""#;
    command.args(["--mount", "sh", "-c", script, "sh", options]).arg(&scratch.0);
    command.arg(std::env::current_exe().unwrap());
    command.args(["holder", "--exact", "--nocapture"]).env(DIR, &scratch.0);
    let needs = "this needs unshare(1) (on Debian: apt-get install util-linux) and the right to mount a tmpfs in a \
                 mount namespace: root, or user namespaces";
    run(command, without, needs);
}

#[test]
fn with_a_full_disk() {
    on_a_small_disk("size=256k", "room");
}

#[test]
fn with_a_disk_that_takes_no_more_files() {
    on_a_small_disk("size=4m,nr_inodes=64", "files");
}

#[test]
fn with_no_descriptor_left() {
    let scratch = Scratch::new();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["holder", "--exact", "--nocapture"]).env(DIR, &scratch.0);
    run(command, "descriptors", "");
}

/// The process that runs out of something; as a test it passes at once.
#[test]
fn holder() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let without = std::env::var(WITHOUT).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(hold(dir.as_ref(), &without));
    println!("kept and given back without {without}");
}

fn claim(key: &str) -> Claim {
    Claim::new(LockKey::new(key).unwrap(), Token::random().unwrap())
}

async fn hold(dir: &Path, without: &str) {
    let node = Arc::new(FileNode::open(dir.join("locks")).unwrap());
    let fencing = Some(FenceTerms { hint: 0, life: LONG });
    let terms = [Terms::new(LONG), Terms::new(LONG).with_fencing(fencing)];
    // Some of them stand in one file, which has several blocks.
    let long = "l".repeat(500);
    let claims: Vec<_> = ["a", "b", "c", "d"]
        .into_iter()
        .map(str::to_owned)
        .chain((0..6_000).map(|i| format!("{i}{long}")).filter(|name| shares_a_file(name)).take(12))
        .map(|name| claim(&name))
        .collect();
    for (claim, terms) in claims.iter().zip(terms.iter().cycle()) {
        let vote = node.clone().acquire(claim.clone(), *terms, LIMIT).await;
        assert!(matches!(vote, Ok(Vote::Granted { .. })), "{vote:?}");
    }
    let used_up = use_up(without, dir);
    let refused = node.clone().acquire(claim("another"), terms[1], LIMIT).await;
    match without {
        "descriptors" => {}
        _ => {
            let error = refused.unwrap_err();
            assert!(error.to_string().contains("No space left on device"), "{error}");
        }
    }
    for _ in 0..3 {
        for (claim, terms) in claims.iter().zip(terms.iter().cycle()) {
            let extended = node.clone().extend(claim.clone(), *terms, LIMIT).await;
            assert_eq!(extended.unwrap(), Extension::Extended);
        }
    }
    for claim in &claims {
        let removal = node.clone().release_and_tell(claim.clone(), LIMIT).await;
        assert_eq!(removal.unwrap(), Removal::Removed);
    }
    drop(used_up);
}

/// Whether it stands in a certain one of the 256 files, by the hash of this crate.
fn shares_a_file(name: &str) -> bool {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd) >> 56 == 7
}

/// Leaves nothing of it, for as long as the files are kept.
fn use_up(what: &str, dir: &Path) -> Vec<File> {
    match what {
        "room" => {
            let mut file = File::create(dir.join("filling")).unwrap();
            for len in [4096, 1] {
                while file.write_all(&vec![1; len]).is_ok() {}
            }
            vec![file]
        }
        "files" => {
            let files = (0..).map(|i| File::create(dir.join(format!("filling{i}"))));
            let files: Vec<_> = files.map_while(Result::ok).collect();
            assert!(!files.is_empty());
            files
        }
        _ => {
            let most = Rlimit { current: Some(128), ..getrlimit(Resource::Nofile) };
            setrlimit(Resource::Nofile, most).unwrap();
            let files: Vec<_> =
                std::iter::repeat_with(|| File::open("/dev/null")).map_while(Result::ok).collect();
            assert!(!files.is_empty());
            files
        }
    }
}
