use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, RedisResult, Value};
use redlock_core::node::{Fault, NodeError};
use redlock_core::protocol::CallError;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use crate::errors;
use crate::settings;

/// A connection that is made when it is first needed, and made anew when it broke.
///
/// This is not redis-rs's own `ConnectionManager`, which keeps an error reply to its handshake for ever
/// (a password that was wrong once, a server that had too many clients), needs a runtime to be built, and does
/// not tell what failed: the connecting, or a command that was sent.
pub(crate) struct Link {
    client: Client,
    current: Mutex<Option<Arc<Attempt>>>,
}

impl Link {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, current: Mutex::new(None) }
    }

    /// Sends one command, connecting first where there is no connection. Must be polled on a runtime.
    pub(crate) async fn send(&self, command: &Cmd) -> Result<Value, CallError> {
        let attempt = self.attempt();
        let result = match attempt.enter(command)? {
            Way::Open(mut connection) => connection.send_packed_command(command).await,
            Way::Queued(answer) => match answer.await {
                Ok(answer) => answer?,
                Err(_) => {
                    let error =
                        NodeError::new(Fault::ConnectionLost, "the runtime is shutting down");
                    return Err(error.into());
                }
            },
        };
        result.map_err(|error| {
            // A connection is never given up for being slow: what waits on it must stay in order.
            if error.is_unrecoverable_error() || error.is_io_error() {
                self.give_up(&attempt);
            }
            errors::unanswered(&error)
        })
    }

    /// Where it connects to.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    fn attempt(&self) -> Arc<Attempt> {
        let mut current = lock(&self.current);
        match &*current {
            Some(attempt) if attempt.is_alive() => Arc::clone(attempt),
            _ => Arc::clone(current.insert(Arc::new(Attempt::start(self.client.clone())))),
        }
    }

    fn give_up(&self, attempt: &Arc<Attempt>) {
        let mut current = lock(&self.current);
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, attempt)) {
            *current = None;
        }
    }
}

/// Without the client, which shows the user's name.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

/// One connection, from the attempt to make it until it breaks.
///
/// It is made in a task of its own: an attempt goes on when the command that began it has run out of time.
struct Attempt {
    state: Arc<Mutex<State>>,
    /// Ends when the attempt failed, the connection broke, or the runtime it was on ended.
    task: JoinHandle<()>,
}

enum State {
    /// The commands that wait for the connection, in the order they came.
    Connecting(Vec<Queued>),
    Open(MultiplexedConnection),
    Failed(NodeError),
}

struct Queued {
    command: Cmd,
    answer: oneshot::Sender<Answer>,
}

/// What became of the command, or why it was never sent.
type Answer = Result<RedisResult<Value>, NodeError>;

/// How a command gets to the server.
enum Way {
    Open(MultiplexedConnection),
    Queued(oneshot::Receiver<Answer>),
}

impl Attempt {
    fn start(client: Client) -> Self {
        let state = Arc::new(Mutex::new(State::Connecting(Vec::new())));
        let task = tokio::spawn(keep_connected(client, Ending(Arc::clone(&state))));
        Self { state, task }
    }

    fn is_alive(&self) -> bool {
        !self.task.is_finished()
    }

    fn enter(&self, command: &Cmd) -> Result<Way, NodeError> {
        match &mut *lock(&self.state) {
            State::Open(connection) => Ok(Way::Open(connection.clone())),
            State::Connecting(queue) => {
                let (sender, answer) = oneshot::channel();
                queue.push(Queued { command: command.clone(), answer: sender });
                Ok(Way::Queued(answer))
            }
            State::Failed(error) => Err(error.clone()),
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Connects, and returns when the connection is over.
async fn keep_connected(client: Client, ending: Ending) {
    settings::before_connecting(&client);
    let lost = Arc::new(Notify::new());
    let config = settings::connection(&client, Arc::clone(&lost));
    match client.get_multiplexed_async_connection_with_config(&config).await {
        Ok(connection) => {
            ending.open(connection);
            lost.notified().await;
        }
        Err(error) => ending.fail(&errors::not_connected(&error)),
    }
}

/// The task's side of the state: whoever still waits when the task ends is told.
struct Ending(Arc<Mutex<State>>);

impl Ending {
    /// Sends what waits, and lets what comes after pass.
    ///
    /// The waiting commands are sent from here and not by those who wait: they would wake up in any order, and one
    /// that is not polled would hold up the others.
    fn open(&self, connection: MultiplexedConnection) {
        let mut state = lock(&self.0);
        if let State::Connecting(queue) = &mut *state {
            for queued in std::mem::take(queue) {
                send(connection.clone(), queued);
            }
        }
        *state = State::Open(connection);
    }

    fn fail(&self, error: &NodeError) {
        let mut state = lock(&self.0);
        if let State::Connecting(queue) = &mut *state {
            for queued in std::mem::take(queue) {
                // Whoever is gone needs no answer.
                let _ = queued.answer.send(Err(error.clone()));
            }
            *state = State::Failed(error.clone());
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.fail(&NodeError::new(Fault::Refused, "the attempt to connect was cut short"));
    }
}

/// Sends a command unless its caller has given it up.
fn send(mut connection: MultiplexedConnection, Queued { command, mut answer }: Queued) {
    if answer.is_closed() {
        return;
    }
    // Unconstrained, because tokio would have it wait for no reason but that many went before.
    let mut sending = Box::pin(tokio::task::unconstrained(async move {
        connection.send_packed_command(&command).await
    }));
    // The first poll puts the command into the connection's own queue; the rest can take its time.
    match sending.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => {
            let _ = answer.send(Ok(result));
        }
        Poll::Pending => {
            tokio::spawn(async move {
                let result = tokio::select! {
                    result = sending => result,
                    // Dropped unsent, if it was not written yet.
                    () = answer.closed() => return,
                };
                let _ = answer.send(Ok(result));
            });
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
