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
use crate::call_error::{CallError, is_syntax_error};
use crate::hearing::Hearing;
use crate::info::parse_info;
use crate::known::Known;
use crate::limit::Limit;
use crate::refusal::{classify, lacks_digests};
use crate::reply::{Reply, Told, unexpected};
use crate::scripts::{self, RELEASED_CHANNEL, Script};
use crate::wire::{Arg, Wire};

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
    pub(crate) async fn call(
        &self,
        name: &'static str,
        args: &[Arg<'_>],
        timeout: Duration,
    ) -> Result<Reply, CallError> {
        let asked = now();
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

    /// The server is a replica: it was demoted, or the name leads to another one by now.
    fn leave(&self, why: &NodeError, asked: Instant) {
        self.known.forget();
        self.wire.leave(why, asked);
    }

    pub(crate) fn eval<'a>(
        &'a self,
        script: &'static Script,
        key: &'a LockKey,
        values: &[Arg<'a>],
        limit: Limit,
    ) -> impl Future<Output = Result<Reply, CallError>> + Send {
        self.eval_on(script, key.resources(), values, limit)
    }

    /// Runs a script over the resources, their counters, and what else stands beside them.
    pub(crate) fn eval_over<'a>(
        &'a self,
        script: &'static Script,
        key: &'a LockKey,
        counters: &'a [Vec<u8>],
        values: &[Arg<'a>],
        limit: Limit,
    ) -> impl Future<Output = Result<Reply, CallError>> + Send {
        let names = key.resources().chain(counters.iter().map(Vec::as_slice));
        self.eval_on(script, names, values, limit)
    }

    /// Runs a script over these keys.
    ///
    /// What the command is built of has no place in the future: one is kept for each node and claim, and large ones are dear
    /// to make and to look at.
    pub(crate) fn eval_on<'a>(
        &'a self,
        script: &'static Script,
        keys: impl Iterator<Item = &'a [u8]>,
        values: &[Arg<'a>],
        limit: Limit,
    ) -> impl Future<Output = Result<Reply, CallError>> + Send {
        let mut args = Vec::with_capacity(3 + values.len());
        args.extend([Arg::Text(script.digest()), Arg::Int(0)]);
        args.extend(keys.map(Arg::Bytes));
        args[1] = Arg::Int(args.len() as u64 - 2);
        args.extend_from_slice(values);
        async move {
            if self.known.has_run(script) {
                match self.call("EVALSHA", &args, limit.left()).await {
                    Err(CallError::Server(text)) if text.starts_with("NOSCRIPT") => {
                        self.known.forget_scripts();
                    }
                    Err(CallError::Server(text)) if lacks_digests(&text) => {
                        self.known.lack_digests();
                    }
                    result => return result,
                }
            }
            args[0] = Arg::Text(script.text);
            let reply = self.call("EVAL", &args, limit.left()).await?;
            self.known.ran(script);
            Ok(reply)
        }
    }
}

/// When a command was sent.
#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}

#[async_trait]
impl<W: Wire> LockNode for ServerNode<W> {
    fn name(&self) -> &str {
        &self.name
    }

    async fn identity(self: Arc<Self>, timeout: Duration) -> Result<Identity, NodeError> {
        let asked = now();
        match self.call("INFO", &[], timeout).await {
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

    async fn acquire(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Result<Vote, NodeError> {
        if claim.is_shared() {
            return self.acquire_shared(&claim, terms, timeout).await;
        }
        if terms.fencing.is_some() || terms.guard.is_some() || terms.intent.is_some() {
            return self.acquire_fenced(&claim, terms, timeout).await;
        }
        let limit = Limit::new(timeout);
        if let Some(key) = claim.key().single()
            && claim.former().is_none()
            && self.known.abilities().set_get
        {
            match self.set_get(key, &claim, terms.ttl_millis(), limit).await {
                // An older server than the one that was asked stands behind the address by now.
                Err(error) if is_syntax_error(&error) => self.known.lack_set_get(),
                result => return Ok(result?),
            }
        }
        let mut values = vec![Arg::Bytes(claim.value()), Arg::Int(terms.ttl_millis())];
        values.extend(claim.former().map(Arg::Bytes));
        self.eval(&scripts::ACQUIRE, claim.key(), &values, limit).await?.into_vote()
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
            .eval_over(&scripts::EXTEND, claim.key(), &keys, &values, Limit::new(timeout))
            .await?;
        reply.into_extension()
    }

    async fn release(
        self: Arc<Self>,
        claim: Claim,
        timeout: Duration,
    ) -> Result<Removal, NodeError> {
        if claim.is_shared() {
            return self.release_shared(&claim, false, timeout).await;
        }
        let limit = Limit::new(timeout);
        if let Some(result) = self.native_release(&claim, limit).await {
            return Ok(result?);
        }
        let values = [Arg::Bytes(claim.value())];
        self.eval(&scripts::RELEASE, claim.key(), &values, limit).await?.into_removal()
    }

    async fn release_and_tell(
        self: Arc<Self>,
        claim: Claim,
        timeout: Duration,
    ) -> Result<Removal, NodeError> {
        if claim.is_shared() {
            return self.release_shared(&claim, true, timeout).await;
        }
        if self.known.is_mute() {
            return self.release(claim, timeout).await;
        }
        let values = [Arg::Bytes(claim.value()), Arg::Text(RELEASED_CHANNEL)];
        let script = match claim.key().single() {
            Some(_) => &scripts::RELEASE_TELL_ONE,
            None => &scripts::RELEASE_TELL,
        };
        let reply = self.eval(script, claim.key(), &values, Limit::new(timeout)).await?;
        let Told { answer, refusal, unheard } = reply.into_told()?;
        match refusal {
            None if unheard => self.known.was_unheard(),
            None => self.known.was_told(),
            refusal => self.could_tell(refusal),
        }
        answer.into_removal()
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
        self.eval(&scripts::KEEP, claim.key(), &values, Limit::new(timeout)).await?.into_removal()
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
        self.eval(&scripts::INSPECT, &key, &[], Limit::new(timeout)).await?.into_holdings(resources)
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
        let limit = Limit::new(timeout);
        let reply = self.eval_over(script, claim.key(), &counters, &values, limit).await?;
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
