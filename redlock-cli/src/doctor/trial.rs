//! Every verb once, on scratch keys, through the lock node itself.

use std::sync::Arc;
use std::time::Duration;

use redis::cmd;
use redlock_core::LockNode;
use redlock_core::node::{Claim, Fault, FaultClass, FenceTerms, Listener, NodeError, Terms, Vote};
use redlock_protocol::RELEASED_CHANNEL;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::claims::{Claims, TTL};
use super::facts::{Trial, Verb};

use crate::nodes::{Raw, TroubleKind};

pub(super) async fn verbs(
    node: &Arc<dyn LockNode>,
    claims: &Claims,
    raw: Option<&Raw>,
    limit: Duration,
) -> Trial {
    let mut trial = Trial::default();
    let tested = Tested { node, limit };
    // Which commands the node uses goes by what the server says it is.
    match Arc::clone(node).identity(limit).await {
        Ok(identity) => trial.run_id = identity.run_id,
        Err(error) => {
            trial.verbs.push((Verb::Acquire, Err(error)));
            return trial;
        }
    }
    for verb in [
        Verb::Acquire,
        Verb::Extend,
        Verb::Inspect,
        Verb::Scan,
        Verb::Release,
        Verb::Fence,
        Verb::Guard,
        Verb::Share,
        Verb::Permit,
        Verb::WakeUp,
    ] {
        if verb == Verb::Scan && trial.error(Verb::Acquire).is_some() {
            // There is nothing to be found.
            continue;
        }
        let Some(done) = tested.verb(verb, claims).await else { continue };
        let refused = matches!(&done, Err(error) if error.class() == FaultClass::Misconfigured);
        let over = done.is_err() && !refused && verb != Verb::Scan;
        trial.verbs.push((verb, done));
        if over {
            break;
        }
    }
    let failed = trial.verbs.iter().any(|(_, done)| done.is_err());
    if let (true, Some(raw)) = (failed, raw) {
        trial.denied = denied(raw, claims).await;
    }
    if trial.denied.contains(&"publish") {
        // The release succeeds without telling, and says nothing of it.
        for (_, done) in trial.verbs.iter_mut().filter(|(verb, _)| *verb == Verb::WakeUp) {
            *done = Err(NodeError::new(Fault::Permission, "PUBLISH is refused"));
        }
    }
    trial
}

struct Tested<'a> {
    node: &'a Arc<dyn LockNode>,
    limit: Duration,
}

impl Tested<'_> {
    fn node(&self) -> Arc<dyn LockNode> {
        Arc::clone(self.node)
    }

    /// Nothing: the backend has no such verb.
    async fn verb(&self, verb: Verb, claims: &Claims) -> Option<Result<(), NodeError>> {
        let limit = self.limit;
        let plain = &claims.plain;
        let features = self.node.features();
        let brief = Terms::new(TTL / 2);
        Some(match verb {
            Verb::Acquire => self.acquire(plain, brief).await.map(drop),
            // For longer, so that the server has to change something.
            Verb::Extend => {
                self.node().extend(plain.clone(), Terms::new(TTL), limit).await.map(drop)
            }
            Verb::Inspect => self.node().inspect(plain.key().clone(), limit).await.map(drop),
            Verb::Scan if features.scanning => return self.scan(plain).await,
            // As handles do: native releases need fewer rights.
            Verb::Release => self.node().release_and_tell(plain.clone(), limit).await.map(drop),
            Verb::Fence if features.fencing => self.fence(&claims.fenced).await,
            Verb::Guard if features.restart_guard => {
                // Only how old the server is is asked for, not that it be old.
                let terms = brief.with_guard(Some(Duration::from_millis(1)));
                self.taken_and_given_back(&claims.guarded, terms).await
            }
            Verb::Share if features.shared => self.share(&claims.shared).await,
            Verb::Permit if features.slots => self.permit(&claims.slots).await,
            Verb::WakeUp if features.wake_ups => self.wake_up(&claims.told).await,
            _ => return None,
        })
    }

    /// Looks for it among all that is held. Nothing where that takes too long: it says nothing of a right.
    async fn scan(&self, claim: &Claim) -> Option<Result<(), NodeError>> {
        let name = claim.key().single().unwrap_or_default();
        let looking = async {
            let mut from = Some(0);
            while let Some(at) = from {
                let page = self.node().scan(name.into(), at, self.limit).await?;
                if page.found.iter().any(|found| *found.resource == *name) {
                    return Ok(());
                }
                from = page.next;
            }
            Err(NodeError::new(Fault::Unexpected, "what was taken is not among what is held"))
        };
        timeout(self.limit, looking).await.ok()
    }

    async fn acquire(&self, claim: &Claim, terms: Terms) -> Result<Vote, NodeError> {
        match self.node().acquire(claim.clone(), terms, self.limit).await? {
            vote @ (Vote::Granted { .. } | Vote::Warming { .. }) => Ok(vote),
            other => Err(NodeError::new(Fault::Unexpected, &format!("{other:?} for a fresh key"))),
        }
    }

    async fn taken_and_given_back(&self, claim: &Claim, terms: Terms) -> Result<(), NodeError> {
        self.acquire(claim, terms).await?;
        // What it lacks is said of the release itself.
        let _ = self.node().release(claim.clone(), self.limit).await;
        Ok(())
    }

    async fn fence(&self, claim: &Claim) -> Result<(), NodeError> {
        // As long as the key, not ten minutes: nobody compares these numbers.
        let terms = FenceTerms { hint: 1, life: TTL };
        let vote = self.acquire(claim, Terms::new(TTL / 2).with_fencing(Some(terms))).await?;
        let raised = match vote {
            Vote::Granted { fence: Some(fence) } => {
                let raise = self.node().raise(claim.clone(), fence + 1, TTL, self.limit);
                raise.await.map(drop)
            }
            _ => Ok(()),
        };
        let _ = self.node().release(claim.clone(), self.limit).await;
        raised
    }

    async fn share(&self, claim: &Claim) -> Result<(), NodeError> {
        self.acquire(claim, Terms::new(TTL / 2)).await?;
        let extended = self.node().extend(claim.clone(), Terms::new(TTL), self.limit).await;
        self.node().release(claim.clone(), self.limit).await?;
        extended.map(drop)
    }

    async fn permit(&self, slots: &Claim) -> Result<(), NodeError> {
        let placed = self.node().acquire_any(slots.clone(), Terms::new(TTL), 0, self.limit).await?;
        if placed.slot.is_none() {
            let detail = format!("{:?} for fresh slots", placed.vote);
            return Err(NodeError::new(Fault::Unexpected, &detail));
        }
        self.node().release(slots.clone(), self.limit).await.map(drop)
    }

    /// Listens, releases, and hears of it.
    async fn wake_up(&self, claim: &Claim) -> Result<(), NodeError> {
        let ear = Arc::new(Ear::default());
        let listening = self.node().listen(Arc::clone(&ear) as Arc<dyn Listener>, self.limit);
        let told = async {
            ear.listening.notified().await;
            self.acquire(claim, Terms::new(TTL / 2)).await?;
            self.node().release_and_tell(claim.clone(), self.limit).await?;
            timeout(self.limit, ear.released.notified()).await.map_err(|_| {
                NodeError::new(Fault::Timeout, "it was released, and nothing was heard of it")
            })
        };
        tokio::select! {
            ended = listening => Err(ended),
            told = told => told,
        }
    }
}

