use std::convert::Infallible;
use std::future::poll_fn;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::ClientLike;
use redlock_core::node::NodeError;
use redlock_core::protocol::{CallError, Reply};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;

use crate::command::Command;
use crate::connection::Connection;
use crate::errors;
use crate::settings;

/// The task that connects, and connects again whenever a connection ends.
pub(crate) struct Keeper {
    task: JoinHandle<()>,
    gate: Arc<Gate>,
    /// Dropped with the node, which ends the task and closes the connection.
    _stop: oneshot::Sender<Infallible>,
}

/// Where a command goes.
pub(crate) enum Route {
    Open(Connection, Command),
    Queued(oneshot::Receiver<Result<Reply, CallError>>),
    Refused(NodeError),
}

/// What commands meet.
struct Gate(Mutex<State>);

struct State {
    way: Way,
    /// What waits for the attempt to connect that is under way or comes next.
    ///
    /// fred has a queue of its own, but when the attempt fails it answers nobody in it. Waiting outside
    /// of any queue would lose the order in which the commands came.
    queue: Vec<Queued>,
}

/// What becomes of the next command.
enum Way {
    /// It waits: the first attempt ever is under way, or the connection was lost a moment ago, for this reason.
    Waiting(Option<Error>),
    Open(Connection, AbortHandle),
    /// It is refused, for this reason.
    Shut(Option<Error>),
}

struct Queued {
    command: Command,
    deadline: Option<Instant>,
    answer: oneshot::Sender<Result<Reply, CallError>>,
}

impl Keeper {
    pub(crate) fn spawn(model: &Client, runtime: &Handle) -> Self {
        let (stop, stopped) = oneshot::channel();
        let gate = Arc::new(Gate(Mutex::new(State { way: Way::Waiting(None), queue: Vec::new() })));
        let task = runtime.spawn(keep_connected(model.clone(), stopped, gate.clone()));
        Self { task, gate, _stop: stop }
    }

    /// Whether the task is gone, as it is with the runtime it ran on.
    pub(crate) fn ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Tells where the command goes, and queues it if it is to wait.
    pub(crate) fn route(&self, command: Command, deadline: Option<Instant>) -> Route {
        let mut state = self.gate.state();
        state.lose_what_ended();
        match &state.way {
            Way::Waiting(_) => {
                let (answer, answered) = oneshot::channel();
                state.queue.push(Queued { command, deadline, answer });
                Route::Queued(answered)
            }
            Way::Open(connection, _) => Route::Open(connection.clone(), command),
            Way::Shut(why) => Route::Refused(errors::refused(why.as_ref())),
        }
    }
}

impl State {
    /// Whoever is told of a loss by fred may come back before the keeper hears of it.
    fn lose_what_ended(&mut self) {
        if let Way::Open(connection, task) = &self.way
            && task.is_finished()
        {
            self.way = Way::Waiting(connection.trouble());
        }
    }
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends everything queued, and lets what comes next go over the connection by itself.
    async fn open(&self, connection: Connection, task: AbortHandle) {
        poll_fn(|context| {
            // Held to the end, or a newcomer could overtake.
            let mut state = self.state();
            for queued in mem::take(&mut state.queue) {
                let mut sent = Box::pin(queued.send(connection.clone()));
                if sent.as_mut().poll(context).is_pending() {
                    tokio::spawn(sent);
                }
            }
            state.way = Way::Open(connection.clone(), task.clone());
            Poll::Ready(())
        })
        .await;
    }

    /// An attempt begins. What waits goes on waiting for it; what comes next is refused.
    fn attempt(&self) {
        let mut state = self.state();
        if let Way::Waiting(why) = &mut state.way {
            state.way = Way::Shut(why.take());
        }
    }

    /// Refuses everything queued and what comes next.
    fn shut(&self, why: Error) {
        let refused = errors::refused(Some(&why));
        let mut state = self.state();
        state.way = Way::Shut(Some(why));
        for queued in mem::take(&mut state.queue) {
            // Nobody to tell is no trouble: whoever leaves a command behind is told so in the docs.
            let _ = queued.answer.send(Err(refused.clone().into()));
        }
    }
}

impl Queued {
    async fn send(self, connection: Connection) {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.unwrap_or(Duration::MAX);
        if self.answer.is_closed() || left.is_zero() {
            return;
        }
        let _ = self.answer.send(connection.call(self.command, left).await);
    }
}

/// Not left to fred's reconnect policy: from the end of a connection until the policy's first wait is over, fred
/// still calls it connected, takes commands, and keeps them until one of its attempts succeeds.
async fn keep_connected(
    model: Client,
    mut stopped: oneshot::Receiver<Infallible>,
    gate: Arc<Gate>,
) {
    let mut backoff = settings::reconnecting();
    loop {
        let (over, ended) = watch::channel(false);
        let connection = Connection::new(settings::once(&model), Some(ended));
        // Not cut short by the stop: it spawns fred's task, and dropped half-way would leave that behind.
        // It ends within the limits for connecting.
        match connection.client().init().await {
            Ok(mut task) => {
                gate.open(connection, task.abort_handle()).await;
                tokio::select! {
                    _ = &mut stopped => return task.abort(),
                    _ = &mut task => {}
                }
                gate.state().lose_what_ended();
                // No receiver is no trouble: then no command waits for it.
                let _ = over.send(true);
                backoff = settings::reconnecting();
            }
            Err(error) => gate.shut(error),
        }
        let wait = Duration::from_millis(backoff.next_delay().unwrap_or(2_000));
        tokio::select! {
            _ = &mut stopped => return,
            () = tokio::time::sleep(wait) => {}
        }
        gate.attempt();
    }
}
