//! How many rounds a permit takes, and how much of the permits is in use, while clients take one after another:
//! `cargo test --release -p redlock-core --all-features --test permit_figures -- --nocapture`
//!
//! Three nodes in memory, 0.08 to 0.24 ms one way, in the order sent; holds of 10 to 30 ms. The clock is tokio's paused one,
//! which is moved from one message to the next, so that timers keep their grain of a millisecond and messages do not.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fastrand::Rng;
use redlock_core::node::{
    Claim, Extension, Features, Holding, Identity, Listener, NodeError, Placed, Removal, Terms,
    Vote,
};
use redlock_core::{InMemoryNode, LockKey, LockNode, LockOptions, Redlock};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// How long each case lasts, on the paused clock.
const LASTS: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1_000 } else { 5_000 });

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Messages under way, by when they arrive.
struct Net {
    due: Mutex<BTreeMap<(Instant, u64), oneshot::Sender<()>>>,
    rng: Mutex<(Rng, u64)>,
    began: Instant,
}

impl Net {
    fn new(seed: u64) -> Arc<Self> {
        let rng = Mutex::new((Rng::with_seed(seed), 0));
        Arc::new(Self { due: Mutex::default(), rng, began: Instant::now() })
    }

    /// Sends a message down a line, behind those that are on it. Resolves when it arrives.
    fn send(&self, line: &Mutex<Option<Instant>>) -> oneshot::Receiver<()> {
        let (arrived, arrives) = oneshot::channel();
        let (delay, number) = {
            let (rng, sent) = &mut *self.rng.lock().unwrap();
            *sent += 1;
            (Duration::from_micros(rng.u64(80..=240)), *sent)
        };
        let mut last = line.lock().unwrap();
        let at = last.unwrap_or(self.began).max(Instant::now() + delay);
        *last = Some(at);
        self.due.lock().unwrap().insert((at, number), arrived);
        arrives
    }

    /// Moves the clock to the next message, or to the next timer, again and again.
    async fn run(&self, lasts: Duration) {
        let until = Instant::now() + lasts;
        while Instant::now() < until {
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
            let now = Instant::now();
            let tick = self.began + ms((now - self.began).as_millis() as u64 + 1);
            let due = self.due.lock().unwrap().keys().next().map_or(tick, |(at, _)| *at);
            tokio::time::advance(due.min(tick) - now).await;
            let later = self.due.lock().unwrap().split_off(&(Instant::now(), u64::MAX));
            let arrived = std::mem::replace(&mut *self.due.lock().unwrap(), later);
            arrived.into_values().for_each(|arrived| {
                let _ = arrived.send(());
            });
        }
    }
}

/// A connection to a node.
struct Link {
    node: Arc<InMemoryNode>,
    net: Arc<Net>,
    there: Mutex<Option<Instant>>,
    back: Mutex<Option<Instant>>,
    asked: AtomicUsize,
}

impl Link {
    /// Sends a request, which arrives whoever waits for its answer.
    async fn ask<T, F>(
        self: Arc<Self>,
        request: impl FnOnce(Arc<InMemoryNode>) -> F + Send + 'static,
    ) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send,
    {
        let (answers, answer) = oneshot::channel();
        let there = self.net.send(&self.there);
        tokio::spawn(async move {
            let _ = there.await;
            let answer = request(Arc::clone(&self.node)).await;
            let _ = self.net.send(&self.back).await;
            let _ = answers.send(answer);
        });
        answer.await.unwrap()
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

#[async_trait]
impl LockNode for Link {
    fn name(&self) -> &str {
        self.node.name()
    }

    async fn identity(self: Arc<Self>, limit: Duration) -> Result<Identity, NodeError> {
        self.ask(move |node| node.identity(limit)).await
    }

    async fn acquire(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        limit: Duration,
    ) -> Result<Vote, NodeError> {
        self.ask(move |node| node.acquire(claim, terms, limit)).await
    }

    async fn acquire_any(
        self: Arc<Self>,
        slots: Claim,
        terms: Terms,
        first: usize,
        limit: Duration,
    ) -> Result<Placed, NodeError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.ask(move |node| node.acquire_any(slots, terms, first, limit)).await
    }

    async fn extend(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        limit: Duration,
    ) -> Result<Extension, NodeError> {
        self.ask(move |node| node.extend(claim, terms, limit)).await
    }

    async fn release(self: Arc<Self>, claim: Claim, limit: Duration) -> Result<Removal, NodeError> {
        self.ask(move |node| node.release(claim, limit)).await
    }

    async fn release_and_tell(
        self: Arc<Self>,
        claim: Claim,
        limit: Duration,
    ) -> Result<Removal, NodeError> {
        self.ask(move |node| node.release_and_tell(claim, limit)).await
    }

    async fn inspect(
        self: Arc<Self>,
        key: LockKey,
        limit: Duration,
    ) -> Result<Vec<Option<Holding>>, NodeError> {
        self.ask(move |node| node.inspect(key, limit)).await
    }

    async fn listen(self: Arc<Self>, listener: Arc<dyn Listener>, limit: Duration) -> NodeError {
        let ear = Ear { listener, net: Arc::clone(&self.net), line: Arc::default() };
        Arc::clone(&self.node).listen(Arc::new(ear), limit).await
    }

    fn features(&self) -> Features {
        self.node.features()
    }
}

/// Hears of releases when the message has arrived.
struct Ear {
    listener: Arc<dyn Listener>,
    net: Arc<Net>,
    line: Arc<Mutex<Option<Instant>>>,
}

impl Listener for Ear {
    fn listening(&self) {
        self.listener.listening();
    }

