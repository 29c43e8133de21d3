use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use redlock_core::node::{Listener, NodeError};
use redlock_protocol::{Arg, CallError, Reply, Wire};
use tokio::time::Instant;

use crate::command::Command;
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
        self.send(Command::new(name, args), timeout)
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
