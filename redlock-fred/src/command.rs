use std::time::Duration;

use fred::bytes::Bytes;
use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::{ClientLike, KeysInterface};
use fred::types::{ClusterHash, CustomCommand, Expiration, SetOptions, Value};
use redlock_protocol::{Arg, CallError, Reply};

use crate::errors;
use crate::settings;

/// A command as fred takes it.
pub(crate) enum Command {
    /// `SET key token NX PX ttl GET`. fred gives every command that it does not know a write to the socket of its own,
    /// and so it does with scripts; of this one it writes in one piece what waits at the moment.
    Set { key: Bytes, token: Bytes, ttl: i64 },
    /// Any other.
    Other(&'static str, Vec<Value>),
}

impl Command {
    pub(crate) fn new(name: &'static str, args: &[Arg<'_>]) -> Self {
        if let (
            "SET",
            &[
                Arg::Bytes(key),
                Arg::Bytes(token),
                Arg::Text("NX"),
                Arg::Text("PX"),
                Arg::Int(ttl),
                Arg::Text("GET"),
            ],
        ) = (name, args)
            && let Ok(ttl) = i64::try_from(ttl)
        {
            let (key, token) = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(token));
            return Self::Set { key, token, ttl };
        }
        Self::Other(name, args.iter().map(value).collect())
    }

    /// Sends it, within `timeout`, which must not be zero. The first poll puts it into fred's queue.
    ///
    /// # Errors
    ///
    /// fred's own; those of the server are an answer.
    pub(crate) async fn send(
        self,
        client: &Client,
        timeout: Duration,
    ) -> Result<Result<Reply, CallError>, Error> {
        // fred's own commands for scripts ignore these options, and only the raw frame tells the server's errors from
        // fred's without looking at their text.
        let client = client.with_options(&settings::command(timeout));
        match self {
            Self::Set { key, token, ttl } => {
                let (expire, only_new) = (Some(Expiration::PX(ttl)), Some(SetOptions::NX));
                errors::told_apart(client.set(key, token, expire, only_new, true).await)
            }
            Self::Other(name, args) => {
                let command = CustomCommand::new_static(name, ClusterHash::Random, false);
                client.custom_raw(command, args).await.map(errors::reply)
            }
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
