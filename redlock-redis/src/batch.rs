use std::pin::Pin;
use std::task::{Context, Poll};

use redis::aio::MultiplexedConnection;
use redis::{Pipeline, RedisResult, Value};
use redlock_core::node::{Fault, NodeError};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::errors;
use crate::link::{Answer, Queued};

/// Commands that are sent in one piece, in their order.
pub(crate) struct Batch {
    /// A single command's answer, or the list of all answers. Dropped unsent, if it was not written yet.
    sending: Pin<Box<dyn Future<Output = RedisResult<Value>> + Send>>,
    callers: Vec<Caller>,
    earliest: Instant,
}

struct Caller {
    deadline: Instant,
    answer: Option<oneshot::Sender<Answer>>,
}

impl Batch {
    pub(crate) fn new(
        connection: &MultiplexedConnection,
        commands: impl ExactSizeIterator<Item = Queued>,
    ) -> Self {
        let count = commands.len();
        let mut callers = Vec::with_capacity(count);
        let mut pipeline = Pipeline::with_capacity(count);
        let mut single = None;
        let mut earliest: Option<Instant> = None;
        for Queued { command, deadline, answer } in commands {
            earliest = Some(earliest.map_or(deadline, |earliest| earliest.min(deadline)));
            callers.push(Caller { deadline, answer: Some(answer) });
            if count == 1 {
                single = Some(command);
            } else {
                pipeline.add_command(command);
            }
        }
        let mut connection = connection.clone();
        Self {
            sending: match single {
                Some(command) => {
                    Box::pin(async move { connection.send_packed_command(&command).await })
                }
                None => Box::pin(async move {
                    let values = connection.send_packed_commands(&pipeline, 0, count).await?;
                    Ok(Value::Array(values))
                }),
            },
            callers,
            earliest: earliest.unwrap_or_else(Instant::now),
        }
    }

    /// Whether the connection is intact, once the answer is there and given out.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.sending.as_mut().poll(cx).map(|result| self.give_out(result))
    }

    /// No later than the first deadline of its callers.
    pub(crate) fn deadline(&self) -> Instant {
        self.earliest
    }

    /// Tells those whose time is over by `now`; whether anybody still waits.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        if self.earliest > now {
            return true;
        }
        self.callers.iter_mut().filter(|caller| caller.deadline <= now).for_each(|caller| {
            caller.tell(Err(NodeError::from(Fault::Timeout).into()));
        });
        let waiting = self.callers.iter().filter(|caller| caller.waits());
        let next = waiting.map(|caller| caller.deadline).min();
        self.earliest = next.unwrap_or(now);
        next.is_some()
    }

    fn give_out(&mut self, result: RedisResult<Value>) -> bool {
        match result {
            Ok(Value::Array(values)) if self.callers.len() > 1 => {
                for (caller, value) in self.callers.iter_mut().zip(values) {
                    caller.tell(Ok(value));
                }
                true
            }
            Ok(value) => {
                if let Some(caller) = self.callers.first_mut() {
                    caller.tell(Ok(value));
                }
                true
            }
            Err(error) => {
                for caller in &mut self.callers {
                    caller.tell(Err(errors::unanswered(&error)));
                }
                // A connection is never given up for being slow: what waits on it must stay in order.
                !(error.is_unrecoverable_error() || error.is_io_error())
            }
        }
    }
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
