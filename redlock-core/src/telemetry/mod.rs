//! What operators see: metrics (feature `metrics`), spans and events (feature `tracing`).
//!
//! The rest of the crate calls the few functions here at the places where something is decided. With both features off
//! they do nothing. Nothing here awaits, draws a random number or starts a task, so no decision can depend on it.
//!
//! Labels come from the code or from the handle's settings. A key is in no label and no name, and in a field only with
//! [`log_keys`](crate::RedlockBuilder::log_keys); a token is nowhere, only the
//! [fingerprint](crate::node::Holder) that inspections show too.

mod acquire;
mod hold;
#[cfg(feature = "metrics")]
mod meter;
mod requests;
mod speak;
#[cfg(feature = "metrics")]
mod table;
#[cfg_attr(not(all(feature = "metrics", feature = "tracing")), allow(dead_code))]
mod values;

use std::sync::Arc;

pub(crate) use acquire::{Acquire, Votes};
pub(crate) use hold::{Extending, Holding, Releasing, unawaited};
#[cfg(feature = "metrics")]
use meter::{NodeSeries, Up};
pub(crate) use requests::{Asked, Standing, Watch};
#[cfg(feature = "tracing")]
use speak::Spell;
pub(crate) use speak::mute;
#[cfg(feature = "metrics")]
pub use table::*;
pub(crate) use values::Verb;

use crate::node::LockNode;
use crate::options::Settings;

/// Where events and spans come from, whatever module they are of.
#[cfg(any(feature = "metrics", feature = "tracing"))]
const TARGET: &str = "redlock";

/// What a handle knows to tell about itself.
pub(crate) struct Telemetry {
    #[cfg(feature = "metrics")]
    nodes: Box<[NodeSeries]>,
    #[cfg(feature = "metrics")]
    _exists: Up,
    #[cfg(feature = "tracing")]
    log_keys: bool,
    /// Attempts that came too late.
    #[cfg(feature = "tracing")]
    late: Spell,
    /// Extensions that no majority answered.
    #[cfg(feature = "tracing")]
    unanswered: Spell,
    /// Nodes that are set up wrongly.
    #[cfg(feature = "tracing")]
    misconfigured: Box<[Spell]>,
}

#[cfg_attr(not(any(feature = "metrics", feature = "tracing")), allow(unused_variables))]
impl Telemetry {
    pub(crate) fn new(nodes: &[Arc<dyn LockNode>], settings: &Settings) -> Self {
        Self {
            #[cfg(feature = "metrics")]
            nodes: nodes.iter().map(|node| NodeSeries::new(node.name())).collect(),
            #[cfg(feature = "metrics")]
            _exists: meter::handle(
                nodes.len(),
                [
                    settings.call.fencing.unwrap_or(false),
                    settings.restart_guard.is_some(),
                    settings.wake_ups(),
                ],
            ),
            #[cfg(feature = "tracing")]
            log_keys: settings.log_keys,
            #[cfg(feature = "tracing")]
            late: Spell::default(),
            #[cfg(feature = "tracing")]
            unanswered: Spell::default(),
            #[cfg(feature = "tracing")]
            misconfigured: nodes.iter().map(|_| Spell::default()).collect(),
        }
    }
}

/// An attempt takes a second round, because the nodes' fencing numbers differed.
pub(crate) fn raising() {
    #[cfg(feature = "metrics")]
    meter::count(&meter::FENCE_RAISES);
}

/// A call that waits heard of a release.
pub(crate) fn woken() {
    #[cfg(feature = "metrics")]
    meter::count(&meter::WAKE_UPS);
}

/// Counts a task for as long as it lives, also where its runtime never polls it.
#[cfg(feature = "metrics")]
pub(crate) fn in_background(
    work: impl Future<Output = ()> + Send + 'static,
) -> impl Future<Output = ()> + Send + 'static {
    let counted = Up::new(&meter::BACKGROUND_TASKS);
    async move {
        let _counted = counted;
        work.await;
    }
}

/// Nobody counts.
#[cfg(not(feature = "metrics"))]
pub(crate) fn in_background<F>(work: F) -> F {
    work
}
