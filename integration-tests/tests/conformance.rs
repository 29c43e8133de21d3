//! The conformance suite for both clients on every kind of server, by the newer servers' commands and by scripts, over
//! connections of the node's own and of the user's.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use fred::interfaces::ClientLike;
use integration_tests::nodes::{Client, ServerFixture};
use integration_tests::{Kind, Server};
use redlock_core::LockNode;
use redlock_fred::FredNode;
use redlock_redis::RedisNode;

macro_rules! suites {
    ($($name:ident: $client:ident $kind:ident $asked:literal;)*) => {$(
        mod $name {
            use super::*;
            redlock_core::conformance!(
                connected(Client::$client, Kind::$kind, $asked),
                types,
                second_node,
                fencing,
                counter_types,
                restart_guard,
                wake_ups
            );
        }
    )*};
}

suites! {
    redis_on_redis_7_0: Redis Redis70 true;
    redis_on_valkey_9_1: Redis Valkey91 true;
    redis_on_redis_6_2: Redis Redis62 true;
    redis_by_scripts: Redis Redis70 false;
    fred_on_redis_7_0: Fred Redis70 true;
    fred_on_valkey_9_1: Fred Valkey91 true;
    fred_on_redis_6_2: Fred Redis62 true;
    fred_by_scripts: Fred Redis70 false;
}

async fn connected(client: Client, kind: Kind, asked: bool) -> ServerFixture {
    ServerFixture::over(kind, asked, async |server| client.node(&server.url())).await
}

mod over_the_users_connection_manager {
    use super::*;
    redlock_core::conformance!(
        ServerFixture::over(Kind::Redis70, true, connection_manager),
        types,
        second_node,
        fencing,
        counter_types,
        restart_guard,
        wake_ups
    );
}

async fn connection_manager(server: &Server) -> Arc<dyn LockNode> {
    let client = redis::Client::open(server.url()).unwrap();
    let manager = client.get_connection_manager().await.unwrap();
    Arc::new(RedisNode::from_connection(server.addr().to_string(), manager).unwrap())
}

mod over_the_users_multiplexed_connection {
    use super::*;
    redlock_core::conformance!(
        ServerFixture::over(Kind::Redis70, true, multiplexed),
        types,
        second_node,
        fencing,
        counter_types,
        restart_guard,
        wake_ups
    );
}

async fn multiplexed(server: &Server) -> Arc<dyn LockNode> {
    let client = redis::Client::open(server.url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    Arc::new(RedisNode::from_connection(server.addr().to_string(), connection).unwrap())
}

mod over_the_users_fred_client {
    use super::*;
    redlock_core::conformance!(
        ServerFixture::over(Kind::Redis70, true, fred_client),
        types,
        second_node,
        fencing,
        counter_types,
        restart_guard,
        wake_ups
    );
}

async fn fred_client(server: &Server) -> Arc<dyn LockNode> {
    let config = fred::types::config::Config::from_url(&server.url()).unwrap();
    let client = fred::types::Builder::from_config(config).build().unwrap();
    client.init().await.unwrap();
    Arc::new(FredNode::from_client(server.addr().to_string(), client).unwrap())
}
