use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::node::LockNode;
use crate::node::key::COUNTER_PREFIX;

/// A node to be checked, and a way past it to what it stores.
///
/// The fixture lives as long as one check; whatever must be torn down belongs to it.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The node.
    fn node(&self) -> Arc<dyn LockNode>;

    /// Stores a value as a foreign program does, whatever was there; without `ttl` it stays for ever.
    async fn put(&self, key: &[u8], value: &[u8], ttl: Option<Duration>);

    /// The value that stands under the key, as a foreign program sees it.
    async fn value(&self, key: &[u8]) -> Option<Vec<u8>>;

    /// The resource's fencing counter, as a foreign program sees it. Only the checks of `fencing` and `counter_types`
    /// call it. Default: the number under `redlock:fence:<key>`.
    async fn counter(&self, key: &[u8]) -> Option<u64> {
        let text = self.value(&[COUNTER_PREFIX.as_bytes(), key].concat()).await?;
        Some(std::str::from_utf8(&text).unwrap().parse().unwrap())
    }

    /// A node over another server. Only the checks of `second_node` call it.
    fn second_node(&self) -> Arc<dyn LockNode> {
        panic!("this fixture has no second node");
    }

    /// The node that listens. Only the checks of `wake_ups` call it. Default: the node itself; for one that tells of
    /// releases and cannot listen, another one over the same server.
    fn listening_node(&self) -> Arc<dyn LockNode> {
        self.node()
    }

    /// Stores a value of a type that no lock has. Only the checks of `types`, `counter_types` and `scan_types` call it.
    async fn put_list(&self, _key: &[u8], _ttl: Duration) {
        panic!("this fixture knows no other type");
    }

    /// Whether [`put_list`](Self::put_list)'s value is still there. Only the checks of `types`, `counter_types` and
    /// `scan_types` call it.
    async fn is_list(&self, _key: &[u8]) -> bool {
        panic!("this fixture knows no other type");
    }

    /// Stores a sorted set that holds no shares. Only the checks of `shared_types` call it.
    async fn put_sorted_set(&self, _key: &[u8], _ttl: Duration) {
        panic!("this fixture knows no sorted sets");
    }

    /// Whether [`put_sorted_set`](Self::put_sorted_set)'s value is still there. Only the checks of `shared_types` call it.
    async fn is_sorted_set(&self, _key: &[u8]) -> bool {
        panic!("this fixture knows no sorted sets");
    }
}
