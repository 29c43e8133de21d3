//! What several subcommands take.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use crate::config::{ClientKind, Flags};
use crate::duration::duration;

/// [`ClientKind`], for clap.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Client {
    /// The `redis` crate
    Redis,
    /// The `fred` crate, where the command was built with its feature `fred`
    Fred,
}

impl From<Client> for ClientKind {
    fn from(client: Client) -> Self {
        match client {
            Client::Redis => Self::Redis,
            Client::Fred => Self::Fred,
        }
    }
}

/// Which nodes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Nodes")]
pub(super) struct NodeArgs {
    /// A node: `redis://host:port/db`, `rediss://…`, `host:port`, or `file:/directory` (`file:/directory?shared` for one
    /// that a group's users share). Repeat it for each. A password belongs in REDLOCK_PASSWORD, REDLOCK_NODES
    /// (comma-separated URLs) or the file
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(super) node: Vec<String>,
    /// The library that speaks to the servers [default: redis] [env: REDLOCK_CLIENT]
    #[arg(long, value_enum, value_name = "CLIENT")]
    pub(super) client: Option<Client>,
    /// A TOML file with nodes and settings [default: redlock.toml in ~/.config or /etc, if there is one]
    /// [env: REDLOCK_CONFIG]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) config: Option<PathBuf>,
    /// A node that restarted gives no locks until one of this time to live would have expired: the longest in use, the same
    /// everywhere [env: REDLOCK_RESTART_GUARD]
    #[arg(long, value_name = "LONGEST_TTL", value_parser = duration)]
    pub(super) restart_guard: Option<Duration>,
    /// Put before every key on the nodes [env: REDLOCK_KEY_PREFIX]
    #[arg(long, value_name = "PREFIX")]
    pub(super) key_prefix: Option<String>,
}

impl From<NodeArgs> for Flags {
    fn from(args: NodeArgs) -> Self {
        let NodeArgs { node, client, config, restart_guard, key_prefix } = args;
        let client = client.map(ClientKind::from);
        Self { nodes: node, client, file: config, restart_guard, key_prefix }
    }
}

/// Another way to give keys; they end up beside the others.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct MoreKeys {
    /// A key, whatever it begins with: `--key=-k`. For scripts
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub(super) key: Vec<String>,
}

impl MoreKeys {
    /// All keys, those that stand alone first.
    pub(super) fn after(self, keys: Vec<String>) -> Vec<String> {
        [keys, self.key].concat()
    }
}
