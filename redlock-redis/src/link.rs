use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use redis::{Client, Cmd, Value};
use redlock_core::node::{Fault, NodeError};
use redlock_core::protocol::CallError;
use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::writer;

/// A connection that is made when it is first needed, and made anew when it broke.
///
/// This is not redis-rs's own `ConnectionManager`, which keeps an error reply to its handshake for ever
/// (a password that was wrong once, a server that had too many clients), needs a runtime to be built, and does
/// not tell what failed: the connecting, or a command that was sent.
pub(crate) struct Link {
    client: Client,
    current: Mutex<Option<Attempt>>,
}

impl Link {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, current: Mutex::new(None) }
    }

    /// Sends one command, connecting first where there is no connection. Must be polled on a runtime, `here`.
    pub(crate) async fn send(
        &self,
        command: Cmd,
        timeout: Duration,
        here: Id,
    ) -> Result<Value, CallError> {
        let now = Instant::now();
        let deadline = now.checked_add(timeout).unwrap_or_else(|| now + NEVER);
        let (answer, runtime) = self.enter(command, deadline);
        let answered = if runtime == here {
            answer.await
        } else {
            // The other runtime may not be polled, and then nobody there looks at the time.
            let waiting = Box::pin(tokio::time::timeout_at(deadline, answer));
            match waiting.await {
                Ok(answered) => answered,
                Err(_) => Ok(Err(NodeError::from(Fault::Timeout).into())),
            }
        };
        answered.unwrap_or_else(|_| {
            let error =
                NodeError::new(Fault::ConnectionLost, "the connection ended before the answer");
            Err(error.into())
        })
    }

    /// Where it connects to.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Puts a command at the end of the queue; also the runtime on which the queue is served.
    fn enter(&self, command: Cmd, deadline: Instant) -> (oneshot::Receiver<Answer>, Id) {
        let (sender, answer) = oneshot::channel();
        let mut queued = Queued { command, deadline, answer: sender };
        let mut current = lock(&self.current);
        if let Some(attempt) = &*current {
            match attempt.queue.push(queued) {
                Ok(()) => return (answer, attempt.runtime),
                Err(rejected) => queued = rejected,
            }
        }
        let attempt = Attempt::start(self.client.clone(), queued);
        let runtime = attempt.runtime;
        *current = Some(attempt);
        (answer, runtime)
    }
}

/// Longer than any process lives.
const NEVER: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

/// Without the client, which shows the user's name.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

/// One connection, from the attempt to make it until it breaks.
///
/// It is made and served in a task of its own: an attempt goes on when the command that began it has run out of time.
struct Attempt {
    queue: Queue,
    runtime: Id,
    task: JoinHandle<()>,
}

