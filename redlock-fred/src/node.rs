use std::fmt;
use std::sync::Arc;

use fred::clients::Client;
use fred::interfaces::ClientLike;
use redlock_core::error::ConfigError;
use redlock_protocol::{ServerNode, checked_name, connected};

use crate::link::Link;
use crate::settings;
use crate::url::{INDEPENDENT, NodeUrl};
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
pub struct FredNode {
    name: Box<str>,
    server: Arc<ServerNode<FredWire>>,
}

impl FredNode {
    /// A node over a connection of its own, with the settings listed in the [crate's docs](crate#settings).
    ///
    /// The URL is `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS with the feature
    /// `tls-rustls`; `valkey://` and `valkeys://` are the same, and `host[:port]` alone stands for `redis://host[:port]`.
    /// The port is 6379 and the database 0 unless given. User and password are percent-decoded.
    ///
    /// Nothing is sent yet, and no runtime is needed: the first verb connects, and the verbs that come
    /// meanwhile wait for that within their limits. A server that is down is no error here. The node keeps
    /// trying in the background, and until it succeeds the verbs answer at once with [`Fault::Refused`], or
    /// with the server's reason to turn the connection down. What happens when a connection is lost is said in
    /// the [crate's docs](crate#settings). The connection is closed when the node is dropped and its last verb
    /// is done.
    ///
    /// [`Fault::Refused`]: redlock_core::node::Fault::Refused
    ///
    /// # Errors
    ///
    /// When the URL does not have this form, names a cluster or a sentinel, or asks for TLS without the
    /// feature. The error holds no credentials.
    pub fn connect(url: &str) -> Result<Self, ConfigError> {
        let (name, model) = settings::client(NodeUrl::parse(url)?)?;
        Self::over(name, FredWire::new(Link::connecting(model)))
    }

    /// Nodes over connections of their own, one for each URL and in their order, as [`connect`](Self::connect) makes them.
    ///
    /// ```
    /// use redlock_fred::FredNode;
    ///
    /// let urls = "redis://10.0.0.1,redis://10.0.0.2,10.0.0.3:6380"; // of a setting
    /// let nodes = FredNode::connect_all(urls.split(','))?;
    /// assert_eq!(nodes.len(), 3);
    /// # Ok::<(), redlock_fred::redlock_core::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When a URL does not have the form: the error says which of them, and holds no credentials. No URL is no error: it
    /// makes no node, without which no handle can be built.
    pub fn connect_all(
        urls: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Vec<Self>, ConfigError> {
        connected(urls, Self::connect)
    }

    /// A node over a client of yours, which you connect and shut down.
    ///
    /// The settings of each command are the same as for [`FredNode::connect`]; those of the connection are the
    /// client's:
    ///
    /// - Give it a reconnect policy. Without one fred leaves a broken connection broken and still calls it
    ///   connected, so that every command from then on takes its whole time limit to fail. Keep its first wait short:
    ///   the commands that come meanwhile wait for the next connection, and if the server stays down, for all of their
    ///   time limit.
    /// - Set [`TcpConfig::user_timeout`](fred::types::config::TcpConfig) or
    ///   [`UnresponsiveConfig`](fred::types::config::UnresponsiveConfig); by default a black hole is not noticed.
    ///   Where a command's time passed and then nothing is answered for 5 s, or 4,096 such commands are unanswered, the
    ///   verbs answer [`Fault::Refused`] and send nothing until there is an answer or a new connection. The node never
    ///   reconnects your client itself. `UnresponsiveConfig` counts from the last write, so it replaces the connection
    ///   then, unless your own commands go on being written.
    /// - Leave it at RESP2. With RESP3 fred puts user and password into a line of text unquoted, where a space breaks
    ///   the line and a line break begins a command.
    /// - Commands that block (`BLPOP`) on the same client delay the locks' commands.
    /// - Of a pool take one client, `pool.next().clone()`: a lock's commands must stay in order.
    /// - `ReconnectError`s (a feature of fred) turn some refusals into connections lost.
    ///
    /// [`Fault::Refused`]: redlock_core::node::Fault::Refused
    ///
    /// # Errors
    ///
    /// When the client is set up for a cluster or for sentinels, or the name is empty.
    pub fn from_client(name: impl Into<String>, client: Client) -> Result<Self, ConfigError> {
        let kind = if client.is_clustered() {
            "a cluster client"
        } else if client.uses_sentinels() {
            "a sentinel client"
        } else {
            return Self::over(name.into(), FredWire::new(Link::borrowed(client)));
        };
        Err(ConfigError::new("client", kind, INDEPENDENT))
    }

    /// The same node, reporting itself as `name` instead of `host:port`.
    ///
    /// # Errors
    ///
    /// When the name is empty.
    pub fn with_name(self, name: impl Into<String>) -> Result<Self, ConfigError> {
        Ok(Self { name: checked_name(name)?, ..self })
    }

    fn over(name: String, wire: FredWire) -> Result<Self, ConfigError> {
        let name = checked_name(name)?;
        Ok(Self { server: Arc::new(ServerNode::new(name.clone(), wire)), name })
    }
}

impl fmt::Debug for FredNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FredNode").field(&self.name).finish()
    }
}

redlock_protocol::lock_node_over_server!(FredNode);
