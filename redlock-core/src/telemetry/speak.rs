//! Events. What would come again and again is said at the begin of its spell.

#[cfg(feature = "tracing")]
pub(super) use on::*;

use super::state::Telemetry;
#[cfg(feature = "tracing")]
use super::values::TARGET;
use crate::decide::lease::Moment;
use crate::decide::node_set::NodeSetFingerprint;
use crate::node::{Identity, NodeError};

#[cfg_attr(not(feature = "tracing"), allow(unused_variables, clippy::unused_self))]
impl Telemetry {
    /// A node does not tell of releases.
    pub(crate) fn unheard(&self, node: &str, error: &NodeError) {
        #[cfg(feature = "tracing")]
        tracing::warn!(
            target: TARGET,
            node,
            %error,
            "releases are not heard of; waiting for locks goes by time alone"
        );
    }

    /// Another server answers for a node than before, and no restart explains it.
    pub(crate) fn succeeded(&self, node: &str, server: &Identity) {
        #[cfg(feature = "tracing")]
        tracing::warn!(
            target: TARGET,
            { node, redlock.uptime_s = server.uptime.unwrap_or_default().as_secs() },
            "another server answers for this node: it ran already while the one before did, and does not know the locks \
             that were taken there"
        );
    }

    /// The servers behind the nodes are these from now on; `None` as long as one has not said who it is.
    pub(crate) fn known_as(&self, node_set: Option<NodeSetFingerprint>) {
        let Some(node_set) = node_set else { return };
        #[cfg(feature = "metrics")]
        self.node_set
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .replace(super::meter::node_set(node_set));
        #[cfg(feature = "tracing")]
        tracing::info!(
            target: TARGET,
            { redlock.nodes = self.names.len(), redlock.node_set = %node_set },
            "the servers behind the nodes are known"
        );
    }

    /// A node will not work before somebody changes the set-up.
    pub(super) fn misconfigured(
        &self,
        now: impl FnOnce() -> Moment,
        index: usize,
        error: &NodeError,
    ) {
        #[cfg(feature = "tracing")]
        if self.misconfigured[index].begins(now()) {
            let node = &*self.names[index];
            tracing::warn!(target: TARGET, node, %error, "the node is set up wrongly");
        }
    }
}

#[cfg(feature = "tracing")]
mod on {
    use std::fmt;
    use std::time::Duration;

    use tracing::field::{DisplayValue, display};

    use super::super::state::{Held, Telemetry};
    use super::super::values::{Loss, Outcome, TARGET, Word};
    use crate::decide::fence::Fence;
    use crate::decide::lease::Moment;
    use crate::error::{LockError, NodeOutcome, NodeReport};
    use crate::node::key::LockKey;
    use crate::node::label::Label;
    use crate::node::{Expiry, Holder, millis};

    /// The telling of what may hold a key.
    pub(in crate::telemetry) trait Tellings {
        fn key_to_tell<'a>(&self, key: &'a LockKey) -> Option<DisplayValue<&'a LockKey>>;
    }

    impl Tellings for Telemetry {
        /// The key, where keys are asked for.
        fn key_to_tell<'a>(&self, key: &'a LockKey) -> Option<DisplayValue<&'a LockKey>> {
            self.log_keys.then(|| display(key))
        }
    }

    impl Telemetry {
        /// A call ended, or was dropped, after no majority of nodes gave it a lock.
        pub(in crate::telemetry) fn no_majority(&self, now: Moment, error: &LockError) {
            if self.outage.failed(now) {
                tracing::warn!(
                    target: TARGET,
                    {
                        redlock.outcome = Outcome::from(error.kind()).text(),
                        redlock.votes = %Answers(error.nodes()),
                    },
                    "an outage began: no majority of nodes gives locks"
                );
            }
        }

        /// A majority of nodes voted.
        pub(in crate::telemetry) fn majority(
            &self,
            now: impl FnOnce() -> Moment,
            nodes: &[NodeReport],
        ) {
            if !self.outage.is_on() {
                return;
            }
            if let Some(lasted) = self.outage.voted(now()) {
                tracing::warn!(
                    target: TARGET,
                    { redlock.outage_ms = millis(lasted), redlock.votes = %Answers(nodes) },
                    "the outage is over: a majority of nodes votes again"
                );
            }
        }

        /// An attempt was granted and its time was over.
        pub(in crate::telemetry) fn came_late(&self, now: Moment) {
            if self.late.begins(now) {
                tracing::warn!(
                    target: TARGET,
                    "a majority granted too late for the lock to be used: the nodes are slow for this time to live, or \
                     this process was paused"
                );
            }
        }
    }

    /// An attempt ended.
    pub(in crate::telemetry) fn attempt(attempt: u32, outcome: Outcome, nodes: &[NodeReport]) {
        tracing::debug!(
            target: TARGET,
            {
                redlock.attempt = attempt,
                redlock.outcome = outcome.text(),
                redlock.votes = %Answers(nodes),
            },
            "attempt"
        );
    }

    /// No majority answered to an extension of a hold, the first of many perhaps.
    pub(in crate::telemetry) fn not_extended(of: &Held<'_>, nodes: &[NodeReport]) {
        let telemetry = of.told.telemetry();
        if telemetry.unanswered.begins(of.told.now()) {
            tracing::warn!(
                target: TARGET,
                {
                    redlock.votes = %Answers(nodes),
                    redlock.holder = %Holder::of(of.claim.value()),
                    redlock.label = of.claim.label().map(Label::as_str),
                    redlock.fence = of.fence.map(Fence::get),
                    redlock.key = telemetry.key_to_tell(of.claim.key()),
                },
                "locks are not extended: no majority of nodes answers alike"
            );
        }
    }

    /// A hold ended.
    pub(in crate::telemetry) fn over(
        of: &Held<'_>,
        held: impl Fn() -> Duration,
        loss: Option<Loss>,
    ) {
        let key = || of.told.telemetry().key_to_tell(of.claim.key());
        let holder = || Holder::of(of.claim.value());
        let label = of.claim.label().map(Label::as_str);
        let fence = of.fence.map(Fence::get);
        if let Some(loss) = loss {
            tracing::warn!(
                target: TARGET,
                {
                    redlock.reason = loss.text(),
                    redlock.held_ms = millis(held()),
                    redlock.holder = %holder(),
                    redlock.label = label,
                    redlock.fence = fence,
                    redlock.key = key(),
                },
                "a lock was lost"
            );
        } else {
            tracing::debug!(
                target: TARGET,
                {
                    redlock.held_ms = millis(held()),
                    redlock.holder = %holder(),
                    redlock.label = label,
                    redlock.fence = fence,
                    redlock.key = key(),
                },
                "a hold ended"
            );
        }
    }

    /// What each node answered, without what servers said in their own words.
    pub(in crate::telemetry) struct Answers<'a>(pub(in crate::telemetry) &'a [NodeReport]);

    impl fmt::Display for Answers<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            for (position, node) in self.0.iter().enumerate() {
                let separator = if position > 0 { "; " } else { "" };
                write!(f, "{separator}{} ", node.name)?;
                match &node.outcome {
                    NodeOutcome::Failed(error) => write!(f, "{}", error.fault())?,
                    NodeOutcome::Held { expiry: Expiry::Never, label, .. } => match label {
                        Some(label) => write!(f, "held by {label} for ever")?,
                        None => f.write_str("held for ever")?,
                    },
                    outcome => write!(f, "{outcome}")?,
                }
                if let Some(latency) = node.latency {
                    write!(f, " after {latency:.1?}")?;
                }
            }
            Ok(())
        }
    }
}
