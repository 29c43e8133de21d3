use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::fixture::Fixture;
use crate::node::key::{LockKey, MAX_KEY_BYTES};
use crate::node::token::Token;
use crate::node::{
    Claim, Expiry, Extension, FenceTerms, Holding, LockNode, NodeError, Removal, Terms, Vote,
};

/// The time limit of a verb; a loaded test machine must not reach it.
pub(super) const LIMIT: Duration = Duration::from_secs(10);

/// A hold that outlives every check.
pub(super) const LONG: Duration = Duration::from_secs(60);

/// A hold whose end a check waits for.
pub(super) const SHORT: Duration = Duration::from_millis(250);

/// One in which a check has something left to do, which must not take as long on a loaded test machine.
pub(super) const BRIEF: Duration = Duration::from_secs(2);

/// How much later than at the end of its time a resource may free itself, as a loaded test machine sees it.
pub(super) const LATE: Duration = Duration::from_secs(20);

/// One check at work: its node, and names that no other check uses.
pub(super) struct Trial<'a> {
    pub(super) fixture: &'a dyn Fixture,
    prefix: String,
}

impl<'a> Trial<'a> {
    pub(super) fn new(fixture: &'a dyn Fixture) -> Self {
        let unique = Token::random().unwrap();
        Self { fixture, prefix: format!("conformance:{}:", unique.expose()) }
    }

    pub(super) fn node(&self) -> Arc<dyn LockNode> {
        self.fixture.node()
    }

    /// A resource of this check.
    pub(super) fn name(&self, part: impl AsRef<[u8]>) -> Vec<u8> {
        [self.prefix.as_bytes(), part.as_ref()].concat()
    }

    /// As long a part as a name has room for.
    pub(super) fn longest_part(&self) -> Vec<u8> {
        vec![b'x'; MAX_KEY_BYTES - self.prefix.len()]
    }

    pub(super) fn key<P: AsRef<[u8]>>(&self, parts: impl IntoIterator<Item = P>) -> LockKey {
        LockKey::all(parts.into_iter().map(|part| self.name(part))).unwrap()
    }

    /// A new holder's claim.
    pub(super) fn claim<P: AsRef<[u8]>>(&self, parts: impl IntoIterator<Item = P>) -> Claim {
        Claim::new(self.key(parts), Token::random().unwrap())
    }

    /// The same holder's claim on other resources.
    pub(super) fn same<P: AsRef<[u8]>>(
        &self,
        holder: &Claim,
        parts: impl IntoIterator<Item = P>,
    ) -> Claim {
        Claim::new(self.key(parts), *holder.token()).with_label(holder.label().cloned())
    }

    pub(super) async fn try_acquire(
        &self,
        claim: &Claim,
        ttl: Duration,
    ) -> Result<Vote, NodeError> {
        self.node().acquire(claim.clone(), Terms::new(ttl), LIMIT).await
    }

    /// Acquires, and insists on the grant.
    pub(super) async fn take(&self, claim: &Claim, ttl: Duration) {
        let vote = self.try_acquire(claim, ttl).await.expect("an answer to acquire");
        assert!(matches!(vote, Vote::Granted { .. }), "expected a grant, got {vote:?}");
    }

    /// Acquires under any terms.
    pub(super) async fn vote(&self, claim: &Claim, terms: Terms) -> Vote {
        self.node().acquire(claim.clone(), terms, LIMIT).await.expect("an answer to acquire")
    }

    /// Acquires with fencing, insists on the grant, and gives its number.
    pub(super) async fn take_fenced(&self, claim: &Claim, hint: u64) -> u64 {
        match self.vote(claim, fenced(LONG, hint, LONG)).await {
            Vote::Granted { fence: Some(number) } => number,
            vote => panic!("expected a grant with a number, got {vote:?}"),
        }
    }

    pub(super) async fn raise(&self, claim: &Claim, number: u64) -> Extension {
        let answer = self.node().raise(claim.clone(), number, LONG, LIMIT).await;
        answer.expect("an answer to raise")
    }

    pub(super) async fn counter(&self, part: impl AsRef<[u8]>) -> Option<u64> {
        self.fixture.counter(&self.name(part)).await
    }

    pub(super) async fn counters<P: AsRef<[u8]>>(
        &self,
        parts: impl IntoIterator<Item = P>,
    ) -> Vec<Option<u64>> {
        let mut counters = Vec::new();
        for part in parts {
            counters.push(self.counter(part).await);
        }
        counters
    }

    /// Acquires what the claim holds already, and insists on being told so.
    pub(super) async fn take_again(&self, claim: &Claim, ttl: Duration) {
        assert_eq!(self.try_acquire(claim, ttl).await, Ok(Vote::AlreadyOurs));
    }

