use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::EventInterface;
use fred::types::config::Server;
use redlock_core::protocol::{CallError, Reply};
use tokio::sync::{broadcast, watch};
use tokio::task::unconstrained;

use crate::command::Command;
use crate::errors;

/// What commands are sent over: a client that the user connects, or one that is connected once and given up
/// with its connection.
#[derive(Clone)]
pub(crate) struct Connection {
    client: Client,
    troubles: Arc<Troubles>,
    /// Whether fred's task for it has ended. Nothing for a client of the user's.
    over: Option<watch::Receiver<bool>>,
}

impl Connection {
    pub(crate) fn new(client: Client, over: Option<watch::Receiver<bool>>) -> Self {
        let troubles = Arc::new(Troubles::of(&client));
        Self { client, troubles, over }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Why it ended or was not made, if it was.
    pub(crate) fn trouble(&self) -> Option<Error> {
        self.troubles.last()
    }

    /// Sends the command, within `timeout`, which must not be zero. The first poll puts it into fred's queue.
    pub(crate) async fn call(
        &self,
        command: Command,
        timeout: Duration,
    ) -> Result<Reply, CallError> {
        // Its budget may not run out: an answer that is there must not look like none.
        let mut answer = pin!(unconstrained(command.send(&self.client, timeout)));
        let mut over = pin!(self.over());
        let answer = poll_fn(|context| {
            // First the end, then the answer: what came before the end is not missed.
            let over = over.as_mut().poll(context).is_ready();
            match answer.as_mut().poll(context) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending if over => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        });
        match answer.await {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => Err(errors::unanswered(&error, || self.trouble())),
            None => Err(errors::refused(self.trouble().as_ref()).into()),
        }
    }

    /// Waits for the end of fred's task. Before that it answers every command it has taken, so one without an answer
    /// was never taken. fred keeps it for the next connection of the same client, and there is none.
    async fn over(&self) {
        if let Some(over) = &self.over {
            // An error is the end of the runtime, which says nothing of what became of a command.
            if over.clone().wait_for(|over| *over).await.is_ok() {
                return;
            }
        }
        pending().await
    }
}

/// Why connections ended or were not made, to tell those whose commands were refused for want of one.
struct Troubles(Mutex<News>);

struct News {
    /// fred's, not looked at before somebody asks.
    unread: broadcast::Receiver<(Error, Option<Server>)>,
    last: Option<Error>,
}

impl Troubles {
    fn of(client: &Client) -> Self {
        Self(Mutex::new(News { unread: client.error_rx(), last: None }))
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