    fn released(&self, resource: &[u8]) {
        let arrives = self.net.send(&self.line);
        let (listener, resource) = (Arc::clone(&self.listener), resource.to_vec());
        tokio::spawn(async move {
            let _ = arrives.await;
            listener.released(&resource);
        });
    }
}

struct Case {
    permits: u16,
    processes: usize,
    /// Of each process.
    callers: usize,
}

#[derive(Default)]
struct Tally {
    /// Of each process.
    used: Vec<Duration>,
    waits: Vec<Duration>,
    now: usize,
    most: usize,
}

/// Rounds per permit, and the share of the permits that is in use in percent.
async fn measure(case: &Case) -> (f64, f64) {
    let net = Net::new(7);
    let nodes: Vec<_> = (0..3).map(|i| Arc::new(InMemoryNode::new(format!("node-{i}")))).collect();
    let used = vec![Duration::ZERO; case.processes];
    let tally = Arc::new(Mutex::new(Tally { used, ..Tally::default() }));
    let (mut links, mut tasks, mut handles) = (Vec::new(), Vec::new(), Vec::new());
    for client in 0..case.processes * case.callers {
        let process = client / case.callers;
        if client % case.callers == 0 {
            let connect = |node: &Arc<InMemoryNode>| {
                Arc::new(Link {
                    node: Arc::clone(node),
                    net: Arc::clone(&net),
                    there: Mutex::default(),
                    back: Mutex::default(),
                    asked: AtomicUsize::new(0),
                })
            };
            let own: Vec<_> = nodes.iter().map(connect).collect();
            let builder = Redlock::builder()
                .nodes(own.iter().map(|link| Arc::clone(link) as Arc<dyn LockNode>))
                .ttl(ms(10_000))
                .node_timeout(ms(200))
                .retry_seed(client as u64);
            handles.push(builder.build().unwrap());
            links.push(Arc::clone(&own[0]));
        }
        let semaphore = handles.last().unwrap().semaphore("s", case.permits).unwrap();
        let (tally, mut rng) = (Arc::clone(&tally), Rng::with_seed(client as u64));
        tasks.push(tokio::spawn(async move {
            let patient = LockOptions::new().wait_for(ms(600_000));
            loop {
                let asked = Instant::now();
                let permit = semaphore.acquire_with(&patient).await.unwrap();
                let began = Instant::now();
                {
                    let mut tally = tally.lock().unwrap();
                    tally.waits.push(began - asked);
                    tally.now += 1;
                    tally.most = tally.most.max(tally.now);
                }
                tokio::time::sleep(ms(rng.u64(10..=30))).await;
                {
                    let mut tally = tally.lock().unwrap();
                    tally.used[process] += began.elapsed();
                    tally.now -= 1;
                }
                permit.release().await.unwrap();
            }
        }));
    }
    let began = Instant::now();
    net.run(LASTS).await;
    let lasted = began.elapsed();
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    let asked: usize = links.iter().map(|link| link.asked.load(Ordering::Relaxed)).sum();
    let mut tally = tally.lock().unwrap();
    tally.waits.sort_unstable();
    let (had, most) = (tally.waits.len(), tally.most);
    let at = |percent: usize| tally.waits[(had - 1) * percent / 100].as_secs_f64() * 1_000.0;
    let rounds = asked as f64 / had as f64;
    let all: f64 = tally.used.iter().map(Duration::as_secs_f64).sum();
    let used = 100.0 * all / (lasted.as_secs_f64() * f64::from(case.permits));
    let of_fair =
        |used: Option<&Duration>| 100.0 * used.unwrap().as_secs_f64() * case.processes as f64 / all;
    println!(
        "{:>7}{:>11}{:>9}{had:>9}{rounds:>8.2}{used:>8.1} %{:>9.1}{:>9.1}{:>9.1}{:>9.0} %{:>9.0} %",
        case.permits,
        case.processes,
        case.callers,
        at(50),
        at(99),
        at(100),
        of_fair(tally.used.iter().min()),
        of_fair(tally.used.iter().max()),
    );
    assert!(most <= usize::from(case.permits));
    (rounds, used)
}

#[test]
fn permits_take_few_rounds_and_do_not_lie_idle() {
    println!(
        "{:>7}{:>11}{:>9}{:>9}{:>8}{:>10}{:>9}{:>9}{:>9}{:>11}{:>11}",
        "permits",
        "processes",
        "callers",
        "had",
        "rounds",
        "in use",
        "p50 ms",
        "p99 ms",
        "max ms",
        "least",
        "most"
    );
    for (permits, processes, callers, most, least) in [
        (8, 8, 1, 2.0, 80.0),
        (8, 12, 1, 5.0, 80.0),
        (8, 32, 1, 15.0, 80.0),
        (64, 64, 1, 3.0, 80.0),
        (3, 3, 4, 5.0, 80.0),
        (8, 4, 6, 5.0, 80.0),
        (8, 1, 12, 2.0, 80.0),
        (64, 1, 64, 2.0, 80.0),
    ] {
        // A debug build is some twenty times slower.
        if cfg!(debug_assertions) && processes * callers > 12 {
            continue;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let (rounds, used) = runtime.block_on(measure(&Case { permits, processes, callers }));
        assert!(rounds <= most && used >= least, "{rounds} rounds, {used} % in use");
    }
}
