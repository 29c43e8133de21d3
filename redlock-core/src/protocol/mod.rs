//! How a lock node is spoken to over the Redis protocol, shared by the adapters.
//!
//! This is what an adapter over another client of Redis or Valkey needs, and no part of the stable API.
//! The adapter brings a [`Wire`]: one command in, one reply out. Which commands are sent, what is tried when
//! a server is older, and what an answer means is decided here, once.

#[cfg(any(test, feature = "testing"))]
mod cases;
mod reply;
mod scripts;
mod server_node;

use std::future::Future;
use std::time::Duration;

#[cfg(any(test, feature = "testing"))]
pub use cases::ERROR_REPLIES;
pub use reply::Reply;
pub use server_node::ServerNode;

use crate::node::NodeError;

/// One argument of a command.
#[derive(Clone, Copy)]
pub enum Arg<'a> {
    /// Bytes as they are; keys and tokens, so never to be logged.
    Bytes(&'a [u8]),
    /// A word of the protocol or a script's text.
    Text(&'static str),
    /// A number in decimal digits.
    Int(u64),
}

/// A connection to one server: sends a command, gives its reply.
///
/// # Contract
///
/// Commands arrive in the order in which their futures are first polled. A command is not re-sent after a
/// connection was lost. When `timeout` passes, the answer is a [`Fault::Timeout`](crate::node::Fault::Timeout)
/// and the command is called back if it was not written yet.
pub trait Wire: std::fmt::Debug + Send + Sync + 'static {
    /// Sends `name` with `args`.
    fn call(
        &self,
        name: &'static str,
        args: &[Arg<'_>],
        timeout: Duration,
    ) -> impl Future<Output = Result<Reply, CallError>> + Send;
}

/// Why there is no reply.
#[derive(Debug)]
pub enum CallError {
    /// The server answered with an error; its text, the code first, without the leading `-`.
    Server(String),
    /// Anything else.
    Node(NodeError),
}

impl From<NodeError> for CallError {
    fn from(error: NodeError) -> Self {
        Self::Node(error)
    }
}

impl From<CallError> for NodeError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Server(text) => reply::classify(&text),
            CallError::Node(error) => error,
        }
    }
}
