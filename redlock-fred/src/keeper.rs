use std::convert::Infallible;
use std::future::poll_fn;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::ClientLike;
use fred::types::Resp3Frame;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::command::Command;
use crate::link::Troubles;
use crate::settings;

/// The task that connects, and connects again when fred gives up.
pub(crate) struct Keeper {
    task: JoinHandle<()>,
    queue: Arc<Queue>,
    /// Dropped with the node, which ends the task and closes the connection.
    _stop: oneshot::Sender<Infallible>,
}

/// The commands that came while the first attempt to connect was under way; nothing once it is over.
///
/// fred has a queue of its own, but when the attempt fails it answers nobody in it. Waiting outside
/// of any queue would lose the order in which the commands came.
struct Queue(Mutex<Option<Vec<Queued>>>);

struct Queued {
    command: Command,
    deadline: Option<Instant>,
    answer: oneshot::Sender<Result<Resp3Frame, Error>>,
}

impl Keeper {
    pub(crate) fn spawn(client: &Client, troubles: &Arc<Troubles>, runtime: &Handle) -> Self {
        let (stop, stopped) = oneshot::channel();
        let queue = Arc::new(Queue(Mutex::new(Some(Vec::new()))));
        let task = keep_connected(client.clone(), stopped, queue.clone(), troubles.clone());
        Self { task: runtime.spawn(task), queue, _stop: stop }
    }

    /// Whether the task is gone, as it is with the runtime it ran on.
    pub(crate) fn ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Queues the command, or gives it back when there is nothing to wait for.
    pub(crate) fn queue(
        &self,
        command: Command,
        deadline: Option<Instant>,
    ) -> Result<oneshot::Receiver<Result<Resp3Frame, Error>>, Command> {
        let mut queue = self.queue.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = &mut *queue else { return Err(command) };
        let (answer, answered) = oneshot::channel();
        queue.push(Queued { command, deadline, answer });
        Ok(answered)
    }
}

impl Queue {
    /// Hands everything to fred, and lets what comes next go there by itself. Where there is no connection
    /// fred refuses it.
    async fn hand_over(&self, client: &Client) {
        poll_fn(|context| {
            // Held to the end, or a newcomer could overtake.
            let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for queued in mem::take(&mut *queue).into_iter().flatten() {
                let mut sent = Box::pin(queued.send(client.clone()));
                if sent.as_mut().poll(context).is_pending() {
                    tokio::spawn(sent);
                }
            }
            Poll::Ready(())
        })
        .await;
    }
}

impl Queued {
    async fn send(self, client: Client) {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.unwrap_or(Duration::MAX);
        if self.answer.is_closed() || left.is_zero() {
            return;
        }
        // Nobody to tell is no trouble: whoever leaves a command behind is told so in the docs.
        let _ = self.answer.send(self.command.send(&client, left).await);
    }
}

/// fred's reconnect policy repairs a connection that was there, but waits before its every attempt, even
/// the first ever, and gives up for good after some errors.
async fn keep_connected(
    client: Client,
    mut stopped: oneshot::Receiver<Infallible>,
    queue: Arc<Queue>,
    troubles: Arc<Troubles>,
) {
    let mut backoff = settings::reconnecting();
    loop {
        // Not cut short by the stop: it spawns fred's task, and dropped half-way would leave that behind.
        // It ends within the limits for connecting.
        let connected = client.init().await;
        if let Err(error) = &connected {
            // fred ends the attempt first and tells its listeners next.
            troubles.note(error.clone());
        }
        queue.hand_over(&client).await;
        if let Ok(mut connection) = connected {
            tokio::select! {
                _ = &mut stopped => return connection.abort(),
                _ = &mut connection => {}
            }
            backoff = settings::reconnecting();
        }
        let wait = Duration::from_millis(backoff.next_delay().unwrap_or(2_000));
        tokio::select! {
            _ = &mut stopped => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}
