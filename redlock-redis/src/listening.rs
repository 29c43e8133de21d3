use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::{PubSub, PubSubSink};
use redis::{RedisResult, Value};
use redlock_core::node::{Fault, Listener, NodeError};
use redlock_protocol::connection::{self, SILENCE};

use crate::errors;
use crate::link::Link;
use crate::target::Target;

/// How often the server is asked whether it is there: a subscription hears nothing for hours and cannot tell that from
/// silence.
const ASKED_EVERY: Duration = Duration::from_secs(10);

/// Tells `listener` of the messages on `channel`, over a connection of its own, which is closed with the future.
///
/// redis-rs's connection for subscriptions rather than one more of those for commands: it serves either protocol.
pub(crate) async fn listen(
    link: &Link,
    channel: &'static str,
    listener: Arc<dyn Listener>,
    timeout: Duration,
) -> NodeError {
    if let Err(error) = connection::runtime(timeout) {
        return error;
    }
    let leaving = link.leaving();
    let subscribing = subscribe(link.target(), channel);
    let subscription = match tokio::time::timeout(timeout, subscribing).await {
        Ok(Ok(subscription)) => subscription,
        Ok(Err(error)) => return error,
        Err(_) => return Fault::Timeout.into(),
    };
    listener.listening();
    let (sink, mut messages) = subscription.split();
    let telling = async {
        while let Some(message) = messages.next().await {
            listener.released(message.get_payload_bytes());
        }
    };
    tokio::select! {
        // What arrived before the end is told.
        biased;
        () = telling => NodeError::new(Fault::ConnectionLost, "the subscription ended"),
        () = silence(sink) => NodeError::new(
            Fault::ConnectionLost,
            "the server did not answer on the subscription: it was given up",
        ),
        why = leaving.heard() => why,
    }
}

/// Resolves when the server does not answer any more.
async fn silence(mut sink: PubSubSink) {
    loop {
        tokio::time::sleep(ASKED_EVERY).await;
        let answer: Result<RedisResult<Value>, _> =
            tokio::time::timeout(SILENCE, sink.ping()).await;
        match answer {
            Err(_) => return,
            Ok(Err(error)) if error.is_io_error() => return,
            // A refusal is an answer: the right to it is not needed.
            Ok(_) => {}
        }
    }
}

async fn subscribe(target: &Target, channel: &'static str) -> Result<PubSub, NodeError> {
    let mut subscription = target.subscriber().await?;
    let subscribed = subscription.subscribe(channel).await;
    subscribed.map_err(|error| NodeError::from(errors::unanswered(&error)))?;
    Ok(subscription)
}
