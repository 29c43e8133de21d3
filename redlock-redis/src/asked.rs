//! A command, and who waits for its answer.

use redlock_protocol::{CallError, Reply};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::command::Command;

/// What became of a command, or why it was never sent.
pub(crate) type Answer = Result<Reply, CallError>;

/// A command that was not handed to redis-rs yet.
pub(crate) struct Queued {
    pub(crate) command: Command,
    pub(crate) deadline: Instant,
    pub(crate) answer: oneshot::Sender<Answer>,
}
