use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use redlock_core::LockNode;
use redlock_core::key::LockKey;
use redlock_core::node::{
    Claim, Extension, Fault, Features, Holding, Identity, Listener, NodeError, Page, Placed,
    Removal, Terms, Vote,
};
use tokio::sync::oneshot;

use crate::access::Access;
use crate::bulletin::Subscription;
use crate::directory::{Deadline, Directory};
use crate::error::{Failure, FileNodeError};
use crate::store::Store;

/// How often a listener looks for releases.
const LOOKING: Duration = Duration::from_millis(10);

/// A [`LockNode`] in a directory: for locks between the processes of one machine, without a server.
///
/// All nodes over one directory are one node, in whatever process. Their users must be the same, unless the directory is
/// [shared](Self::open_shared) by a group: any other that belongs to somebody else, or that others can write to, is refused.
///
/// What a verb does to files is done by a thread of the node's own, in the order in which the verbs were called. Time is
/// the machine's, so a paused tokio clock does not suit it.
pub struct FileNode {
    name: Box<str>,
    path: PathBuf,
    jobs: mpsc::Sender<Job>,
}

type Job = Box<dyn FnOnce(&mut Worker) + Send>;

impl FileNode {
    /// Opens a directory, which is made, for this user alone, if it is missing; its parents are not.
    ///
    /// This blocks for a moment, and for up to five seconds where a process was stopped that holds the directory's lock.
    ///
    /// # Errors
    ///
    /// When it is no directory, or a link; belongs to another user, or can be written to by others; is on a file system
    /// that other machines may share; holds files, and nothing tells that it was made for locks (then it is left as it
    /// is, and [`found`](FileNodeError::found) names one of them); or cannot be read and written.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, FileNodeError> {
        Self::open_as(dir.as_ref(), Access::Owner)
    }

    /// Opens a directory in which the users of its group lock together, such as a service and those who administer it.
    ///
    /// It must be there already, made by root: `install -d -m 2770 -g GROUP /var/lib/redlock`. Whoever is in the group, and
    /// root, can read the tokens, and release, take over or block any lock: share it with those whom you would trust with
    /// the work itself. All must open it so; [`open`](Self::open) refuses it. Not below `/tmp`, where services often have a
    /// directory of their own.
    ///
    /// This blocks as [`open`](Self::open) does.
    ///
    /// # Errors
    ///
    /// When it is missing, no directory, or a link; is not of mode 2770 (or 2775, which lets others look);
    /// belongs neither to root nor to the user of this process; and else as [`open`](Self::open).
    pub fn open_shared(dir: impl AsRef<Path>) -> Result<Self, FileNodeError> {
        Self::open_as(dir.as_ref(), Access::Group)
    }

    fn open_as(given: &Path, access: Access) -> Result<Self, FileNodeError> {
        let path = std::path::absolute(given).map_err(|cause| {
            FileNodeError::new("directory", given.to_string_lossy(), "must be a path", Some(cause))
        })?;
        let store = Store::open(Directory::open(&path, access)?)?;
        let (jobs, queue) = mpsc::channel::<Job>();
        let mut worker = Worker { path: path.clone(), access, store: Some(store) };
        thread::Builder::new()
            .name("redlock-file".into())
            .spawn(move || queue.into_iter().for_each(|job| job(&mut worker)))
            .map_err(|cause| {
                FileNodeError::new("thread", "redlock-file", "must be startable", Some(cause))
            })?;
        Ok(Self { name: format!("file:{}", path.display()).into(), path, jobs })
    }

    /// Opens the [default directory](Self::default_dir).
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_default() -> Result<Self, FileNodeError> {
        Self::open(Self::default_dir())
    }

    /// Where the locks of this user stand if nothing else is said: `/tmp/redlock-<uid>`.
    ///
    /// The environment has no say. A job that cron starts and one from a shell would not exclude each other if `TMPDIR` or
    /// `XDG_RUNTIME_DIR` chose the directory.
    ///
    /// Nothing is looked at behind that path; [`open`](Self::open) refuses what somebody else may have put there.
    pub fn default_dir() -> PathBuf {
        format!("/tmp/redlock-{}", rustix::process::geteuid().as_raw()).into()
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Has the worker do something under the directory's lock, behind all that it was asked before.
    async fn ask<T: Send + 'static>(
        &self,
        limit: Duration,
        verb: impl FnOnce(&Store) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, NodeError> {
        let deadline = Deadline::after(limit);
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |worker| {
            let _ = reply.send(worker.answer(deadline, verb));
        });
        self.jobs.send(job).map_err(|_| NodeError::new(Fault::Refused, "its thread has ended"))?;
        // A disk that hangs holds up the worker, but not the caller.
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(NodeError::new(Fault::Unexpected, "its thread has ended")),
            Err(_) => Err(Fault::Timeout.into()),
        }
    }
}

impl fmt::Debug for FileNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileNode").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Does what the verbs ask for, one after another.
struct Worker {
    path: PathBuf,
    access: Access,
    /// `None` after the directory was lost.
    store: Option<Store>,
}

