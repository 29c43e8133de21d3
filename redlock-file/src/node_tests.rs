use std::os::unix::fs::{PermissionsExt, symlink};

use redlock_core::conformance::Fixture;
use redlock_core::node::FaultClass;
use redlock_core::token::Token;
use redlock_core::{LockErrorKind, Redlock};

use super::*;
use crate::testing::Scratch;

const LIMIT: Duration = Duration::from_secs(10);
const LONG: Duration = Duration::from_secs(60);

/// The suite's node, another handle that listens, and another directory.
struct Files {
    scratch: [Scratch; 2],
    nodes: [Arc<FileNode>; 3],
}

impl Files {
    async fn new() -> Self {
        let scratch = [Scratch::new(), Scratch::new()];
        let open = |at: usize| Arc::new(FileNode::open(scratch[at].path()).unwrap());
        let nodes = [open(0), open(1), open(0)];
        Self { scratch, nodes }
    }
}

#[async_trait]
impl Fixture for Files {
    fn node(&self) -> Arc<dyn LockNode> {
        self.nodes[0].clone()
    }

    fn second_node(&self) -> Arc<dyn LockNode> {
        self.nodes[1].clone()
    }

    fn listening_node(&self) -> Arc<dyn LockNode> {
        self.nodes[2].clone()
    }

    async fn put(&self, key: &[u8], value: &[u8], ttl: Option<Duration>) {
        self.scratch[0].put(key, value, ttl);
    }

    async fn value(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.scratch[0].hold(key).map(|hold| hold.value.into())
    }

    async fn counter(&self, key: &[u8]) -> Option<u64> {
        self.scratch[0].counter(key).map(|counter| counter.number)
    }
}

mod conformance {
    use super::Files;
    redlock_core::conformance!(Files::new(), second_node, fencing, restart_guard, wake_ups);
}

fn claim(key: &str) -> Claim {
    Claim::new(LockKey::new(key).unwrap(), Token::random().unwrap())
}

async fn acquire(node: &Arc<FileNode>, key: &str) -> Result<Vote, NodeError> {
    node.clone().acquire(claim(key), Terms::new(LONG), LIMIT).await
}

#[tokio::test]
async fn files_and_directory_are_for_their_owner_alone() {
    let scratch = Scratch::new();
    let node = Arc::new(FileNode::open(scratch.path()).unwrap());
    acquire(&node, "a").await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(scratch.path()), 0o700);
    let files = scratch.files();
    assert_eq!(files.len(), 2);
    assert!(files.iter().all(|name| mode(&scratch.path().join(name)) == 0o600));
}

#[test]
fn a_directory_that_others_may_have_a_hand_in_is_refused() {
    let scratch = Scratch::new();
    let rule = |path: &Path| FileNode::open(path).unwrap_err().rule();
    assert_eq!(rule(&scratch.path().join("parent/missing")), "must exist or be creatable");
    std::fs::create_dir(scratch.path()).unwrap();
    let (file, link) = (scratch.path().join("file"), scratch.path().join("link"));
    std::fs::write(&file, "").unwrap();
    assert_eq!(rule(&file), "must be a directory and no link");
    symlink(scratch.path(), &link).unwrap();
    assert_eq!(rule(&link), "must be a directory and no link");
    for mode in [0o770, 0o702, 0o1777] {
        std::fs::set_permissions(scratch.path(), PermissionsExt::from_mode(mode)).unwrap();
        assert_eq!(rule(scratch.path()), "must not be writable by group or others");
    }
    std::fs::set_permissions(scratch.path(), PermissionsExt::from_mode(0o755)).unwrap();
    FileNode::open(scratch.path()).unwrap();
    // Only the superuser can make a directory somebody else's.
    if std::os::unix::fs::chown(scratch.path(), Some(12345), None).is_ok() {
        assert_eq!(rule(scratch.path()), "must be owned by the user of this process");
    }
}

#[test]
fn the_default_directory_is_of_this_user() {
    let user = rustix::process::geteuid().as_raw();
    assert_eq!(FileNode::default_dir(), PathBuf::from(format!("/tmp/redlock-{user}")));
}

