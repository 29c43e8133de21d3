use std::sync::Arc;

use redis::aio::{MultiplexedConnection, PubSub};
use redis::{Client, Value};
use redlock_core::node::{Fault, NodeError};
use tokio::sync::Notify;

use crate::{errors, settings};

/// Where a node's connections lead.
#[derive(Clone)]
pub(crate) struct Target {
    /// Selects no database: a server that turns the connection down closes it right after it said why, and with a second
    /// command under way redis-rs tells only that the connection broke.
    client: Client,
    database: i64,
}

impl Target {
    pub(crate) fn new(client: Client) -> Self {
        let info = client.get_connection_info().clone();
        let redis = info.redis_settings().clone();
        let database = redis.db();
        match Client::open(info.set_redis_settings(redis.set_db(0))) {
            Ok(client) => Self { client, database },
            // It selects the database itself.
            Err(_) => Self { client, database: 0 },
        }
    }

    /// Connects, within the limit for it; `lost` is told when the server ends the connection.
    ///
    /// # Errors
    ///
    /// Why there is no connection.
    pub(crate) async fn connect(
        &self,
        lost: Arc<Notify>,
    ) -> Result<MultiplexedConnection, NodeError> {
        let connecting = async {
            settings::before_connecting(&self.client);
            let config = settings::connection(&self.client, lost);
            let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
            let mut connection = connecting.await.map_err(|error| errors::not_connected(&error))?;
            if self.database != 0 {
                let mut select = redis::cmd("SELECT");
                let answer = connection.send_packed_command(select.arg(self.database)).await;
                selected(answer.map_err(|error| errors::not_connected(&error))?)?;
            }
            Ok(connection)
        };
        match tokio::time::timeout(settings::CONNECT, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(NodeError::new(Fault::Refused, "no answer to the handshake in time")),
        }
    }

    /// Connects for a subscription, which is to no database in particular.
    ///
    /// # Errors
    ///
    /// Why there is no connection.
    pub(crate) async fn subscriber(&self) -> Result<PubSub, NodeError> {
        settings::before_connecting(&self.client);
        self.client.get_async_pubsub().await.map_err(|error| errors::not_connected(&error))
    }
}

/// What a server has against a database, or cannot do for now.
fn selected(answer: Value) -> Result<(), NodeError> {
    let Value::ServerError(error) = answer else { return Ok(()) };
    let text = errors::error_text(error.code(), error.details());
    Err(redlock_protocol::turned_down(&text))
}