    /// Acquires, and insists on being refused.
    pub(super) async fn refused(&self, claim: &Claim) -> Expiry {
        match self.try_acquire(claim, LONG).await.expect("an answer to acquire") {
            Vote::Held { expiry, .. } => expiry,
            vote => panic!("expected a refusal, got {vote:?}"),
        }
    }

    pub(super) async fn extend(&self, claim: &Claim, ttl: Duration) -> Extension {
        let answer = self.node().extend(claim.clone(), Terms::new(ttl), LIMIT).await;
        answer.expect("an answer to extend")
    }

    pub(super) async fn release(&self, claim: &Claim) -> Removal {
        self.node().release(claim.clone(), LIMIT).await.expect("an answer to release")
    }

    pub(super) async fn holdings<P: AsRef<[u8]>>(
        &self,
        parts: impl IntoIterator<Item = P>,
    ) -> Vec<Option<Holding>> {
        self.node().inspect(self.key(parts), LIMIT).await.expect("an answer to inspect")
    }

    pub(super) async fn holding(&self, part: impl AsRef<[u8]>) -> Option<Holding> {
        let mut holdings = self.holdings([part]).await;
        assert_eq!(holdings.len(), 1, "one entry per resource");
        holdings.remove(0)
    }

    /// How long a held resource lives on.
    pub(super) async fn left(&self, part: &str) -> Duration {
        match self.holding(part).await.expect("the resource is held").expiry {
            Expiry::In(left) => left,
            other => panic!("expected an end, got {other:?}"),
        }
    }

    pub(super) async fn put(&self, part: &str, value: impl AsRef<[u8]>, ttl: Option<Duration>) {
        self.fixture.put(&self.name(part), value.as_ref(), ttl).await;
    }

    pub(super) async fn value(&self, part: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        self.fixture.value(&self.name(part)).await
    }

    /// Insists that the resources are the claim's, in the server's memory and not only in the node's words.
    pub(super) async fn assert_held<P: AsRef<[u8]>>(
        &self,
        claim: &Claim,
        parts: impl IntoIterator<Item = P>,
    ) {
        for part in parts {
            let value = self.value(&part).await;
            let name = part.as_ref().escape_ascii();
            assert!(value.as_deref() == Some(claim.value()), "`{name}` is not the claim's");
        }
    }

    /// Insists that nothing stands under the resources.
    pub(super) async fn assert_free<P: AsRef<[u8]>>(&self, parts: impl IntoIterator<Item = P>) {
        for part in parts {
            let name = part.as_ref().escape_ascii();
            assert!(self.value(&part).await.is_none(), "`{name}` is held");
        }
    }

    /// Waits until the node shows the resource free.
    pub(super) async fn until_free(&self, part: &str, within: Duration) {
        let began = Instant::now();
        while self.holding(part).await.is_some() {
            assert!(began.elapsed() <= within, "`{part}` is not free after {within:?}");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Terms with fencing.
pub(super) fn fenced(ttl: Duration, hint: u64, life: Duration) -> Terms {
    Terms::new(ttl).with_fencing(Some(FenceTerms { hint, life }))
}

/// Insists that what was taken for half of [`LONG`] still ends by then.
pub(super) async fn assert_unextended(
    t: &Trial<'_>,
    parts: impl IntoIterator<Item = impl AsRef<str>>,
) {
    for part in parts {
        let part = part.as_ref();
        let left = t.left(part).await;
        assert!(left > LONG / 4 && left <= LONG / 2, "{left:?} left of `{part}`");
    }
}

/// The resources `a`, `b` and `c` but one.
pub(super) fn all_but(one: &str) -> Vec<&'static str> {
    ["a", "b", "c"].into_iter().filter(|part| *part != one).collect()
}

type Verb<T> = Pin<Box<dyn Future<Output = Result<T, NodeError>> + Send>>;

/// A verb that has been polled once, and thus sent.
pub(super) enum Begun<T> {
    Answered(Result<T, NodeError>),
    Waiting(Verb<T>),
}

impl<T> Begun<T> {
    pub(super) async fn poll_once(mut verb: Verb<T>) -> Self {
        match poll_fn(|cx| Poll::Ready(verb.as_mut().poll(cx))).await {
            Poll::Ready(answer) => Self::Answered(answer),
            Poll::Pending => Self::Waiting(verb),
        }
    }

    pub(super) async fn answer(self) -> T {
        match self {
            Self::Answered(answer) => answer,
            Self::Waiting(verb) => verb.await,
        }
        .expect("an answer")
    }
}
