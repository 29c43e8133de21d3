use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use redis::Client;
use redis::aio::PubSub;
use redlock_core::node::{Fault, Listener, NodeError};
use tokio::runtime::Handle;

use crate::errors;
use crate::settings;

/// Tells `listener` of the messages on `channel`, over a connection of its own, which is closed with the future.
///
/// redis-rs's connection for subscriptions rather than one more of those for commands: it serves either protocol.
pub(crate) async fn listen(
    client: &Client,
    channel: &'static str,
    listener: Arc<dyn Listener>,
    timeout: Duration,
) -> NodeError {
    if Handle::try_current().is_err() {
        return NodeError::new(Fault::Unsupported, "needs a tokio runtime");
    }
    // A timer polls what it bounds once before it looks at the time.
    if timeout.is_zero() {
        return Fault::Timeout.into();
    }
    let mut subscription = match tokio::time::timeout(timeout, subscribe(client, channel)).await {
        Ok(Ok(subscription)) => subscription,
        Ok(Err(error)) => return error,
        Err(_) => return Fault::Timeout.into(),
    };
    listener.listening();
    let mut messages = subscription.on_message();
    while let Some(message) = messages.next().await {
        listener.released(message.get_payload_bytes());
    }
    NodeError::new(Fault::ConnectionLost, "the subscription ended")
}

async fn subscribe(client: &Client, channel: &'static str) -> Result<PubSub, NodeError> {
    settings::before_connecting(client);
    let connected = client.get_async_pubsub().await;
    let mut subscription = connected.map_err(|error| errors::not_connected(&error))?;
    let subscribed = subscription.subscribe(channel).await;
    subscribed.map_err(|error| NodeError::from(errors::unanswered(&error)))?;
    Ok(subscription)
}
