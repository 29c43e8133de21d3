//! What the sections work with.

use std::time::Duration;

use integration_tests::Servers;

use crate::settings::Settings;

/// How many servers most sections use.
pub(crate) const NODES: usize = 5;
pub(crate) const TTL: Duration = Duration::from_secs(10);

pub(crate) struct Bench {
    pub(crate) servers: Servers,
    pub(crate) settings: Settings,
}

impl Bench {
    /// The URLs of the first `nodes` servers.
    pub(crate) fn urls(&self, nodes: usize) -> Vec<String> {
        self.servers.urls().into_iter().take(nodes).collect()
    }
}
