use std::convert::Infallible;
use std::future::poll_fn;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use fred::clients::Client;
use fred::interfaces::ClientLike;
use redlock_core::node::{Fault, NodeError};
use redlock_protocol::{CallError, Reply};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::command::Command;
use crate::connection::Connection;
use crate::errors;
use crate::settings;
use crate::silence::MOST;

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
    /// When the last connection ended. What came later was sent on no connection before the one that there is.
    ended: Option<Instant>,
    /// What waits for the attempt to connect that is under way or comes next.
    ///
    /// fred has a queue of its own, but when the attempt fails it answers nobody in it. Waiting outside
    /// of any queue would lose the order in which the commands came.
    queue: Vec<Queued>,
}

/// What becomes of the next command.
enum Way {
    /// It waits: the first attempt ever is under way, or the connection was lost a moment ago, for this reason.
    Waiting(NodeError),
    Open(Connection, AbortHandle),
    /// It is refused, for this reason.
    Shut(NodeError),
}

struct Queued {
    command: Command,
    deadline: Option<Instant>,
    answer: oneshot::Sender<Result<Reply, CallError>>,
}

impl Keeper {
    pub(crate) fn spawn(model: &Client, runtime: &Handle) -> Self {
        let (stop, stopped) = oneshot::channel();
        let way = Way::Waiting(Fault::Refused.into());
        let gate = Arc::new(Gate(Mutex::new(State { way, ended: None, queue: Vec::new() })));
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
        let State { way, queue, .. } = &mut *state;
        match way {
            Way::Waiting(why) => {
                if queue.len() >= MOST {
                    queue.retain(|queued| !queued.answer.is_closed());
                }
                if queue.len() >= MOST {
                    return Route::Refused(why.clone());
                }
                let (answer, answered) = oneshot::channel();
                queue.push(Queued { command, deadline, answer });
                Route::Queued(answered)
            }
            Way::Open(connection, _) => Route::Open(connection.clone(), command),
            Way::Shut(why) => Route::Refused(why.clone()),
        }
    }

    /// Leaves the connection, if what was asked at `since` can have been sent on no other. Whether there was one, not left
    /// before.
    pub(crate) fn leave(&self, why: &NodeError, since: Instant) -> bool {
        let state = self.gate.state();
        let Way::Open(connection, _) = &state.way else { return false };
        let is_meant = state.ended.is_none_or(|ended| ended <= since);
        is_meant && connection.leave(why)
    }
}

impl State {
    /// Whoever is told of a loss by fred may come back before the keeper hears of it.
    fn lose_what_ended(&mut self) {
        if let Way::Open(connection, task) = &self.way
            && task.is_finished()
        {
            self.way = Way::Waiting(connection.refusal());
            self.ended = Some(Instant::now());
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
        if let Way::Waiting(why) = &state.way {
            state.way = Way::Shut(why.clone());
        }
    }

    /// Refuses everything queued and what comes next.
    fn shut(&self, why: NodeError) {
        let mut state = self.state();
        state.way = Way::Shut(why.clone());
        for queued in mem::take(&mut state.queue) {
            // Nobody to tell is no trouble: whoever leaves a command behind is told so in the docs.
            let _ = queued.answer.send(Err(why.clone().into()));
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
    let mut backoff = Backoff::default();
    loop {
        let (over, ended) = watch::channel(false);
        let connection = Connection::new(settings::once(&model), Some(ended));
        // Not cut short by the stop: it spawns fred's task, and dropped half-way would leave that behind.
        // It ends within the limits for connecting.
        let lived = match connection.client().init().await {
            Ok(mut task) => {
                let since = Instant::now();
                gate.open(connection.clone(), task.abort_handle()).await;
                tokio::select! {
                    _ = &mut stopped => return task.abort(),
                    _ = &mut task => {}
                    () = connection.useless() => {
                        task.abort();
                        // It is over when everybody who waits for an answer over it was told.
                        let _ = (&mut task).await;
                    }
                }
                gate.state().lose_what_ended();
                // No receiver is no trouble: then no command waits for it.
                let _ = over.send(true);
                Some(since.elapsed())
            }
            Err(error) => {
                gate.shut(errors::refused(Some(&error)));
                None
            }
        };
        let wait = backoff.wait(lived, fastrand::f64());
        if lived.is_some() && !backoff.is_first() {
            gate.shut(connection.refusal());
        }
        tokio::select! {
            _ = &mut stopped => return,
            () = tokio::time::sleep(wait) => {}
        }
        gate.attempt();
    }
}
