use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use redlock_core::LockKey;
use redlock_core::node::{
    Claim, Extension, Fault, Features, Holding, Identity, Listener, LockNode, NodeError, Page,
    Placed, Removal, Terms, Vote, millis,
};
use tokio::time::Instant;

use crate::beside::{LONGEST_LIFE, counters, life_of};
use crate::call_error::CallError;
use crate::hearing::Hearing;
use crate::info::parse_info;
use crate::known::Known;
use crate::limit::Limit;
use crate::refusal::{classify, lacks_digests};
use crate::reply::{Reply, unexpected};
use crate::scripts::{self, RELEASED_CHANNEL, Script};
use crate::wire::{Arg, Wire};

/// As many arguments as a script has for one resource without fencing: they are kept in place.
const FEW: usize = 6;

/// A verb of a node under way.
type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T, NodeError>> + Send + 'a>>;

/// A [`LockNode`] over a [`Wire`]: one independent server, which is sent [what it understands](crate#what-is-sent).
#[derive(Debug)]
pub struct ServerNode<W> {
    pub(crate) name: Box<str>,
    wire: W,
    pub(crate) known: Arc<Known>,
    /// That releases cannot be told has been said.
    pub(crate) warned: AtomicBool,
}

impl<W: Wire> ServerNode<W> {
    /// A node that reports itself as `name`.
    pub fn new(name: impl Into<Box<str>>, wire: W) -> Self {
        Self { name: name.into(), wire, known: Arc::default(), warned: AtomicBool::new(false) }
    }

    /// The connection.
    pub fn wire(&self) -> &W {
        &self.wire
    }

    /// Sends one command. What was learnt about the server is forgotten with the connection: another
    /// server may stand behind the next one.
    // A block and no `async fn`, whose future would hold each argument twice.
    pub(crate) fn call<'a>(
        &'a self,
        name: &'static str,
        args: &'a [Arg<'a>],
        limit: &'a mut Limit,
    ) -> impl Future<Output = Result<Reply, CallError>> + Send {
        let (asked, timeout) = limit.next();
        async move {
            let result = self.wire.call(name, args, timeout).await;
            match &result {
                Err(CallError::Node(_)) => {
                    self.known.forget();
                    // A refusal may come at once, and whoever asks in a loop would keep the thread for itself.
                    tokio::task::consume_budget().await;
                }
                Err(CallError::Server(text)) => match classify(text) {
                    error if error.fault() == Fault::Replica => self.leave(&error, asked),
                    _ => {}
                },
                Ok(_) => {}
            }
            result
        }
    }

    /// The server is a replica: it was demoted, or the name leads to another one by now.
    fn leave(&self, why: &NodeError, asked: Instant) {
        self.known.forget();
        self.wire.leave(why, asked);
    }

    fn removal<'a>(
        self: Arc<Self>,
        claim: Claim,
        tell: bool,
        timeout: Duration,
    ) -> Asking<'a, Removal> {
        if claim.is_shared() {
            return Box::pin(async move { self.release_shared(&claim, tell, timeout).await });
        }
        Box::pin(self.release_plain(claim, tell, timeout))
    }

    /// Runs a script over the resources.
    pub(crate) fn eval<'a>(
        &'a self,
        script: &'static Script,
        key: &'a LockKey,
        values: &'a [Arg<'a>],
        limit: &'a mut Limit,
    ) -> impl Future<Output = Result<Reply, CallError>> + Send {
        self.eval_on(script, (key.resources().len(), key.resources()), values, limit)
    }

    /// Runs a script over the resources, their counters, and what else stands beside them.
    pub(crate) fn eval_over<'a>(
        &'a self,
        script: &'static Script,
        key: &'a LockKey,
        counters: &'a [Vec<u8>],
        values: &'a [Arg<'a>],
        limit: &'a mut Limit,
    ) -> impl Future<Output = Result<Reply, CallError>> + Send {
        let names = key.resources().chain(counters.iter().map(Vec::as_slice));
        let keys = key.resources().len() + counters.len();
        self.eval_on(script, (keys, names), values, limit)
    }

    /// Runs a script over so many keys, by its digest where the server knows it.
    pub(crate) async fn eval_on<'a>(
        &self,
        script: &'static Script,
        (keys, names): (usize, impl Iterator<Item = &'a [u8]>),
        values: &[Arg<'a>],
        limit: &mut Limit,
    ) -> Result<Reply, CallError> {
        let (count, mut few, mut many) = (2 + keys + values.len(), [Arg::Int(0); FEW], Vec::new());
        if count > FEW {
            many.resize(count, Arg::Int(0));
        }
        let args = few.get_mut(..count).unwrap_or(&mut many);
        (args[0], args[1]) = (Arg::Text(script.digest()), Arg::Int(keys as u64));
        args[2..].iter_mut().zip(names).for_each(|(arg, name)| *arg = Arg::Bytes(name));
        args[2 + keys..].copy_from_slice(values);
        if self.known.has_run(script) {
            match self.call("EVALSHA", args, limit).await {
                Err(CallError::Server(text)) if text.starts_with("NOSCRIPT") => {
                    self.known.forget_scripts();
                }
                Err(CallError::Server(text)) if lacks_digests(&text) => self.known.lack_digests(),
                result => return result,
            }
        }
        args[0] = Arg::Text(script.text);
        let reply = self.call("EVAL", args, limit).await?;
        self.known.ran(script);
        Ok(reply)
    }
}

