//! From addresses to lock nodes.

use std::sync::Arc;

use redlock_core::{Label, LockNode, RedlockBuilder};
use redlock_file::FileNode;

use crate::config::{Address, Config, NODES, Nodes};
use crate::exit::Failure;
use crate::output::say;

/// Says what a verb that only looks is about, where no node was named: "free" is said of this machine alone.
pub(crate) fn this_machine_only(config: &Config) {
    if matches!(config.nodes, Nodes::Embedded) {
        say(format_args!(
            "redlock: no nodes are named, so this is about locks of this user on this machine only, in {}. Name nodes with \
             --node, {NODES} or redlock.toml",
            FileNode::default_dir().display()
        ));
    }
}

/// The nodes of the configuration, in its order.
pub(crate) fn nodes(config: &Config) -> Result<Vec<Arc<dyn LockNode>>, Failure> {
    match &config.nodes {
        Nodes::Named(addresses) => {
            addresses.iter().map(|address| Ok(address.open(config.client)?)).collect()
        }
        Nodes::Embedded => Ok(vec![Arc::new(FileNode::open_default()?)]),
    }
}

/// A builder with the nodes and everything else that the configuration decides, but for what each verb decides by itself (time
/// to live and fencing); for a holder who calls itself so.
pub(crate) fn builder(config: &Config, label: Option<Label>) -> Result<RedlockBuilder, Failure> {
    let nodes = nodes(config)?;
    if let Nodes::Named(addresses) = &config.nodes {
        Address::must_differ(addresses, &nodes)?;
    }
    let mut builder =
        redlock_core::Redlock::builder().nodes(nodes).key_prefix(config.key_prefix.as_str());
    if let Some(longest_ttl) = config.restart_guard {
        builder = builder.restart_guard(longest_ttl);
    }
    if let Some(label) = label {
        builder = builder.label(label);
    }
    Ok(builder)
}
