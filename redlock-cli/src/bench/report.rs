//! The figures, for people and for programs. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::figures::Figures;
use super::request::Request;
use crate::output::{self, count, latency, span};

const WIDTH: u64 = 40;

pub(super) struct Summary<'a> {
    pub(super) request: &'a Request,
    pub(super) nodes: usize,
    pub(super) figures: &'a Figures,
    pub(super) elapsed: Duration,
    pub(super) interrupted: bool,
}

impl Summary<'_> {
    fn rate(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.figures.cycles() as f64 / seconds } else { 0.0 }
    }

    pub(super) fn text(&self) -> String {
        let tasks = count(usize::from(self.request.tasks), "task");
        let keys =
            if self.request.contended { "on one lock" } else { "each with a lock of its own" };
        let fencing = if self.request.fencing { ", fenced" } else { "" };
        let mut text = format!("{tasks} {keys}{fencing}, {}\n", count(self.nodes, "node"));
        let ended = if self.interrupted { ", interrupted" } else { "" };
        let rate = self.rate();
        let cycles = count(usize::try_from(self.figures.cycles()).unwrap_or(usize::MAX), "cycle");
        text.push_str(&format!("{cycles} in {}{ended}: {rate:.0} cycles/s\n", span(self.elapsed)));
        for (kind, times) in &self.figures.failures {
            text.push_str(&format!("{times} failed: {kind}\n"));
        }
        if self.figures.cycles() == 0 {
            return text.trim_end().to_owned();
        }
        let mut table = output::table(&["", "P50", "P90", "P99", "P99.9", "MAX"]);
        for (name, histogram) in self.histograms() {
            let [p50, p90, p99, p999, max] =
                quantiles(histogram).map(|us| latency(Duration::from_micros(us)));
            table.add_row([name.to_owned(), p50, p90, p99, p999, max]);
        }
        text.push_str(&format!("\n{}\n\n{}", output::rows(&table, "  "), self.bars()));
        text
    }

    /// A bar for each range of a cycle's latency.
    fn bars(&self) -> String {
        let bars = self.figures.bars();
        let most = bars.iter().map(|bar| bar.2).max().unwrap_or(0).max(1);
        let mut table = output::table(&["CYCLE BELOW", "", ""]);
        for (_, to, times) in bars {
            let length = (times * WIDTH).div_ceil(most);
            let bar = "#".repeat(usize::try_from(length).unwrap_or(0));
            table.add_row([latency(Duration::from_micros(to)), times.to_string(), bar]);
        }
        output::rows(&table, "  ")
    }

    fn histograms(&self) -> [(&'static str, &Histogram<u64>); 3] {
        let figures = self.figures;
        [("take", &figures.take), ("release", &figures.release), ("cycle", &figures.cycle)]
    }

    /// The fields are stable: `tasks`, `contended`, `fencing`, `nodes`, `elapsed_ms`, `interrupted`, `cycles`,
    /// `cycles_per_s`, `failures` (by kind), `latency_us` (`take`, `release`, `cycle`: `p50`, `p90`, `p99`, `p99_9`,
    /// `max`), `histogram` (of cycles: `from_us`, `below_us`, `count`).
    pub(super) fn json(&self) -> impl Serialize {
        let quantiles = |histogram: &Histogram<u64>| {
            let [p50, p90, p99, p99_9, max] = quantiles(histogram);
            Quantiles { p50, p90, p99, p99_9, max }
        };
        let latency_us = self.histograms().map(|(name, histogram)| (name, quantiles(histogram)));
        let bars = self.figures.bars().into_iter();
        Json {
            tasks: self.request.tasks,
            contended: self.request.contended,
            fencing: self.request.fencing,
            nodes: self.nodes,
            elapsed_ms: u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX),
            interrupted: self.interrupted,
            cycles: self.figures.cycles(),
            cycles_per_s: (self.rate() * 10.0).round() / 10.0,
            failures: self.figures.failures.clone(),
            latency_us: latency_us.into(),
            histogram: bars
                .map(|(from_us, below_us, count)| Bar { from_us, below_us, count })
                .collect(),
        }
    }
}

fn quantiles(histogram: &Histogram<u64>) -> [u64; 5] {
    let at = |quantile| histogram.value_at_quantile(quantile);
    [at(0.5), at(0.9), at(0.99), at(0.999), histogram.max()]
}

#[derive(Serialize)]
struct Json {
    tasks: u16,
    contended: bool,
    fencing: bool,
    nodes: usize,
    elapsed_ms: u64,
    interrupted: bool,
    cycles: u64,
    cycles_per_s: f64,
    failures: BTreeMap<String, u64>,
    latency_us: BTreeMap<&'static str, Quantiles>,
    histogram: Vec<Bar>,
}

#[derive(Serialize)]
struct Quantiles {
    p50: u64,
    p90: u64,
    p99: u64,
    p99_9: u64,
    max: u64,
}

#[derive(Serialize)]
struct Bar {
    from_us: u64,
    below_us: u64,
    count: u64,
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
