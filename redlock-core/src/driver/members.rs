use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::background::Background;
use super::fan_out::FanOut;
use super::hints::Hints;
use super::succession::Server;
use super::trace::{Answer, Trace, may_stand};
use super::wakes::Wakes;
use super::yard::Stragglers;
use crate::decide::lease::Moment;
use crate::decide::node_set::NodeSetFingerprint;
use crate::decide::quorum::majority;
use crate::decide::twins;
use crate::driver::clock::Clock;
use crate::error::{NodeOutcome, NodeReport};
use crate::node::{Fault, FaultClass, Identity, LockNode, NodeError, Vote};
use crate::telemetry::{Telemetry, Told, Verb};

/// Releases that one node's clean-up may be trying again at the same time. Past it a key is left to expire.
const MAX_RETRIES: usize = 256;

/// How much longer than the contact takes a call waits for one that another call began.
const CONTACT_SLACK: Duration = Duration::from_millis(10);

/// How long the first contact still waits for the other nodes when a majority of them is known, or as long again as that took.
const CONTACT_GRACE: Duration = Duration::from_millis(10);

/// Said of a node that was not asked, which is no failure of it.
pub(super) const NOT_ASKED: &str = "not asked: the claim was given up";

/// What the first contact with the nodes came to.
type Contact = Result<(), Vec<(usize, NodeError)>>;

/// The nodes of one handle, and what those who ask them share.
pub(crate) struct NodeSet {
    pub(crate) members: Box<[Member]>,
    pub(crate) clock: Clock,
    pub(super) hints: Hints,
    /// Whether releases are told to others.
    pub(crate) tells: bool,
    /// Whether a majority of nodes can be heard of releases.
    pub(crate) hears: bool,
    pub(crate) wakes: Wakes,
    pub(super) stragglers: Stragglers,
    pub(crate) tracker: TaskTracker,
    /// Cancelled by `close`: no new calls, no more retries of releases.
    pub(crate) closing: CancellationToken,
    contacted: AtomicBool,
    /// The first contact that is under way.
    contact: Mutex<Option<watch::Receiver<Option<Contact>>>>,
    run_ids: Mutex<Vec<Option<String>>>,
    /// Who answered last for each node, also where that is not known any more.
    servers: Mutex<Box<[Option<Server>]>>,
    pub(crate) telemetry: Telemetry,
}

pub(crate) struct Member {
    pub(crate) node: Arc<dyn LockNode>,
    pub(crate) name: Arc<str>,
    /// Bounds what tries again in the background.
    pub(crate) retries: Arc<tokio::sync::Semaphore>,
    /// The server behind the node said who it is, and nothing has failed since.
    pub(super) known: AtomicBool,
}

impl Told for NodeSet {
    fn now(&self) -> Moment {
        self.clock.glance()
    }

    fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }
}

impl NodeSet {
    pub(crate) fn new(
        nodes: Vec<Arc<dyn LockNode>>,
        clock: Clock,
        wake_ups: bool,
        telemetry: Telemetry,
    ) -> Self {
        let wakes = Wakes::new(nodes.len());
        let telling = nodes.iter().filter(|node| node.features().wake_ups).count();
        let hears = wake_ups && telling >= majority(nodes.len());
        let run_ids = Mutex::new(vec![None; nodes.len()]);
        let servers = Mutex::new(nodes.iter().map(|_| None).collect());
        let members = nodes
            .into_iter()
            .map(|node| Member {
                name: node.name().into(),
                node,
                retries: Arc::new(tokio::sync::Semaphore::new(MAX_RETRIES)),
                known: AtomicBool::new(false),
            })
            .collect();
        Self {
            members,
            clock,
            hints: Hints::default(),
            tells: wake_ups,
            hears,
            wakes,
            stragglers: Stragglers::default(),
            tracker: TaskTracker::new(),
            closing: CancellationToken::new(),
            contacted: AtomicBool::new(false),
            contact: Mutex::new(None),
            run_ids,
            servers,
            telemetry,
        }
    }

