use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fred::clients::Client;
use redlock_core::node::{Fault, NodeError};
use redlock_protocol::{CallError, Reply, connection};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::command::Command;
use crate::connection::Connection;
use crate::keeper::{Keeper, Route};

/// How a node reaches its server.
pub(crate) enum Link {
    /// Over a client that somebody else connects.
    Borrowed(Connection, Mutex<Option<Asking>>),
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
        Self::Borrowed(Connection::new(client, None), Mutex::new(None))
    }

    /// A client with the settings of this link.
    pub(crate) fn client(&self) -> &Client {
        match self {
            Self::Borrowed(connection, _) => connection.client(),
            Self::Own { model, .. } => model,
        }
    }

    /// Leaves the connection, if what was asked at `since` can have been sent on no other. Whether there was one, not
    /// left before. A client that somebody else connects is kept.
    pub(crate) fn leave(&self, why: &NodeError, since: Instant) -> bool {
        let Self::Own { keeper, .. } = self else { return false };
        let keeper = keeper.lock().unwrap_or_else(PoisonError::into_inner);
        keeper.as_ref().is_some_and(|keeper| keeper.leave(why, since))
    }

    pub(crate) async fn call(
        &self,
        command: Command,
        timeout: Duration,
    ) -> Result<Reply, CallError> {
        // fred takes a limit of zero for no limit.
        let runtime = connection::runtime(timeout)?;
        let (model, keeper) = match self {
            Self::Borrowed(connection, asking) => {
                Asking::go_on(asking, connection, &runtime);
                return connection.call(command, timeout).await;
            }
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

/// The task that asks after what is unanswered. It ends with the node.
pub(crate) struct Asking(JoinHandle<()>);

impl Asking {
    fn go_on(asking: &Mutex<Option<Self>>, connection: &Connection, runtime: &Handle) {
        let mut asking = asking.lock().unwrap_or_else(PoisonError::into_inner);
        if asking.as_ref().is_none_or(|asking| asking.0.is_finished()) {
            let connection = connection.clone();
            *asking = Some(Self(runtime.spawn(async move { connection.ask_for_ever().await })));
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.abort();
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