impl Attempt {
    fn start(client: Client, first: Queued) -> Self {
        let queue = Queue(Arc::new(Mutex::new(State::Taking {
            earliest: Some(first.deadline),
            queued: vec![first],
            server: None,
        })));
        let runtime = Handle::current();
        let task = runtime.spawn(writer::keep_connected(client, Ending(queue.clone())));
        Self { queue, runtime: runtime.id(), task }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What became of a command, or why it was never sent.
pub(crate) type Answer = Result<Value, CallError>;

/// A command that was not handed to redis-rs yet.
pub(crate) struct Queued {
    pub(crate) command: Cmd,
    pub(crate) deadline: Instant,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// The commands that wait for the connection, or for their turn on it, in the order they came.
#[derive(Clone)]
pub(crate) struct Queue(Arc<Mutex<State>>);

enum State {
    Taking {
        queued: Vec<Queued>,
        /// No later than the first deadline of those that wait.
        earliest: Option<Instant>,
        /// Who is to be told of a command in an empty queue, or with an earlier deadline.
        server: Option<Waker>,
    },
    Over,
}

impl Queue {
    /// Gives the command back when the connection is over.
    fn push(&self, new: Queued) -> Result<(), Queued> {
        let mut state = lock(&self.0);
        let State::Taking { queued, earliest, server } = &mut *state else {
            return Err(new);
        };
        *earliest = Some(earliest.map_or(new.deadline, |earliest| earliest.min(new.deadline)));
        queued.push(new);
        let server = server.take();
        drop(state);
        if let Some(server) = server {
            server.wake();
        }
        Ok(())
    }

    /// Moves up to `most` of what waits to `taken`, which is empty, and asks to be woken by what comes next.
    pub(crate) fn take(&self, taken: &mut Vec<Queued>, most: usize, waker: &Waker) {
        if let State::Taking { queued, earliest, server } = &mut *lock(&self.0) {
            if queued.len() <= most {
                std::mem::swap(queued, taken);
                *earliest = None;
            } else {
                taken.extend(queued.drain(..most));
            }
            listen(server, waker);
        }
    }

    /// When the first of those that wait runs out of time; asks to be woken when that changes.
    pub(crate) fn earliest(&self, waker: &Waker) -> Option<Instant> {
        match &mut *lock(&self.0) {
            State::Taking { earliest, server, .. } => {
                listen(server, waker);
                *earliest
            }
            State::Over => None,
        }
    }

    /// Removes those that ran out of time, and those that nobody waits for.
    pub(crate) fn expire(&self, now: Instant) {
        if let State::Taking { queued, earliest, .. } = &mut *lock(&self.0) {
            for late in queued.extract_if(.., |one| one.deadline <= now || one.answer.is_closed()) {
                let _ = late.answer.send(Err(NodeError::from(Fault::Timeout).into()));
            }
            *earliest = queued.iter().map(|one| one.deadline).min();
        }
    }
}

fn listen(server: &mut Option<Waker>, waker: &Waker) {
    if !server.as_ref().is_some_and(|server| server.will_wake(waker)) {
        *server = Some(waker.clone());
    }
}

/// The task's side of the queue: whoever still waits when the task ends is told.
pub(crate) struct Ending(Queue);

impl Ending {
    pub(crate) fn queue(&self) -> &Queue {
        &self.0
    }

    /// Nothing is taken any more; what was not sent is refused.
    pub(crate) fn close(&self, error: &NodeError) {
        let state = std::mem::replace(&mut *lock(&self.0.0), State::Over);
        if let State::Taking { queued, .. } = state {
            for one in queued {
                // Whoever is gone needs no answer.
                let _ = one.answer.send(Err(error.clone().into()));
            }
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.close(&NodeError::new(Fault::Refused, "the attempt to connect was cut short"));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queued(start: Instant, seconds: u64) -> (Queued, oneshot::Receiver<Answer>) {
        let (answer, receiver) = oneshot::channel();
        let deadline = start + Duration::from_secs(seconds);
        (Queued { command: redis::cmd("PING"), deadline, answer }, receiver)
    }

    fn queue() -> Queue {
        Queue(Arc::new(Mutex::new(State::Taking {
            queued: Vec::new(),
            earliest: None,
            server: None,
        })))
    }

    fn fault(answer: Answer) -> Fault {
        NodeError::from(answer.unwrap_err()).fault()
    }

    #[tokio::test]
    async fn what_waits_when_the_connection_breaks_is_refused_and_nothing_follows() {
        let queue = queue();
        let now = Instant::now();
        let (first, answer) = queued(now, 1);
        assert!(queue.push(first).is_ok());
        Ending(queue.clone()).close(&NodeError::new(Fault::Refused, "the connection broke"));
        assert_eq!(fault(answer.await.unwrap()), Fault::Refused);
        assert!(queue.push(queued(now, 1).0).is_err());
        assert_eq!(queue.earliest(Waker::noop()), None);
    }

    #[test]
    fn those_out_of_time_leave_the_queue_and_the_others_keep_their_order() {
        let (queue, start) = (queue(), Instant::now());
        let mut answers = Vec::new();
        for seconds in [3, 1, 4, 2, 5] {
            let (command, answer) = queued(start, seconds);
            assert!(queue.push(command).is_ok());
            answers.push(answer);
        }
        drop(answers.pop());
        assert_eq!(queue.earliest(Waker::noop()), Some(start + Duration::from_secs(1)));
        queue.expire(start + Duration::from_secs(2));
        assert_eq!(queue.earliest(Waker::noop()), Some(start + Duration::from_secs(3)));
        for index in [1, 3] {
            assert_eq!(fault(answers[index].try_recv().unwrap()), Fault::Timeout);
        }
        let mut taken = Vec::new();
        queue.take(&mut taken, 1, Waker::noop());
        assert_eq!((taken.len(), queue.earliest(Waker::noop()).is_some()), (1, true));
        let mut rest = Vec::new();
        queue.take(&mut rest, 9, Waker::noop());
        taken.append(&mut rest);
        let left: Vec<_> = taken.iter().map(|one| (one.deadline - start).as_secs()).collect();
        assert_eq!(left, [3, 4]);
        assert_eq!(queue.earliest(Waker::noop()), None);
    }
}