impl Worker {
    fn answer<T>(
        &mut self,
        deadline: Deadline,
        verb: impl FnOnce(&Store) -> Result<T, Failure>,
    ) -> Result<T, NodeError> {
        if deadline.has_passed() {
            return Err(Fault::Timeout.into());
        }
        let store = match self.store.take() {
            Some(store) => store,
            // A new run, as of a server that restarted.
            None => {
                let opened = Directory::open(&self.path, self.access).and_then(Store::open);
                opened.map_err(FileNodeError::into_answer)?
            }
        };
        let answer = store.dir.lock(deadline).and_then(|_locked| {
            // Whoever was called back must not act any more.
            if deadline.has_passed() { Err(Failure::Timeout) } else { verb(&store) }
        });
        if !matches!(answer, Err(Failure::Replaced)) {
            self.store = Some(store);
        }
        answer.map_err(NodeError::from)
    }
}

#[async_trait]
impl LockNode for FileNode {
    fn name(&self) -> &str {
        &self.name
    }

    async fn identity(self: Arc<Self>, timeout: Duration) -> Result<Identity, NodeError> {
        self.ask(timeout, Store::identity).await
    }

    async fn acquire(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Result<Vote, NodeError> {
        self.ask(timeout, move |store| store.acquire(&claim, &terms)).await
    }

    async fn acquire_any(
        self: Arc<Self>,
        slots: Claim,
        terms: Terms,
        first: usize,
        timeout: Duration,
    ) -> Result<Placed, NodeError> {
        self.ask(timeout, move |store| store.acquire_any(&slots, &terms, first)).await
    }

    async fn extend(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Result<Extension, NodeError> {
        self.ask(timeout, move |store| store.extend(&claim, &terms)).await
    }

    async fn release(
        self: Arc<Self>,
        claim: Claim,
        timeout: Duration,
    ) -> Result<Removal, NodeError> {
        self.ask(timeout, move |store| store.release(&claim, false)).await
    }

    async fn release_and_tell(
        self: Arc<Self>,
        claim: Claim,
        timeout: Duration,
    ) -> Result<Removal, NodeError> {
        self.ask(timeout, move |store| store.release(&claim, true)).await
    }

    async fn keep(
        self: Arc<Self>,
        claim: Claim,
        rest: Duration,
        timeout: Duration,
    ) -> Result<Removal, NodeError> {
        self.ask(timeout, move |store| store.keep(&claim, rest)).await
    }

    async fn listen(self: Arc<Self>, listener: Arc<dyn Listener>, timeout: Duration) -> NodeError {
        let subscribed = self.ask(timeout, |store| Subscription::new(&store.dir)).await;
        let mut subscription = match subscribed {
            Ok(subscription) => subscription,
            Err(error) => return error,
        };
        listener.listening();
        let over = Arc::new(AtomicBool::new(false));
        let _ends_when_dropped = Over(Arc::clone(&over));
        let (tell_end, end) = oneshot::channel();
        let looking = move || {
            let error = loop {
                let hear = |name: &[u8]| {
                    if !over.load(Ordering::Relaxed) {
                        listener.released(name);
                    }
                };
                match subscription.poll(hear) {
                    _ if over.load(Ordering::Relaxed) => return,
                    Ok(()) => thread::sleep(LOOKING),
                    Err(error) => break NodeError::from(error),
                }
            };
            let _ = tell_end.send(NodeError::new(Fault::ConnectionLost, error.detail()));
        };
        match thread::Builder::new().name("redlock-file-ear".into()).spawn(looking) {
            Ok(_) => end.await.unwrap_or_else(|_| Fault::ConnectionLost.into()),
            Err(error) => NodeError::new(Fault::Refused, &error.to_string()),
        }
    }

    async fn inspect(
        self: Arc<Self>,
        key: LockKey,
        timeout: Duration,
    ) -> Result<Vec<Option<Holding>>, NodeError> {
        self.ask(timeout, move |store| store.inspect(&key)).await
    }

    async fn raise(
        self: Arc<Self>,
        claim: Claim,
        fence: u64,
        life: Duration,
        timeout: Duration,
    ) -> Result<Extension, NodeError> {
        self.ask(timeout, move |store| store.raise(&claim, fence, life)).await
    }

    async fn inspect_counters(
        self: Arc<Self>,
        key: LockKey,
        timeout: Duration,
    ) -> Result<Vec<Option<u64>>, NodeError> {
        self.ask(timeout, move |store| store.counters(&key)).await
    }

    async fn scan(
        self: Arc<Self>,
        prefix: Arc<[u8]>,
        from: u64,
        timeout: Duration,
    ) -> Result<Page, NodeError> {
        self.ask(timeout, move |store| store.scan(&prefix, from)).await
    }

    fn features(&self) -> Features {
        Features::all()
    }
}

/// Tells the listening thread that nobody listens any more.
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[path = "node_tests.rs"]
mod tests;
