//! What the command line says.

use std::path::PathBuf;
use std::time::Duration;

use redlock_config::{ClientKind, NodeAddress, Place, Settings};

use super::fault::ConfigFault;
use crate::exit::Failure;

/// Comes before what environment and file say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    /// As they are written.
    pub(crate) nodes: Vec<String>,
    pub(crate) client: Option<ClientKind>,
    pub(crate) file: Option<PathBuf>,
    pub(crate) restart_guard: Option<Duration>,
    pub(crate) key_prefix: Option<String>,
}

impl Flags {
    /// The same as settings, but for the file.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        let mut settings = Settings::new();
        for url in &self.nodes {
            settings = settings.with_node(node(url)?);
        }
        if let Some(client) = self.client {
            settings = settings.with_client(client);
        }
        if let Some(longest_ttl) = self.restart_guard {
            settings = settings.with_restart_guard(longest_ttl);
        }
        if let Some(prefix) = &self.key_prefix {
            settings = settings.with_key_prefix(prefix);
        }
        Ok(settings)
    }
}

/// A node from the command line, which every user of the machine can read.
fn node(url: &str) -> Result<NodeAddress, Failure> {
    let address = NodeAddress::at("--node", url)?;
    if address.has_password() || may_hide_one(&address) {
        let rule = "holds a password, which every user of this machine could read in the list of processes; use \
                    REDLOCK_PASSWORD, REDLOCK_NODES or a file";
        return Err(ConfigFault::rule("--node", address.to_string(), rule).into());
    }
    Ok(address)
}

/// Where it is not understood, as in a query that is of no use.
fn may_hide_one(address: &NodeAddress) -> bool {
    matches!(address.place(), Place::Server(url) if url.expose().contains("pass="))
}
