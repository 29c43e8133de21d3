//! How a node tells of releases, and when it does not.

use std::sync::atomic::Ordering;

use redlock_core::node::{Fault, NodeError};

use crate::scripts::RELEASED_CHANNEL;
use crate::server_node::ServerNode;
use crate::wire::Wire;

impl<W: Wire> ServerNode<W> {
    /// Goes without telling for a while where the server refused to tell, and says so once.
    pub(crate) fn could_tell(&self, refusal: Option<NodeError>) {
        let Some(refusal) = refusal else { return };
        self.known.lack_telling();
        if !self.warned.swap(true, Ordering::Relaxed) {
            warn_mute(&self.name, refusal.fault());
        }
    }

    /// The channel to tell of shares on, or none. Their scripts do not say whether anybody heard, so no silence is kept.
    pub(crate) fn channel(&self, tell: bool) -> &'static str {
        if tell && !self.known.may_not_tell() { RELEASED_CHANNEL } else { "" }
    }
}

/// The server does not let its user tell of releases.
#[cfg_attr(not(feature = "tracing"), allow(unused_variables))]
fn warn_mute(node: &str, fault: Fault) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: "redlock",
        node,
        %fault,
        "the server does not let this user tell of releases, so waiters find out by asking again; grant \
         `+publish &{RELEASED_CHANNEL}`"
    );
}
