use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use redis::{Cmd, RedisWrite};
use redlock_core::node::{Listener, NodeError};
use redlock_protocol::{Arg, CallError, Reply, Wire};
use tokio::time::Instant;

use crate::errors;
use crate::link::Link;
use crate::listening;

impl Wire for Link {
    const LISTENS: bool = true;

    /// It is encoded at once: the future keeps none of the arguments.
    fn call(
        &self,
        name: &'static str,
        args: &[Arg<'_>],
        timeout: Duration,
    ) -> impl Future<Output = Result<Reply, CallError>> + Send {
        self.send(command(name, args), timeout).map(|answer| errors::reply(answer?))
    }

    fn listen(
        &self,
        channel: &'static str,
        listener: Arc<dyn Listener>,
        timeout: Duration,
    ) -> impl Future<Output = NodeError> + Send {
        listening::listen(self, channel, listener, timeout)
    }

    fn leave(&self, why: &NodeError, since: Instant) {
        Link::leave(self, why, since);
    }
}

pub(crate) fn command(name: &'static str, args: &[Arg<'_>]) -> Cmd {
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
