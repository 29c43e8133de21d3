use std::fmt;
use std::time::Duration;

use crate::address::NodeAddress;
use crate::client::ClientKind;
use crate::rules::Sourced;

/// Which nodes, and how to speak to them.
///
/// Settings come from code (the `with_…` methods), from the environment and the usual file ([`from_env`](Self::from_env),
/// [`or_env`](Self::or_env)), from a file of your own ([`from_file`](Self::from_file), [`from_toml`](Self::from_toml)) or from
/// a part of your service's configuration, since they are `serde::Deserialize`:
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// #[derive(serde::Deserialize)]
/// struct Service {
///     port: u16,
///     locks: redlock_config::Settings,
/// }
///
/// let service: Service = toml::from_str(
///     r#"
///     port = 3000
///
///     [locks]
///     nodes = ["redis://10.0.0.1", "redis://10.0.1.1", "redis://10.0.2.1"]
///     ttl = "10s"
///     "#,
/// )?;
/// assert_eq!(service.locks.nodes().len(), 3);
/// # Ok(())
/// # }
/// ```
///
/// Whatever is read so is checked when it is read, and unknown fields are refused. Every field is optional here; what has to be
/// said is asked for when the nodes are [opened](Self::open). `Debug` shows no password.
#[derive(Clone, Default)]
pub struct Settings {
    pub(crate) client: Option<Sourced<ClientKind>>,
    pub(crate) nodes: Option<Sourced<Vec<NodeAddress>>>,
    pub(crate) ttl: Option<Sourced<Duration>>,
    pub(crate) restart_guard: Option<Sourced<Duration>>,
    pub(crate) fencing: Option<Sourced<bool>>,
    pub(crate) key_prefix: Option<Sourced<String>>,
    /// Whether environment and file were asked for what is not said.
    pub(crate) looked_around: bool,
}

/// What was said in code.
fn here<T>(value: T, field: &str) -> Option<Sourced<T>> {
    Some(Sourced { value, origin: field.to_owned() })
}

impl Settings {
    /// Settings that say nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a node.
    #[must_use]
    pub fn with_node(mut self, node: NodeAddress) -> Self {
        let nodes = self
            .nodes
            .get_or_insert_with(|| Sourced { value: Vec::new(), origin: "nodes".to_owned() });
        nodes.value.push(node);
        self
    }

    /// The library that speaks to the servers. Default: [`ClientKind::Redis`].
    #[must_use]
    pub fn with_client(self, client: ClientKind) -> Self {
        Self { client: here(client, "client"), ..self }
    }

    /// How long the nodes keep a lock that is not renewed; 10 ms or more. It has no default.
    #[must_use]
    pub fn with_ttl(self, ttl: Duration) -> Self {
        Self { ttl: here(ttl, "ttl"), ..self }
    }

    /// The longest time to live that any client of these nodes uses: a node that restarted gives no locks until one of this
    /// time to live would have expired. Default: off.
    #[must_use]
    pub fn with_restart_guard(self, longest_ttl: Duration) -> Self {
        Self { restart_guard: here(longest_ttl, "restart_guard"), ..self }
    }

    /// Whether holders get a fence. Default: off, for handles; on, for `redlock exec`.
    #[must_use]
    pub fn with_fencing(self, fencing: bool) -> Self {
        Self { fencing: here(fencing, "fencing"), ..self }
    }

    /// Put before every key on the nodes, below 512 bytes. Default: nothing.
    #[must_use]
    pub fn with_key_prefix(self, key_prefix: impl Into<String>) -> Self {
        Self { key_prefix: here(key_prefix.into(), "key_prefix"), ..self }
    }

    /// The nodes, in their order; none if none was named.
    ///
    /// A password that stands in a variable (`password_env`) is part of them once settings came from the environment; in
    /// others it is looked up when they are opened.
    pub fn nodes(&self) -> &[NodeAddress] {
        self.nodes.as_ref().map_or(&[], |nodes| &nodes.value)
    }

    /// The library that speaks to the servers; [`ClientKind::Redis`] if none was named.
    pub fn client(&self) -> ClientKind {
        self.client.as_ref().map(|client| client.value).unwrap_or_default()
    }

    /// The time to live, if it was said.
    pub fn ttl(&self) -> Option<Duration> {
        self.ttl.as_ref().map(|ttl| ttl.value)
    }

    /// Where the time to live was said, such as `REDLOCK_TTL` or `/etc/redlock.toml, line 2, ttl`.
    pub fn ttl_origin(&self) -> Option<&str> {
        self.ttl.as_ref().map(|ttl| &*ttl.origin)
    }

    /// The longest time to live in use, where the restart guard is on.
    pub fn restart_guard(&self) -> Option<Duration> {
        self.restart_guard.as_ref().map(|longest| longest.value)
    }

    /// Whether holders get a fence, if it was said.
    pub fn fencing(&self) -> Option<bool> {
        self.fencing.as_ref().map(|fencing| fencing.value)
    }

    /// What is put before every key; nothing if nothing was said.
    pub fn key_prefix(&self) -> &str {
        self.key_prefix.as_ref().map_or("", |prefix| &prefix.value)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("client", &self.client())
            .field("nodes", &self.nodes())
            .field("ttl", &self.ttl())
            .field("restart_guard", &self.restart_guard())
            .field("fencing", &self.fencing())
            .field("key_prefix", &self.key_prefix())
            .finish()
    }
}
