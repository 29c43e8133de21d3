//! What was measured. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use redlock_core::LockError;

use crate::exit::Failure;

/// From a microsecond to ten minutes, to three digits.
const LONGEST_US: u64 = 600_000_000;

#[derive(Debug)]
pub(super) struct Figures {
    pub(super) take: Histogram<u64>,
    pub(super) release: Histogram<u64>,
    pub(super) cycle: Histogram<u64>,
    /// How often each kind of failure came.
    pub(super) failures: BTreeMap<String, u64>,
    /// The last of them in full.
    pub(super) last_failure: Option<String>,
}

impl Figures {
    pub(super) fn new() -> Result<Self, Failure> {
        let histogram = || Histogram::new_with_bounds(1, LONGEST_US, 3).map_err(Failure::new);
        Ok(Self {
            take: histogram()?,
            release: histogram()?,
            cycle: histogram()?,
            failures: BTreeMap::new(),
            last_failure: None,
        })
    }

    pub(super) fn cycle(&mut self, take: Duration, release: Duration) {
        let micros = |time: Duration| crate::output::micros(time).max(1);
        self.take.saturating_record(micros(take));
        self.release.saturating_record(micros(release));
        self.cycle.saturating_record(micros(take + release));
    }

    pub(super) fn failed(&mut self, error: &LockError) {
        *self.failures.entry(error.kind().to_string()).or_default() += 1;
        self.last_failure = Some(error.to_string());
    }

    pub(super) fn cycles(&self) -> u64 {
        self.cycle.len()
    }

    /// The histogram of cycles in bars that double, from the first that is not empty to the last: from, to, how many.
    pub(super) fn bars(&self) -> Vec<(u64, u64, u64)> {
        let mut bars = Vec::new();
        let mut from = 0;
        let mut to = 64;
        while from < LONGEST_US {
            bars.push((from, to, 0));
            from = to;
            to *= 2;
        }
        for value in self.cycle.iter_recorded() {
            let at = value.value_iterated_to();
            if let Some(bar) = bars.iter_mut().find(|(from, to, _)| (*from..*to).contains(&at)) {
                bar.2 += value.count_at_value();
            }
        }
        let first = bars.iter().position(|bar| bar.2 > 0).unwrap_or(bars.len());
        let last = bars.iter().rposition(|bar| bar.2 > 0).map_or(first, |last| last + 1);
        bars[first..last].to_vec()
    }
}