#[derive(Default)]
struct Ear {
    listening: Notify,
    released: Notify,
}

impl Listener for Ear {
    fn listening(&self) {
        self.listening.notify_one();
    }

    fn released(&self, _resource: &[u8]) {
        self.released.notify_one();
    }
}

/// The commands that the user has no right to. In a script the server does not say which one it was.
async fn denied(raw: &Raw, claims: &Claims) -> Vec<&'static str> {
    let key = claims.plain.key().single().unwrap_or_default();
    let mut commands = vec![("eval", cmd("EVAL")), ("evalsha", cmd("EVALSHA"))];
    commands[0].1.arg("return 1").arg(0);
    // There is no such script, which is another refusal.
    commands[1].1.arg("0".repeat(40)).arg(0);
    let mut with_key = |name: &'static str, word: &str, args: &[&str]| {
        let mut command = cmd(word);
        command.arg(key).arg(args);
        commands.push((name, command));
    };
    with_key("get", "GET", &[]);
    with_key("getrange", "GETRANGE", &["0", "0"]);
    with_key("set", "SET", &["", "NX", "PX", "1000"]);
    with_key("mget", "MGET", &[]);
    with_key("exists", "EXISTS", &[]);
    with_key("pttl", "PTTL", &[]);
    with_key("pexpire", "PEXPIRE", &["1000"]);
    // Whatever stands there, nothing is changed.
    with_key("zadd", "ZADD", &["XX", "1", "x"]);
    with_key("zrem", "ZREM", &[""]);
    with_key("zscore", "ZSCORE", &[""]);
    with_key("zrange", "ZRANGE", &["0", "0"]);
    with_key("zremrangebyscore", "ZREMRANGEBYSCORE", &["1", "0"]);
    with_key("del", "DEL", &[]);
    commands.extend([("time", cmd("TIME")), ("lastsave", cmd("LASTSAVE"))]);
    let mut publish = cmd("PUBLISH");
    publish.arg(RELEASED_CHANNEL).arg(key);
    let mut scan = cmd("SCAN");
    scan.arg("0").arg("MATCH").arg(key);
    let mut info = cmd("INFO");
    info.arg("server");
    commands.extend([("info", info), ("publish", publish), ("scan", scan)]);
    let mut denied = Vec::new();
    for (name, command) in commands {
        match raw.call(&command).await {
            Err(trouble) if trouble.kind == TroubleKind::Denied => denied.push(name),
            _ => {}
        }
    }
    denied
}
