//! Handles that take no locks.

use std::time::Duration;

use redlock_core::Redlock;

use crate::config::Config;
use crate::exit::Failure;
use crate::nodes::nodeset;

/// How long a node may take to answer somebody who only looks.
pub(crate) const LIMIT: Duration = Duration::from_secs(2);
/// Such a handle takes no locks, but has to have one.
const TTL: Duration = Duration::from_secs(10);

/// For releasing locks, and taking none.
pub(crate) fn handle(config: &Config) -> Result<Redlock, Failure> {
    nodeset::this_machine_only(config);
    // The guard is about grants, and would limit the time to live.
    let config = Config { restart_guard: None, ..config.clone() };
    let builder = nodeset::builder(&config, None)?.ttl(TTL).node_timeout(LIMIT).wake_ups(true);
    Ok(builder.build()?)
}
