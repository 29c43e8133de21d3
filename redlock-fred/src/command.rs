use std::time::Duration;

use fred::bytes::Bytes;
use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::{ClientLike, KeysInterface};
use fred::types::{ClusterHash, CustomCommand, Expiration, SetOptions, Value};
use redlock_protocol::together::{self, Together};
use redlock_protocol::{Arg, CallError, Reply};

use crate::errors;
use crate::settings;

/// A command as fred takes it.
pub(crate) enum Command {
    /// `SET key token NX PX ttl GET`. fred gives every command that it does not know a write to the socket of its own,
    /// and so it does with scripts; of this one it writes in one piece what waits at the moment.
    Set {
        key: Bytes,
        token: Bytes,
        ttl: i64,
    },
    Release(Release),
    /// Several of those in one.
    Together(usize, &'static str, Vec<Value>),
    /// Any other.
    Other(&'static str, Vec<Value>),
}

/// The release of one resource, which can be sent together with others.
#[derive(Debug)]
pub(crate) struct Release {
    name: &'static str,
    args: Vec<Value>,
    /// Which of them are key and value.
    parts: together::Release,
}

impl Command {
    pub(crate) fn new(name: &'static str, args: &[Arg<'_>]) -> Self {
        let parts = together::Release::of(name, args);
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
            let mut copies = Copies::of(args);
            return Self::Set { key: copies.next(key), token: copies.next(token), ttl };
        }
        let mut copies = Copies::of(args);
        let args: Vec<_> = args.iter().map(|arg| value(arg, &mut copies)).collect();
        match parts {
            Some(parts) => Self::Release(Release { name, args, parts }),
            None => Self::Other(name, args),
        }
    }

    /// Several releases in one command.
    pub(crate) fn together<'a>(
        together: Together,
        releases: impl ExactSizeIterator<Item = &'a Release> + Clone,
    ) -> Self {
        let Together { name, script, channel } = together;
        let count = releases.len();
        let text = |text: &'static str| Value::Bytes(Bytes::from_static(text.as_bytes()));
        let mut args = Vec::with_capacity(3 + 2 * count);
        args.extend([text(script), Value::Integer(count as i64)]);
        args.extend(releases.clone().map(|release| release.args[release.parts.key].clone()));
        args.push(text(channel));
        args.extend(releases.map(|release| release.args[release.parts.value].clone()));
        Self::Together(count, name, args)
    }

    /// The one key that it is about, if that is known.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        match self {
            Self::Set { key, .. } => Some(key),
            Self::Release(release) => release.key(),
            Self::Together(..) | Self::Other(..) => None,
        }
    }

    /// Of how many verbs it is.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Together(count, ..) => *count,
            Self::Set { .. } | Self::Release(_) | Self::Other(..) => 1,
        }
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
        let (name, args) = match self {
            Self::Set { key, token, ttl } => {
                let (expire, only_new) = (Some(Expiration::PX(ttl)), Some(SetOptions::NX));
                let answer = client.set(key, token, expire, only_new, true).await;
                return errors::told_apart(answer);
            }
            Self::Release(Release { name, args, .. })
            | Self::Together(_, name, args)
            | Self::Other(name, args) => (name, args),
        };
        let command = CustomCommand::new_static(name, ClusterHash::Random, false);
        client.custom_raw(command, args).await.map(errors::reply)
    }
}

impl Release {
    pub(crate) fn key(&self) -> Option<&[u8]> {
        self.args[self.parts.key].as_bytes()
    }

    /// Whether it is told.
    pub(crate) fn told(&self) -> bool {
        self.parts.told
    }
}

#[cfg(test)]
impl Release {
    pub(crate) fn example(key: &str, told: bool) -> Self {
        let args = vec![Value::from(key), Value::from("value")];
        Self { name: "DELIFEQ", args, parts: together::Release { key: 0, value: 1, told } }
    }
}

/// Copies of a command's bytes, in one piece: fred shares what it keeps, and sharing has its price for each piece.
struct Copies(Bytes);

impl Copies {
    fn of(args: &[Arg<'_>]) -> Self {
        let bytes = |arg: &Arg<'_>| match *arg {
            Arg::Bytes(bytes) => bytes.len(),
            Arg::Text(_) | Arg::Int(_) => 0,
        };
        let mut copies = Vec::with_capacity(args.iter().map(bytes).sum());
        for arg in args {
            if let Arg::Bytes(bytes) = arg {
                copies.extend_from_slice(bytes);
            }
        }
        Self(Bytes::from(copies))
    }

    /// The copy of the next of them, which has this length.
    fn next(&mut self, of: &[u8]) -> Bytes {
        self.0.split_to(of.len())
    }
}

fn value(arg: &Arg<'_>, copies: &mut Copies) -> Value {
    match *arg {
        Arg::Bytes(bytes) => Value::Bytes(copies.next(bytes)),
        Arg::Text(text) => Value::Bytes(Bytes::from_static(text.as_bytes())),
        Arg::Int(number) => i64::try_from(number)
            .map_or_else(|_| Value::String(number.to_string().into()), Value::Integer),
    }
}
