//! A node behind a bad network, or gone bad itself. Feature `testing`. What a service's own tests need of it is covered by
//! semver: `Faulty` but for `decide` and `log`, and every `Misbehaviour` but lies.

// Tests want to know when something was sent.
#![allow(clippy::disallowed_methods)]

mod misbehaviour;
mod network;

use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

pub use misbehaviour::{Lie, Misbehaviour, Verb};

use misbehaviour::{Answer, Fate, Rules, Through};
use network::{Network, Packet};

use crate::node::key::LockKey;
use crate::node::{
    Claim, Extension, Fault, Features, Holding, Identity, Listener, LockNode, NodeError, Page,
    Placed, Removal, Terms, Vote,
};

/// A [`LockNode`] that reaches another one through a network that misbehaves on demand.
///
/// The first poll of a verb hands its request to the network; from then on nobody calls it back. A caller
/// who leaves, or whose time limit passes, changes nothing about what the node will be asked. Only what a
/// [hanging](Self::hang) node has not begun when the `Faulty` is dropped is never done.
///
/// Requests arrive in the order sent, as over one connection: one that is delayed holds up those behind
/// it. [`reordering`](Self::reordering) lets each travel on its own.
///
/// What goes wrong is set at run time, for all verbs or [for one](Self::on), for ever or for a number of
/// requests, and counts for requests sent from then on. Everything is decided by what the test set and in
/// which order it sent: nothing is random, so with a paused clock every run is the same.
pub struct Faulty<N: LockNode + ?Sized> {
    inner: Arc<N>,
    network: Network<N>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rules: Rules,
    log: Vec<(Verb, Instant)>,
}

impl<N: LockNode + ?Sized> Faulty<N> {
    /// A network that delivers everything at once.
    pub fn new(inner: Arc<N>) -> Self {
        let network = Network::new(inner.clone());
        Self { inner, network, state: Mutex::default() }
    }

    /// The node behind the network.
    pub fn inner(&self) -> &Arc<N> {
        &self.inner
    }

    /// From now on every request meets `what`, until [`heal`](Self::heal).
    ///
    /// Delays and one further misbehaviour go together. Of two that exclude each other the newer counts.
    pub fn always(&self, what: Misbehaviour) {
        self.state().rules.add(None, None, what);
    }

    /// The next `n` requests that would meet it meet `what`.
    pub fn next(&self, n: usize, what: Misbehaviour) {
        self.state().rules.add(None, Some(n), what);
    }

    /// Restricts what is set through it to one verb.
    pub fn on(&self, verb: Verb) -> On<'_, N> {
        On { node: self, verb }
    }

    /// Asks `decide` about every request sent from now on, in the order sent; what it answers comes on top
    /// of what was set otherwise, as the newest. This is the place for a seeded generator.
    pub fn decide(&self, decide: impl FnMut(Verb) -> Vec<Misbehaviour> + Send + 'static) {
        self.state().rules.decide_with(Box::new(decide));
    }

    /// The node stops, as a server does on SIGSTOP: requests arrive, and wait.
    pub fn hang(&self) {
        self.network.hang(true);
    }

    /// The node goes on, and does all that has arrived meanwhile in the order of arrival.
    pub fn resume(&self) {
        self.network.hang(false);
    }

    /// Takes back all misbehaviour, and resumes. What is on its way keeps its fate.
    pub fn heal(&self) {
        self.state().rules = Rules::default();
        self.resume();
    }

    /// Whether requests may overtake each other, as over one connection each. Off by default.
    pub fn reordering(&self, on: bool) {
        self.network.reordering(on);
    }

    /// How many requests of this verb were sent, whatever became of them.
    pub fn calls(&self, verb: Verb) -> usize {
        self.state().log.iter().filter(|(sent, _)| *sent == verb).count()
    }

    /// All requests in the order sent, and when they were.
    pub fn log(&self) -> Vec<(Verb, Instant)> {
        self.state().log.clone()
    }

    /// Empties the log, and with it the counts.
    pub fn clear_log(&self) {
        self.state().log.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fate(&self, verb: Verb) -> Fate {
        let mut state = self.state();
        state.log.push((verb, Instant::now()));
        state.rules.fate(verb)
    }

    async fn send<T: Answer>(
        &self,
        verb: Verb,
        limit: Duration,
        request: network::Request<N, T>,
    ) -> Result<T, NodeError> {
        let fate = self.fate(verb);
        let (reply_to, reply) = oneshot::channel();
        match fate {
            Fate::Refused => return Err(Fault::Refused.into()),
            // Nobody is left to answer.
            Fate::Lost => drop(reply_to),
            Fate::Cut(delay) => return Err(cut(delay, limit).await),
            Fate::Through(through) => self.network.send(Packet::new(request, through, reply_to)),
        }
        let reply = async {
            match reply.await {
                Ok(reply) => reply,
                // A lost message is not noticed: there is just no answer.
                Err(_) => pending().await,
            }
        };
        timeout(limit, reply).await.unwrap_or_else(|_| Err(Fault::Timeout.into()))
    }
}

/// The connection breaks after `delay`, should the caller wait for so long.
async fn cut(delay: Duration, limit: Duration) -> NodeError {
    let cut = timeout(limit, sleep(delay)).await;
    cut.map_or(Fault::Timeout, |()| Fault::ConnectionLost).into()
}

