//! Nodes that note what is asked of them, behind links that may be long.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use integration_tests::nodes::Client;
use redlock_core::node::{
    Claim, Extension, Features, Holding, Identity, Listener, NodeError, Page, Placed, Removal,
    Terms, Vote,
};
use redlock_core::{LockKey, LockNode, Token};

/// The attempts of some handles, by their tokens.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    all: Mutex<HashSet<Token>>,
    raised: Mutex<HashSet<Token>>,
}

impl Attempts {
    /// How many there were since the last look.
    pub(crate) fn take(&self) -> usize {
        std::mem::take(&mut *self.all.lock().unwrap()).len()
    }

    /// How many needed the second round of fencing.
    pub(crate) fn raised(&self) -> usize {
        self.raised.lock().unwrap().len()
    }
}

/// Nodes over the servers at `urls`, each as far away as a random link of at most so many milliseconds.
pub(crate) fn nodes(
    client: Client,
    urls: &[String],
    attempts: &Arc<Attempts>,
    longest_link: u64,
) -> Vec<Arc<dyn LockNode>> {
    let counting = |inner| {
        let link = Duration::from_millis(fastrand::u64(..=longest_link));
        Arc::new(Counting { inner, link, attempts: Arc::clone(attempts) }) as _
    };
    client.nodes(urls).into_iter().map(counting).collect()
}

#[derive(Debug)]
struct Counting {
    inner: Arc<dyn LockNode>,
    /// How long every request travels: the same for all, so that none overtakes another.
    link: Duration,
    attempts: Arc<Attempts>,
}

impl Counting {
    async fn travel(&self) {
        if !self.link.is_zero() {
            tokio::time::sleep(self.link).await;
        }
    }
}

// What is not handed on would be measured without.
#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl LockNode for Counting {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn identity(self: Arc<Self>, timeout: Duration) -> Result<Identity, NodeError> {
        self.travel().await;
        Arc::clone(&self.inner).identity(timeout).await
    }

    async fn acquire(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Result<Vote, NodeError> {
        self.attempts.all.lock().unwrap().insert(*claim.token());
        self.travel().await;
        Arc::clone(&self.inner).acquire(claim, terms, timeout).await
    }

    async fn acquire_any(
        self: Arc<Self>,
        slots: Claim,
        terms: Terms,
        first: usize,
        timeout: Duration,
    ) -> Result<Placed, NodeError> {
        self.attempts.all.lock().unwrap().insert(*slots.token());
        self.travel().await;
        Arc::clone(&self.inner).acquire_any(slots, terms, first, timeout).await
    }

    async fn extend(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Result<Extension, NodeError> {
        self.travel().await;
        Arc::clone(&self.inner).extend(claim, terms, timeout).await
    }

    async fn release(
        self: Arc<Self>,
        claim: Claim,
        timeout: Duration,
    ) -> Result<Removal, NodeError> {
        self.travel().await;
        Arc::clone(&self.inner).release(claim, timeout).await
    }

    async fn release_and_tell(
        self: Arc<Self>,
        claim: Claim,
        timeout: Duration,
    ) -> Result<Removal, NodeError> {
        self.travel().await;
        Arc::clone(&self.inner).release_and_tell(claim, timeout).await
    }

    async fn keep(
        self: Arc<Self>,
        claim: Claim,
        rest: Duration,
        timeout: Duration,
    ) -> Result<Removal, NodeError> {
        self.travel().await;
        Arc::clone(&self.inner).keep(claim, rest, timeout).await
    }

    async fn listen(self: Arc<Self>, listener: Arc<dyn Listener>, timeout: Duration) -> NodeError {
        Arc::clone(&self.inner).listen(listener, timeout).await
    }

    async fn inspect(
        self: Arc<Self>,
        key: LockKey,
        timeout: Duration,
    ) -> Result<Vec<Option<Holding>>, NodeError> {
        self.travel().await;
        Arc::clone(&self.inner).inspect(key, timeout).await
    }

    async fn raise(
        self: Arc<Self>,
        claim: Claim,
        fence: u64,
        life: Duration,
        timeout: Duration,
    ) -> Result<Extension, NodeError> {
        self.attempts.raised.lock().unwrap().insert(*claim.token());
        self.travel().await;
        Arc::clone(&self.inner).raise(claim, fence, life, timeout).await
    }

    async fn inspect_counters(
        self: Arc<Self>,
        key: LockKey,
        timeout: Duration,
    ) -> Result<Vec<Option<u64>>, NodeError> {
        self.travel().await;
        Arc::clone(&self.inner).inspect_counters(key, timeout).await
    }

    async fn scan(
        self: Arc<Self>,
        prefix: Arc<[u8]>,
        from: u64,
        timeout: Duration,
    ) -> Result<Page, NodeError> {
        self.travel().await;
        Arc::clone(&self.inner).scan(prefix, from, timeout).await
    }

    fn features(&self) -> Features {
        self.inner.features()
    }
}
