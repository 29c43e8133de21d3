//! The life of one lock over five nodes, played on virtual time: what was sent and when, what each node had, and until when
//! the holder had it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use redlock_core::faults::{Faulty, Misbehaviour, Verb};
use redlock_core::{InMemoryNode, Lease, LockNode, LockOptions, Redlock, Renewal, RetryPolicy};
use tokio::time::{Instant, sleep, sleep_until};

use crate::on_virtual_time;

pub(crate) const NODES: usize = 5;
/// The one that is down.
pub(crate) const DOWN: usize = 4;
pub(crate) const TTL: u64 = 900;

/// Milliseconds from each process to each node, and as long back.
const DELAYS: [[u64; NODES]; 2] = [[44, 30, 58, 38, 0], [40, 54, 34, 46, 0]];
/// When the second process comes, and when the first one is done.
const SECOND: u64 = 140;
const DONE: u64 = 560;
/// When the picture ends.
pub(crate) const END: u64 = 1_240;

/// A request, in milliseconds since the first process asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) process: usize,
    pub(crate) node: usize,
    pub(crate) verb: Verb,
    pub(crate) at: u64,
    /// How long it is on its way; nothing if the node is down.
    pub(crate) delay: Option<u64>,
}

/// The key on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stood {
    pub(crate) node: usize,
    pub(crate) process: usize,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) sent: Vec<Sent>,
    pub(crate) stood: Vec<Stood>,
    /// When each process had the lock.
    pub(crate) granted: [u64; 2],
    /// When the first one gave it back.
    pub(crate) released: u64,
    /// Until when the first one has it: each with the moment from which on.
    pub(crate) deadlines: Vec<(u64, u64)>,
}

/// Plays it.
pub(crate) fn play() -> Life {
    on_virtual_time(story())
}

type Told = Arc<Mutex<Life>>;
type Link = Arc<Faulty<InMemoryNode>>;

struct Stage {
    nodes: Vec<Arc<InMemoryNode>>,
    start: Instant,
    told: Told,
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

impl Stage {
    fn at(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    fn link(&self, process: usize, node: usize) -> Link {
        let link = Faulty::new(Arc::clone(&self.nodes[node]));
        let (start, told) = (self.start, Arc::clone(&self.told));
        link.decide(move |verb| {
            let delay = (node != DOWN).then(|| DELAYS[process][node]);
            // What comes before the start is the first contact.
            if Instant::now() >= start {
                let at = start.elapsed().as_millis() as u64;
                told.lock().unwrap().sent.push(Sent { process, node, verb, at, delay });
            }
            match delay {
                Some(delay) => {
                    vec![Misbehaviour::SlowRequest(ms(delay)), Misbehaviour::SlowReply(ms(delay))]
                }
                None => vec![Misbehaviour::Refused],
            }
        });
        Arc::new(link)
    }

    fn process(&self, number: usize) -> Redlock {
        let links = (0..NODES).map(|node| self.link(number, node) as Arc<dyn LockNode>);
        Redlock::builder()
            .nodes(links)
            .ttl(ms(TTL))
            .node_timeout(ms(200))
            .retry(RetryPolicy::uniform(ms(700), ms(701)).unwrap())
            .retry_seed(7)
            .suspended(|| Duration::ZERO)
            .build()
            .unwrap()
    }

    /// Looks at the nodes and at the lease in every millisecond.
    async fn watch(&self, lease: &Mutex<Option<Lease>>) {
        let mut known = Vec::new();
        sleep_until(self.start).await;
        while self.at() < END {
            self.look(&mut known, lease.lock().unwrap().as_ref());
            sleep(ms(1)).await;
        }
    }

    /// `known` are the values so far, each of a process.
    fn look(&self, known: &mut Vec<Vec<u8>>, lease: Option<&Lease>) {
        let (at, mut told) = (self.at(), self.told.lock().unwrap());
        for (node, server) in self.nodes.iter().enumerate() {
            let Some(value) = server.value("orders:42") else { continue };
            let process = known.iter().position(|one| *one == value).unwrap_or(known.len());
            if process == known.len() {
                known.push(value);
            }
            let mut before = told.stood.iter_mut();
            match before.find(|s| (s.node, s.process, s.to) == (node, process, at)) {
                Some(stood) => stood.to = at + 1,
                None => told.stood.push(Stood { node, process, from: at, to: at + 1 }),
            }
        }
        if let Some(lease) = lease.filter(|lease| !lease.is_lost()) {
            let until = at + lease.remaining().as_millis() as u64;
            if told.deadlines.last().is_none_or(|(_, last)| *last < until) {
                told.deadlines.push((at, until));
            }
        }
    }
}

async fn story() -> Life {
    let nodes = (1..=NODES).map(|node| Arc::new(InMemoryNode::new(format!("node {node}"))));
    // Before, both meet the nodes.
    let start = Instant::now() + ms(2_000);
    let stage = Stage { nodes: nodes.collect(), start, told: Told::default() };
    let (first, second) = (stage.process(0), stage.process(1));
    for process in [&first, &second] {
        process.try_lock("first contact").await.unwrap().release().await.unwrap();
    }
    let lease = Mutex::new(None);
    let holds = async {
        sleep_until(start).await;
        let renewed = LockOptions::new().renewal(Renewal::Auto);
        let guard = first.try_lock_with("orders:42", &renewed).await.unwrap();
        stage.told.lock().unwrap().granted[0] = stage.at();
        *lease.lock().unwrap() = Some(guard.lease());
        sleep_until(start + ms(DONE)).await;
        stage.told.lock().unwrap().released = stage.at();
        guard.release().await.unwrap();
    };
    let follows = async {
        sleep_until(start + ms(SECOND)).await;
        let guard = second.lock("orders:42").await.unwrap();
        stage.told.lock().unwrap().granted[1] = stage.at();
        sleep_until(start + ms(END)).await;
        drop(guard);
    };
    tokio::join!(holds, follows, stage.watch(&lease));
    let mut life = stage.told.lock().unwrap().clone();
    life.sent.retain(|sent| sent.at < END);
    life
}
