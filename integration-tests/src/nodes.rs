//! Nodes over both clients, and what the conformance suite needs of a server.

use std::sync::Arc;
use std::time::Duration;

use redlock_config::{Settings, SettingsError};
use redlock_core::LockNode;
use redlock_core::conformance::Fixture;
use redlock_core::error::ConfigError;
use redlock_fred::FredNode;
use redlock_redis::RedisNode;
use tokio::sync::OnceCell;

use crate::resp::Reply;
use crate::servers::{Kind, Server, Servers, shared};

/// A Redis client that there is an adapter for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// The `redis` crate.
    Redis,
    /// `fred`.
    Fred,
}

impl Client {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Redis, Self::Fred];

    /// A node over a connection of its own.
    pub fn node(self, url: &str) -> Arc<dyn LockNode> {
        self.connect(url).unwrap()
    }

    /// The nodes that the environment names, as for every service.
    ///
    /// # Errors
    ///
    /// When it names none, or a variable cannot be used.
    pub fn from_environment() -> Result<Vec<Arc<dyn LockNode>>, SettingsError> {
        Settings::from_env()?.open()
    }

    fn connect(self, url: &str) -> Result<Arc<dyn LockNode>, ConfigError> {
        Ok(match self {
            Self::Redis => Arc::new(RedisNode::connect(url)?),
            Self::Fred => Arc::new(FredNode::connect(url)?),
        })
    }

    /// How `REDLOCK_CLIENT` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Fred => "fred",
        }
    }

    /// A node for each URL.
    pub fn nodes<U: AsRef<str>>(self, urls: impl IntoIterator<Item = U>) -> Vec<Arc<dyn LockNode>> {
        urls.into_iter().map(|url| self.node(url.as_ref())).collect()
    }
}

/// A node over one of the shared servers, and the back door to what that stores.
pub struct ServerFixture {
    node: Arc<dyn LockNode>,
    /// Over the same server; the node itself, if it can listen.
    listening: Arc<dyn LockNode>,
    server: &'static Server,
    second: Arc<dyn LockNode>,
}

impl ServerFixture {
    /// A fixture over the shared server of `kind`.
    ///
    /// A node that was asked who its server is may use the commands of newer servers; one that was not keeps to
    /// scripts. Both are to pass.
    pub async fn over(
        kind: Kind,
        asked: bool,
        node: impl AsyncFn(&Server) -> Arc<dyn LockNode>,
    ) -> Self {
        let server = shared(kind).await;
        let second = node(second(kind).await).await;
        let node = node(server).await;
        let listens = node.features().wake_ups;
        let listening = if listens { Arc::clone(&node) } else { Client::Redis.node(&server.url()) };
        let fixture = Self { node, listening, server, second };
        if asked {
            for node in [&fixture.node, &fixture.second] {
                Arc::clone(node).identity(Duration::from_secs(5)).await.unwrap();
            }
        }
        fixture
    }
}

/// One more server of each kind for the whole process.
async fn second(kind: Kind) -> &'static Server {
    static SECOND: [OnceCell<Servers>; 3] = [const { OnceCell::const_new() }; 3];
    &SECOND[kind as usize].get_or_init(|| Servers::start_kind(kind, 1)).await[0]
}

#[async_trait::async_trait]
impl Fixture for ServerFixture {
    fn node(&self) -> Arc<dyn LockNode> {
        Arc::clone(&self.node)
    }

    fn listening_node(&self) -> Arc<dyn LockNode> {
        Arc::clone(&self.listening)
    }

    fn second_node(&self) -> Arc<dyn LockNode> {
        Arc::clone(&self.second)
    }

    async fn put(&self, key: &[u8], value: &[u8], ttl: Option<Duration>) {
        let ttl = ttl.map(|ttl| ttl.as_millis().to_string());
        let mut command = vec![b"SET".as_slice(), key, value];
        if let Some(ttl) = &ttl {
            command.extend([b"PX".as_slice(), ttl.as_bytes()]);
        }
        let reply = self.server.command(&command).await.unwrap();
        assert_eq!(reply.error(), None);
    }

    async fn value(&self, key: &[u8]) -> Option<Vec<u8>> {
        match self.server.command(&[b"GET".as_slice(), key]).await.unwrap() {
            Reply::Bulk(value) => value,
            other => panic!("{other}"),
        }
    }

    async fn put_list(&self, key: &[u8], ttl: Duration) {
        let ttl = ttl.as_millis().to_string();
        self.server.command(&[b"RPUSH".as_slice(), key, b"x"]).await.unwrap();
        self.server.command(&[b"PEXPIRE".as_slice(), key, ttl.as_bytes()]).await.unwrap();
    }

    async fn put_sorted_set(&self, key: &[u8], ttl: Duration) {
        let ttl = ttl.as_millis().to_string();
        self.server.command(&[b"ZADD".as_slice(), key, b"7", b"seven"]).await.unwrap();
        self.server.command(&[b"PEXPIRE".as_slice(), key, ttl.as_bytes()]).await.unwrap();
    }

    async fn is_sorted_set(&self, key: &[u8]) -> bool {
        self.server.command(&[b"ZSCORE".as_slice(), key, b"seven"]).await.unwrap().text().as_deref()
            == Some("7")
    }

    async fn is_list(&self, key: &[u8]) -> bool {
        self.server.command(&[b"TYPE".as_slice(), key]).await.unwrap().text().as_deref()
            == Some("list")
    }
}

/// Two tests of each `async fn(Client)`: `redis` and `fred`, in a module named after it.
#[macro_export]
macro_rules! with_both_clients {
    ($($test:ident)*) => {
        $(mod $test {
            use $crate::nodes::Client;
            #[tokio::test]
            async fn redis() {
                super::$test(Client::Redis).await;
            }
            #[tokio::test]
            async fn fred() {
                super::$test(Client::Fred).await;
            }
        })*
    };
}

/// Six tests of each `async fn(Client, Kind)`: both clients on every kind of server, in a module named after it.
#[macro_export]
macro_rules! with_both_clients_on_every_kind {
    ($($test:ident)*) => {
        $(mod $test {
            use $crate::{Kind, nodes::Client};
            #[tokio::test]
            async fn redis_on_redis_7_0() {
                super::$test(Client::Redis, Kind::Redis70).await;
            }
            #[tokio::test]
            async fn redis_on_valkey_9_1() {
                super::$test(Client::Redis, Kind::Valkey91).await;
            }
            #[tokio::test]
            async fn redis_on_redis_6_2() {
                super::$test(Client::Redis, Kind::Redis62).await;
            }
            #[tokio::test]
            async fn fred_on_redis_7_0() {
                super::$test(Client::Fred, Kind::Redis70).await;
            }
            #[tokio::test]
            async fn fred_on_valkey_9_1() {
                super::$test(Client::Fred, Kind::Valkey91).await;
            }
            #[tokio::test]
            async fn fred_on_redis_6_2() {
                super::$test(Client::Fred, Kind::Redis62).await;
            }
        })*
    };
}
