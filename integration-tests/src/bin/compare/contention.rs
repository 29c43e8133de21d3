//! Tasks that want the same lock, each again and again.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::contender::Contender;
use crate::timing::percentile;
use crate::usage;

/// For how long each holds the lock, by tokio's timer.
const HOLD: Duration = Duration::from_millis(1);

/// What became of some tasks' wishes.
#[derive(Default)]
pub(crate) struct Contention {
    /// How often each task had the lock.
    pub(crate) shares: Vec<usize>,
    pub(crate) waits: Vec<Duration>,
    /// Locks that were not had within the wait budget.
    pub(crate) failed: usize,
    pub(crate) took: Duration,
    pub(crate) client_cpu: Duration,
}

impl Contention {
    /// `tasks` tasks on one key for `length`. All that wait at the end have their turn yet.
    pub(crate) async fn of(
        contender: &Contender,
        key: &str,
        tasks: usize,
        length: Duration,
    ) -> Self {
        let (begin, cpu) = (Instant::now(), usage::cpu());
        let tasks: JoinSet<_> = (0..tasks)
            .map(|_| {
                let (contender, key) = (contender.clone(), key.to_owned());
                async move {
                    let (mut waits, mut failed) = (Vec::new(), 0);
                    while waits.len() + failed == 0 || begin.elapsed() < length {
                        let wanted = Instant::now();
                        let Some(held) = contender.acquire(&key).await else {
                            failed += 1;
                            continue;
                        };
                        waits.push(wanted.elapsed());
                        tokio::time::sleep(HOLD).await;
                        contender.release(&key, held).await;
                    }
                    (waits, failed)
                }
            })
            .collect();
        let done = tasks.join_all().await;
        Self {
            took: begin.elapsed(),
            client_cpu: usage::cpu() - cpu,
            shares: done.iter().map(|(waits, _)| waits.len()).collect(),
            failed: done.iter().map(|(_, failed)| failed).sum(),
            waits: done.into_iter().flat_map(|(waits, _)| waits).collect(),
        }
    }

    /// Adds another turn of the same tasks.
    pub(crate) fn add(&mut self, more: Self) {
        self.shares.resize(more.shares.len(), 0);
        self.shares.iter_mut().zip(&more.shares).for_each(|(sum, share)| *sum += share);
        self.waits.extend(more.waits);
        self.failed += more.failed;
        self.took += more.took;
        self.client_cpu += more.client_cpu;
    }

    /// Hand-overs per second.
    pub(crate) fn rate(&self) -> f64 {
        self.waits.len() as f64 / self.took.as_secs_f64()
    }

    /// The largest share to the smallest; one that had nothing counts as one.
    pub(crate) fn inequality(&self) -> f64 {
        let largest = self.shares.iter().max().copied().unwrap_or_default();
        let smallest = self.shares.iter().min().copied().unwrap_or_default();
        largest as f64 / smallest.max(1) as f64
    }

    /// In milliseconds.
    pub(crate) fn wait(&self, percent: usize) -> f64 {
        percentile(&self.waits, percent) / 1e3
    }

    pub(crate) fn heading(who: &str) {
        println!(
            "| {who} | hand-overs/s | wait p50 ms | wait p99 ms | max / min | failed | client CPU µs per hand-over |"
        );
        println!("|---|---|---|---|---|---|---|");
    }

    pub(crate) fn row(&self, who: &str) {
        println!(
            "| {who} | {:.0} | {:.1} | {:.1} | {:.2} | {} | {:.0} |",
            self.rate(),
            self.wait(50),
            self.wait(99),
            self.inequality(),
            self.failed,
            self.client_cpu.as_secs_f64() * 1e6 / self.waits.len() as f64
        );
    }
}
