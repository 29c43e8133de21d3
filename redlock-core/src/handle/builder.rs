use std::collections::HashMap;
#[cfg(feature = "testing")]
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::decide::plan::Renewal;
use crate::decide::retry::RetryPolicy;
#[cfg(feature = "testing")]
use crate::driver::Wrapper;
use crate::error::ConfigError;
use crate::handle::options::{LockOptions, Settings};
use crate::handle::redlock::Redlock;
use crate::handle::shared::{Shared, check_features};
use crate::node::key::{MAX_KEY_BYTES, reserved};
use crate::node::{IntoLockNode, LockNode};

/// Most nodes of one handle.
const MAX_NODES: usize = 64;

/// Sets up a [`Redlock`] handle.
#[derive(Debug, Default)]
#[must_use]
pub struct RedlockBuilder {
    nodes: Vec<Arc<dyn LockNode>>,
    settings: Settings,
    key_prefix: Vec<u8>,
    #[cfg(feature = "testing")]
    testing: crate::driver::overrides::Overrides,
}

impl Redlock {
    /// Begins to set up a handle.
    pub fn builder() -> RedlockBuilder {
        RedlockBuilder::default()
    }
}

impl RedlockBuilder {
    /// Adds independent masters, in any number from 1 to 64 and of any backend. An odd number is best: a fourth node
    /// makes no outage survivable that three do not survive. Required.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use redlock_core::{InMemoryNode, Redlock};
    /// let nodes = ["a", "b", "c"].map(InMemoryNode::new); // or RedisNode::connect_all(urls)?
    /// let redlock = Redlock::builder().nodes(nodes).ttl(Duration::from_secs(10)).build()?;
    /// # Ok::<(), redlock_core::ConfigError>(())
    /// ```
    pub fn nodes(mut self, nodes: impl IntoIterator<Item = impl IntoLockNode>) -> Self {
        self.nodes.extend(nodes.into_iter().map(IntoLockNode::into_lock_node));
        self
    }

    /// Adds one node.
    pub fn node(mut self, node: impl IntoLockNode) -> Self {
        self.nodes.push(node.into_lock_node());
        self
    }

