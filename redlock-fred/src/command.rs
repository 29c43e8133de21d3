use std::time::Duration;

use fred::bytes::Bytes;
use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::ClientLike;
use fred::types::{ClusterHash, CustomCommand, Resp3Frame, Value};
use redlock_core::protocol::Arg;

use crate::settings;

/// A command as fred takes it.
pub(crate) struct Command {
    name: &'static str,
    args: Vec<Value>,
}

impl Command {
    pub(crate) fn new(name: &'static str, args: &[Arg<'_>]) -> Self {
        Self { name, args: args.iter().map(value).collect() }
    }

    /// Sends it, within `timeout`, which must not be zero. The first poll puts it into fred's queue.
    pub(crate) async fn send(
        self,
        client: &Client,
        timeout: Duration,
    ) -> Result<Resp3Frame, Error> {
        // `custom`, because fred's own commands for scripts ignore these options; `raw`, because only the
        // frame tells the server's errors from fred's.
        let client = client.with_options(&settings::command(timeout));
        let command = CustomCommand::new_static(self.name, ClusterHash::Random, false);
        client.custom_raw(command, self.args).await
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
