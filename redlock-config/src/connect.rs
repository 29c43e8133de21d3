//! From settings to lock nodes and handles.

use std::collections::HashMap;
use std::sync::Arc;

use redlock_core::{ConfigError, LockNode, Redlock, RedlockBuilder};

use crate::address::{NodeAddress, Place};
use crate::client::ClientKind;
use crate::error::{SettingsError, SettingsErrorKind};
use crate::settings::Settings;

impl NodeAddress {
    /// The node, over a connection of its own. A server is not asked anything yet, and need not be up. A directory is opened,
    /// which blocks: for a moment, or for up to five seconds where a process was stopped that holds its lock.
    ///
    /// # Errors
    ///
    /// When the URL breaks a rule of the client's, when a directory cannot be used, or when this build lacks the feature of
    /// the client or of directories.
    pub fn open(&self, client: ClientKind) -> Result<Arc<dyn LockNode>, SettingsError> {
        match self.place() {
            Place::Server(url) => self.server(url.expose(), client),
            Place::Directory(path) => self.directory(path, false),
            Place::Shared(path) => self.directory(path, true),
        }
    }

    /// Refuses two of `nodes`, which these addresses lead to in this order, that have one name: they would be one server, which
    /// would vote twice. The message says where each of the two was named, and its address.
    ///
    /// # Errors
    ///
    /// Of the first that has the name of one before it.
    pub fn must_differ(
        addresses: &[Self],
        nodes: &[Arc<dyn LockNode>],
    ) -> Result<(), SettingsError> {
        let mut names = HashMap::new();
        for (address, node) in addresses.iter().zip(nodes) {
            if let Some(first) = names.insert(node.name(), address) {
                let rule = format!(
                    "has the same name, {}, as `{first}` ({}); nodes must be different servers",
                    node.name(),
                    first.origin()
                );
                let origin = address.origin().to_owned();
                return Err(SettingsError::invalid(origin, address.to_string(), rule));
            }
        }
        Ok(())
    }

    fn server(&self, url: &str, client: ClientKind) -> Result<Arc<dyn LockNode>, SettingsError> {
        #[allow(unused_macros)]
        macro_rules! connected {
            ($node:ty) => {{
                let refused = |error| SettingsError::of(self.origin().to_owned(), &error);
                let node = <$node>::connect(url).map_err(refused)?;
                Ok(match self.name() {
                    Some(name) => Arc::new(node.with_name(name).map_err(refused)?),
                    None => Arc::new(node),
                })
            }};
        }
        let _ = url;
        match client {
            #[cfg(feature = "redis")]
            ClientKind::Redis => connected!(redlock_redis::RedisNode),
            #[cfg(feature = "fred")]
            ClientKind::Fred => connected!(redlock_fred::FredNode),
            #[allow(unreachable_patterns)]
            other => {
                let rule = format!(
                    "is a server for the client `{other}`, which this program was built without (feature `{other}`); \
                     `client`, or REDLOCK_CLIENT, names another one"
                );
                Err(SettingsError::invalid(self.origin().to_owned(), self.to_string(), rule))
            }
        }
    }

    #[cfg(all(feature = "file", unix))]
    fn directory(
        &self,
        path: &std::path::Path,
        shared: bool,
    ) -> Result<Arc<dyn LockNode>, SettingsError> {
        use redlock_file::FileNode;

        let node = if shared { FileNode::open_shared(path) } else { FileNode::open(path) };
        node.map(|node| Arc::new(node) as Arc<dyn LockNode>).map_err(|error| {
            let found = error.found().map(|found| format!(": found `{}`", found.escape_debug()));
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            let rule = [Some(error.rule().to_owned()), found, cause].into_iter().flatten();
            let rule = rule.collect::<String>();
            let value = error.value().escape_debug().to_string();
            SettingsError::invalid(self.origin().to_owned(), value, rule)
                .by(SettingsErrorKind::Unopened, error)
        })
    }

    #[cfg(not(all(feature = "file", unix)))]
    fn directory(&self, _: &std::path::Path, _: bool) -> Result<Arc<dyn LockNode>, SettingsError> {
        let rule = "is a directory, which this program was built without (feature `file` of redlock-config, on Unix)";
        Err(SettingsError::invalid(self.origin().to_owned(), self.to_string(), rule))
    }
}

