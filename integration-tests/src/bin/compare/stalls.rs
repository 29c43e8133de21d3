//! What a node timeout costs and gains while servers or the client stand still for a moment, as they do on a machine that
//! is out of processor time: calls that end without an answer which would have come, against calls that wait for one
//! that does not come.
//!
//! `compare --only stalls` takes twenty minutes, with `--quick` under two; it is no part of `--quick` unless it is named. Calls begin at a fixed rate, so that a stall hits as
//! many of them whatever they do, and every rule meets the same stalls.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use integration_tests::Server;
use integration_tests::nodes::Client;
use redlock_core::{LockError, LockErrorKind, LockNode, LockOptions, Redlock, RedlockBuilder};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::bench::Bench;
use crate::counting::{self, Attempts};
use crate::figures::Figures;
use crate::settings::Runtime;
use crate::timing::percentile;

/// How often calls begin, one of each sort.
const PACE: Duration = Duration::from_millis(20);

/// How long a stall lasts, and how long it is until the next one, in milliseconds.
const STALL: std::ops::RangeInclusive<u64> = 100..=800;
const PAUSE: std::ops::RangeInclusive<u64> = 100..=400;

/// Which stalls these are.
const SEED: u64 = 13;

/// A way to choose the node timeout from the time to live.
struct Rule {
    name: &'static str,
    /// The time to live is divided by this,
    part: u32,
    /// and held below this many milliseconds.
    most: u64,
}

const RULES: [Rule; 5] = [
    Rule { name: "ttl/20, 50 to 200 ms", part: 20, most: 200 },
    Rule { name: "ttl/20, 50 to 500 ms", part: 20, most: 500 },
    Rule { name: "ttl/10, 50 to 500 ms", part: 10, most: 500 },
    Rule { name: "ttl/10, 50 to 1000 ms", part: 10, most: 1_000 },
    Rule { name: "ttl/5, 50 to 1000 ms", part: 5, most: 1_000 },
];

impl Rule {
    fn node_timeout(&self, ttl: Duration) -> Duration {
        let (least, most) = (Duration::from_millis(50), Duration::from_millis(self.most));
        (ttl / self.part).clamp(least, most).min(ttl / 5)
    }
}

/// What stands still.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stall {
    Nothing,
    OneServer,
    Majority,
    AllServers,
    Client,
    OneHung,
    MajorityHung,
}

impl Stall {
    const ALL: [Self; 7] = [
        Self::Nothing,
        Self::OneServer,
        Self::Majority,
        Self::AllServers,
        Self::Client,
        Self::OneHung,
        Self::MajorityHung,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::OneServer => "one server, by turns",
            Self::Majority => "a majority, by turns",
            Self::AllServers => "all servers",
            Self::Client => "the client",
            Self::OneHung => "one server, for good",
            Self::MajorityHung => "a majority, for good",
        }
    }

    /// The servers that stand still in one stall.
    fn servers<'a>(self, all: &'a [Server], random: &mut Rng) -> Vec<&'a Server> {
        let count = match self {
            Self::Nothing | Self::Client => 0,
            Self::OneServer | Self::OneHung => 1,
            Self::Majority | Self::MajorityHung => all.len() / 2 + 1,
            Self::AllServers => all.len(),
        };
        let mut servers: Vec<_> = all.iter().collect();
        random.shuffle(&mut servers);
        servers.truncate(count);
        servers
    }

    fn lasts(self) -> bool {
        matches!(self, Self::OneHung | Self::MajorityHung)
    }
}

/// What became of some calls.
#[derive(Default)]
struct Calls {
    had: Vec<Duration>,
    unreachable: Vec<Duration>,
    other: Vec<Duration>,
    releases: Vec<Duration>,
}

impl Calls {
    fn count(&self) -> usize {
        self.had.len() + self.unreachable.len() + self.other.len()
    }

    fn note(&mut self, (took, ended): (Duration, Result<Duration, LockErrorKind>)) {
        match ended {
            Ok(release) => {
                self.had.push(took);
                self.releases.push(release);
            }
            Err(LockErrorKind::Unreachable) => self.unreachable.push(took),
            Err(_) => self.other.push(took),
        }
    }
}

/// Milliseconds, of what there is.
fn ms(times: &[Duration], percent: usize) -> String {
    if times.is_empty() {
        return "–".to_owned();
    }
    format!("{:.1}", percentile(times, percent) / 1e3)
}

