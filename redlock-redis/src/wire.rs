use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{Cmd, RedisWrite, Value};
use redlock_core::node::{Fault, Listener, NodeError};
use redlock_core::protocol::{Arg, CallError, Reply, Wire};
use tokio::runtime::{Handle, Id};

use crate::errors;
use crate::link::Link;
use crate::listening;

impl Wire for Link {
    const LISTENS: bool = true;

    async fn call(
        &self,
        name: &'static str,
        args: &[Arg<'_>],
        timeout: Duration,
    ) -> Result<Reply, CallError> {
        let here = here(timeout)?;
        errors::reply(self.send(command(name, args), timeout, here).await?)
    }

    fn listen(
        &self,
        channel: &'static str,
        listener: Arc<dyn Listener>,
        timeout: Duration,
    ) -> impl Future<Output = NodeError> + Send {
        listening::listen(self.client(), channel, listener, timeout)
    }
}

/// A connection that somebody else makes and keeps.
pub(crate) struct Borrowed<C>(pub(crate) C);

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Wire for Borrowed<C> {
    async fn call(
        &self,
        name: &'static str,
        args: &[Arg<'_>],
        timeout: Duration,
    ) -> Result<Reply, CallError> {
        let command = command(name, args);
        let mut connection = self.0.clone();
        let sending = async {
            connection
                .req_packed_command(&command)
                .await
                .map_err(|error| errors::unanswered(&error))
        };
        within(timeout, sending).await
    }
}

/// Without the connection, which can show anything.
impl<C> fmt::Debug for Borrowed<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Borrowed")
    }
}

/// Waits for an answer no longer than `timeout`. redis-rs takes the command of a dropped future out of its
/// queue, unless it was written already.
async fn within(
    timeout: Duration,
    sending: impl Future<Output = Result<Value, CallError>>,
) -> Result<Reply, CallError> {
    here(timeout)?;
    match tokio::time::timeout(timeout, sending).await {
        Ok(answer) => errors::reply(answer?),
        Err(_) => Err(NodeError::from(Fault::Timeout).into()),
    }
}

/// The runtime that polls, if there is time left to send anything.
fn here(timeout: Duration) -> Result<Id, NodeError> {
    let Ok(runtime) = Handle::try_current() else {
        return Err(NodeError::new(Fault::Unsupported, "needs a tokio runtime"));
    };
    // A timer polls what it bounds once before it looks at the time, which would send the command.
    if timeout.is_zero() {
        return Err(NodeError::from(Fault::Timeout));
    }
    Ok(runtime.id())
}

fn command(name: &'static str, args: &[Arg<'_>]) -> Cmd {
    const DIGITS: usize = 20;
    let length = |arg: &Arg<'_>| match arg {
        Arg::Bytes(bytes) => bytes.len(),
        Arg::Text(text) => text.len(),
        Arg::Int(_) => DIGITS,
    };
    let data = name.len() + args.iter().map(length).sum::<usize>();
    let mut command = Cmd::with_capacity(1 + args.len(), data);
    command.write_arg(name.as_bytes());
    for arg in args {
        match *arg {
            Arg::Bytes(bytes) => command.write_arg(bytes),
            Arg::Text(text) => command.write_arg(text.as_bytes()),
            Arg::Int(number) => {
                command.arg(number);
            }
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_sent_as_they_are() {
        let args =
            [Arg::Bytes(b"\r\n\0\xff"), Arg::Text("PX"), Arg::Int(u64::MAX), Arg::Bytes(b"")];
        assert_eq!(
            command("SET", &args).get_packed_command(),
            b"*5\r\n$3\r\nSET\r\n$4\r\n\r\n\0\xff\r\n$2\r\nPX\r\n$20\r\n18446744073709551615\r\n$0\r\n\r\n"
        );
    }
}
