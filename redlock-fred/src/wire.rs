use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fred::bytes::Bytes;
use fred::interfaces::ClientLike;
use fred::types::{ClusterHash, CustomCommand, Value};
use redlock_core::node::{Fault, NodeError};
use redlock_core::protocol::{Arg, CallError, Reply, Wire};

use crate::errors;
use crate::link::Link;
use crate::settings;

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
    async fn call(
        &self,
        name: &'static str,
        args: &[Arg<'_>],
        timeout: Duration,
    ) -> Result<Reply, CallError> {
        let (left, turn) = self.0.ready(timeout).await?;
        if left.is_zero() {
            return Err(NodeError::from(Fault::Timeout).into());
        }
        // `custom_raw`, because fred's own commands for scripts ignore these options.
        let client = self.0.client().with_options(&settings::command(left));
        let command = CustomCommand::new_static(name, ClusterHash::Random, false);
        let mut answer = pin!(client.custom_raw(command, args.iter().map(value).collect()));
        // Being polled is what puts the command into fred's queue.
        let early = poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await;
        drop(turn);
        let answer = match early {
            Poll::Ready(answer) => answer,
            Poll::Pending => answer.await,
        };
        match answer {
            Ok(frame) => errors::reply(frame),
            Err(error) => Err(errors::unanswered(&error, || self.0.last_error())),
        }
    }
}

fn value(arg: &Arg<'_>) -> Value {
    match *arg {
        Arg::Bytes(bytes) => Value::Bytes(Bytes::copy_from_slice(bytes)),
        Arg::Text(text) => Value::Bytes(Bytes::from_static(text.as_bytes())),
        Arg::Int(number) => i64::try_from(number)
            .map_or_else(|_| Value::String(number.to_string().into()), Value::Integer),
    }
}
