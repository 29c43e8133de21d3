//! Times of things that are done in turns, so that whatever disturbs the machine disturbs all of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use integration_tests::Server;

use crate::contender::Contender;
use crate::usage::Usage;

/// What is done at most this many times in a row before the next one's turn.
pub(crate) const TURN: usize = 100;

/// All turns of one contender.
#[derive(Default)]
pub(crate) struct Turns {
    times: Vec<Duration>,
    pub(crate) failed: usize,
    pub(crate) usage: Usage,
}

impl Turns {
    pub(crate) fn count(&self) -> usize {
        self.times.len()
    }

    /// One turn: `count` locks taken and released by one task.
    pub(crate) async fn turn(
        &mut self,
        contender: &Contender,
        key: &str,
        count: usize,
        servers: &[Server],
    ) {
        let (contender, key) = (contender.clone(), key.to_owned());
        // A task of its own: under several workers `block_on` is on a thread beside them.
        let turn = tokio::spawn(async move {
            let (mut times, mut failed) = (Vec::with_capacity(count), 0);
            for _ in 0..count {
                let start = Instant::now();
                failed += usize::from(!contender.cycle(&key).await);
                times.push(start.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(1)).await; // for what no majority waited for
            (times, failed)
        });
        let (times, failed) = self.usage.during(servers, turn).await.unwrap();
        self.times.extend(times);
        self.failed += failed;
    }

    pub(crate) fn p50(&self) -> f64 {
        percentile(&self.times, 50)
    }

    pub(crate) fn p99(&self) -> f64 {
        percentile(&self.times, 99)
    }
}

/// Measures `cycles` of each of the `contenders` in turns, after a tenth as many to warm up.
pub(crate) async fn alternate(
    contenders: &[Contender],
    section: &str,
    cycles: usize,
    servers: &[Server],
) -> Vec<Turns> {
    let keys = own_keys(contenders, section);
    for (contender, key) in contenders.iter().zip(&keys) {
        Turns::default().turn(contender, key, cycles.div_ceil(10), servers).await;
    }
    let mut all: Vec<Turns> = contenders.iter().map(|_| Turns::default()).collect();
    let turn = TURN.min(cycles.div_ceil(2));
    for _ in 0..cycles.div_ceil(turn) {
        for ((contender, key), turns) in contenders.iter().zip(&keys).zip(&mut all) {
            turns.turn(contender, key, turn, servers).await;
        }
    }
    all
}

/// A key for each that was never used: the raw commands may leave theirs behind on a minority of the servers.
pub(crate) fn own_keys(contenders: &[Contender], section: &str) -> Vec<String> {
    static USED: AtomicUsize = AtomicUsize::new(0);
    let first = USED.fetch_add(contenders.len(), Ordering::Relaxed);
    (first..first + contenders.len()).map(|i| format!("compare:{section}:{i}")).collect()
}

/// In microseconds.
pub(crate) fn percentile(times: &[Duration], percent: usize) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e6
}
