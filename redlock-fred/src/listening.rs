use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::types::{ConnectHandle, Message};
use redlock_core::node::{Fault, Listener, NodeError};
use redlock_protocol::CallError;
use redlock_protocol::connection::{self, Leaving};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::command::Command;
use crate::errors;
use crate::readable::readable;
use crate::settings;

/// Tells `listener` of the messages on `channel`, over a connection of its own that is made as `client`'s is, and is
/// closed with the future. Ends when a server was left for being a replica, as `leaving` tells.
pub(crate) async fn listen(
    client: &Client,
    channel: &'static str,
    listener: Arc<dyn Listener>,
    timeout: Duration,
    leaving: Leaving,
) -> NodeError {
    if let Err(error) = connection::runtime(timeout) {
        return error;
    }
    let client = settings::listener(client);
    let mut messages = client.message_rx();
    let subscribing = subscribe(&client, channel, timeout);
    let mut connection = match tokio::time::timeout(timeout, subscribing).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return error,
        Err(_) => return Fault::Timeout.into(),
    };
    listener.listening();
    tokio::select! {
        // What arrived before the end is told.
        biased;
        () = tell(&mut messages, &*listener) => Fault::ConnectionLost.into(),
        ended = &mut connection.0 => {
            let error = ended.ok().and_then(Result::err);
            let said = error.as_ref().map(|error| readable(error.details()));
            NodeError::new(Fault::ConnectionLost, &said.unwrap_or_default())
        }
        why = leaving.heard() => why,
    }
}

/// Tells of messages until there are no more to come.
async fn tell(messages: &mut Receiver<Message>, listener: &dyn Listener) {
    loop {
        match messages.recv().await {
            Ok(message) => {
                if let Some(resource) = message.value.as_bytes() {
                    listener.released(resource);
                }
            }
            // Too many at once: some were lost.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// fred's task for the connection. Without it nothing of the connection is left.
struct Connection(ConnectHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn subscribe(
    client: &Client,
    channel: &'static str,
    timeout: Duration,
) -> Result<Connection, NodeError> {
    // Not `init`: dropped half-way it leaves the task behind.
    let mut connected = pin!(client.wait_for_connect());
    // It hears of what happens after its first poll.
    let first = poll_fn(|context| Poll::Ready(connected.as_mut().poll(context))).await;
    let connection = Connection(client.connect());
    let connected = match first {
        Poll::Ready(connected) => connected,
        Poll::Pending => connected.await,
    };
    connected.map_err(|error| errors::refused(Some(&error)))?;

    let lost = |error: Error| NodeError::from(errors::unanswered(&error, || Fault::Refused.into()));
    client.with_options(&settings::command(timeout)).subscribe(channel).await.map_err(lost)?;
    // fred does not wait for the answer to a `SUBSCRIBE`, and drops it. What comes next on the connection is the
    // answer to this, or the refusal of that.
    match Command::new("PING", &[]).send(client, timeout).await.map_err(lost)? {
        // The right that lacks is not needed.
        Err(CallError::Server(text)) if text.contains("'ping'") => {}
        Err(error) => return Err(error.into()),
        Ok(_) => {}
    }
    Ok(connection)
}
