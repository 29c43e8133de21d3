//! From addresses to lock nodes.

use std::sync::Arc;

use redlock_core::{LockNode, RedlockBuilder};
use redlock_file::FileNode;
use redlock_fred::FredNode;
use redlock_redis::RedisNode;

use crate::config::{Address, ClientKind, Config, Nodes, Place};
use crate::exit::Failure;

/// The nodes of the configuration, in its order.
pub(crate) fn nodes(config: &Config) -> Result<Vec<Arc<dyn LockNode>>, Failure> {
    match &config.nodes {
        Nodes::Named(addresses) => {
            addresses.iter().map(|address| node(config.client, address)).collect()
        }
        Nodes::Embedded => Ok(vec![Arc::new(FileNode::open_default()?)]),
    }
}

/// A builder with the nodes and everything else that the configuration decides, but the time to live.
pub(crate) fn builder(config: &Config) -> Result<RedlockBuilder, Failure> {
    let builder = redlock_core::Redlock::builder()
        .nodes(nodes(config)?)
        .key_prefix(config.key_prefix.as_str());
    Ok(match config.restart_guard {
        Some(longest_ttl) => builder.restart_guard(longest_ttl),
        None => builder,
    })
}

fn node(client: ClientKind, address: &Address) -> Result<Arc<dyn LockNode>, Failure> {
    let url = match address.place() {
        Place::Server(url) => url.expose(),
        Place::Directory(path) => return Ok(Arc::new(FileNode::open(path)?)),
    };
    Ok(match client {
        ClientKind::Redis => {
            let node = RedisNode::connect(url)?;
            Arc::new(match address.name() {
                Some(name) => node.with_name(name)?,
                None => node,
            })
        }
        ClientKind::Fred => {
            let node = FredNode::connect(url)?;
            Arc::new(match address.name() {
                Some(name) => node.with_name(name)?,
                None => node,
            })
        }
    })
}
