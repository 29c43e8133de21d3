use std::pin::Pin;
use std::task::{Context, Poll};

use redis::aio::MultiplexedConnection;
use redis::{Pipeline, RedisResult, Value};
use redlock_core::node::{Fault, NodeError};
use redlock_protocol::CallError;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::errors;
use crate::patience;
use crate::queue::{Answer, Queued};

/// Commands that are sent in one piece, in their order.
///
/// It is kept until it is answered, even if nobody waits for the answer any more: so it is known how much is unanswered, and
/// since when.
pub(crate) struct Batch {
    /// A single command's answer, or the list of all answers.
    sending: Pin<Box<dyn Future<Output = RedisResult<Value>> + Send>>,
    callers: Vec<Caller>,
    /// No later than the first deadline of those who wait.
    earliest: Option<Instant>,
    given_up_at: Instant,
}

struct Caller {
    deadline: Instant,
    answer: Option<oneshot::Sender<Answer>>,
}

/// What an answer says of the connection that it came over, or did not.
#[derive(Debug)]
pub(crate) enum State {
    /// It serves.
    Useful,
    /// It answers with an error, which may be all that it ever does.
    Erring,
    /// It is not let in.
    Refusing(NodeError),
    Broken,
}

impl Batch {
    pub(crate) fn new(
        connection: &MultiplexedConnection,
        commands: impl ExactSizeIterator<Item = Queued>,
        now: Instant,
    ) -> Self {
        let count = commands.len();
        let mut callers = Vec::with_capacity(count);
        let mut pipeline = Pipeline::with_capacity(count);
        let mut single = None;
        for Queued { command, deadline, answer } in commands {
            callers.push(Caller { deadline, answer: Some(answer) });
            if count == 1 {
                single = Some(command);
            } else {
                pipeline.add_command(command);
            }
        }
        let mut connection = connection.clone();
        let sending: Pin<Box<dyn Future<Output = _> + Send>> = match single {
            Some(command) => {
                Box::pin(async move { connection.send_packed_command(&command).await })
            }
            None => Box::pin(async move {
                let values = connection.send_packed_commands(&pipeline, 0, count).await?;
                Ok(Value::Array(values))
            }),
        };
        Self::over(sending, callers, now)
    }

    fn over(
        sending: Pin<Box<dyn Future<Output = RedisResult<Value>> + Send>>,
        callers: Vec<Caller>,
        now: Instant,
    ) -> Self {
        let deadlines = || callers.iter().map(|caller| caller.deadline);
        let given_up_at = patience::given_up_at(now, deadlines().max().unwrap_or(now));
        Self { earliest: deadlines().min(), sending, callers, given_up_at }
    }

    /// How many commands it has.
    pub(crate) fn len(&self) -> usize {
        self.callers.len()
    }

    /// What the answer says of the connection, once it is there and given out.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<State> {
        self.sending.as_mut().poll(cx).map(|result| self.give_out(result))
    }

    /// No later than the first deadline of those who wait; none when nobody does.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.earliest
    }

    /// When the connection is given up, if this is its oldest batch that is not answered.
    pub(crate) fn given_up_at(&self) -> Instant {
        self.given_up_at
    }

    /// Tells those whose time is over by `now`.
    pub(crate) fn expire(&mut self, now: Instant) {
        if self.earliest.is_none_or(|earliest| earliest > now) {
            return;
        }
        self.callers.iter_mut().filter(|caller| caller.deadline <= now).for_each(|caller| {
            caller.tell(Err(NodeError::from(Fault::Timeout).into()));
        });
        let waiting = self.callers.iter().filter(|caller| caller.waits());
        self.earliest = waiting.map(|caller| caller.deadline).min();
    }

    /// Whether anybody waits.
    pub(crate) fn is_awaited(&self) -> bool {
        self.callers.iter().any(Caller::waits)
    }

    /// Tells all who wait that there will be no answer.
    pub(crate) fn lose(&mut self, why: &NodeError) {
        for caller in &mut self.callers {
            caller.tell(Err(why.clone().into()));
        }
    }

    fn give_out(&mut self, result: RedisResult<Value>) -> State {
        match result {
            Ok(Value::Array(values)) if self.callers.len() > 1 => {
                let state = State::of(&values);
                for (caller, value) in self.callers.iter_mut().zip(values) {
                    caller.tell(Ok(value));
                }
                state
            }
            Ok(value) => {
                let state = State::of(std::slice::from_ref(&value));
                if let Some(caller) = self.callers.first_mut() {
                    caller.tell(Ok(value));
                }
                state
            }
            Err(error) => {
                for caller in &mut self.callers {
                    caller.tell(Err(errors::unanswered(&error)));
                }
                if error.is_unrecoverable_error() || error.is_io_error() {
                    State::Broken
                } else {
                    State::after(errors::unanswered(&error).into())
                }
            }
        }
    }
}

