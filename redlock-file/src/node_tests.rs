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
    redlock_core::conformance!(
        Files::new(),
        second_node,
        fencing,
        restart_guard,
        wake_ups,
        swapping,
        keeping,
        shared,
        slots,
        scanning
    );
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
    assert_eq!(files.len(), 3, "the run, a file of resources and its spare: {files:?}");
    assert!(files.iter().all(|name| mode(&scratch.path().join(name)) == 0o600));
}

#[test]
fn a_directory_that_others_may_have_a_hand_in_is_refused() {
    let scratch = Scratch::new();
    let rule = |path: &Path| FileNode::open(path).unwrap_err().rule();
    assert_eq!(rule(&scratch.path().join("parent/missing")), "must exist or be creatable");
    std::fs::create_dir(scratch.path()).unwrap();
    let beside = Scratch::new();
    std::fs::create_dir(beside.path()).unwrap();
    let (file, link) = (beside.path().join("file"), beside.path().join("link"));
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

#[tokio::test]
async fn a_shared_directory_is_its_groups_and_nobody_elses() {
    let scratch = Scratch::new();
    let missing = FileNode::open_shared(scratch.path()).unwrap_err();
    assert_eq!(missing.rule(), "must be a directory and no link");
    std::fs::create_dir(scratch.path()).unwrap();
    let set = |mode| std::fs::set_permissions(scratch.path(), PermissionsExt::from_mode(mode));
    let cases = [
        (0o700, "must be of mode 2770 to be shared by a group"),
        (0o770, "must be of mode 2770 to be shared by a group"),
        (0o2750, "must be of mode 2770 to be shared by a group"),
        (0o3770, "must be of mode 2770 to be shared by a group"),
        (0o2777, "must not be writable by others than its owner and its group"),
    ];
    for (mode, rule) in cases {
        set(mode).unwrap();
        assert_eq!(FileNode::open_shared(scratch.path()).unwrap_err().rule(), rule, "{mode:o}");
        assert!(scratch.files().is_empty());
    }
    set(0o2770).unwrap();
    let node = Arc::new(FileNode::open_shared(scratch.path()).unwrap());
    acquire(&node, "a").await.unwrap();
    for name in scratch.files() {
        let mode = std::fs::metadata(scratch.path().join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660, "{name}");
    }
    // Only the superuser can make a directory somebody else's.
    if std::os::unix::fs::chown(scratch.path(), Some(12345), None).is_ok() {
        set(0o2770).unwrap();
        let rule = FileNode::open_shared(scratch.path()).unwrap_err().rule();
        assert_eq!(rule, "must be owned by root or the user of this process");
    }
}

#[test]
fn a_file_with_another_name_is_not_written_to() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let precious = scratch.path().join("precious");
    std::fs::write(&precious, "precious").unwrap();
    std::fs::hard_link(&precious, scratch.path().join("new0")).unwrap();
    let claim = claim("a");
    let failure = store.acquire(&claim, &Terms::new(LONG)).unwrap_err();
    let answer = NodeError::from(failure);
    assert_eq!(answer.detail(), "file `new0` must have no second name");
    assert_eq!(std::fs::read(&precious).unwrap(), b"precious");
}

#[test]
fn a_directory_of_somebody_else_is_refused_and_left_as_it_is() {
    let put = |name: &'static str, content: &'static str| {
        move |dir: &Path| std::fs::write(dir.join(name), content).unwrap()
    };
    type Fill<'a> = &'a dyn Fn(&Path);
    let cases: [(&str, Fill<'_>); 7] = [
        ("run", &put("run", "precious\n")),
        ("00", &put("00", "x\n")),
        ("00", &|dir| [put("run", "precious\n"), put("00", "x\n")].iter().for_each(|put| put(dir))),
        ("notes", &put("notes", "")),
        ("run", &|dir| symlink("/etc/hostname", dir.join("run")).unwrap()),
        ("run", &|dir| std::fs::create_dir(dir.join("run")).unwrap()),
        ("new0", &put("new0", "mine")),
    ];
    for (found, fill) in cases {
        let scratch = Scratch::new();
        std::fs::create_dir(scratch.path()).unwrap();
        fill(scratch.path());
        let before = scratch.contents();
        let error = FileNode::open(scratch.path()).unwrap_err();
        assert_eq!(error.found(), Some(found), "{error}");
        let path = scratch.path().to_str().unwrap();
        let text = error.to_string();
        assert!(text.contains(path) && text.ends_with(&format!("found `{found}`")), "{text}");
        assert_eq!(scratch.contents(), before);
    }
}

#[tokio::test]
async fn a_directory_of_ours_may_hold_other_files_which_stay() {
    let scratch = Scratch::new();
    FileNode::open(scratch.path()).unwrap();
    std::fs::write(scratch.path().join("notes"), "of somebody").unwrap();
    let node = Arc::new(FileNode::open(scratch.path()).unwrap());
    acquire(&node, "a").await.unwrap();
    // What a cleaner of old files may take, for it is written once in a start of the machine.
    std::fs::remove_file(scratch.path().join("run")).unwrap();
    let node = Arc::new(FileNode::open(scratch.path()).unwrap());
    assert!(matches!(acquire(&node, "a").await, Ok(Vote::Held { .. })));
    assert_eq!(std::fs::read_to_string(scratch.path().join("notes")).unwrap(), "of somebody");
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
