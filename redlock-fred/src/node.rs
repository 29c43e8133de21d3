use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fred::clients::Client;
use fred::interfaces::ClientLike;
use redlock_core::error::ConfigError;
use redlock_core::key::LockKey;
use redlock_core::node::{
    Claim, Extension, Holding, Identity, LockNode, NodeError, Removal, Terms, Vote,
};
use redlock_core::protocol::ServerNode;

use crate::link::Link;
use crate::settings;
use crate::url::NodeUrl;
use crate::wire::FredWire;

/// One independent master, spoken to over a [`fred`] client.
///
/// `Debug` shows the name and nothing else.
///
/// # Runtime
///
/// The verbs need a tokio runtime with time and I/O; without one they answer [`Fault::Unsupported`]. A node
/// made by [`FredNode::connect`] lives on the runtime that its first verb was polled on, and moves to another
/// one when that has ended.
///
/// [`Fault::Unsupported`]: redlock_core::node::Fault::Unsupported
pub struct FredNode(Arc<ServerNode<FredWire>>);

impl FredNode {
    /// A node over a connection of its own, with the settings listed in the [crate's docs](crate#settings).
    ///
    /// The URL is `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS with the feature
    /// `tls-rustls`. The port is 6379 and the database 0 unless given. User and password are percent-decoded.
    ///
    /// Nothing is sent yet, and no runtime is needed: the first verb connects, and the verbs that come
    /// meanwhile wait for that within their limits. A server that is down is no error here. The node keeps
    /// trying in the background, and until it succeeds the verbs answer at once with [`Fault::Refused`], or
    /// with the server's reason to turn the connection down. The connection is closed when the node is dropped
    /// and its last verb is done.
    ///
    /// [`Fault::Refused`]: redlock_core::node::Fault::Refused
    ///
    /// # Errors
    ///
    /// When the URL does not have this form, names a cluster or a sentinel, or asks for TLS without the
    /// feature. The error holds no credentials.
    pub fn connect(url: &str) -> Result<Self, ConfigError> {
        let url = NodeUrl::parse(url)?;
        let link = Link::connecting(settings::client(url.config)?);
        Ok(Self::new(url.name, FredWire::new(link)))
    }

    /// A node over a client of yours, which you connect and shut down.
    ///
    /// The settings of each command are the same as for [`FredNode::connect`]; those of the connection are the
    /// client's:
    ///
    /// - Give it a reconnect policy. Without one fred leaves a broken connection broken and still calls it
    ///   connected, so that every command from then on takes its whole time limit to fail.
    /// - Set [`TcpConfig::user_timeout`](fred::types::config::TcpConfig) or
    ///   [`UnresponsiveConfig`](fred::types::config::UnresponsiveConfig); by default a black hole is not noticed.
    /// - Commands that block (`BLPOP`) on the same client delay the locks' commands.
    /// - Of a pool take one client, `pool.next().clone()`: a lock's commands must stay in order.
    /// - `ReconnectError`s (a feature of fred) turn some refusals into connections lost.
    ///
    /// # Errors
    ///
    /// When the client is set up for a cluster or for sentinels.
    pub fn from_client(name: impl Into<String>, client: Client) -> Result<Self, ConfigError> {
        let kind = if client.is_clustered() {
            "a cluster client"
        } else if client.uses_sentinels() {
            "a sentinel client"
        } else {
            return Ok(Self::new(name.into(), FredWire::new(Link::borrowed(client))));
        };
        Err(ConfigError::new("client", kind, settings::INDEPENDENT))
    }

    /// The same node, reporting itself as `name` instead of `host:port`.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self::new(name.into(), self.0.wire().clone())
    }

    fn new(name: String, wire: FredWire) -> Self {
        Self(Arc::new(ServerNode::new(name, wire)))
    }
}

impl fmt::Debug for FredNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FredNode").field(&self.name()).finish()
    }
}

/// What `#[async_trait]` makes of an `async fn`.
type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, NodeError>> + Send + 'a>>;

/// Written out instead of `#[async_trait]`, which would box every future a second time.
#[deny(clippy::missing_trait_methods)]
impl LockNode for FredNode {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn identity<'a>(self: Arc<Self>, timeout: Duration) -> Answer<'a, Identity>
    where
        Self: 'a,
    {
        Arc::clone(&self.0).identity(timeout)
    }

    fn acquire<'a>(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Answer<'a, Vote>
    where
        Self: 'a,
    {
        Arc::clone(&self.0).acquire(claim, terms, timeout)
    }

    fn extend<'a>(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Answer<'a, Extension>
    where
        Self: 'a,
    {
        Arc::clone(&self.0).extend(claim, terms, timeout)
    }

    fn release<'a>(self: Arc<Self>, claim: Claim, timeout: Duration) -> Answer<'a, Removal>
    where
        Self: 'a,
    {
        Arc::clone(&self.0).release(claim, timeout)
    }

    fn inspect<'a>(
        self: Arc<Self>,
        key: LockKey,
        timeout: Duration,
    ) -> Answer<'a, Vec<Option<Holding>>>
    where
        Self: 'a,
    {
        Arc::clone(&self.0).inspect(key, timeout)
    }

    fn raise<'a>(
        self: Arc<Self>,
        claim: Claim,
        fence: u64,
        timeout: Duration,
    ) -> Answer<'a, Extension>
    where
        Self: 'a,
    {
        Arc::clone(&self.0).raise(claim, fence, timeout)
    }
}
