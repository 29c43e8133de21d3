//! What takes locks: ours, the raw commands, another crate.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use integration_tests::nodes::Client;
use redlock_core::{LockGuard, LockOptions, Permit, ReadGuard, Redlock, Semaphore};
use rslock::LockManager;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::bench::TTL;
use crate::raw::{self, RawFred, RawRedis};

#[derive(Clone)]
pub(crate) enum Contender {
    Ours(Redlock),
    /// Each cycle has a key of its own.
    EachOnce {
        redlock: Redlock,
        options: Arc<LockOptions>,
        taken: Arc<AtomicUsize>,
    },
    /// Shares the lock.
    Share(Redlock),
    /// Takes a permit, whatever the key.
    Permit(Semaphore),
    RawRedis(Arc<RawRedis>),
    RawFred(Arc<RawFred>),
    Rslock(LockManager),
    Queue(Arc<Queue>),
}

pub(crate) enum Held {
    Ours(LockGuard),
    Share(ReadGuard),
    Permit(Permit),
    Raw(String),
    Rslock(rslock::Lock),
    Queue(String, OwnedMutexGuard<()>),
}

/// One key's first-in-first-out queue in the process; whose turn it is polls the servers.
pub(crate) struct Queue {
    turn: Arc<Mutex<()>>,
    raw: RawRedis,
}

/// In the order of [`all`].
pub(crate) const NAMES: [&str; 5] =
    ["ours, redis", "raw redis", "ours, fred", "raw fred", "rslock"];
/// What each of them is divided by.
pub(crate) const BASES: [usize; 5] = [1, 1, 3, 3, 1];

/// Every one over connections of its own.
pub(crate) async fn all(urls: &[String]) -> [Contender; 5] {
    [
        Contender::ours(Client::Redis, urls),
        Contender::RawRedis(Arc::new(RawRedis::connect(urls).await.unwrap())),
        Contender::ours(Client::Fred, urls),
        Contender::RawFred(Arc::new(RawFred::connect(urls).await.unwrap())),
        Contender::Rslock(LockManager::new(urls.to_vec())),
    ]
}

impl Contender {
    /// A handle with the default settings, but the raw clients' time limit: 1,024 tasks on a machine that is busy otherwise
    /// run into ours, and then measure how they try again.
    pub(crate) fn ours(client: Client, urls: &[String]) -> Self {
        let builder = Redlock::builder().nodes(client.nodes(urls)).ttl(TTL);
        Self::Ours(builder.node_timeout(raw::TIMEOUT).build().unwrap())
    }

    pub(crate) async fn queue(urls: &[String]) -> Self {
        let raw = RawRedis::connect(urls).await.unwrap();
        Self::Queue(Arc::new(Queue { turn: Arc::default(), raw }))
    }

    /// The fastest that rslock can be told to be: it waits up to 5 ms between attempts, and does not give up.
    pub(crate) fn tuned_rslock(urls: &[String]) -> Self {
        let mut manager = LockManager::new(urls.to_vec());
        manager.set_retry(1_000_000, Duration::from_millis(5));
        Self::Rslock(manager)
    }

    /// Takes the lock, waiting for it as far as this one can wait.
    pub(crate) async fn acquire(&self, key: &str) -> Option<Held> {
        match self {
            Self::Ours(redlock) => redlock.lock(key).await.ok().map(Held::Ours),
            Self::EachOnce { redlock, options, taken } => {
                let key = format!("{key}:{}", taken.fetch_add(1, Ordering::Relaxed));
                redlock.lock_with(key, options).await.ok().map(Held::Ours)
            }
            Self::Share(redlock) => redlock.read(key).await.ok().map(Held::Share),
            Self::Permit(semaphore) => semaphore.acquire().await.ok().map(Held::Permit),
            Self::RawRedis(raw) => raw.acquire(key).await.map(Held::Raw),
            Self::RawFred(raw) => raw.acquire(key).await.map(Held::Raw),
            Self::Rslock(manager) => manager.lock(key, TTL).await.ok().map(Held::Rslock),
            Self::Queue(queue) => {
                let turn = Arc::clone(&queue.turn).lock_owned().await;
                loop {
                    if let Some(token) = queue.raw.acquire(key).await {
                        return Some(Held::Queue(token, turn));
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        }
    }

    /// Whether a majority released what was held.
    pub(crate) async fn release(&self, key: &str, held: Held) -> bool {
        match (self, held) {
            (Self::Ours(_) | Self::EachOnce { .. }, Held::Ours(guard)) => {
                guard.release().await.is_ok()
            }
            (Self::Share(_), Held::Share(share)) => share.release().await.is_ok(),
            (Self::Permit(_), Held::Permit(permit)) => permit.release().await.is_ok(),
            (Self::RawRedis(raw), Held::Raw(token)) => raw.release(key, &token).await,
            (Self::RawFred(raw), Held::Raw(token)) => raw.release(key, &token).await,
            (Self::Rslock(_), Held::Rslock(lock)) => {
                lock.release().await;
                true // it does not tell
            }
            (Self::Queue(queue), Held::Queue(token, turn)) => {
                let released = queue.raw.release(key, &token).await;
                drop(turn);
                released
            }
            _ => false, // held by another kind
        }
    }

    /// Takes and releases the lock; whether it was had.
    pub(crate) async fn cycle(&self, key: &str) -> bool {
        match self.acquire(key).await {
            Some(held) => self.release(key, held).await,
            None => false,
        }
    }
}