    /// A report on every node, none of which has answered.
    pub(crate) fn reports(&self) -> Vec<NodeReport> {
        let pending = |member: &Member| NodeReport {
            name: Arc::clone(&member.name),
            outcome: NodeOutcome::Pending,
            latency: None,
        };
        self.members.iter().map(pending).collect()
    }

    /// For those who tell how long the nodes take.
    pub(super) fn told(self: &Arc<Self>) -> Arc<dyn Told> {
        Arc::clone(self) as _
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Asks every node who it is, at the first call and for as long as one server is listed twice. Waits for a majority of
    /// them and a moment more, so that a server that is listed twice is found out at once; those that are slower answer
    /// later. No vote is counted of a node that has not said who it is, nor of one that is then the server of another: see
    /// [`acquire`](Self::acquire).
    ///
    /// # Errors
    ///
    /// Each node's failure by index, when two entries are one server.
    pub(crate) async fn first_contact(
        self: &Arc<Self>,
        background: &Background,
        timeout: Duration,
    ) -> Contact {
        if self.contacted.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut contact = self.contact(background, timeout);
        let outcome = async {
            contact.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone())
        };
        match tokio::time::timeout(timeout + CONTACT_SLACK, outcome).await {
            Ok(Some(outcome)) => outcome,
            // The runtime that was at it ended, takes no tasks any more, or is not polled.
            _ => self.meet(background, timeout).await,
        }
    }

    /// The first contact that is under way, or a new one. It is in nobody's call: one that is not polled any more would
    /// hold up the others.
    fn contact(
        self: &Arc<Self>,
        background: &Background,
        timeout: Duration,
    ) -> watch::Receiver<Option<Contact>> {
        let mut current = self.contact.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(contact) = &*current
            && contact.has_changed().is_ok()
        {
            return contact.clone();
        }
        let (done, contact) = watch::channel(None);
        let (set, own) = (Arc::clone(self), background.clone());
        background.spawn(async move {
            let outcome = set.meet(&own, timeout).await;
            // Whoever is gone needs no answer.
            let _ = done.send(Some(outcome));
        });
        current.insert(contact).clone()
    }

    async fn meet(self: &Arc<Self>, background: &Background, timeout: Duration) -> Contact {
        let mut fan = FanOut::new(background, self.len()).watched(self.told(), Verb::Identity);
        for index in 0..self.len() {
            self.forget(index);
            let set = Arc::clone(self);
            fan.push(index, Box::pin(async move { set.identify(index, timeout).await }));
        }
        let (mut failures, mut known) = (Vec::new(), 0);
        let asked = self.clock.glance();
        let mut until: Option<Moment> = None;
        loop {
            let next = match until {
                None => fan.next().await,
                Some(until) => {
                    let left = until.since(self.clock.glance());
                    tokio::time::timeout(left, fan.next()).await.unwrap_or_default()
                }
            };
            // Those that are still out are driven on in the background.
            let Some((index, result)) = next else { break };
            match result {
                Ok(_) => known += 1,
                Err(error) => {
                    self.telemetry.failed(|| self.clock.glance(), index, &error);
                    failures.push((index, error));
                }
            }
            if known >= majority(self.len()) && until.is_none() {
                let now = self.clock.glance();
                until = Some(now.plus(now.since(asked).max(CONTACT_GRACE)));
            }
        }
        if failures.iter().any(|(_, error)| error.fault() == Fault::Duplicate) {
            return Err(failures);
        }
        self.contacted.store(true, Ordering::Release);
        Ok(())
    }

