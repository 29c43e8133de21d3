//! The metrics of this crate: what `docs/TELEMETRY.md` tells operators, for programs.
//!
//! ```
//! use redlock_core::telemetry::{METRICS, SECONDS_BUCKETS};
//!
//! // An exporter that is told no buckets renders summaries, over which no quantile of several processes can be taken.
//! assert!(SECONDS_BUCKETS.is_sorted());
//! assert!(METRICS.iter().all(|metric| metric.name.starts_with("redlock_")));
//! ```

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down, and is back where it was when nothing is left of what it counts.
    Gauge,
    /// Durations, in seconds.
    Histogram,
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: MetricKind,
    /// The names of its labels. All their values come from the code or from the handle's settings, none from a key.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub help: &'static str,
}

/// Upper bounds for histograms of all metrics that end with `_seconds`: from a round trip in one rack to a long hold.
pub const SECONDS_BUCKETS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0, 300.0,
];

macro_rules! metrics {
    ($($constant:ident: $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: Metric = Metric {
                name: $name,
                kind: MetricKind::$kind,
                labels: &[$($label),*],
                help: $help,
            };
        )*

        /// Every metric.
        pub const METRICS: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    ACQUIRE_TOTAL: Counter "redlock_acquire_total" ["outcome", "mode"]
        "Calls that asked for a lock, by how they ended and whether they would share it or have one of several.";
    ACQUIRE_DURATION: Histogram "redlock_acquire_duration_seconds" ["outcome", "mode"]
        "How long calls waited for a lock, the line of this process included.";
    ATTEMPTS_TOTAL: Counter "redlock_attempts_total" ["outcome"]
        "Rounds over the nodes, by what they came to.";
    FENCE_RAISES_TOTAL: Counter "redlock_fence_raises_total" []
        "Attempts that took a second round because the nodes' fencing numbers differed.";
    WAITING: Gauge "redlock_waiting" []
        "Calls under way that do not have their lock yet.";
    WAKE_UPS_TOTAL: Counter "redlock_wake_ups_total" []
        "Releases that waiting calls heard of.";
    HELD: Gauge "redlock_held" []
        "Locks that are held, and whose loss, if there was one, was not noticed yet.";
    HOLD_DURATION: Histogram "redlock_hold_duration_seconds" []
        "How long locks were held, to their release or to the moment their loss was noticed.";
    RELEASE_TOTAL: Counter "redlock_release_total" ["outcome"]
        "Releases, by what they found.";
    EXTEND_TOTAL: Counter "redlock_extend_total" ["outcome"]
        "Extensions, those of renewal included, by what they came to.";
    LOST_TOTAL: Counter "redlock_lost_total" ["reason"]
        "Locks lost under their guards, counted when it was noticed.";
    NODE_REQUEST_DURATION: Histogram "redlock_node_request_duration_seconds" ["node", "verb"]
        "How long nodes took to answer.";
    NODE_ERRORS_TOTAL: Counter "redlock_node_errors_total" ["node", "kind"]
        "Requests that nodes failed, or did not answer in time.";
    LISTENING: Gauge "redlock_listening" ["node"]
        "Subscriptions that stand, over which releases are heard of.";
    BACKGROUND_TASKS: Gauge "redlock_background_tasks" []
        "Tasks that finish what nobody waits for: releases that are tried again, requests of calls that were dropped.";
    HANDOVER_TOTAL: Counter "redlock_handover_total" ["passage"]
        "Locks that were handed over and taken over, by whether the hold went on in the taker's.";
    HANDLES: Gauge "redlock_handles" ["nodes", "fencing", "restart_guard", "wake_ups"]
        "Handles that exist, by how they are set up.";
    NODE_SET: Gauge "redlock_node_set" ["fingerprint"]
        "Handles that exist, by which servers they lock on, once all of these have said who they are.";
}