#[tokio::test]
async fn a_directory_that_is_removed_is_a_refusal_and_then_a_new_run() {
    let scratch = Scratch::new();
    let node = Arc::new(FileNode::open(scratch.path()).unwrap());
    let before = node.clone().identity(LIMIT).await.unwrap();
    acquire(&node, "a").await.unwrap();
    std::fs::remove_dir_all(scratch.path()).unwrap();
    let error = acquire(&node, "a").await.unwrap_err();
    assert_eq!(error.class(), FaultClass::NotApplied, "{error}");
    let after = node.clone().identity(LIMIT).await.unwrap();
    assert_ne!(before.run_id, after.run_id);
    assert!(after.uptime < before.uptime.map(|uptime| uptime + LONG));
    assert!(matches!(acquire(&node, "a").await, Ok(Vote::Granted { .. })));
}

#[tokio::test]
async fn a_directory_that_was_emptied_gives_no_guarded_grant_before_it_is_a_new_run() {
    let scratch = Scratch::new();
    let node = Arc::new(FileNode::open(scratch.path()).unwrap());
    acquire(&node, "a").await.unwrap();
    for name in scratch.files() {
        std::fs::remove_file(scratch.path().join(name)).unwrap();
    }
    let guarded = Terms::new(LONG).with_guard(Some(LONG));
    let error = node.clone().acquire(claim("a"), guarded, LIMIT).await.unwrap_err();
    assert_eq!(error.class(), FaultClass::NotApplied, "{error}");
    let vote = node.clone().acquire(claim("a"), guarded, LIMIT).await;
    assert!(matches!(vote, Ok(Vote::Warming { .. })), "{vote:?}");
}

#[tokio::test]
async fn a_locked_directory_is_a_timeout_after_which_nothing_is_changed() {
    let scratch = Scratch::new();
    let node = Arc::new(FileNode::open(scratch.path()).unwrap());
    let store = scratch.store();
    let locked = store.dir.lock(Deadline::after(LIMIT)).unwrap();
    let limit = Duration::from_millis(50);
    let claims = [claim("a"), claim("b"), claim("c")];
    for claim in &claims {
        let vote = node.clone().acquire(claim.clone(), Terms::new(LONG), limit).await;
        assert_eq!(vote.unwrap_err().fault(), Fault::Timeout);
    }
    drop(locked);
    // Behind them in the node's order.
    node.clone().identity(LIMIT).await.unwrap();
    assert!(["a", "b", "c"].iter().all(|key| scratch.hold(key.as_bytes()).is_none()));
}

#[tokio::test]
async fn two_nodes_over_one_directory_are_found_to_be_one() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path()).unwrap();
    let other = scratch.path().join("../").join(scratch.path().file_name().unwrap());
    let nodes = [scratch.path(), &other].map(|path| FileNode::open(path).unwrap());
    let mut builder = Redlock::builder().ttl(LONG);
    for node in nodes {
        builder = builder.node(node);
    }
    let error = builder.build().unwrap().try_lock("a").await.unwrap_err();
    assert_eq!(error.kind(), LockErrorKind::Misconfigured, "{error}");
}

#[tokio::test]
async fn nothing_that_is_printed_shows_a_token() {
    let scratch = Scratch::new();
    let node = Arc::new(FileNode::open(scratch.path()).unwrap());
    let holder = claim("a");
    node.clone().acquire(holder.clone(), Terms::new(LONG), LIMIT).await.unwrap();
    let vote = acquire(&node, "a").await;
    let file = scratch.files().remove(0);
    let mut content = std::fs::read(scratch.path().join(&file)).unwrap();
    content.push(0);
    std::fs::write(scratch.path().join(&file), content).unwrap();
    let error = acquire(&node, "a").await.unwrap_err();
    let printed = format!("{node:?} {vote:?} {error:?} {error}");
    assert_eq!(error.fault(), Fault::WrongType);
    assert!(!printed.contains(holder.token().expose()), "{printed}");
}
