//! The seam to a client library: a command in, a reply out.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use redlock_core::node::{Fault, Listener, NodeError};
use tokio::time::Instant;

use crate::call_error::CallError;
use crate::reply::Reply;

/// A connection to one server: sends a command, gives its reply.
///
/// # Contract
///
/// Commands arrive in the order in which their futures are first polled; only the [release](crate::together::Release) of
/// one resource may be passed by commands on other keys. A command is not re-sent after a connection was lost. When
/// `timeout` passes, the answer is a [`Fault::Timeout`], and the command is called back if it was not written yet.
///
/// What is known of the server is forgotten with every [`CallError::Node`]: another one may stand behind the next
/// connection.
///
/// # Cancellation
///
/// A call that is dropped may still be written. A future that has not been polled has sent nothing.
pub trait Wire: fmt::Debug + Send + Sync + 'static {
    /// Whether it can [`listen`](Self::listen).
    const LISTENS: bool = false;

    /// Sends `name` with `args`.
    fn call(
        &self,
        name: &'static str,
        args: &[Arg<'_>],
        timeout: Duration,
    ) -> impl Future<Output = Result<Reply, CallError>> + Send;

    /// Subscribes to `channel` over a connection of its own, within `timeout`, and tells `listener` so. Then tells it of
    /// every message until the future is dropped, which closes that connection. Ends with why there is no subscription,
    /// or no more.
    fn listen(
        &self,
        _channel: &'static str,
        _listener: Arc<dyn Listener>,
        _timeout: Duration,
    ) -> impl Future<Output = NodeError> + Send {
        async {
            NodeError::new(Fault::Unsupported, "this connection cannot listen beside its commands")
        }
    }

    /// Gives up the connection, if it was there by `since`: the server turned out to be a replica, as `why` says. The next
    /// command connects anew, which looks the name up again, or is told `why` in a pause that grows with the attempts.
    ///
    /// A connection that somebody else keeps is kept, which is the default.
    fn leave(&self, _why: &NodeError, _since: Instant) {}
}

/// One argument of a command. An adapter sends every kind, so a further one is a breaking change.
#[derive(Clone, Copy)]
pub enum Arg<'a> {
    /// Bytes as they are; keys and tokens, so never to be logged.
    Bytes(&'a [u8]),
    /// A word of the protocol or a script's text.
    Text(&'static str),
    /// A number in decimal digits.
    Int(u64),
}