pub(crate) fn run(bench: &Bench, _: &mut Figures) {
    if bench.settings.is_quick() && !bench.settings.is_named("stalls") {
        return;
    }
    let length = bench.settings.pick(200, 2_000, 8_000);
    let length = Duration::from_millis(length);
    let wait = Duration::from_millis(bench.settings.pick(300, 5_000, 5_000));
    let rules = bench.settings.pick(&RULES[..1], &RULES[..], &RULES[..]);
    let sizes: &[usize] = bench.settings.pick(&[3][..], &[3], &[3, 5]);
    let ttls: &[u64] = bench.settings.pick(&[10][..], &[10], &[2, 10]);
    println!("\n## Node timeouts while something stands still, for 100 to 800 ms or for good\n");
    println!(
        "Each row: {} s of one `try_lock` and one `lock` of up to {} s every {} ms, on keys of their own. Times in ms. \
         Load of the machine before: {}.\n",
        length.as_secs_f64(),
        wait.as_secs_f64(),
        PACE.as_millis(),
        std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim()
    );
    println!(
        "| still | nodes | ttl | rule | timeout | `try_lock` calls | unreachable % | otherwise not had | had p50 | p99 \
         | most | not had p50 | release p99 | `lock` not had | attempts per call | p99 | most |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for stall in Stall::ALL {
        for (nodes, ttl) in sizes.iter().flat_map(|n| ttls.iter().map(move |ttl| (*n, *ttl))) {
            for rule in rules {
                let ttl = Duration::from_secs(ttl);
                let timeout = rule.node_timeout(ttl);
                let waiting = |nodes| {
                    Redlock::builder().nodes(nodes).ttl(ttl).node_timeout(timeout).wait_for(wait)
                };
                let row = Runtime::Current.run(measure(bench, stall, nodes, length, waiting));
                println!(
                    "| {} | {nodes} | {ttl:?} | {} | {} | {} |",
                    stall.name(),
                    rule.name,
                    timeout.as_millis(),
                    row
                );
            }
        }
    }
}

async fn measure(
    bench: &Bench,
    stall: Stall,
    nodes: usize,
    length: Duration,
    builder: impl Fn(Vec<Arc<dyn LockNode>>) -> RedlockBuilder,
) -> String {
    let urls = bench.urls(nodes);
    let servers = &bench.servers[..nodes];
    let attempts: [Arc<Attempts>; 2] = Default::default();
    let handle = |attempts: &Arc<Attempts>| {
        builder(counting::nodes(Client::Redis, &urls, attempts, 0)).build().unwrap()
    };
    let [once, again] = [handle(&attempts[0]), handle(&attempts[1])];
    for redlock in [&once, &again] {
        // The first contact is not what is asked.
        let patient = LockOptions::new().wait_for(Duration::from_secs(60));
        let first = redlock.lock_with("compare:stalls:first", &patient).await.unwrap();
        let _ = first.release().await;
    }
    attempts[1].take();

    let mut random = Rng::with_seed(SEED);
    let hung = if stall.lasts() { stall.servers(servers, &mut random) } else { Vec::new() };
    for server in &hung {
        server.pause().await;
    }
    let calls = calls(&once, &again, length);
    let (tried, waited) = tokio::select! {
        calls = calls => calls,
        () = stand_still(stall, servers, random) => unreachable!("stalls go on"),
    };
    // Those of the last stall, too; whoever runs already does not mind.
    for server in servers {
        server.resume().await;
    }
    let per_call = attempts[1].take() as f64 / waited.count().max(1) as f64;
    let not_had: Vec<_> = tried.unreachable.iter().chain(&tried.other).copied().collect();
    format!(
        "{} | {:.1} | {} | {} | {} | {} | {} | {} | {} | {per_call:.2} | {} | {}",
        tried.count(),
        100.0 * tried.unreachable.len() as f64 / tried.count().max(1) as f64,
        tried.other.len(),
        ms(&tried.had, 50),
        ms(&tried.had, 99),
        ms(&tried.had, 100),
        ms(&not_had, 50),
        ms(&tried.releases, 99),
        waited.count() - waited.had.len(),
        ms(&waited.had, 99),
        ms(&waited.had, 100),
    )
}

/// Begins calls for so long, and waits for the last of them.
async fn calls(once: &Redlock, again: &Redlock, length: Duration) -> (Calls, Calls) {
    let (mut tried, mut waited) = (JoinSet::new(), JoinSet::new());
    let mut pace = interval(PACE);
    // What a stall of the client left out begins at its end.
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let turns = length.as_millis() / PACE.as_millis();
    for turn in 0..turns {
        pace.tick().await;
        let (once, again) = (once.clone(), again.clone());
        tried.spawn(async move {
            let start = Instant::now();
            let locked = once.try_lock(format!("compare:stalls:once:{turn}")).await;
            ended(start, locked).await
        });
        waited.spawn(async move {
            let start = Instant::now();
            let locked = again.lock(format!("compare:stalls:again:{turn}")).await;
            ended(start, locked).await
        });
    }
    let mut sums = (Calls::default(), Calls::default());
    tried.join_all().await.into_iter().for_each(|call| sums.0.note(call));
    waited.join_all().await.into_iter().for_each(|call| sums.1.note(call));
    sums
}

async fn ended(
    start: Instant,
    locked: Result<redlock_core::LockGuard, LockError>,
) -> (Duration, Result<Duration, LockErrorKind>) {
    let took = start.elapsed();
    match locked {
        Ok(guard) => {
            let start = Instant::now();
            let _ = guard.release().await;
            (took, Ok(start.elapsed()))
        }
        Err(error) => (took, Err(error.kind())),
    }
}

/// Has something stand still again and again, until it is dropped.
async fn stand_still(stall: Stall, all: &[Server], mut random: Rng) {
    if stall == Stall::Nothing || stall.lasts() {
        return std::future::pending().await;
    }
    loop {
        sleep(Duration::from_millis(random.u64(PAUSE))).await;
        let still = Duration::from_millis(random.u64(STALL));
        if stall == Stall::Client {
            // The runtime has this thread alone.
            std::thread::sleep(still);
            continue;
        }
        let servers = stall.servers(all, &mut random);
        for server in &servers {
            server.pause().await;
        }
        sleep(still).await;
        for server in &servers {
            server.resume().await;
        }
    }
}
