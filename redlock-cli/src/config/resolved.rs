//! What flags, environment and file come to.

use std::time::Duration;

use redlock_config::{ClientKind, NodeAddress, Settings, Surroundings};

use super::flags::Flags;
use crate::exit::Failure;

/// What flags, environment and file come to.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) client: ClientKind,
    pub(crate) nodes: Nodes,
    /// Default of `--ttl`.
    pub(crate) ttl: Option<Duration>,
    /// Where that one was said.
    pub(crate) ttl_origin: Option<String>,
    /// The longest time to live in use, where nodes that restarted are to be kept out of votes.
    pub(crate) restart_guard: Option<Duration>,
    pub(crate) fencing: Option<bool>,
    pub(crate) key_prefix: String,
}

/// The node set.
#[derive(Debug, Clone)]
pub(crate) enum Nodes {
    /// As configured.
    Named(Vec<NodeAddress>),
    /// None was named: a directory of this machine.
    Embedded,
}

impl Config {
    /// What was asked for: the flags, before what `around` says.
    pub(crate) fn resolve(flags: &Flags, around: Surroundings<'_>) -> Result<Self, Failure> {
        let around = match &flags.file {
            Some(path) => around.with_file(path),
            None => around,
        };
        Ok(flags.settings()?.resolve(&around)?.into())
    }

    /// From the process's own surroundings.
    pub(crate) fn load(flags: &Flags) -> Result<Self, Failure> {
        Self::resolve(flags, Surroundings::process())
    }
}

impl From<Settings> for Config {
    fn from(settings: Settings) -> Self {
        Self {
            client: settings.client(),
            nodes: match settings.nodes() {
                [] => Nodes::Embedded,
                named => Nodes::Named(named.to_vec()),
            },
            ttl: settings.ttl(),
            ttl_origin: settings.ttl_origin().map(str::to_owned),
            restart_guard: settings.restart_guard(),
            fencing: settings.fencing(),
            key_prefix: settings.key_prefix().to_owned(),
        }
    }
}

#[cfg(test)]
#[path = "resolved_tests.rs"]
mod tests;
