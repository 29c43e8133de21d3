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
#[cfg(feature = "tracing")]
mod outage;
mod requests;
mod speak;
#[cfg(feature = "tracing")]
mod spell;
mod state;
#[cfg(feature = "metrics")]
mod table;
#[cfg_attr(not(all(feature = "metrics", feature = "tracing")), allow(dead_code))]
mod values;

pub(crate) use acquire::{Acquire, Votes, Won, permit_refused, refused, share_refused};
pub(crate) use hold::{Extending, Holding, Releasing, unawaited};
#[cfg(feature = "metrics")]
use meter::Up;
pub(crate) use requests::{Asked, Standing, Watch};
pub(crate) use state::{Held, Telemetry, Told, Traits};
#[cfg(feature = "metrics")]
pub use table::*;
use values::Passage;
pub(crate) use values::{Sharing, Verb};

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

/// A guard handed its lock over.
pub(crate) fn handed_over() {
    count_handover(Passage::Given);
}

/// A lock was taken over.
pub(crate) fn taken_over(continued: bool) {
    count_handover(if continued { Passage::Continued } else { Passage::Anew });
}

fn count_handover(passage: Passage) {
    #[cfg(feature = "metrics")]
    meter::count(meter::HANDOVERS.of_word(passage));
    let _ = passage;
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
