use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::Client;
use redlock_core::node::{Fault, NodeError};
use redlock_protocol::connection::{self, Leaving, Leavings};
use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::asked::{Answer, Queued};
use crate::command::Command;
use crate::patience::{End, Record};
use crate::queue::{Ending, Queue};
use crate::target::Target;
use crate::writer;

/// A connection that is made when it is first needed, and made anew when it broke, was silent for too long, or led to a
/// replica; after a pause, when the one before was of no use either.
///
/// This is not redis-rs's own `ConnectionManager`, which keeps an error reply to its handshake for ever
/// (a password that was wrong once, a server that had too many clients), needs a runtime to be built, and does
/// not tell what failed: the connecting, or a command that was sent.
pub(crate) struct Link {
    target: Target,
    current: Mutex<Current>,
    leavings: Leavings,
}

#[derive(Default)]
struct Current {
    attempt: Option<Attempt>,
    /// The one before. What was sent on it may still be answered.
    last: Option<Attempt>,
    record: Record,
}

impl Link {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            target: Target::new(client),
            current: Mutex::default(),
            leavings: Leavings::default(),
        }
    }

    /// Sends one command, connecting first where there is no connection.
    pub(crate) async fn send(&self, command: Command, timeout: Duration) -> Answer {
        let here = connection::runtime(timeout)?.id();
        let now = Instant::now();
        let deadline = now.checked_add(timeout).unwrap_or_else(|| now + NEVER);
        let (sender, answer) = oneshot::channel();
        let runtime = self.enter(Queued { command, deadline, answer: sender }, now)?;
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
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Leaves the connection, if there was one by `since`: `why` is told to those who come in a pause, or wait.
    pub(crate) fn leave(&self, why: &NodeError, since: Instant) {
        let current = self.lock();
        let Some(attempt) = &current.attempt else { return };
        if attempt.queue.was_open(since) {
            // It was of use before its server became a replica, if it lasted.
            attempt.queue.close(why, End::new(true, Some(why.clone())));
            self.leavings.tell();
        }
    }

    /// Tells of servers that are left from now on.
    pub(crate) fn leaving(&self) -> Leaving {
        self.leavings.from_now_on()
    }

    /// Puts a command at the end of the queue; gives the runtime on which the queue is served.
    fn enter(&self, mut queued: Queued, now: Instant) -> Result<Id, NodeError> {
        let mut current = self.lock();
        if let Some(attempt) = &current.attempt {
            match attempt.queue.push(queued, now) {
                Ok(()) => return Ok(attempt.runtime),
                Err(rejected) => {
                    let end;
                    (queued, end) = *rejected;
                    current.record.ended(end, luck());
                    current.last = current.attempt.take();
                }
            }
        }
        if let Some(why) = current.record.refusal(now) {
            return Err(why);
        }
        let attempt = current.attempt.insert(Attempt::start(self.target.clone(), queued));
        Ok(attempt.runtime)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// From 0 to 1, by the randomness of the standard library's maps.
fn luck() -> f64 {
    f64::from(RandomState::new().hash_one(0) as u32) / f64::from(u32::MAX)
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
    fn start(target: Target, first: Queued) -> Self {
        let queue = Queue::new(first);
        let runtime = Handle::current();
        let task = runtime.spawn(writer::keep_connected(target, Ending(queue.clone())));
        Self { queue, runtime: runtime.id(), task }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.task.abort();
    }
}
