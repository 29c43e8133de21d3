use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fred::clients::Client;
use redlock_core::node::{Fault, NodeError};
use redlock_core::protocol::{CallError, Reply};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use crate::command::Command;
use crate::connection::Connection;
use crate::keeper::{Keeper, Route};

/// How a node reaches its server.
pub(crate) enum Link {
    /// Over a client that somebody else connects.
    Borrowed(Connection),
    /// Over connections of its own, the first of which is made when it is needed.
    Own {
        /// Never connected: each connection has a client made as this one is.
        model: Client,
        keeper: Mutex<Option<Keeper>>,
    },
}

impl Link {
    pub(crate) fn connecting(model: Client) -> Self {
        Self::Own { model, keeper: Mutex::new(None) }
    }

    pub(crate) fn borrowed(client: Client) -> Self {
        Self::Borrowed(Connection::new(client, None))
    }

    /// A client with the settings of this link.
    pub(crate) fn client(&self) -> &Client {
        match self {
            Self::Borrowed(connection) => connection.client(),
            Self::Own { model, .. } => model,
        }
    }

    pub(crate) async fn call(
        &self,
        command: Command,
        timeout: Duration,
    ) -> Result<Reply, CallError> {
        let Ok(runtime) = Handle::try_current() else {
            return Err(NodeError::new(Fault::Unsupported, "needs a tokio runtime").into());
        };
        // fred takes a limit of zero for no limit.
        if timeout.is_zero() {
            return Err(NodeError::from(Fault::Timeout).into());
        }
        let (model, keeper) = match self {
            Self::Borrowed(connection) => return connection.call(command, timeout).await,
            Self::Own { model, keeper } => (model, keeper),
        };
        let deadline = Instant::now().checked_add(timeout);
        let answer = match route(model, keeper, command, deadline, &runtime) {
            Route::Refused(error) => return Err(error.into()),
            Route::Open(connection, command) => return connection.call(command, timeout).await,
            Route::Queued(answer) => answer,
        };
        let answer = match deadline {
            // This timeout leaves nothing behind: what nobody waits for any more is not handed to fred.
            Some(deadline) => timeout_at(deadline, answer)
                .await
                .map_err(|_| CallError::from(NodeError::from(Fault::Timeout)))?,
            None => answer.await,
        };
        answer.unwrap_or_else(|_| {
            Err(NodeError::new(Fault::ConnectionLost, "the runtime ended").into())
        })
    }
}

fn route(
    model: &Client,
    keeper: &Mutex<Option<Keeper>>,
    command: Command,
    deadline: Option<Instant>,
    runtime: &Handle,
) -> Route {
    let mut keeper = keeper.lock().unwrap_or_else(PoisonError::into_inner);
    let keeper = match keeper.take() {
        Some(alive) if !alive.ended() => keeper.insert(alive),
        _ => keeper.insert(Keeper::spawn(model, runtime)),
    };
    keeper.route(command, deadline)
}
