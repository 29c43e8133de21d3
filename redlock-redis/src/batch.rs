use std::task::{Context, Poll};

use redis::aio::MultiplexedConnection;
use redis::{RedisResult, Value};
use redlock_core::node::{Fault, NodeError};
use redlock_protocol::CallError;
use redlock_protocol::together::{Manner, Together};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::asked::{Answer, Queued};
use crate::command::Command;
use crate::errors;
use crate::patience;
use crate::sending::{Sending, send, send_one};
use crate::together;

/// Commands that are sent in one piece, in their order on each key.
///
/// It is kept until it is answered, even if nobody waits for the answer any more: so it is known how much is unanswered, and
/// since when.
pub(crate) struct Batch {
    /// A single command's answer, or the list of all answers.
    sending: Sending,
    /// The first of the callers' commands, where they are releases that were sent as one.
    together: Vec<Command>,
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
        manner: &Manner,
        now: Instant,
    ) -> Self {
        let mut callers = Vec::with_capacity(commands.len());
        let mut call = |Queued { command, deadline, answer }| {
            callers.push(Caller { deadline, answer: Some(answer) });
            command
        };
        let (mut together, mut rest) = (Vec::new(), Vec::new());
        if manner.is_apart(now) {
            rest.extend(commands.map(&mut call));
        } else {
            let (first, others) = together::part(commands);
            together.extend(first.into_iter().map(&mut call));
            rest.extend(others.into_iter().map(&mut call));
        }
        let mut parts = Vec::with_capacity(together.len() + rest.len());
        if together.len() < 2 {
            parts.extend(together.drain(..).map(|command| command.encoded));
        } else {
            parts.push(Command::together(&together, manner.has_run()));
        }
        parts.extend(rest.into_iter().map(|command| command.encoded));
        Self::over(send(connection.clone(), parts), together, callers, now)
    }

    /// Of one command.
    pub(crate) fn of_one(connection: &MultiplexedConnection, one: Queued, now: Instant) -> Self {
        let Queued { command, deadline, answer } = one;
        let sending = send_one(connection.clone(), command.encoded);
        Self::over(sending, Vec::new(), vec![Caller { deadline, answer: Some(answer) }], now)
    }

    /// Puts it into redis-rs's own queue, which has room for it. Whether the answer is still to come, which will wake who is
    /// named.
    pub(crate) fn hand_over(&mut self, cx: &mut Context<'_>) -> bool {
        let sending = std::pin::pin!(tokio::task::unconstrained(self.sending.as_mut()));
        let Poll::Ready(result) = sending.poll(cx) else { return true };
        self.sending = Box::pin(std::future::ready(result));
        false
    }

    fn over(sending: Sending, together: Vec<Command>, callers: Vec<Caller>, now: Instant) -> Self {
        let deadlines = || callers.iter().map(|caller| caller.deadline);
        let given_up_at = patience::given_up_at(now, deadlines().max().unwrap_or(now));
        Self { earliest: deadlines().min(), sending, together, callers, given_up_at }
    }

    /// How many commands it has.
    pub(crate) fn len(&self) -> usize {
        self.callers.len()
    }

    /// What the answer says of the connection, once it is there and given out; and what is to be sent again.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        manner: &mut Manner,
    ) -> Poll<(State, Vec<Queued>)> {
        self.sending.as_mut().poll(cx).map(|result| self.give_out(result, manner))
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

    fn give_out(
        &mut self,
        result: RedisResult<Value>,
        manner: &mut Manner,
    ) -> (State, Vec<Queued>) {
        match result {
            Ok(Value::Array(values)) if self.is_list() => {
                (State::of(&values), self.give(values.into_iter(), manner))
            }
            Ok(value) => {
                (State::of(std::slice::from_ref(&value)), self.give([value].into_iter(), manner))
            }
            Err(error) => {
                for caller in &mut self.callers {
                    caller.tell(Err(errors::unanswered(&error)));
                }
                let state = if error.is_unrecoverable_error() || error.is_io_error() {
                    State::Broken
                } else {
                    State::after(errors::unanswered(&error).into())
                };
                (state, Vec::new())
            }
        }
    }

    /// Whether more than one command was sent.
    fn is_list(&self) -> bool {
        self.callers.len() - self.together.len().saturating_sub(1) > 1
    }

    fn give(
        &mut self,
        mut values: impl Iterator<Item = Value>,
        manner: &mut Manner,
    ) -> Vec<Queued> {
        let mut again = Vec::new();
        if !self.together.is_empty() {
            let Some(value) = values.next() else { return again };
            again = self.give_together(errors::reply(value), manner);
        }
        let others = self.callers.iter_mut().skip(self.together.len());
        for (caller, value) in others.zip(values) {
            caller.tell(errors::reply(value));
        }
        again
    }

    fn give_together(&mut self, answer: Answer, manner: &mut Manner) -> Vec<Queued> {
        let count = self.together.len();
        let callers = self.callers.iter_mut().take(count);
        match answer.and_then(|answer| Ok(Together::answers(answer, count)?)) {
            Ok(answers) => {
                manner.ran();
                callers.zip(answers).for_each(|(caller, answer)| caller.tell(answer));
                Vec::new()
            }
            Err(CallError::Node(error)) => {
                callers.for_each(|caller| caller.tell(Err(error.clone().into())));
                Vec::new()
            }
            // Each finds out for itself.
            Err(CallError::Server(said)) => {
                manner.refused(&said, Instant::now());
                let again = |(caller, command): (&mut Caller, Command)| {
                    let answer = caller.answer.take()?;
                    Some(Queued { command, deadline: caller.deadline, answer })
                };
                callers.zip(std::mem::take(&mut self.together)).filter_map(again).collect()
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
        (Batch::over(Box::pin(pending()), Vec::new(), callers, start), answers)
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
