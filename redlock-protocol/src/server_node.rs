use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::info::parse_info;
use super::known::Known;
use super::native::Limit;
use super::reply::{Reply, classify, is_syntax_error, lacks_digests, unexpected};
use super::scripts::Script;
use super::{Arg, CallError, RELEASED_CHANNEL, Wire, scripts};
use crate::error::ConfigError;
use crate::fence::LARGEST;
use crate::key::{COUNTER_PREFIX, LockKey};
use crate::node::{
    Claim, Extension, Fault, Features, Holding, Identity, Listener, LockNode, NodeError, Removal,
    Terms, Vote, millis,
};
use crate::options::MAX_TTL;

/// A [`LockNode`] over a [`Wire`].
#[derive(Debug)]
pub struct ServerNode<W> {
    name: Box<str>,
    wire: W,
    pub(super) known: Known,
    /// That releases cannot be told has been said.
    warned: AtomicBool,
}

impl<W: Wire> ServerNode<W> {
    /// A node that reports itself as `name`.
    pub fn new(name: impl Into<Box<str>>, wire: W) -> Self {
        Self { name: name.into(), wire, known: Known::default(), warned: AtomicBool::new(false) }
    }

    /// The connection.
    pub fn wire(&self) -> &W {
        &self.wire
    }

    /// Sends one command. What was learnt about the server is forgotten with the connection: another
    /// server may stand behind the next one.
    pub(super) async fn call(
        &self,
        name: &'static str,
        args: &[Arg<'_>],
        timeout: Duration,
    ) -> Result<Reply, CallError> {
        let result = self.wire.call(name, args, timeout).await;
        if let Err(CallError::Node(_)) = &result {
            self.known.forget();
        }
        result
    }

    async fn eval(
        &self,
        script: &'static Script,
        key: &LockKey,
        values: &[Arg<'_>],
        limit: Limit,
    ) -> Result<Reply, CallError> {
        self.eval_over(script, key, &[], values, limit).await
    }

    /// Runs a script over the resources and their counters.
    async fn eval_over(
        &self,
        script: &'static Script,
        key: &LockKey,
        counters: &[Vec<u8>],
        values: &[Arg<'_>],
        limit: Limit,
    ) -> Result<Reply, CallError> {
        let resources = key.resources();
        let keys = resources.len() + counters.len();
        let mut args = Vec::with_capacity(2 + keys + values.len());
        args.extend([Arg::Text(script.digest()), Arg::Int(keys as u64)]);
        args.extend(resources.map(Arg::Bytes));
        args.extend(counters.iter().map(|counter| Arg::Bytes(counter)));
        args.extend_from_slice(values);
        if self.known.has_run(script) {
            match self.call("EVALSHA", &args, limit.left()).await {
                Err(CallError::Server(text)) if text.starts_with("NOSCRIPT") => {
                    self.known.forget_scripts();
                }
                Err(CallError::Server(text)) if lacks_digests(&text) => self.known.lack_digests(),
                result => return result,
            }
        }
        args[0] = Arg::Text(script.text);
        let reply = self.call("EVAL", &args, limit.left()).await?;
        self.known.ran(script);
        Ok(reply)
    }

    /// An acquire that needs more than `SET` can do.
    async fn acquire_fenced(
        &self,
        claim: &Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Result<Vote, NodeError> {
        let fencing = terms.fencing;
        let counters = fencing.map(|_| counters(claim.key())).unwrap_or_default();
        let values = [
            Arg::Bytes(claim.token().as_bytes()),
            Arg::Int(terms.ttl_millis()),
            Arg::Int(terms.guard.map_or(0, millis)),
            Arg::Int(fencing.map_or(0, |fencing| millis(fencing.life).min(LONGEST_LIFE))),
            Arg::Int(fencing.map_or(0, |fencing| fencing.hint.min(LARGEST))),
        ];
        let script = &scripts::ACQUIRE_FENCED;
        let limit = Limit::new(timeout);
        let reply = self.eval_over(script, claim.key(), &counters, &values, limit).await?;
        reply.into_fenced_vote(fencing.is_some())
    }

    /// Goes without telling for a while, and says so once.
    fn fall_mute(&self, fault: Fault) {
        self.known.lack_telling();
        if !self.warned.swap(true, Ordering::Relaxed) {
            crate::telemetry::mute(&self.name, fault);
        }
    }
}

/// The longest life of a counter that a server takes, in milliseconds.
const LONGEST_LIFE: u64 = MAX_TTL.as_millis() as u64;

/// Where the counters of a key's resources stand.
fn counters(key: &LockKey) -> Vec<Vec<u8>> {
    key.resources().map(|name| [COUNTER_PREFIX.as_bytes(), name].concat()).collect()
}

/// A name that can stand in a report.
///
/// # Errors
///
/// When it is empty.
pub fn checked_name(name: impl Into<String>) -> Result<Box<str>, ConfigError> {
    let name = name.into();
    if name.trim().is_empty() {
        return Err(ConfigError::new("name", name, "must not be empty"));
    }
    Ok(name.into())
}

#[async_trait]
impl<W: Wire> LockNode for ServerNode<W> {
    fn name(&self) -> &str {
        &self.name
    }

    async fn identity(self: Arc<Self>, timeout: Duration) -> Result<Identity, NodeError> {
        match self.call("INFO", &[], timeout).await {
            Ok(Reply::Bytes(text)) => {
                let (identity, abilities) = parse_info(&String::from_utf8_lossy(&text));
                self.known.learn(abilities);
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
        if terms.fencing.is_some() || terms.guard.is_some() {
            return self.acquire_fenced(&claim, terms, timeout).await;
        }
        let limit = Limit::new(timeout);
        if let Some(key) = claim.key().single()
            && self.known.abilities().set_get
        {
            match self.set_get(key, &claim, terms, limit).await {
                // An older server than the one that was asked stands behind the address by now.
                Err(error) if is_syntax_error(&error) => self.known.lack_set_get(),
                result => return Ok(result?),
            }
        }
        let values = [Arg::Bytes(claim.token().as_bytes()), Arg::Int(terms.ttl_millis())];
        self.eval(&scripts::ACQUIRE, claim.key(), &values, limit).await?.into_vote()
    }

    async fn extend(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Result<Extension, NodeError> {
        let mut values = vec![Arg::Bytes(claim.token().as_bytes()), Arg::Int(terms.ttl_millis())];
        let mut keys = Vec::new();
        if let Some(fencing) = terms.fencing {
            keys = counters(claim.key());
            values.push(Arg::Int(millis(fencing.life).min(LONGEST_LIFE)));
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
        let limit = Limit::new(timeout);
        if let Some(result) = self.native_release(&claim, limit).await {
            return Ok(result?);
        }
        let values = [Arg::Bytes(claim.token().as_bytes())];
        self.eval(&scripts::RELEASE, claim.key(), &values, limit).await?.into_removal()
    }

    async fn release_and_tell(
        self: Arc<Self>,
        claim: Claim,
        timeout: Duration,
    ) -> Result<Removal, NodeError> {
        if self.known.is_mute() {
            return self.release(claim, timeout).await;
        }
        let values = [Arg::Bytes(claim.token().as_bytes()), Arg::Text(RELEASED_CHANNEL)];
        let script = match claim.key().single() {
            Some(_) => &scripts::RELEASE_TELL_ONE,
            None => &scripts::RELEASE_TELL,
        };
        let reply = self.eval(script, claim.key(), &values, Limit::new(timeout)).await?;
        let (removal, refusal) = reply.into_told_removal()?;
        if let Some(refusal) = refusal {
            self.fall_mute(refusal.fault());
        }
        Ok(removal)
    }

    async fn listen(self: Arc<Self>, listener: Arc<dyn Listener>, timeout: Duration) -> NodeError {
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
        let values = [
            Arg::Bytes(claim.token().as_bytes()),
            Arg::Int(fence),
            Arg::Int(millis(life).min(LONGEST_LIFE)),
        ];
        let counters = counters(claim.key());
        let reply = self
            .eval_over(&scripts::RAISE, claim.key(), &counters, &values, Limit::new(timeout))
            .await?;
        reply.into_raise()
    }

    fn features(&self) -> Features {
        Features { wake_ups: W::LISTENS, ..Features::all() }
    }
}
