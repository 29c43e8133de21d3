use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::EventInterface;
use fred::types::Resp3Frame;
use fred::types::config::Server;
use redlock_core::node::{Fault, NodeError};
use redlock_core::protocol::{CallError, Reply};
use tokio::runtime::Handle;
use tokio::sync::{broadcast, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::command::Command;
use crate::errors;
use crate::keeper::Keeper;

/// A client, and what keeps it connected.
pub(crate) struct Link {
    client: Client,
    troubles: Arc<Troubles>,
    /// Nothing for a client of the user's.
    keeper: Option<Mutex<Option<Keeper>>>,
}

impl Link {
    /// A link that connects when it is first used.
    pub(crate) fn connecting(client: Client) -> Self {
        Self { keeper: Some(Mutex::new(None)), ..Self::borrowed(client) }
    }

    /// A link over a client that somebody else connects.
    pub(crate) fn borrowed(client: Client) -> Self {
        let troubles = Arc::new(Troubles::of(&client));
        Self { client, troubles, keeper: None }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
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
        match self.send(command, timeout, &runtime).await {
            Ok(frame) => errors::reply(frame),
            Err(error) => Err(errors::unanswered(&error, || self.troubles.last())),
        }
    }

    async fn send(
        &self,
        command: Command,
        timeout: Duration,
        runtime: &Handle,
    ) -> Result<Resp3Frame, Error> {
        let deadline = Instant::now().checked_add(timeout);
        let answer = match self.queue(command, deadline, runtime) {
            Err(command) => return command.send(&self.client, timeout).await,
            Ok(answer) => answer,
        };
        let answer = match deadline {
            // This timeout leaves nothing behind: what nobody waits for any more is not handed to fred.
            Some(deadline) => timeout_at(deadline, answer)
                .await
                .map_err(|_| Error::new(ErrorKind::Timeout, ""))?,
            None => answer.await,
        };
        answer.unwrap_or_else(|_| Err(Error::new(ErrorKind::Unknown, "the runtime ended")))
    }

    /// While the first attempt to connect is under way, queues the command until its end. Gives it back at
    /// any other time: a command without a connection is then to be refused at once.
    fn queue(
        &self,
        command: Command,
        deadline: Option<Instant>,
        runtime: &Handle,
    ) -> Result<oneshot::Receiver<Result<Resp3Frame, Error>>, Command> {
        let Some(keeper) = &self.keeper else { return Err(command) };
        let mut keeper = keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let keeper = match keeper.take() {
            Some(alive) if !alive.ended() => keeper.insert(alive),
            _ => keeper.insert(Keeper::spawn(&self.client, &self.troubles, runtime)),
        };
        keeper.queue(command, deadline)
    }
}

/// Why connections ended or were not made, to tell those whose commands were refused for want of one.
pub(crate) struct Troubles(Mutex<News>);

struct News {
    /// fred's, not looked at before somebody asks.
    unread: broadcast::Receiver<(Error, Option<Server>)>,
    last: Option<Error>,
}

impl Troubles {
    fn of(client: &Client) -> Self {
        Self(Mutex::new(News { unread: client.error_rx(), last: None }))
    }

    pub(crate) fn note(&self, error: Error) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last = Some(error);
    }

    fn last(&self) -> Option<Error> {
        let mut news = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match news.unread.try_recv() {
                Ok((error, _)) => news.last = Some(error),
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => return news.last.clone(),
            }
        }
    }
}
