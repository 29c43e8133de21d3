//! The way to the recorder. It is looked for at each call, so it may be installed after the handle was built.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use metrics::{Gauge, Key, Label, Level, Metadata, Unit, with_recorder};

use super::table::{self, METRICS, Metric, MetricKind};
use super::values::{Freed, Loss, Outcome, Passage, Renewed, Sharing, TARGET, Verb, Word};
use crate::decide::node_set::NodeSetFingerprint;

static METADATA: Metadata<'static> = Metadata::new(TARGET, Level::INFO, Some(module_path!()));

/// The series of a metric without labels.
pub(super) const fn plain(metric: &Metric) -> Key {
    Key::from_static_name(metric.name)
}

/// The series of a metric by the words of one label. Made once, so that counting allocates nothing.
pub(super) struct Series(Vec<Key>);

impl Series {
    fn of<W: Word>(metric: &Metric) -> Self {
        let label = metric.labels[0];
        let key = |word: &W| {
            Key::from_parts(metric.name, vec![Label::from_static_parts(label, word.text())])
        };
        Self(W::ALL.iter().map(key).collect())
    }

    pub(super) fn of_word(&self, word: impl Word) -> &Key {
        &self.0[word.index()]
    }
}

/// The same by the words of two.
pub(super) struct Pairs {
    keys: Vec<Key>,
    seconds: usize,
}

impl Pairs {
    fn of<A: Word, B: Word>(metric: &Metric) -> Self {
        let key = |first: &A, second: &B| {
            let labels = [(metric.labels[0], first.text()), (metric.labels[1], second.text())];
            let labels = labels.map(|(name, text)| Label::from_static_parts(name, text));
            Key::from_parts(metric.name, labels.to_vec())
        };
        let of_first = |first: &'static A| B::ALL.iter().map(move |second| key(first, second));
        Self { keys: A::ALL.iter().flat_map(of_first).collect(), seconds: B::ALL.len() }
    }

    pub(super) fn of_words(&self, first: impl Word, second: impl Word) -> &Key {
        &self.keys[first.index() * self.seconds + second.index()]
    }
}

/// Calls that ask for locks, and how long they took.
pub(super) static ACQUIRES: LazyLock<Pairs> =
    LazyLock::new(|| Pairs::of::<Outcome, Sharing>(&table::ACQUIRE_TOTAL));
pub(super) static ACQUIRE_DURATIONS: LazyLock<Pairs> =
    LazyLock::new(|| Pairs::of::<Outcome, Sharing>(&table::ACQUIRE_DURATION));

macro_rules! series {
    ($($name:ident: $metric:ident by $word:ty;)*) => {
        $(pub(super) static $name: LazyLock<Series> =
            LazyLock::new(|| Series::of::<$word>(&table::$metric));)*

        /// Has every series of a counter begin at zero: a rate sees no step in one that begins at one.
        fn begin() {
            $(if table::$metric.kind == MetricKind::Counter {
                $name.0.iter().for_each(|key| add(key, 0));
            })*
        }
    };
}

series! {
    ATTEMPTS: ATTEMPTS_TOTAL by Outcome;
    RELEASES: RELEASE_TOTAL by Freed;
    EXTENSIONS: EXTEND_TOTAL by Renewed;
    LOSSES: LOST_TOTAL by Loss;
    HANDOVERS: HANDOVER_TOTAL by Passage;
}

pub(super) static FENCE_RAISES: Key = plain(&table::FENCE_RAISES_TOTAL);
pub(super) static WAITING: Key = plain(&table::WAITING);
pub(super) static WAKE_UPS: Key = plain(&table::WAKE_UPS_TOTAL);
pub(super) static HELD: Key = plain(&table::HELD);
pub(super) static HOLD_DURATION: Key = plain(&table::HOLD_DURATION);
pub(super) static BACKGROUND_TASKS: Key = plain(&table::BACKGROUND_TASKS);

fn add(key: &Key, n: u64) {
    with_recorder(|recorder| recorder.register_counter(key, &METADATA)).increment(n);
}

pub(super) fn count(key: &Key) {
    add(key, 1);
}

pub(super) fn observe(key: &Key, duration: Duration) {
    let histogram = with_recorder(|recorder| recorder.register_histogram(key, &METADATA));
    histogram.record(duration.as_secs_f64());
}

/// One more, for as long as this lives. The gauge that went up is the one that goes down, whoever records by then.
#[derive(Debug)]
pub(super) struct Up(Gauge);

impl Up {
    pub(super) fn new(key: &Key) -> Self {
        let gauge = with_recorder(|recorder| recorder.register_gauge(key, &METADATA));
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// The series of one node.
pub(super) struct NodeSeries {
    name: Arc<str>,
    requests: Vec<Key>,
}

impl NodeSeries {
    pub(super) fn new(name: &str) -> Self {
        let name: Arc<str> = name.into();
        let metric = &table::NODE_REQUEST_DURATION;
        let key = |verb: &Verb| {
            let verb = Label::from_static_parts(metric.labels[1], verb.text());
            Key::from_parts(metric.name, vec![Label::new(metric.labels[0], name.clone()), verb])
        };
        let requests = Verb::ALL.iter().map(key).collect();
        Self { name, requests }
    }

    pub(super) fn request(&self, verb: Verb) -> &Key {
        &self.requests[verb.index()]
    }

    fn label(&self, metric: &Metric) -> Label {
        Label::new(metric.labels[0], Arc::clone(&self.name))
    }

    pub(super) fn failed(&self, kind: &'static str) {
        let metric = &table::NODE_ERRORS_TOTAL;
        let labels = vec![self.label(metric), Label::from_static_parts(metric.labels[1], kind)];
        count(&Key::from_parts(metric.name, labels));
    }

    pub(super) fn listening(&self) -> Up {
        let metric = &table::LISTENING;
        Up::new(&Key::from_parts(metric.name, vec![self.label(metric)]))
    }
}

/// A handle with this set-up exists, for as long as the answer lives. Tells the recorder what the metrics mean.
pub(super) fn handle(nodes: usize, switches: [bool; 3]) -> Up {
    describe();
    begin();
    ACQUIRES.keys.iter().for_each(|key| add(key, 0));
    [&FENCE_RAISES, &WAKE_UPS].into_iter().for_each(|key| add(key, 0));
    let metric = &table::HANDLES;
    let mut labels = vec![Label::new(metric.labels[0], nodes.to_string())];
    for (name, on) in std::iter::zip(&metric.labels[1..], switches) {
        labels.push(Label::from_static_parts(name, if on { "true" } else { "false" }));
    }
    Up::new(&Key::from_parts(metric.name, labels))
}

/// A handle locks on these servers, for as long as the answer lives.
pub(super) fn node_set(print: NodeSetFingerprint) -> Up {
    let metric = &table::NODE_SET;
    let label = Label::new(metric.labels[0], print.to_string());
    Up::new(&Key::from_parts(metric.name, vec![label]))
}

fn describe() {
    for Metric { name, kind, help, .. } in METRICS {
        let (name, help) = ((*name).into(), (*help).into());
        with_recorder(|recorder| match kind {
            MetricKind::Counter => recorder.describe_counter(name, Some(Unit::Count), help),
            MetricKind::Gauge => recorder.describe_gauge(name, Some(Unit::Count), help),
            MetricKind::Histogram => {
                recorder.describe_histogram(name, Some(Unit::Seconds), help);
            }
        });
    }
}
