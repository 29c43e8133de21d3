use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redlock_core::node::{Listener, NodeError};
use redlock_protocol::connection::Leavings;
use redlock_protocol::{Arg, CallError, Reply, Wire};
use tokio::time::Instant;

use crate::command::Command;
use crate::link::Link;
use crate::listening;

/// One command in, one reply out.
#[derive(Clone)]
pub(crate) struct FredWire {
    link: Arc<Link>,
    leavings: Arc<Leavings>,
}

impl FredWire {
    pub(crate) fn new(link: Link) -> Self {
        Self { link: Arc::new(link), leavings: Arc::default() }
    }
}

/// Without the client: fred shows a client's password in clear.
impl fmt::Debug for FredWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FredWire")
    }
}

impl Wire for FredWire {
    const LISTENS: bool = true;

    async fn call(
        &self,
        name: &'static str,
        args: &[Arg<'_>],
        timeout: Duration,
    ) -> Result<Reply, CallError> {
        self.link.call(Command::new(name, args), timeout).await
    }

    fn listen(
        &self,
        channel: &'static str,
        listener: Arc<dyn Listener>,
        timeout: Duration,
    ) -> impl Future<Output = NodeError> + Send {
        let leaving = self.leavings.from_now_on();
        listening::listen(self.link.client(), channel, listener, timeout, leaving)
    }

    fn leave(&self, why: &NodeError, since: Instant) {
        if self.link.leave(why, since) {
            self.leavings.tell();
        }
    }
}
