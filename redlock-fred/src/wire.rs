use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redlock_core::node::{Listener, NodeError};
use redlock_core::protocol::{Arg, CallError, Reply, Wire};

use crate::command::Command;
use crate::link::Link;
use crate::listening;

/// One command in, one reply out.
#[derive(Clone)]
pub(crate) struct FredWire(Arc<Link>);

impl FredWire {
    pub(crate) fn new(link: Link) -> Self {
        Self(Arc::new(link))
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
        self.0.call(Command::new(name, args), timeout).await
    }

    fn listen(
        &self,
        channel: &'static str,
        listener: Arc<dyn Listener>,
        timeout: Duration,
    ) -> impl Future<Output = NodeError> + Send {
        listening::listen(self.0.client(), channel, listener, timeout)
    }
}
