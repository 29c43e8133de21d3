//! A service with a pool.

use redlock_core::ConfigError;
use redlock_redis::RedisNode;
use redlock_redis::redis::Client;

/// Nodes over connections of their own, to where the pools' connections lead.
pub fn nodes(clients: &[Client]) -> Result<Vec<RedisNode>, ConfigError> {
    clients.iter().cloned().map(RedisNode::from_client).collect()
}

#[cfg(test)]
mod runs {
    use std::time::Duration;

    use integration_tests::Servers;
    use redlock_core::Redlock;
    use redlock_redis::redis::Client;

    use super::nodes;
    use crate::handle;

    #[tokio::test]
    async fn they_lock_what_nodes_from_urls_lock() {
        let servers = Servers::start(3).await;
        let clients: Vec<_> =
            servers.urls().into_iter().map(|url| Client::open(url).unwrap()).collect();
        let builder = Redlock::builder().nodes(nodes(&clients).unwrap());
        let builder = builder.ttl(Duration::from_secs(10)).node_timeout(Duration::from_secs(2));
        let redlock = builder.build().unwrap();
        let guard = redlock.lock("orders:42").await.unwrap();
        let refused = handle(&servers).try_lock("orders:42").await.unwrap_err();
        assert!(refused.is_contended(), "{refused}");
        guard.release().await.unwrap();
    }
}
