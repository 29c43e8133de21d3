//! Connections that somebody else makes and keeps.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{RedisResult, Value};
use redlock_core::node::{Fault, NodeError};
use redlock_protocol::{Arg, CallError, Reply, Wire, connection};
use tokio::time::Instant;

use crate::command::Command;
use crate::errors;
use crate::room::{Place, Room};

/// A connection that somebody else makes and keeps.
pub(crate) struct Borrowed<C> {
    connection: C,
    room: Arc<Room>,
}

impl<C> Borrowed<C> {
    pub(crate) fn new(connection: C) -> Self {
        Self { connection, room: Arc::default() }
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Wire for Borrowed<C> {
    async fn call(
        &self,
        name: &'static str,
        args: &[Arg<'_>],
        timeout: Duration,
    ) -> Result<Reply, CallError> {
        connection::runtime(timeout)?;
        let Some(place) = self.room.enter(Instant::now()) else {
            return Err(NodeError::new(Fault::Refused, FULL).into());
        };
        let command = Command::new(name, args).encoded;
        let mut connection = self.connection.clone();
        let sending = Box::pin(async move { connection.req_packed_command(&command).await });
        let room = Arc::clone(&self.room);
        let sent = Sent { sending: Some(sending), place: Some(place), room, polled: false };
        match tokio::time::timeout(timeout, sent).await {
            Ok(answer) => errors::reply(answer.map_err(|error| errors::unanswered(&error))?),
            Err(_) => Err(NodeError::from(Fault::Timeout).into()),
        }
    }
}

const FULL: &str = "4096 commands are unanswered on this connection";

/// Without the connection, which can show anything.
impl<C> fmt::Debug for Borrowed<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Borrowed")
    }
}

type Sending = Pin<Box<dyn Future<Output = RedisResult<Value>> + Send>>;

/// A command that takes up room until it is answered, even if nobody waits for that any more: if it was written, redis-rs
/// remembers it for as long. If it was not, it is called back: whoever keeps the connection may have others wait for it for
/// ever, and would send what was released meanwhile.
struct Sent {
    sending: Option<Sending>,
    place: Option<Place>,
    room: Arc<Room>,
    polled: bool,
}

impl Future for Sent {
    type Output = RedisResult<Value>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.polled = true;
        let Some(sending) = &mut self.sending else { return Poll::Pending };
        let answer = sending.as_mut().poll(cx);
        if let Poll::Ready(answer) = &answer {
            self.sending = None;
            if let Some(place) = self.place.take() {
                self.room.leave(place, is_answered(answer));
            }
        }
        answer
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.sending = None;
        if let (Some(place), true) = (self.place.take(), self.polled) {
            self.room.leave(place, false);
        }
    }
}

/// A connection with a time limit of its own gives up waiting, and remembers the command all the same.
fn is_answered(answer: &RedisResult<Value>) -> bool {
    answer.as_ref().err().is_none_or(|error| !error.is_timeout())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use redis::{Cmd, Pipeline, RedisFuture};
    use tokio::sync::Semaphore;

    use super::*;

    /// A connection that is being made: a command waits for it, and is written then.
    #[derive(Clone)]
    struct Connecting {
        made: Arc<Semaphore>,
        written: Arc<AtomicUsize>,
    }

    impl ConnectionLike for Connecting {
        fn req_packed_command<'a>(&'a mut self, _: &'a Cmd) -> RedisFuture<'a, Value> {
            Box::pin(async move {
                drop(self.made.acquire().await);
                self.written.fetch_add(1, Ordering::SeqCst);
                Ok(Value::Nil)
            })
        }

        fn req_packed_commands<'a>(
            &'a mut self,
            _: &'a Pipeline,
            _: usize,
            _: usize,
        ) -> RedisFuture<'a, Vec<Value>> {
            Box::pin(async { Ok(Vec::new()) })
        }

        fn get_db(&self) -> i64 {
            0
        }
    }

    #[tokio::test]
    async fn a_command_that_nobody_waits_for_any_more_is_called_back() {
        let (made, written) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let connecting = Connecting { made: Arc::clone(&made), written: Arc::clone(&written) };
        let borrowed = Borrowed::new(connecting);
        let late = borrowed.call("SET", &[], Duration::from_millis(5)).await.unwrap_err();
        assert_eq!(NodeError::from(late).fault(), Fault::Timeout);
        made.add_permits(1);
        // Whatever could still write it is ready now.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(written.load(Ordering::SeqCst), 0);
        // And nothing keeps the connection.
        drop(borrowed);
        assert_eq!(Arc::strong_count(&written), 1);
    }
}