    /// Asks one node who it is. Nothing is sent to a server that must not be a lock node.
    pub(super) async fn identify(
        &self,
        index: usize,
        timeout: Duration,
    ) -> Result<Identity, NodeError> {
        let member = &self.members[index];
        let asked = self.clock.now();
        let identity = Arc::clone(&member.node).identity(timeout).await?;
        if identity.cluster {
            return Err(NodeError::new(Fault::ClusterMember, "nodes must be independent masters"));
        }
        if identity.replica {
            return Err(NodeError::new(Fault::Replica, "nodes must be independent masters"));
        }
        {
            let mut run_ids = self.run_ids.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(run_id) = &identity.run_id {
                let name = |twin: usize| &*self.members[twin].name;
                let twin = twins::duplicate(index, run_id, &run_ids, name);
                if let Some(twin) = twin
                    && !mutant!(LateTwinPasses, self.contacted.load(Ordering::Acquire), false)
                {
                    self.contacted.store(false, Ordering::Release);
                    return Err(twin);
                }
                run_ids[index] = Some(run_id.clone());
            }
        }
        self.succeed(index, &identity, asked);
        member.known.store(true, Ordering::Release);
        Ok(identity)
    }

    /// Keeps who answers for a node from now on, and says so where that is another server than before.
    fn succeed(&self, index: usize, identity: &Identity, asked: Moment) {
        let Some(run_id) = &identity.run_id else { return };
        let next = Server::new(run_id.clone(), asked);
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        let before = servers[index].replace(next);
        if before.as_ref().is_none_or(|before| !before.is(run_id)) {
            // Told under the lock: of two changes the later one is told last.
            self.telemetry.known_as(fingerprint(&servers));
        }
        drop(servers);
        let now = self.clock.now();
        if before.is_some_and(|before| before.is_followed_by_another(identity, now)) {
            self.telemetry.succeeded(&self.members[index].name, identity);
        }
    }

    /// Which servers the nodes are, once all have said so.
    pub(super) fn fingerprint(&self) -> Option<NodeSetFingerprint> {
        fingerprint(&self.servers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another server may stand behind the node from now on.
    fn forget(&self, index: usize) {
        self.members[index].known.store(false, Ordering::Release);
        self.run_ids.lock().unwrap_or_else(PoisonError::into_inner)[index] = None;
    }

    /// Draws what there is to learn from a node's answer to acquire.
    pub(super) fn note(&self, index: usize, trace: &Trace, answer: &Answer) {
        if !may_stand(answer) {
            trace.refuse(index);
        }
        match answer {
            // Whoever is known by a run id is found by it at the next call.
            Ok(Vote::AlreadyOurs) => {
                self.contacted.store(false, Ordering::Release);
                self.telemetry.voted_twice(|| self.clock.glance(), index);
            }
            Ok(Vote::Warming { .. }) => self.telemetry.warming(index),
            Ok(
                Vote::Granted { fence: Some(counter) }
                | Vote::Swapped { fence: Some(counter), .. }
                | Vote::Held { fence: Some(counter), .. }
                | Vote::Shared { fence: Some(counter), .. },
            ) => {
                self.hints.saw(*counter);
            }
            _ => {}
        }
        if let Err(error) = answer {
            if error.class() == FaultClass::Unknown && trace.touched(index) {
                trace.doubt(index);
            }
            self.note_error(index, error);
        }
    }

    /// Draws what there is to learn about a node from any of its failures.
    pub(super) fn note_error(&self, index: usize, error: &NodeError) {
        if error.detail() != NOT_ASKED {
            self.telemetry.failed(|| self.clock.glance(), index, error);
        }
        if error.class() == FaultClass::Unknown
            || matches!(error.fault(), Fault::Refused | Fault::Replica)
        {
            self.forget(index);
        }
    }
}

fn fingerprint(servers: &[Option<Server>]) -> Option<NodeSetFingerprint> {
    let run_ids = servers.iter().map(|server| Some(server.as_ref()?.run_id()));
    Some(NodeSetFingerprint::of(run_ids.collect::<Option<Vec<_>>>()?))
}

impl std::fmt::Debug for NodeSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.members.iter().map(|member| &member.node)).finish()
    }
}
