//! Requests to nodes, and what nodes fail.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "metrics")]
use super::meter::{self, Up};
use super::state::{Telemetry, Told};
use super::values::Verb;
#[cfg(feature = "metrics")]
use super::values::{WARMING, kind};
use crate::decide::lease::Moment;
use crate::node::{Fault, FaultClass, NodeError};

/// Looks at how long nodes take. Those who ask tell it when an answer is there.
#[derive(Clone, Default)]
pub(crate) struct Watch {
    #[cfg(feature = "metrics")]
    of: Option<(Arc<dyn Told>, Verb)>,
    /// When all that is asked before the next look is sent.
    #[cfg(feature = "metrics")]
    sent: Option<Moment>,
    /// When all answers of this look came; earlier than that where nobody looked for a while.
    #[cfg(feature = "metrics")]
    came: Option<Moment>,
}

/// When a request was sent.
#[derive(Clone, Copy, Default)]
pub(crate) struct Asked {
    #[cfg(feature = "metrics")]
    at: Option<Moment>,
}

#[cfg_attr(not(feature = "metrics"), allow(clippy::unused_self))]
impl Watch {
    pub(crate) fn new(told: Arc<dyn Told>, verb: Verb) -> Self {
        #[cfg(not(feature = "metrics"))]
        let _ = (told, verb);
        Self {
            #[cfg(feature = "metrics")]
            of: Some((told, verb)),
            #[cfg(feature = "metrics")]
            sent: None,
            #[cfg(feature = "metrics")]
            came: None,
        }
    }

    /// A request that is sent after `pause`.
    pub(crate) fn asks(&mut self, pause: Duration) -> Asked {
        let _ = pause;
        Asked {
            #[cfg(feature = "metrics")]
            at: self
                .of
                .as_ref()
                .map(|(told, _)| self.sent.get_or_insert_with(|| told.now()).plus(pause)),
        }
    }

    /// An answer is there.
    pub(crate) fn answered(&mut self, index: usize, asked: Asked) {
        #[cfg(feature = "metrics")]
        if let (Some((told, verb)), Some(asked)) = (&self.of, asked.at) {
            let came = *self.came.get_or_insert_with(|| told.now());
            let series = &told.telemetry().nodes[index];
            meter::observe(series.request(*verb), came.since(asked));
        }
        let _ = (index, asked);
    }

    /// Nobody looks for answers until later.
    pub(crate) fn looks_away(&mut self) {
        #[cfg(feature = "metrics")]
        if let Some((told, _)) = &self.of {
            self.came = Some(told.now());
        }
    }

    /// Somebody has looked at all of them.
    pub(crate) fn looked(&mut self) {
        #[cfg(feature = "metrics")]
        {
            (self.sent, self.came) = (None, None);
        }
    }
}

impl Telemetry {
    /// A node failed a request.
    pub(crate) fn failed(&self, now: impl FnOnce() -> Moment, index: usize, error: &NodeError) {
        #[cfg(feature = "metrics")]
        self.nodes[index].failed(kind(error.fault()));
        if error.class() == FaultClass::Misconfigured {
            self.misconfigured(now, index, error);
        }
    }

    /// A node voted twice for one attempt: it is the server of two nodes.
    pub(crate) fn voted_twice(&self, now: impl FnOnce() -> Moment, index: usize) {
        self.failed(now, index, &NodeError::from(Fault::Duplicate));
    }

    /// The restart guard keeps a node out of votes.
    pub(crate) fn warming(&self, index: usize) {
        #[cfg(feature = "metrics")]
        self.nodes[index].failed(WARMING);
        let _ = (self, index);
    }
}

/// Whether a subscription stands.
#[derive(Default)]
pub(crate) struct Standing {
    #[cfg(feature = "metrics")]
    up: std::sync::Mutex<Option<Up>>,
}

impl Standing {
    pub(crate) fn begins(&self, telemetry: &Telemetry, index: usize) {
        #[cfg(feature = "metrics")]
        {
            let up = telemetry.nodes[index].listening();
            self.up.lock().unwrap_or_else(std::sync::PoisonError::into_inner).replace(up);
        }
        let _ = (telemetry, index);
    }

    pub(crate) fn ends(&self) {
        #[cfg(feature = "metrics")]
        drop(self.up.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take());
    }
}
