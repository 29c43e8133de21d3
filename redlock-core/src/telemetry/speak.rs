//! Events. What would come again and again is said at the begin of its spell.

#[cfg(feature = "tracing")]
pub(super) use on::*;

use crate::driver::NodeSet;
use crate::node::{Fault, NodeError};
use crate::protocol::RELEASED_CHANNEL;

/// A server does not let its user tell of releases.
pub(crate) fn mute(node: &str, fault: Fault) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: super::TARGET,
        node,
        %fault,
        "the server does not let this user tell of releases, so waiters find out by asking again; grant \
         `+publish &{RELEASED_CHANNEL}`"
    );
    #[cfg(not(feature = "tracing"))]
    let _ = (node, fault, RELEASED_CHANNEL);
}

#[cfg_attr(not(feature = "tracing"), allow(unused_variables, clippy::unused_self))]
impl super::Telemetry {
    /// A node does not tell of releases.
    pub(crate) fn unheard(&self, node: &str, error: &NodeError) {
        #[cfg(feature = "tracing")]
        tracing::warn!(
            target: super::TARGET,
            node,
            %error,
            "releases are not heard of; waiting for locks goes by time alone"
        );
    }

    /// A node will not work before somebody changes the set-up.
    pub(super) fn misconfigured(&self, set: &NodeSet, index: usize, error: &NodeError) {
        #[cfg(feature = "tracing")]
        if self.misconfigured[index].begins(&set.clock) {
            let node = &*set.members[index].name;
            tracing::warn!(target: super::TARGET, node, %error, "the node is set up wrongly");
        }
    }
}

#[cfg(feature = "tracing")]
mod on {
    use std::fmt;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use tracing::field::{DisplayValue, display};

    use super::super::values::{Loss, Outcome, Word};
    use super::super::{TARGET, Telemetry};
    use crate::clock::Clock;
    use crate::error::{NodeOutcome, NodeReport};
    use crate::hold::Hold;
    use crate::key::LockKey;
    use crate::node::{Expiry, Holder, millis};

    /// What comes again within this time belongs to one spell.
    const QUIET: Duration = Duration::from_secs(30);

    /// Something that may come often and is spoken of once, until there was none of it for a while.
    #[derive(Debug, Default)]
    pub(in crate::telemetry) struct Spell {
        /// Milliseconds of the last time, from 1.
        last: AtomicU64,
    }

    impl Spell {
        pub(super) fn begins(&self, clock: &Clock) -> bool {
            let now = millis(clock.now().0).saturating_add(1);
            let last = self.last.swap(now, Ordering::Relaxed);
            last == 0 || now.saturating_sub(last) > millis(QUIET)
        }
    }

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
        /// An attempt was granted and its time was over.
        pub(in crate::telemetry) fn came_late(&self, clock: &Clock) {
            if self.late.begins(clock) {
                tracing::warn!(
                    target: TARGET,
                    "a majority granted too late for the lock to be used: the nodes are slow for this time to live, or \
                     this process was paused"
                );
            }
        }

        /// No majority answered to an extension.
        pub(in crate::telemetry) fn not_extended(&self, hold: &Hold, nodes: &[NodeReport]) {
            if self.unanswered.begins(&hold.set.clock) {
                tracing::warn!(
                    target: TARGET,
                    { redlock.votes = %Answers(nodes) },
                    "locks are not extended: no majority of nodes answers"
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

    /// A hold ended.
    pub(in crate::telemetry) fn over(hold: &Hold, held: impl Fn() -> Duration, loss: Option<Loss>) {
        let claim = &hold.traced.claim;
        let key = || hold.set.telemetry.key_to_tell(claim.key());
        let holder = || Holder::of(claim.token().as_bytes());
        let fence = hold.fence.map(crate::fence::Fence::get);
        if let Some(loss) = loss {
            tracing::warn!(
                target: TARGET,
                {
                    redlock.reason = loss.text(),
                    redlock.held_ms = millis(held()),
                    redlock.holder = %holder(),
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
                    redlock.fence = fence,
                    redlock.key = key(),
                },
                "a hold ended"
            );
        }
    }

    /// What each node answered, without what servers said in their own words.
    struct Answers<'a>(&'a [NodeReport]);

    impl fmt::Display for Answers<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            for (position, node) in self.0.iter().enumerate() {
                let separator = if position > 0 { "; " } else { "" };
                write!(f, "{separator}{} ", node.name)?;
                match &node.outcome {
                    NodeOutcome::Failed(error) => write!(f, "{}", error.fault())?,
                    NodeOutcome::Held(Expiry::Never) => f.write_str("held for ever")?,
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
