//! Looks at all of the nodes that take no lock: what is held, and whether locks can be had.

use std::sync::Arc;
use std::time::Duration;

use crate::decide::listing::Listing;
use crate::decide::probe::Probe;
use crate::driver::{self, Question};
use crate::error::{ConfigError, LockError};
#[cfg(doc)]
use crate::handle::builder::RedlockBuilder;
use crate::handle::options::LockOptions;
use crate::handle::redlock::Redlock;
use crate::node::key::{COUNTER_PREFIX, MAX_KEY_BYTES};

/// For how many locks a [`Listing`] has room.
pub const MAX_LISTED: usize = 100_000;

impl Redlock {
    /// Asks all nodes, side by side, what they hold under names that begin with `prefix`, and puts it together by the rules of
    /// [`inspect`](Self::inspect): for people and their tools, not for deciding who may work.
    ///
    /// `prefix` is taken byte by byte, and an empty one begins every name. A [key prefix](RedlockBuilder::key_prefix) of the
    /// handle comes before it, and is left out of the names in the answer. At most the first `most` names are looked at, in
    /// the order of their bytes, and that is what is kept in memory; what there is besides is [counted](Listing::cut). Nodes
    /// are asked for page after page, in each of which they look at some hundred names, so that nobody waits for them. Each
    /// page has the node timeout, and all of it together `within`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use redlock_core::{InMemoryNode, LockState, Redlock};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(Duration::from_secs(10)).build()?;
    /// let _guard = redlock.lock("orders:42").await?;
    /// let listing = redlock.held("orders:", 1_000, Duration::from_secs(10)).await?;
    /// assert!(listing.is_answered() && listing.cut.is_none());
    /// assert_eq!(&*listing.locks[0].resource, b"orders:42");
    /// assert!(matches!(listing.locks[0].inspection.state, LockState::Held { .. }));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// For a prefix that no name can begin with, a `most` that is not from 1 to [`MAX_LISTED`], outside a runtime, or after
    /// [`close`](Self::close). Nodes that fail are no error: they are [in the answer](Listing::nodes), and so are those that
    /// cannot tell or do not let their user (over Redis and Valkey it takes `+scan +getrange`, which nothing else does).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing; the nodes are asked for no further page.
    pub async fn held(
        &self,
        prefix: impl AsRef<[u8]>,
        most: usize,
        within: Duration,
    ) -> Result<Listing, LockError> {
        let shared = self.shared();
        let hidden = shared.key_prefix.len();
        let prefix: Arc<[u8]> = [&shared.key_prefix, prefix.as_ref()].concat().into();
        check(&prefix, most)?;
        let node_timeout = shared.plan(&LockOptions::new())?.node_timeout;
        let background = shared.background(self.home())?;
        let question = Question { prefix, hidden, most, node_timeout, within };
        Ok(driver::held(&shared.set, &background, question).await)
    }

    /// Asks all nodes who they are, which takes no lock and writes nothing, and waits for each up to the node timeout: for a
    /// readiness check.
    ///
    /// A node that answers and [warms up](crate::Standing::Warming) after a restart answers and gives no locks. It takes one
    /// question per node, and no right beyond those for locks: where a server hides who it is, that it answers is all that is
    /// known of it.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use redlock_core::{InMemoryNode, Redlock};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(Duration::from_secs(10)).build()?;
    /// let probe = redlock.probe().await?;
    /// let status = if probe.is_ready() { 200 } else { 503 };
    /// println!("{status} {}", probe.summary()); // 200 1 of 1 node answers, and 1 is needed
    /// # assert_eq!(status, 200);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Outside a runtime, or after [`close`](Self::close). Nodes that fail are no error: they are in the answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn probe(&self) -> Result<Probe, LockError> {
        let shared = self.shared();
        let plan = shared.plan(&LockOptions::new())?;
        let background = shared.background(self.home())?;
        let guard = plan.terms(plan.ttl, None).guard;
        Ok(driver::probe(&shared.set, &background, guard, plan.node_timeout).await)
    }
}

fn check(prefix: &[u8], most: usize) -> Result<(), ConfigError> {
    if prefix.len() > MAX_KEY_BYTES {
        let value = format!("{} bytes", prefix.len());
        let rule = "must be at most 512 bytes, the key prefix included";
        return Err(ConfigError::new("prefix", value, rule));
    }
    if prefix.starts_with(COUNTER_PREFIX.as_bytes()) {
        let rule = "must not begin with `redlock:fence:`, where fencing counters stand";
        return Err(ConfigError::new("prefix", prefix.escape_ascii().to_string(), rule));
    }
    if !(1..=MAX_LISTED).contains(&most) {
        return Err(ConfigError::new("most", most.to_string(), "must be from 1 to 100000"));
    }
    Ok(())
}
