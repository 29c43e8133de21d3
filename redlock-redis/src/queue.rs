//! What waits for a connection, or for its turn on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use redis::aio::MultiplexedConnection;
use redlock_core::node::{Fault, NodeError};
use tokio::time::Instant;

use crate::asked::Queued;
use crate::batch::Batch;
use crate::patience::End;

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
        /// Since when there is a connection.
        made: Option<Instant>,
        connection: Option<MultiplexedConnection>,
        /// Nothing is under way, and by then its task looks at the time.
        idle: Option<Instant>,
        /// What was handed over past the queue, by who found it idle.
        direct: Option<Box<Batch>>,
    },
    Over(Box<End>, Option<Box<Batch>>),
}

impl State {
    fn new() -> Self {
        let (queued, earliest, server, made) = Default::default();
        let (connection, idle, direct) = Default::default();
        Self::Taking { queued, earliest, server, made, connection, idle, direct }
    }
}

impl Queue {
    pub(crate) fn new(first: Queued) -> Self {
        let mut state = State::new();
        if let State::Taking { queued, earliest, .. } = &mut state {
            *earliest = Some(first.deadline);
            queued.push(first);
        }
        Self(Arc::new(Mutex::new(state)))
    }

    /// Gives the command back when the connection is over, and how it ended.
    ///
    /// Where nothing is under way and nothing waits it is handed to redis-rs here and now, which spares a turn of the task
    /// that serves the queue. That task is the one that is woken by the answer.
    pub(crate) fn push(&self, new: Queued, now: Instant) -> Result<(), Box<(Queued, End)>> {
        let mut state = lock(&self.0);
        let (queued, earliest, server, connection, idle, direct) = match &mut *state {
            State::Taking { queued, earliest, server, connection, idle, direct, .. } => {
                (queued, earliest, server, connection, idle, direct)
            }
            State::Over(end, _) => return Err(Box::new((new, End::clone(end)))),
        };
        if idle.take().is_some_and(|looks| looks <= new.deadline)
            && let (Some(connection), Some(waker)) = (connection, &server)
        {
            let mut batch = Batch::of_one(connection, new, now);
            let is_pending = batch.hand_over(&mut Context::from_waker(waker));
            *direct = Some(Box::new(batch));
            if is_pending {
                return Ok(());
            }
        } else {
            *earliest = Some(earliest.map_or(new.deadline, |earliest| earliest.min(new.deadline)));
            queued.push(new);
        }
        let server = server.take();
        drop(state);
        if let Some(server) = server {
            server.wake();
        }
        Ok(())
    }

    /// What was handed over past the queue.
    pub(crate) fn direct(&self) -> Option<Box<Batch>> {
        match &mut *lock(&self.0) {
            State::Taking { direct, .. } | State::Over(_, direct) => direct.take(),
        }
    }

    /// Moves up to `most` of what waits to `taken`, which is empty, and asks to be woken by what comes next; gives what was
    /// handed over past it, which came before.
    pub(crate) fn take(
        &self,
        taken: &mut Vec<Queued>,
        most: usize,
        waker: &Waker,
    ) -> Option<Box<Batch>> {
        let mut state = lock(&self.0);
        let State::Taking { queued, earliest, server, idle, direct, .. } = &mut *state else {
            return None;
        };
        *idle = None;
        if queued.len() <= most {
            std::mem::swap(queued, taken);
            *earliest = None;
        } else {
            taken.extend(queued.drain(..most));
        }
        listen(server, waker);
        direct.take()
    }

    /// When the first of those that wait runs out of time; asks to be woken when that changes.
    pub(crate) fn earliest(&self, waker: &Waker) -> Option<Instant> {
        match &mut *lock(&self.0) {
            State::Taking { earliest, server, .. } => {
                listen(server, waker);
                *earliest
            }
            State::Over(..) => None,
        }
    }

    /// Nothing is under way, nothing waits, and its task will look at the time by `looks`.
    pub(crate) fn rest(&self, looks: Instant) {
        if let State::Taking { queued, idle, direct, .. } = &mut *lock(&self.0) {
            *idle = (queued.is_empty() && direct.is_none()).then_some(looks);
        }
    }

