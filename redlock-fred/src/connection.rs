use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::ClientLike;
use redlock_core::node::{Fault, NodeError};
use redlock_protocol::{CallError, Reply};
use tokio::sync::watch;
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep, timeout};

use crate::command::Command;
use crate::debts::Debts;
use crate::errors;
use crate::gathering::Togetherness;
use crate::silence::LOOK;
use crate::troubles::Troubles;

/// What commands are sent over: a client that the user connects, or one that is connected once and given up
/// with its connection.
#[derive(Clone)]
pub(crate) struct Connection(Arc<Parts>);

struct Parts {
    client: Client,
    troubles: Troubles,
    debts: Debts,
    /// Why it is to be left: the server is a replica.
    left: watch::Sender<Option<NodeError>>,
    /// Whether fred's task for it has ended. Nothing for a client of the user's.
    over: Option<watch::Receiver<bool>>,
    together: Togetherness,
}

impl Connection {
    pub(crate) fn new(client: Client, over: Option<watch::Receiver<bool>>) -> Self {
        Self(Arc::new(Parts {
            troubles: Troubles::of(&client),
            client,
            debts: Debts::default(),
            left: watch::Sender::new(None),
            over,
            together: Togetherness::default(),
        }))
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(crate) fn together(&self) -> &Togetherness {
        &self.0.together
    }

    /// Why it ended or was not made.
    pub(crate) fn refusal(&self) -> NodeError {
        let left = self.0.left.borrow().clone();
        left.unwrap_or_else(|| errors::refused(self.0.troubles.last().as_ref()))
    }

    /// Sends nothing more on it. What is under way is answered before it is closed. Whether it was not left already.
    pub(crate) fn leave(&self, why: &NodeError) -> bool {
        self.0.left.send_if_modified(|left| {
            let is_first = left.is_none();
            left.get_or_insert_with(|| why.clone());
            is_first
        })
    }

    /// Sends the command by itself, within `timeout`, which must not be zero. The first poll puts it into fred's queue.
    pub(crate) async fn send(
        &self,
        command: Command,
        timeout: Duration,
    ) -> Result<Reply, CallError> {
        if self.0.left.borrow().is_some() {
            return Err(self.refusal().into());
        }
        let Some(debt) = self.0.debts.begin(command.count()) else {
            return Err(NodeError::new(Fault::Refused, UNANSWERED).into());
        };
        // Its budget may not run out: an answer that is there must not look like none.
        let mut answer = pin!(unconstrained(command.send(&self.0.client, timeout)));
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
        let answer = answer.await;
        if !matches!(&answer, Some(Err(error)) if *error.kind() == ErrorKind::Timeout) {
            debt.paid();
        }
        match answer {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => Err(errors::unanswered(&error, || self.refusal())),
            None => Err(self.refusal().into()),
        }
    }

    /// Waits for the end of fred's task. Before that it answers every command it has taken, so one without an answer
    /// was never taken. fred keeps it for the next connection of the same client, and there is none.
    async fn over(&self) {
        if let Some(over) = &self.0.over {
            // An error is the end of the runtime, which says nothing of what became of a command.
            if over.clone().wait_for(|over| *over).await.is_ok() {
                return;
            }
        }
        pending().await
    }

    /// Waits until the connection is of no use any more: the server stays silent on it, or is a replica.
    pub(crate) async fn useless(&self) {
        tokio::select! {
            () = self.left() => {
                // What is under way is answered, before the connection is closed.
                let _ = timeout(LAST_ANSWERS, self.0.client.quit()).await;
            }
            () = self.ask(true) => self.0.troubles.tell(Error::new(ErrorKind::IO, UNANSWERED)),
        }
    }

    async fn left(&self) {
        // It lives as long as this.
        let _ = self.0.left.subscribe().wait_for(Option::is_some).await;
    }

    /// Finds out when what is unanswered is answered, as long as it is polled.
    pub(crate) async fn ask_for_ever(&self) {
        self.ask(false).await;
    }

    /// Ends with a silence that is too long, if that is wanted.
    async fn ask(&self, give_up: bool) {
        loop {
            while self.0.debts.ask(Instant::now()) {
                // Zero is no limit. Whatever comes, be it the end of the connection or that nothing was sent, ends the
                // debts.
                let question = Command::new("PING", &[]).send(&self.0.client, Duration::ZERO);
                let mut question = pin!(question);
                loop {
                    tokio::select! {
                        biased;
                        _ = &mut question => break,
                        () = sleep(LOOK) => {}
                    }
                    if self.0.debts.look(Instant::now()) && give_up {
                        return;
                    }
                }
                self.0.debts.answered();
            }
            self.0.debts.more().await;
        }
    }
}

/// How long a replica may take for the answers that it owes.
const LAST_ANSWERS: Duration = Duration::from_millis(500);
/// What is said where too much of it is.
const UNANSWERED: &str = "the server leaves unanswered what it was sent";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_is_left_once_and_for_the_first_reason() {
        let connection = Connection::new(Client::default(), None);
        let why = |text| NodeError::new(Fault::Replica, text);
        assert!(connection.leave(&why("READONLY")));
        assert!(!connection.leave(&why("it says so itself")));
        assert_eq!(connection.refusal(), why("READONLY"));
    }
}
