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
    ($($name:ident: $fixture:expr;)*) => {$(
        mod $name {
            use super::*;
            redlock_core::conformance!(
                $fixture,
                types,
                second_node,
                fencing,
                counter_types,
                restart_guard,
                wake_ups,
                swapping,
                keeping,
                shared,
                shared_types,
                slots,
                slots_types,
                scanning,
                scan_types
            );
        }
    )*};
}

suites! {
    redis_on_redis_7_0: connected(Client::Redis, Kind::Redis70, true);
    redis_on_valkey_9_1: connected(Client::Redis, Kind::Valkey91, true);
    redis_on_redis_6_2: connected(Client::Redis, Kind::Redis62, true);
    redis_by_scripts: connected(Client::Redis, Kind::Redis70, false);
    fred_on_redis_7_0: connected(Client::Fred, Kind::Redis70, true);
    fred_on_valkey_9_1: connected(Client::Fred, Kind::Valkey91, true);
    fred_on_redis_6_2: connected(Client::Fred, Kind::Redis62, true);
    fred_by_scripts: connected(Client::Fred, Kind::Redis70, false);
    over_the_users_connection_manager: ServerFixture::over(Kind::Redis70, true, connection_manager);
    over_the_users_multiplexed_connection: ServerFixture::over(Kind::Redis70, true, multiplexed);
    over_the_users_fred_client: ServerFixture::over(Kind::Redis70, true, fred_client);
}

async fn connected(client: Client, kind: Kind, asked: bool) -> ServerFixture {
    ServerFixture::over(kind, asked, async |server| client.node(&server.url())).await
}

async fn connection_manager(server: &Server) -> Arc<dyn LockNode> {
    let client = redis::Client::open(server.url()).unwrap();
    let manager = client.get_connection_manager().await.unwrap();
    Arc::new(RedisNode::from_connection(server.addr().to_string(), manager).unwrap())
}

async fn multiplexed(server: &Server) -> Arc<dyn LockNode> {
    let client = redis::Client::open(server.url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    Arc::new(RedisNode::from_connection(server.addr().to_string(), connection).unwrap())
}

async fn fred_client(server: &Server) -> Arc<dyn LockNode> {
    let config = fred::types::config::Config::from_url(&server.url()).unwrap();
    let client = fred::types::Builder::from_config(config).build().unwrap();
    client.init().await.unwrap();
    Arc::new(FredNode::from_client(server.addr().to_string(), client).unwrap())
}
