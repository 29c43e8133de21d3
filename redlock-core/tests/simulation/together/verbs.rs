//! The verbs of a connection.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redlock_core::node::{
    Claim, Extension, Fault, Features, Holding, Identity, Listener, NodeError, Page, Placed,
    Removal, Terms, Vote,
};
use redlock_core::{InMemoryNode, LockKey, LockNode};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::super::invariants::Event;
use super::link::Link;
use super::message::{Asking, What, tell};

type Running<T> = Pin<Box<dyn Future<Output = Result<T, NodeError>> + Send>>;

/// An acquire that has nothing but a value to set, as a server's own command does it.
fn is_plain(claim: &Claim, terms: &Terms) -> bool {
    let bare = terms.fencing.is_none() && terms.guard.is_none() && terms.intent.is_none();
    bare && is_single(claim) && claim.former().is_none()
}

fn is_single(claim: &Claim) -> bool {
    claim.key().resources().len() == 1 && !claim.is_shared()
}

impl Link {
    /// Sends what cannot be sent together.
    async fn alone<T: Send + 'static>(
        self: Arc<Self>,
        key: Option<LockKey>,
        limit: Duration,
        ask: impl FnOnce(Arc<InMemoryNode>) -> Running<T> + Send + 'static,
    ) -> Result<T, NodeError> {
        let (answer, answered) = oneshot::channel();
        let ask = move |node: Option<Arc<InMemoryNode>>| -> Asking {
            Box::pin(async move {
                let said = match node {
                    Some(node) => ask(node).await,
                    None => Err(Fault::Refused.into()),
                };
                tell(answer, said)
            })
        };
        self.send(What::Alone(Box::new(ask)), key);
        self.wait(answered, limit).await
    }

    async fn free(
        self: Arc<Self>,
        claim: Claim,
        told: bool,
        limit: Duration,
    ) -> Result<Removal, NodeError> {
        self.world.ledger.lock().unwrap().releases(self.node, &claim);
        let (answer, answered) = oneshot::channel();
        let key = claim.key().clone();
        if is_single(&claim) {
            self.send(What::Release(claim, told, answer), Some(key));
            return self.wait(answered, limit).await;
        }
        self.alone(Some(key), limit, move |node| node.release(claim, limit)).await
    }

    async fn wait<T>(
        &self,
        answered: oneshot::Receiver<Result<T, NodeError>>,
        limit: Duration,
    ) -> Result<T, NodeError> {
        let answer = async {
            match answered.await {
                Ok(answer) => answer,
                // Lost, and nobody notices.
                Err(_) => pending().await,
            }
        };
        timeout(limit, answer).await.unwrap_or_else(|_| {
            self.world.tell(&Event::Unanswered { process: self.process, node: self.node });
            Err(Fault::Timeout.into())
        })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LockNode for Link {
    fn name(&self) -> &str {
        self.world.nodes[self.node].name()
    }

    async fn identity(self: Arc<Self>, limit: Duration) -> Result<Identity, NodeError> {
        self.alone(None, limit, move |node| node.identity(limit)).await
    }

    async fn acquire(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        limit: Duration,
    ) -> Result<Vote, NodeError> {
        let key = Some(claim.key().clone());
        if is_plain(&claim, &terms) {
            let (answer, answered) = oneshot::channel();
            self.send(What::Acquire(claim, terms, answer), key);
            return self.wait(answered, limit).await;
        }
        self.alone(key, limit, move |node| node.acquire(claim, terms, limit)).await
    }

    async fn acquire_any(
        self: Arc<Self>,
        slots: Claim,
        terms: Terms,
        first: usize,
        limit: Duration,
    ) -> Result<Placed, NodeError> {
        let key = Some(slots.key().clone());
        self.alone(key, limit, move |node| node.acquire_any(slots, terms, first, limit)).await
    }

    async fn extend(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        limit: Duration,
    ) -> Result<Extension, NodeError> {
        let key = Some(claim.key().clone());
        self.alone(key, limit, move |node| node.extend(claim, terms, limit)).await
    }

    async fn release(self: Arc<Self>, claim: Claim, limit: Duration) -> Result<Removal, NodeError> {
        self.free(claim, false, limit).await
    }

    async fn release_and_tell(
        self: Arc<Self>,
        claim: Claim,
        limit: Duration,
    ) -> Result<Removal, NodeError> {
        self.free(claim, true, limit).await
    }

    async fn keep(
        self: Arc<Self>,
        claim: Claim,
        rest: Duration,
        limit: Duration,
    ) -> Result<Removal, NodeError> {
        let key = Some(claim.key().clone());
        self.alone(key, limit, move |node| node.keep(claim, rest, limit)).await
    }

    async fn listen(self: Arc<Self>, listener: Arc<dyn Listener>, limit: Duration) -> NodeError {
        Arc::clone(&self.world.nodes[self.node]).listen(listener, limit).await
    }

    async fn inspect(
        self: Arc<Self>,
        key: LockKey,
        limit: Duration,
    ) -> Result<Vec<Option<Holding>>, NodeError> {
        self.alone(Some(key.clone()), limit, move |node| node.inspect(key, limit)).await
    }

    async fn raise(
        self: Arc<Self>,
        claim: Claim,
        fence: u64,
        life: Duration,
        limit: Duration,
    ) -> Result<Extension, NodeError> {
        let key = Some(claim.key().clone());
        self.alone(key, limit, move |node| node.raise(claim, fence, life, limit)).await
    }

    async fn inspect_counters(
        self: Arc<Self>,
        key: LockKey,
        limit: Duration,
    ) -> Result<Vec<Option<u64>>, NodeError> {
        self.alone(Some(key.clone()), limit, move |node| node.inspect_counters(key, limit)).await
    }

    async fn scan(
        self: Arc<Self>,
        prefix: Arc<[u8]>,
        from: u64,
        limit: Duration,
    ) -> Result<Page, NodeError> {
        self.alone(None, limit, move |node| node.scan(prefix, from, limit)).await
    }

    fn features(&self) -> Features {
        Features::all()
    }
}
