use redlock_core::node::NodeError;

use crate::refusal::classify;

/// Why there is no reply.
///
/// It becomes a [`NodeError`]: an error that a server answers with is classified by its text.
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
            CallError::Server(text) => classify(&text),
            CallError::Node(error) => error,
        }
    }
}

/// A server without `SET … NX … GET` says so in these words.
pub(crate) fn is_syntax_error(error: &CallError) -> bool {
    matches!(error, CallError::Server(text) if text.contains("syntax error"))
}