impl State {
    fn of(values: &[Value]) -> Self {
        match values.first() {
            Some(Value::ServerError(error)) => {
                let text = errors::error_text(error.code(), error.details());
                match Self::after(CallError::Server(text).into()) {
                    Self::Erring if !values.iter().all(is_error) => Self::Useful,
                    state => state,
                }
            }
            _ => Self::Useful,
        }
    }

    /// A server that lets nobody in may say so in answer to a command, where there is no handshake.
    fn after(error: NodeError) -> Self {
        match error.fault() {
            Fault::ProtectedMode | Fault::TooManyClients | Fault::Authentication => {
                Self::Refusing(error)
            }
            _ => Self::Erring,
        }
    }
}

fn is_error(value: &Value) -> bool {
    matches!(value, Value::ServerError(_))
}

impl Caller {
    fn waits(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| !answer.is_closed())
    }

    fn tell(&mut self, result: Answer) {
        if let Some(answer) = self.answer.take() {
            // Whoever is gone needs no answer.
            let _ = answer.send(result);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use redlock_protocol::connection::SILENCE;
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    /// A batch that is never answered, with a caller for each time limit.
    fn unanswered(start: Instant, seconds: &[u64]) -> (Batch, Vec<oneshot::Receiver<Answer>>) {
        let (callers, answers) = seconds
            .iter()
            .map(|seconds| {
                let (answer, receiver) = oneshot::channel();
                let deadline = start + Duration::from_secs(*seconds);
                (Caller { deadline, answer: Some(answer) }, receiver)
            })
            .unzip();
        (Batch::over(Box::pin(pending()), callers, start), answers)
    }

    #[test]
    fn each_command_of_a_batch_has_its_own_time_limit() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let (mut batch, mut answers) = unanswered(start, &[9, 2, 1, 9]);
        let mut out_of_time = |now| {
            batch.expire(now);
            let told: Vec<_> = answers.iter_mut().map(|answer| answer.try_recv()).collect();
            let late = told.iter().map(|told| match told {
                Ok(Err(CallError::Node(error))) => error.fault() == Fault::Timeout,
                _ => false,
            });
            (late.collect::<Vec<_>>(), batch.deadline(), batch.is_awaited())
        };
        let just = Duration::from_millis(1);
        assert_eq!(out_of_time(after(1) - just).1, Some(after(1)));
        assert_eq!(out_of_time(after(1)), (vec![false, false, true, false], Some(after(2)), true));
        assert_eq!(out_of_time(after(2)), (vec![false, true, false, false], Some(after(9)), true));
        assert_eq!(out_of_time(after(9)), (vec![true, false, false, true], None, false));
    }

    #[test]
    fn what_nobody_waits_for_is_still_unanswered() {
        let start = Instant::now();
        let (mut batch, mut answers) = unanswered(start, &[1, 60]);
        assert_eq!(batch.given_up_at(), start + Duration::from_secs(60));
        drop(answers.pop());
        batch.expire(start + Duration::from_secs(2));
        assert_eq!((batch.len(), batch.deadline(), batch.is_awaited()), (2, None, false));
        let (mut batch, mut answers) = unanswered(start, &[1]);
        assert_eq!(batch.given_up_at(), start + SILENCE);
        assert!(matches!(answers[0].try_recv(), Err(TryRecvError::Empty)));
        batch.lose(&Fault::ConnectionLost.into());
        assert!(matches!(answers[0].try_recv(), Ok(Err(_))));
    }
}