impl Settings {
    /// The nodes, in their order. Servers are not asked anything yet; directories are opened, which
    /// [blocks](NodeAddress::open).
    ///
    /// # Errors
    ///
    /// When no node is named ([`SettingsErrorKind::Missing`]), when a user has no password, or when a node cannot be
    /// [opened](NodeAddress::open). The error names the node, and where it was named.
    pub fn open(&self) -> Result<Vec<Arc<dyn LockNode>>, SettingsError> {
        self.check_nodes()?;
        if self.nodes().is_empty() {
            return Err(self.no_nodes());
        }
        let client = self.client();
        let open = |node: &NodeAddress| {
            let node = node.clone().looked_up(&|name| std::env::var_os(name))?;
            node.check_login()?;
            node.open(client)
        };
        self.nodes().iter().map(open).collect()
    }

    /// A builder over nodes of yours, with everything else that these settings say. For nodes in memory, wrapped ones, and
    /// tests.
    pub fn builder_over(
        &self,
        nodes: impl IntoIterator<Item = Arc<dyn LockNode>>,
    ) -> RedlockBuilder {
        let mut builder = Redlock::builder().nodes(nodes).key_prefix(self.key_prefix());
        if let Some(ttl) = self.ttl() {
            builder = builder.ttl(ttl);
        }
        if let Some(longest_ttl) = self.restart_guard() {
            builder = builder.restart_guard(longest_ttl);
        }
        if let Some(fencing) = self.fencing() {
            builder = builder.fencing(fencing);
        }
        builder
    }

    /// A builder with the nodes and all that these settings say, for whatever else is to be set: a time to live, unless it is
    /// among them.
    ///
    /// Directories are opened on a thread for what blocks, where there is a tokio runtime. Servers are connected to when a
    /// lock is first asked for; one that is down is no error here.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and when two nodes have one name.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped nothing is left but directories that may have been made.
    pub async fn builder(&self) -> Result<RedlockBuilder, SettingsError> {
        let blocks = self.nodes().iter().any(|node| !matches!(node.place(), Place::Server(_)));
        let nodes = match tokio::runtime::Handle::try_current() {
            Ok(runtime) if blocks => {
                let settings = self.clone();
                let opened = runtime.spawn_blocking(move || settings.open()).await;
                let ended =
                    |error| SettingsError::caused(SettingsErrorKind::Unopened, "nodes", error);
                opened.map_err(ended)??
            }
            _ => self.open()?,
        };
        NodeAddress::must_differ(self.nodes(), &nodes)?;
        Ok(self.builder_over(nodes))
    }

    /// A handle with the nodes and all that these settings say.
    ///
    /// # Errors
    ///
    /// As [`builder`](Self::builder), when no time to live is among them ([`SettingsErrorKind::Missing`]), and when two
    /// settings do not fit together.
    ///
    /// # Cancel safety
    ///
    /// As [`builder`](Self::builder).
    pub async fn connect(&self) -> Result<Redlock, SettingsError> {
        let builder = self.builder().await?;
        if self.ttl.is_none() {
            let how = if self.looked_around {
                "must be said: set REDLOCK_TTL (10s), or `ttl` in redlock.toml, or take the builder and give it one"
            } else {
                "must be said: set `ttl`, or take the builder and give it one"
            };
            return Err(SettingsError::missing("ttl", how));
        }
        builder.build().map_err(|error| self.blame(&error))
    }

    /// What the builder refuses, with where it came from.
    fn blame(&self, error: &ConfigError) -> SettingsError {
        let origin = match error.field() {
            "ttl" => self.ttl.as_ref().map(|ttl| &ttl.origin),
            "restart_guard" => self.restart_guard.as_ref().map(|longest| &longest.origin),
            "fencing" => self.fencing.as_ref().map(|fencing| &fencing.origin),
            "key_prefix" => self.key_prefix.as_ref().map(|prefix| &prefix.origin),
            "nodes" => self.nodes.as_ref().map(|nodes| &nodes.origin),
            _ => None,
        };
        SettingsError::of(origin.cloned().unwrap_or_else(|| error.field().to_owned()), error)
    }

    fn no_nodes(&self) -> SettingsError {
        let how = if self.looked_around {
            "none is named: set REDLOCK_NODES (redis://a,redis://b,redis://c), or `nodes` in the file that REDLOCK_CONFIG \
             names, in ~/.config/redlock.toml or in /etc/redlock.toml"
        } else {
            "none is named: list them, as [\"redis://a\", \"redis://b\", \"redis://c\"]"
        };
        SettingsError::missing("nodes", how)
    }
}
