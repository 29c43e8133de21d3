//! How a lock node is spoken to over the Redis protocol, shared by the adapters.
//!
//! This is what an adapter over another client of Redis or Valkey needs, and no part of the stable API.
//! The adapter brings a [`Wire`]: one command in, one reply out. Which commands are sent, what is tried when
//! a server is older, and what an answer means is decided here, once.

#[cfg(any(test, feature = "testing"))]
mod cases;
mod info;
mod known;
mod native;
mod reply;
mod scripts;
mod server_node;
mod url;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

#[cfg(any(test, feature = "testing"))]
pub use cases::ERROR_REPLIES;
pub use reply::Reply;
pub use server_node::{ServerNode, checked_name};
pub use url::redacted_url;

use crate::node::{Fault, Listener, NodeError};

/// The channel on which releases are told. A message is the name of the resource that is free.
pub const RELEASED_CHANNEL: &str = "redlock:released";

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

/// The script that frees one resource, if it still holds a value, and tells of it: `KEYS` the resource, `ARGV` the value and
/// [`RELEASED_CHANNEL`]. Answers 1 freed, 0 another value, -1 nothing; `{1, error}` where it was freed and could not be told.
///
/// For a value that no token of this crate has. Locks are released by [`LockNode`](crate::node::LockNode).
pub fn release_script() -> &'static str {
    scripts::RELEASE_TELL_ONE.text
}

/// The text of the script that a server is called to run by its digest.
#[cfg(any(test, feature = "testing"))]
pub fn script_text(digest: &[u8]) -> Option<&'static str> {
    let script = scripts::ALL.iter().find(|script| script.digest().as_bytes() == digest)?;
    Some(script.text)
}

/// A connection to one server: sends a command, gives its reply.
///
/// # Contract
///
/// Commands arrive in the order in which their futures are first polled. A command is not re-sent after a
/// connection was lost. When `timeout` passes, the answer is a [`Fault::Timeout`](crate::node::Fault::Timeout)
/// and the command is called back if it was not written yet.
pub trait Wire: std::fmt::Debug + Send + Sync + 'static {
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

/// Makes an adapter's type a [`LockNode`](crate::LockNode). It has the fields `name` and `server`, an `Arc` of a
/// [`ServerNode`].
///
/// Written out instead of `#[async_trait]`, which would box every future a second time.
#[doc(hidden)]
#[macro_export]
macro_rules! lock_node_over_server {
    ($node:ty) => {
        $crate::lock_node_over_server! { $node =>
            identity() -> $crate::node::Identity;
            acquire(claim: $crate::node::Claim, terms: $crate::node::Terms) -> $crate::node::Vote;
            extend(claim: $crate::node::Claim, terms: $crate::node::Terms) -> $crate::node::Extension;
            release(claim: $crate::node::Claim) -> $crate::node::Removal;
            release_and_tell(claim: $crate::node::Claim) -> $crate::node::Removal;
            inspect(key: $crate::LockKey) -> Vec<Option<$crate::node::Holding>>;
            raise(claim: $crate::node::Claim, fence: u64, life: ::std::time::Duration) -> $crate::node::Extension;
        }
    };
    ($node:ty => $($verb:ident($($arg:ident: $ty:ty),*) -> $answer:ty;)*) => {
        #[deny(clippy::missing_trait_methods)]
        impl $crate::LockNode for $node {
            fn name(&self) -> &str {
                &self.name
            }

            $(fn $verb<'a>(
                self: ::std::sync::Arc<Self>,
                $($arg: $ty,)*
                timeout: ::std::time::Duration,
            ) -> ::std::pin::Pin<
                Box<dyn Future<Output = Result<$answer, $crate::node::NodeError>> + Send + 'a>,
            >
            where
                Self: 'a,
            {
                let server = ::std::sync::Arc::clone(&self.server);
                $crate::LockNode::$verb(server, $($arg,)* timeout)
            })*

            fn listen<'a>(
                self: ::std::sync::Arc<Self>,
                listener: ::std::sync::Arc<dyn $crate::node::Listener>,
                timeout: ::std::time::Duration,
            ) -> ::std::pin::Pin<Box<dyn Future<Output = $crate::node::NodeError> + Send + 'a>>
            where
                Self: 'a,
            {
                let server = ::std::sync::Arc::clone(&self.server);
                $crate::LockNode::listen(server, listener, timeout)
            }

            fn features(&self) -> $crate::node::Features {
                $crate::LockNode::features(&*self.server)
            }
        }
    };
}