#[async_trait]
impl<W: Wire> LockNode for ServerNode<W> {
    fn name(&self) -> &str {
        &self.name
    }

    async fn identity(self: Arc<Self>, timeout: Duration) -> Result<Identity, NodeError> {
        let mut limit = Limit::new(timeout);
        let asked = limit.began();
        match self.call("INFO", &[], &mut limit).await {
            Ok(Reply::Bytes(text)) => {
                let (identity, abilities) = parse_info(&String::from_utf8_lossy(&text));
                self.known.learn(abilities);
                if identity.replica {
                    self.leave(&NodeError::new(Fault::Replica, "it says so itself"), asked);
                }
                Ok(identity)
            }
            Ok(_) => Err(unexpected()),
            Err(CallError::Server(text)) => match classify(&text) {
                // A service that hides INFO is taken as it is.
                error if matches!(error.fault(), Fault::Permission | Fault::Unsupported) => {
                    Ok(Identity::unknown())
                }
                error => Err(error),
            },
            Err(CallError::Node(error)) => Err(error),
        }
    }

    // Not `async`: each way has a future of its own, and the short one is not as large as the others.
    fn acquire<'a>(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Asking<'a, Vote>
    where
        Self: 'a,
    {
        if claim.is_shared() {
            return Box::pin(async move { self.acquire_shared(&claim, terms, timeout).await });
        }
        if terms.fencing.is_some() || terms.guard.is_some() || terms.intent.is_some() {
            return Box::pin(async move { self.acquire_fenced(&claim, terms, timeout).await });
        }
        Box::pin(self.acquire_plain(claim, terms.ttl_millis(), timeout))
    }

    async fn acquire_any(
        self: Arc<Self>,
        slots: Claim,
        terms: Terms,
        first: usize,
        timeout: Duration,
    ) -> Result<Placed, NodeError> {
        self.place(&slots, terms, first, timeout).await
    }

    async fn extend(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Result<Extension, NodeError> {
        if claim.is_shared() {
            return self.extend_shared(&claim, terms, timeout).await;
        }
        let mut values = vec![Arg::Bytes(claim.value()), Arg::Int(terms.ttl_millis())];
        let mut keys = Vec::new();
        if let Some(fencing) = terms.fencing {
            keys = counters(claim.key());
            values.push(Arg::Int(life_of(fencing)));
        }
        let reply = self
            .eval_over(&scripts::EXTEND, claim.key(), &keys, &values, &mut Limit::new(timeout))
            .await?;
        reply.into_extension()
    }

    fn release<'a>(self: Arc<Self>, claim: Claim, timeout: Duration) -> Asking<'a, Removal>
    where
        Self: 'a,
    {
        self.removal(claim, false, timeout)
    }

    fn release_and_tell<'a>(self: Arc<Self>, claim: Claim, timeout: Duration) -> Asking<'a, Removal>
    where
        Self: 'a,
    {
        self.removal(claim, true, timeout)
    }

    async fn keep(
        self: Arc<Self>,
        claim: Claim,
        rest: Duration,
        timeout: Duration,
    ) -> Result<Removal, NodeError> {
        let mark = claim.mark();
        let values = [
            Arg::Bytes(claim.value()),
            // A rest of nothing would be refused as a time to live.
            Arg::Int(millis(rest).max(1)),
            Arg::Bytes(&mark),
        ];
        self.eval(&scripts::KEEP, claim.key(), &values, &mut Limit::new(timeout))
            .await?
            .into_removal()
    }

    async fn listen(self: Arc<Self>, listener: Arc<dyn Listener>, timeout: Duration) -> NodeError {
        let listener = Arc::new(Hearing { known: Arc::clone(&self.known), listener });
        self.wire.listen(RELEASED_CHANNEL, listener, timeout).await
    }

    async fn inspect(
        self: Arc<Self>,
        key: LockKey,
        timeout: Duration,
    ) -> Result<Vec<Option<Holding>>, NodeError> {
        let resources = key.resources().len();
        self.eval(&scripts::INSPECT, &key, &[], &mut Limit::new(timeout))
            .await?
            .into_holdings(resources)
    }

    async fn raise(
        self: Arc<Self>,
        claim: Claim,
        fence: u64,
        life: Duration,
        timeout: Duration,
    ) -> Result<Extension, NodeError> {
        let values =
            [Arg::Bytes(claim.value()), Arg::Int(fence), Arg::Int(millis(life).min(LONGEST_LIFE))];
        let counters = counters(claim.key());
        let script = if claim.is_shared() { &scripts::RAISE_SHARED } else { &scripts::RAISE };
        let mut limit = Limit::new(timeout);
        let reply = self.eval_over(script, claim.key(), &counters, &values, &mut limit).await?;
        reply.into_raise()
    }

    async fn inspect_counters(
        self: Arc<Self>,
        key: LockKey,
        timeout: Duration,
    ) -> Result<Vec<Option<u64>>, NodeError> {
        self.look_at_counters(&key, timeout).await
    }

    async fn scan(
        self: Arc<Self>,
        prefix: Arc<[u8]>,
        from: u64,
        timeout: Duration,
    ) -> Result<Page, NodeError> {
        self.page(&prefix, from, timeout).await
    }

    fn features(&self) -> Features {
        let mut features = Features::all();
        features.wake_ups = W::LISTENS;
        features
    }
}

#[cfg(test)]
#[path = "server_node_tests.rs"]
mod tests;