    /// How long the nodes keep a lock that is not renewed; 10 ms to [`MAX_TTL`](crate::handle::options::MAX_TTL). Required, there
    /// is no value that fits all: it must outlast the work, or the work's longest pause where renewal is on.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.settings.call.ttl = Some(ttl);
        self
    }

    /// How long [`lock`](Redlock::lock) tries while somebody else has the lock or too few nodes answer; at least one node
    /// timeout. Default: 10 s.
    pub fn wait_for(mut self, wait_for: Duration) -> Self {
        self.settings.call.wait_for = Some(wait_for);
        self
    }

    /// The delay between the attempts of the first call in the queue of this process, where it hears of no release and its
    /// attempts meet no others'. Default: 100 to 300 ms.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.settings.call.retry = Some(retry);
        self
    }

    /// Whether locks are renewed while their guards live. Default: [`Renewal::Off`].
    pub fn renewal(mut self, renewal: Renewal) -> Self {
        self.settings.call.renewal = Some(renewal);
        self
    }

    /// The longest that renewal and extensions may hold a lock; at least the time to live. Default: no limit.
    pub fn max_hold(mut self, max_hold: Duration) -> Self {
        self.settings.call.max_hold = Some(max_hold);
        self
    }

    /// How long one node may take to answer, at least 1 ms and below a quarter of the time to live; twice as long
    /// for a release. Default: a twentieth of the time to live, between 50 and 500 ms, at most a fifth of it and
    /// at most the wait budget.
    pub fn node_timeout(mut self, node_timeout: Duration) -> Self {
        self.settings.node_timeout = Some(node_timeout);
        self
    }

    /// How far the rates of this host's and the nodes' clocks may differ, in parts per million of the time to live;
    /// at most 500,000. Two more milliseconds are always allowed for. Default: 10,000, the reference
    /// implementations' 1 %.
    pub fn drift_ppm(mut self, ppm: u32) -> Self {
        self.settings.drift_ppm = Some(ppm);
        self
    }

    /// Whether holders get a [`Fence`](crate::Fence), which the resource can refuse stale holders by. It takes no further
    /// round trip unless clocks are more than a second apart, and one more then. Every node must be able to
    /// ([`Features`](crate::node::Features)); users of a server need the right to `TIME` and to keys that begin with
    /// [`COUNTER_PREFIX`](crate::node::key::COUNTER_PREFIX). Default: off.
    pub fn fencing(mut self, fencing: bool) -> Self {
        self.settings.call.fencing = Some(fencing);
        self
    }

    /// Keeps nodes that restarted out of votes until whatever they may have forgotten has expired.
    ///
    /// `longest_ttl` is the longest time to live that **any** client of these nodes uses, in whatever process; for locks
    /// and extensions of this handle it is the limit. A node then gives no grants for about that long (and 2 s, and the
    /// drift allowance) after each start, which its [report](crate::NodeOutcome::Warming) says. That is what it costs:
    /// a set of freshly started servers gives no lock for that time, and neither does one of which a majority
    /// restarted. So it is off by default; use it wherever nodes do not persist with `appendfsync always`.
    ///
    /// Every node must be able to; users of a server need the right to `TIME` and `INFO`, and `LASTSAVE` makes it cheaper.
    /// A node that withholds the first two counts as misconfigured.
    pub fn restart_guard(mut self, longest_ttl: Duration) -> Self {
        self.settings.restart_guard = Some(longest_ttl);
        self
    }

    /// How far the nodes' wall clocks may be apart; at most a day. Default: zero, on top of what is allowed for anyway:
    /// almost ten minutes where counters are forgotten for age, and the restart guard's `longest_ttl` where a server
    /// forgot them.
    ///
    /// Nothing but the order of [fences](Self::fencing) after a counter was forgotten rests on it. It lengthens the
    /// restart guard by as much, and the life of counters where they would be too short.
    pub fn clock_error(mut self, clock_error: Duration) -> Self {
        self.settings.clock_error = Some(clock_error);
        self
    }

    /// Whether releases are told to other processes that wait, and heard of. Default: yes.
    ///
    /// A handle that waits for a lock subscribes to each node, once and over a connection of its own, and asks again when a
    /// majority told of the release: at once if it is its turn, else after those of other processes. Nothing rests on it: a notification that is lost costs one
    /// [retry delay](Self::retry). A node that cannot tell (its user lacks the rights, its connection is the
    /// application's, or its [backend](crate::node::Features) knows no such thing) is waited for by time alone, which is
    /// logged once.
    pub fn wake_ups(mut self, wake_ups: bool) -> Self {
        self.settings.wake_ups = Some(wake_ups);
        self
    }

    /// Calls of [`lock`](Redlock::lock) that may wait in the queue for one resource through this handle; further ones fail
    /// at once with [`TooManyWaiters`](crate::LockErrorKind::TooManyWaiters). A call for several resources counts for each.
    /// Default: 1,024.
    pub fn max_waiters(mut self, max_waiters: usize) -> Self {
        self.settings.max_waiters = Some(max_waiters);
        self
    }

    /// What the holders of this handle's locks call themselves, such as `orders@pod-7`: printable text of 1 to 128 bytes, which
    /// is checked when the handle is built. Default: nothing.
    ///
    /// It stands on the nodes behind the token. Whoever is refused the lock, inspects it or watches it reads it there
    /// ([`LockError::holder`](crate::LockError::holder), [`LockState`](crate::LockState)), and so does everybody who may
    /// read a node: put no secret into it. Safety does not rest on it. A [call](LockOptions::label) may have another one.
    pub fn label(mut self, label: impl AsRef<str>) -> Self {
        self.settings.call = self.settings.call.label(label);
        self
    }

    /// Whether spans and events of the `tracing` feature name the keys, in the field `redlock.key`. Tokens are never
    /// named. Default: no, since keys may hold what does not belong in a log.
    pub fn log_keys(mut self, log_keys: bool) -> Self {
        self.settings.log_keys = log_keys;
        self
    }

    /// Put before every resource name, below 512 bytes. Default: nothing, the name is the node's key as it is.
    pub fn key_prefix(mut self, prefix: impl Into<Vec<u8>>) -> Self {
        self.key_prefix = prefix.into();
        self
    }

    /// Makes the handle. Contacts no node: a server that is down shows when a lock is taken.
    ///
    /// # Errors
    ///
    /// When there is no node or more than 64, when two nodes have one name, when a setting breaks its rule, or a node
    /// lacks what it needs.
    pub fn build(self) -> Result<Redlock, ConfigError> {
        self.check_nodes()?;
        let plan = self.settings.plan(&LockOptions::new())?;
        check_features(&plan, self.nodes.iter().map(AsRef::as_ref))?;
        if self.key_prefix.len() >= MAX_KEY_BYTES {
            let value = format!("{} bytes", self.key_prefix.len());
            return Err(ConfigError::new("key_prefix", value, "must be below 512 bytes"));
        }
        if let Some(rule) = reserved(&self.key_prefix) {
            let value = self.key_prefix.escape_ascii().to_string();
            return Err(ConfigError::new("key_prefix", value, rule));
        }
        #[cfg(not(feature = "testing"))]
        let (clock, rng) = (crate::driver::clock::Clock::system(), fastrand::Rng::new());
        #[cfg(feature = "testing")]
        let (clock, rng, wrapper) = self.testing.apply();
        Ok(Redlock::over(Shared::new(
            self.nodes,
            clock,
            self.settings,
            plan,
            self.key_prefix,
            rng,
            #[cfg(feature = "testing")]
            wrapper,
        )))
    }

    fn check_nodes(&self) -> Result<(), ConfigError> {
        let count = self.nodes.len();
        if count == 0 {
            return Err(ConfigError::new("nodes", "none", "must be at least one"));
        }
        if count > MAX_NODES {
            return Err(ConfigError::new("nodes", count.to_string(), "must be at most 64"));
        }
        if self.nodes.iter().any(|node| node.name().trim().is_empty()) {
            return Err(ConfigError::new("nodes", "", "must be nodes with names"));
        }
        let mut names = HashMap::new();
        for (index, node) in self.nodes.iter().enumerate() {
            if let Some(first) = names.insert(node.name(), index) {
                let (first, second) = (first + 1, index + 1);
                let rule = format!(
                    "is the name of node {first} and of node {second}, which must be different servers with different names"
                );
                return Err(ConfigError::new("nodes", node.name().to_owned(), rule));
            }
        }
        Ok(())
    }

    /// Reads the wall clock from `wall`, as time since 1970. Only hints for fencing numbers are made of it.
    #[cfg(feature = "testing")]
    pub fn wall_clock(mut self, wall: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.testing.wall = Some(Box::new(wall));
        self
    }

    /// Wraps every task that the handle starts, renewal too, so that a simulation can stop a whole process.
    #[cfg(feature = "testing")]
    pub fn wrap_tasks(
        mut self,
        wrap: impl Fn(
            Pin<Box<dyn Future<Output = ()> + Send>>,
        ) -> Pin<Box<dyn Future<Output = ()> + Send>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.testing.wrapper = Wrapper(Some(Arc::new(wrap)));
        self
    }

    /// Draws retry delays from `seed`, so that a simulation can be replayed.
    #[cfg(feature = "testing")]
    pub fn retry_seed(mut self, seed: u64) -> Self {
        self.testing.seed = Some(seed);
        self
    }

    /// Reads from `ahead` how long the host was suspended so far.
    #[cfg(feature = "testing")]
    pub fn suspended(mut self, ahead: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.testing.ahead = Some(Box::new(ahead));
        self
    }
}