    /// A connection was made.
    pub(crate) fn open(&self, now: Instant, new: Option<MultiplexedConnection>) {
        if let State::Taking { made, connection, .. } = &mut *lock(&self.0) {
            (*made, *connection) = (Some(now), new);
        }
    }

    /// Whether nothing is taken any more.
    pub(crate) fn is_over(&self) -> bool {
        matches!(&*lock(&self.0), State::Over(..))
    }

    /// Whether there is a connection that was made by then.
    pub(crate) fn was_open(&self, by: Instant) -> bool {
        matches!(&*lock(&self.0), State::Taking { made: Some(made), .. } if *made <= by)
    }

    /// Nothing is taken any more; what was not sent is refused.
    pub(crate) fn close(&self, unsent: &NodeError, end: End) {
        let mut state = lock(&self.0);
        let State::Taking { made, direct, .. } = &mut *state else { return };
        let end = End { made: *made, ..end };
        let over = State::Over(Box::new(end), direct.take());
        let before = std::mem::replace(&mut *state, over);
        drop(state);
        let State::Taking { queued, server, .. } = before else { return };
        for one in queued {
            // Whoever is gone needs no answer.
            let _ = one.answer.send(Err(unsent.clone().into()));
        }
        if let Some(server) = server {
            server.wake();
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
pub(crate) struct Ending(pub(crate) Queue);

impl Drop for Ending {
    fn drop(&mut self) {
        let unsent = NodeError::new(Fault::Refused, "the attempt to connect was cut short");
        self.0.close(&unsent, End::new(false, None));
        // Its caller is told by that.
        drop(self.0.direct());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;
    use crate::asked::Answer;
    use crate::command::Command;

    fn queued(start: Instant, seconds: u64) -> (Queued, oneshot::Receiver<Answer>) {
        let (answer, receiver) = oneshot::channel();
        let deadline = start + Duration::from_secs(seconds);
        (Queued { command: Command::new("PING", &[]), deadline, answer }, receiver)
    }

    fn queue() -> Queue {
        Queue(Arc::new(Mutex::new(State::new())))
    }

    fn fault(answer: Answer) -> Fault {
        NodeError::from(answer.unwrap_err()).fault()
    }

    #[tokio::test]
    async fn what_waits_when_the_connection_breaks_is_refused_and_nothing_follows() {
        let queue = queue();
        let now = Instant::now();
        let (first, answer) = queued(now, 1);
        assert!(queue.push(first, Instant::now()).is_ok());
        let why = NodeError::new(Fault::Tls, "the connection broke");
        queue.open(now, None);
        queue.close(&Fault::Refused.into(), End::new(true, Some(why.clone())));
        assert_eq!(fault(answer.await.unwrap()), Fault::Refused);
        // The end of the task that served it changes nothing.
        drop(Ending(queue.clone()));
        let (_, end) = *queue.push(queued(now, 1).0, now).err().unwrap();
        assert_eq!((end.made, end.useful, end.why), (Some(now), true, Some(why)));
        assert!(queue.is_over() && !queue.was_open(now));
        assert_eq!(queue.earliest(Waker::noop()), None);
    }

    #[tokio::test]
    async fn a_connection_is_left_by_those_alone_who_came_after_it_was_made() {
        let (queue, start) = (queue(), Instant::now());
        let second = Duration::from_secs(1);
        assert!(!queue.was_open(start));
        queue.open(start + second, None);
        assert!(!queue.was_open(start) && queue.was_open(start + second));
    }

    #[test]
    fn those_out_of_time_leave_the_queue_and_the_others_keep_their_order() {
        let (queue, start) = (queue(), Instant::now());
        let mut answers = Vec::new();
        for seconds in [3, 1, 4, 2, 5] {
            let (command, answer) = queued(start, seconds);
            assert!(queue.push(command, Instant::now()).is_ok());
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
