use std::fmt;
use std::sync::Arc;

use redis::aio::ConnectionLike;
use redis::{Client, ConnectionAddr};
use redlock_core::error::ConfigError;
use redlock_core::node::LockNode;
use redlock_protocol::{ServerNode, Wire, checked_name, connected};

use crate::borrowed::Borrowed;
use crate::link::Link;
use crate::url;

/// One independent master, spoken to over the [`redis`] crate.
///
/// `Debug` shows the name and nothing else.
///
/// # Runtime
///
/// The verbs need a tokio runtime with time and I/O; outside of one they answer
/// [`Fault::Unsupported`](redlock_core::node::Fault::Unsupported). The connection of a node made by
/// [`RedisNode::connect`] or [`RedisNode::from_client`] lives on the runtime that needed it first; when that has
/// ended, the next verb connects on its own.
pub struct RedisNode {
    name: Box<str>,
    server: Arc<dyn LockNode>,
}

impl RedisNode {
    /// A node over a connection of its own, with the settings listed in the [crate's docs](crate#settings).
    ///
    /// The URL is `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS with the feature
    /// `tls-rustls`; `host[:port]` alone means `redis://host[:port]`. The port is 6379 and the database 0 unless given; user and password are percent-decoded.
    /// `?protocol=resp2` speaks the older protocol. `valkey://` and `valkeys://` mean the same, and
    /// `redis+unix:///path?user=…&pass=…&db=…` is a local socket.
    ///
    /// Nothing is sent yet, and no runtime is needed: the first verb connects, and so does the first after the
    /// connection broke or was given up; where several in a row were of no use, after a pause of at most 2 s. A server that is down is no error here; its verbs answer
    /// [`Fault::Refused`](redlock_core::node::Fault::Refused), or why the server turned the connection down, until
    /// it is there. The connection is closed when the node is dropped.
    ///
    /// # Errors
    ///
    /// When the URL does not have this form, or asks for TLS without the feature. The error holds no
    /// credentials.
    pub fn connect(url: &str) -> Result<Self, ConfigError> {
        Self::from_client(url::client(url)?)
    }

    /// Nodes over connections of their own, one for each URL and in their order, as [`connect`](Self::connect) makes them.
    ///
    /// ```
    /// use redlock_redis::RedisNode;
    ///
    /// let urls = "redis://10.0.0.1,redis://10.0.0.2,10.0.0.3:6380"; // of a setting
    /// let nodes = RedisNode::connect_all(urls.split(','))?;
    /// assert_eq!(nodes.len(), 3);
    /// # Ok::<(), redlock_redis::redlock_core::ConfigError>(())
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

    /// A node over a connection of its own to wherever `client` points, reporting itself by that address.
    ///
    /// For what a URL cannot say: a private certificate authority, a client certificate, other TCP
    /// settings. Of the [settings](crate#settings) the client decides those of TCP and the protocol; redis-rs's
    /// defaults are RESP2, no `TCP_NODELAY` and no `TCP_USER_TIMEOUT`.
    ///
    /// # Errors
    ///
    /// When the client's kind of address is not supported in this build.
    pub fn from_client(client: Client) -> Result<Self, ConfigError> {
        let address = client.get_connection_info().addr();
        let name = match address {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                if host.contains(':') {
                    format!("[{host}]:{port}")
                } else {
                    format!("{host}:{port}")
                }
            }
            ConnectionAddr::Unix(path) => path.display().to_string(),
            _ => String::new(),
        };
        if !address.is_supported() {
            return Err(ConfigError::new(
                "client",
                name,
                "must have an address that this build can connect to",
            ));
        }
        Self::over(name, Link::new(client))
    }

    /// A node over a connection of yours: a [`MultiplexedConnection`](redis::aio::MultiplexedConnection), a
    /// `ConnectionManager`, or anything of that kind.
    ///
    /// Every command has the verb's own time limit. The rest is the connection's:
    ///
    /// - Clones must share one socket. Over a pool, a release could overtake the acquire it makes up for.
    /// - A `MultiplexedConnection` does not connect again when it broke.
    /// - A server that reads on and answers nothing is not left: that is for the connection's keeper to see. When 4,096
    ///   commands are unanswered, further ones are refused at once
    ///   ([`Fault::Refused`](redlock_core::node::Fault::Refused)), but for one now and then to see whether it answers again,
    ///   first after a second, at last once a minute.
    /// - A server that became a replica is not left either.
    /// - A `ConnectionManager` is best made by `connection_manager` (feature `connection-manager`). Of your own making it needs
    ///   `set_number_of_retries(0)`, or a command waits for all of its retries; `set_response_timeout(None)`, or commands
    ///   end before their time; `set_pipeline_buffer_size(4_096)`, or what waits for room comes in any order; and RESP3, or
    ///   the first command after an idle time fails. It never recovers from an error reply to its handshake, such as a
    ///   wrong password.
    /// - A connection that re-sends commands, or follows a cluster's redirections, must not be used.
    /// - It cannot listen beside its commands: such a node tells others of releases and hears of none
    ///   ([`Features::wake_ups`](redlock_core::node::Features::wake_ups) is off).
    /// - Commands that block (`BLPOP`) on the same connection delay the locks' commands.
    ///
    /// # Errors
    ///
    /// When the name is empty.
    pub fn from_connection<C>(name: impl Into<String>, connection: C) -> Result<Self, ConfigError>
    where
        C: ConnectionLike + Clone + Send + Sync + 'static,
    {
        Self::over(name.into(), Borrowed::new(connection))
    }

    /// The same node, reporting itself as `name` instead of `host:port`.
    ///
    /// # Errors
    ///
    /// When the name is empty.
    pub fn with_name(self, name: impl Into<String>) -> Result<Self, ConfigError> {
        Ok(Self { name: checked_name(name)?, ..self })
    }

    fn over(name: String, wire: impl Wire) -> Result<Self, ConfigError> {
        let name = checked_name(name)?;
        Ok(Self { server: Arc::new(ServerNode::new(name.clone(), wire)), name })
    }
}

impl fmt::Debug for RedisNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisNode").field(&self.name).finish()
    }
}

redlock_protocol::lock_node_over_server!(RedisNode);