/// Sets the misbehaviour of one verb; see [`Faulty::on`].
#[derive(Debug)]
pub struct On<'a, N: LockNode + ?Sized> {
    node: &'a Faulty<N>,
    verb: Verb,
}

impl<N: LockNode + ?Sized> On<'_, N> {
    /// As [`Faulty::always`], for this verb.
    pub fn always(&self, what: Misbehaviour) {
        self.node.state().rules.add(Some(self.verb), None, what);
    }

    /// As [`Faulty::next`], for this verb.
    pub fn next(&self, n: usize, what: Misbehaviour) {
        self.node.state().rules.add(Some(self.verb), Some(n), what);
    }

    /// Takes back what was set for this verb.
    pub fn heal(&self) {
        self.node.state().rules.remove(self.verb);
    }
}

impl<N: LockNode + ?Sized> fmt::Debug for Faulty<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<N: LockNode + ?Sized> LockNode for Faulty<N> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn identity(self: Arc<Self>, limit: Duration) -> Result<Identity, NodeError> {
        self.send(Verb::Identity, limit, Box::new(move |node| node.identity(limit))).await
    }

    async fn acquire(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        limit: Duration,
    ) -> Result<Vote, NodeError> {
        let request = Box::new(move |node: Arc<N>| node.acquire(claim.clone(), terms, limit));
        self.send(Verb::Acquire, limit, request).await
    }

    /// Counts as an [acquire](Verb::Acquire), and meets what that meets.
    async fn acquire_any(
        self: Arc<Self>,
        slots: Claim,
        terms: Terms,
        first: usize,
        limit: Duration,
    ) -> Result<Placed, NodeError> {
        let request =
            Box::new(move |node: Arc<N>| node.acquire_any(slots.clone(), terms, first, limit));
        self.send(Verb::Acquire, limit, request).await
    }

    async fn extend(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        limit: Duration,
    ) -> Result<Extension, NodeError> {
        let request = Box::new(move |node: Arc<N>| node.extend(claim.clone(), terms, limit));
        self.send(Verb::Extend, limit, request).await
    }

    async fn release(self: Arc<Self>, claim: Claim, limit: Duration) -> Result<Removal, NodeError> {
        let request = Box::new(move |node: Arc<N>| node.release(claim.clone(), limit));
        self.send(Verb::Release, limit, request).await
    }

    /// Counts as a [release](Verb::Release), and meets what that meets.
    async fn release_and_tell(
        self: Arc<Self>,
        claim: Claim,
        limit: Duration,
    ) -> Result<Removal, NodeError> {
        let request = Box::new(move |node: Arc<N>| node.release_and_tell(claim.clone(), limit));
        self.send(Verb::Release, limit, request).await
    }

    /// Counts as a [release](Verb::Release), and meets what that meets.
    async fn keep(
        self: Arc<Self>,
        claim: Claim,
        rest: Duration,
        limit: Duration,
    ) -> Result<Removal, NodeError> {
        let request = Box::new(move |node: Arc<N>| node.keep(claim.clone(), rest, limit));
        self.send(Verb::Release, limit, request).await
    }

    /// Goes past the network, over a connection of its own.
    async fn listen(self: Arc<Self>, listener: Arc<dyn Listener>, limit: Duration) -> NodeError {
        let Through { request_delay, fault, .. } = match self.fate(Verb::Listen) {
            Fate::Through(through) => through,
            Fate::Refused => return Fault::Refused.into(),
            Fate::Cut(delay) => return cut(delay, limit).await,
            Fate::Lost => Through { request_delay: Duration::MAX, ..Through::default() },
        };
        if !request_delay.is_zero() && timeout(limit, sleep(request_delay)).await.is_err() {
            return Fault::Timeout.into();
        }
        match fault {
            Some(Misbehaviour::Failing(error)) => error,
            Some(Misbehaviour::CutAfter) => Fault::ConnectionLost.into(),
            Some(Misbehaviour::LostReply) => {
                listener.listening();
                pending().await
            }
            _ => Arc::clone(&self.inner).listen(listener, limit).await,
        }
    }

    async fn inspect(
        self: Arc<Self>,
        key: LockKey,
        limit: Duration,
    ) -> Result<Vec<Option<Holding>>, NodeError> {
        let request = Box::new(move |node: Arc<N>| node.inspect(key.clone(), limit));
        self.send(Verb::Inspect, limit, request).await
    }

    async fn raise(
        self: Arc<Self>,
        claim: Claim,
        fence: u64,
        life: Duration,
        limit: Duration,
    ) -> Result<Extension, NodeError> {
        let request = Box::new(move |node: Arc<N>| node.raise(claim.clone(), fence, life, limit));
        self.send(Verb::Raise, limit, request).await
    }

    async fn inspect_counters(
        self: Arc<Self>,
        key: LockKey,
        limit: Duration,
    ) -> Result<Vec<Option<u64>>, NodeError> {
        let request = Box::new(move |node: Arc<N>| node.inspect_counters(key.clone(), limit));
        self.send(Verb::Counters, limit, request).await
    }

    async fn scan(
        self: Arc<Self>,
        prefix: Arc<[u8]>,
        from: u64,
        limit: Duration,
    ) -> Result<Page, NodeError> {
        let request = Box::new(move |node: Arc<N>| node.scan(Arc::clone(&prefix), from, limit));
        self.send(Verb::Scan, limit, request).await
    }

    fn features(&self) -> Features {
        self.inner.features()
    }
}
