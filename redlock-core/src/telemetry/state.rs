//! What a handle keeps for its telemetry.

use std::sync::Arc;
#[cfg(feature = "metrics")]
use std::sync::Mutex;

#[cfg(feature = "metrics")]
use super::meter::{self, NodeSeries, Up};
#[cfg(feature = "tracing")]
use super::outage::Outage;
#[cfg(feature = "tracing")]
use super::spell::Spell;
use crate::decide::fence::Fence;
use crate::decide::lease::Moment;
use crate::node::Claim;

/// Who tells: a handle's nodes, on their clock.
#[cfg_attr(not(any(feature = "metrics", feature = "tracing")), allow(dead_code))]
pub(crate) trait Told: Send + Sync {
    fn now(&self) -> Moment;

    fn telemetry(&self) -> &Telemetry;
}

/// What there is to tell of a lock that is held.
#[cfg_attr(not(all(feature = "metrics", feature = "tracing")), allow(dead_code))]
pub(crate) struct Held<'a> {
    pub(crate) told: &'a dyn Told,
    /// Since when.
    pub(crate) granted: Moment,
    pub(crate) claim: &'a Claim,
    pub(crate) fence: Option<Fence>,
}

/// Which of a handle's settings are told.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(all(feature = "metrics", feature = "tracing")), allow(dead_code))]
pub(crate) struct Traits {
    pub(crate) fencing: bool,
    pub(crate) restart_guard: bool,
    pub(crate) wake_ups: bool,
    pub(crate) log_keys: bool,
}

/// What a handle knows to tell about itself.
pub(crate) struct Telemetry {
    #[cfg(feature = "metrics")]
    pub(super) nodes: Box<[NodeSeries]>,
    #[cfg(feature = "metrics")]
    _exists: Up,
    /// By which servers it is counted.
    #[cfg(feature = "metrics")]
    pub(super) node_set: Mutex<Option<Up>>,
    #[cfg(feature = "tracing")]
    pub(super) names: Box<[Arc<str>]>,
    #[cfg(feature = "tracing")]
    pub(super) log_keys: bool,
    /// Calls that find no majority of nodes.
    #[cfg(feature = "tracing")]
    pub(super) outage: Outage,
    /// Attempts that came too late.
    #[cfg(feature = "tracing")]
    pub(super) late: Spell,
    /// Extensions that no majority answered.
    #[cfg(feature = "tracing")]
    pub(super) unanswered: Spell,
    /// Nodes that are set up wrongly.
    #[cfg(feature = "tracing")]
    pub(super) misconfigured: Box<[Spell]>,
}

#[cfg_attr(not(any(feature = "metrics", feature = "tracing")), allow(unused_variables))]
impl Telemetry {
    /// Of a handle over the nodes with these names.
    pub(crate) fn new(names: Vec<Arc<str>>, traits: Traits) -> Self {
        Self {
            #[cfg(feature = "metrics")]
            nodes: names.iter().map(|name| NodeSeries::new(name)).collect(),
            #[cfg(feature = "metrics")]
            _exists: meter::handle(
                names.len(),
                [traits.fencing, traits.restart_guard, traits.wake_ups],
            ),
            #[cfg(feature = "metrics")]
            node_set: Mutex::new(None),
            #[cfg(feature = "tracing")]
            log_keys: traits.log_keys,
            #[cfg(feature = "tracing")]
            outage: Outage::default(),
            #[cfg(feature = "tracing")]
            late: Spell::default(),
            #[cfg(feature = "tracing")]
            unanswered: Spell::default(),
            #[cfg(feature = "tracing")]
            misconfigured: names.iter().map(|_| Spell::default()).collect(),
            #[cfg(feature = "tracing")]
            names: names.into(),
        }
    }
}
