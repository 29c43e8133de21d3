//! A recorder that tests read as often as they like.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, LocalRecorderGuard, Metadata, Recorder,
    SharedString, Unit, set_default_local_recorder,
};
use redlock_core::Redlock;

/// A name, and `label=value` in order.
pub(crate) type Series = (String, Vec<String>);

#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Inner>);

#[derive(Default)]
struct Inner {
    counters: Mutex<BTreeMap<Series, Arc<AtomicU64>>>,
    gauges: Mutex<BTreeMap<Series, Arc<AtomicU64>>>,
    histograms: Mutex<BTreeMap<Series, Arc<Values>>>,
    described: Mutex<BTreeMap<String, (Option<Unit>, String)>>,
}

/// A recorder for this thread, which has all of the test's runtime.
pub(crate) fn recorder() -> (Seen, LocalRecorderGuard<'static>) {
    let seen: &'static Seen = Box::leak(Box::default());
    (seen.clone(), set_default_local_recorder(seen))
}

/// Closes and forgets the handle; nothing may be left that a gauge counts.
pub(crate) async fn close(redlock: Redlock, seen: &Seen) {
    redlock.close().await;
    drop(redlock);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(seen.up(), [], "gauges that are not back at zero");
}

#[derive(Default)]
struct Values(Mutex<Vec<f64>>);

impl HistogramFn for Values {
    fn record(&self, value: f64) {
        self.0.lock().unwrap().push(value);
    }
}

fn series(key: &Key) -> Series {
    let mut labels: Vec<_> =
        key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
    labels.sort();
    (key.name().to_owned(), labels)
}

fn named(name: &str, labels: &[&str]) -> Series {
    (name.to_owned(), labels.iter().map(|label| (*label).to_owned()).collect())
}

impl Recorder for Seen {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        self.0.described.lock().unwrap().insert(key.as_str().to_owned(), (unit, help.into_owned()));
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe_counter(key, unit, help);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe_counter(key, unit, help);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut counters = self.0.counters.lock().unwrap();
        Counter::from_arc(Arc::clone(counters.entry(series(key)).or_default()))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let mut gauges = self.0.gauges.lock().unwrap();
        Gauge::from_arc(Arc::clone(gauges.entry(series(key)).or_default()))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let mut histograms = self.0.histograms.lock().unwrap();
        Histogram::from_arc(Arc::clone(histograms.entry(series(key)).or_default()))
    }
}

impl Seen {
    pub(crate) fn counter(&self, name: &str, labels: &[&str]) -> u64 {
        let counters = self.0.counters.lock().unwrap();
        counters.get(&named(name, labels)).map_or(0, |count| count.load(Ordering::SeqCst))
    }

    pub(crate) fn gauge(&self, name: &str, labels: &[&str]) -> f64 {
        let gauges = self.0.gauges.lock().unwrap();
        let bits = gauges.get(&named(name, labels)).map_or(0, |bits| bits.load(Ordering::SeqCst));
        f64::from_bits(bits)
    }

    pub(crate) fn histogram(&self, name: &str, labels: &[&str]) -> Vec<f64> {
        let histograms = self.0.histograms.lock().unwrap();
        histograms.get(&named(name, labels)).map_or_else(Vec::new, |v| v.0.lock().unwrap().clone())
    }

    /// Calls for locks that ended so, and how long each waited.
    pub(crate) fn acquired(&self, outcome: &str) -> (u64, Vec<f64>) {
        self.acquired_as(outcome, "exclusive")
    }

    /// The same of calls that ask for a lock in this mode.
    pub(crate) fn acquired_as(&self, outcome: &str, mode: &str) -> (u64, Vec<f64>) {
        let (outcome, mode) = (format!("outcome={outcome}"), format!("mode={mode}"));
        let waits = self.histogram("redlock_acquire_duration_seconds", &[&mode, &outcome]);
        (self.counter("redlock_acquire_total", &[&mode, &outcome]), waits)
    }

    /// Attempts that ended so.
    pub(crate) fn attempts(&self, outcome: &str) -> u64 {
        self.counter("redlock_attempts_total", &[&format!("outcome={outcome}")])
    }

    /// Gauges that are not zero.
    pub(crate) fn up(&self) -> Vec<Series> {
        let gauges = self.0.gauges.lock().unwrap();
        let up =
            gauges.iter().filter(|(_, bits)| f64::from_bits(bits.load(Ordering::SeqCst)) != 0.0);
        up.map(|(series, _)| series.clone()).collect()
    }

    /// Everything that was registered, with its kind, and not only made to begin at zero.
    pub(crate) fn emitted(&self) -> Vec<(&'static str, Series)> {
        let counters = self.0.counters.lock().unwrap();
        let counted = counters.iter().filter(|(_, count)| count.load(Ordering::SeqCst) > 0);
        let mut all: Vec<_> = counted.map(|(series, _)| ("counter", series.clone())).collect();
        all.extend(self.0.gauges.lock().unwrap().keys().map(|series| ("gauge", series.clone())));
        let histograms = self.0.histograms.lock().unwrap();
        all.extend(histograms.keys().map(|series| ("histogram", series.clone())));
        all
    }

    /// All series, whatever their value.
    pub(crate) fn series(&self) -> Vec<Series> {
        let mut all: Vec<_> = self.0.counters.lock().unwrap().keys().cloned().collect();
        all.extend(self.0.gauges.lock().unwrap().keys().cloned());
        all.extend(self.0.histograms.lock().unwrap().keys().cloned());
        all
    }

    pub(crate) fn described(&self) -> BTreeMap<String, (Option<Unit>, String)> {
        self.0.described.lock().unwrap().clone()
    }
}
