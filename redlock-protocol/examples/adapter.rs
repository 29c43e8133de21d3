//! A whole adapter: a [`Wire`] over a client library, and the node that users see.
//!
//! The library is made up, and its server is a map. As most libraries do, it takes a list of byte strings.
//!
//! `cargo run -p redlock-protocol --example adapter`

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use redlock_protocol::redlock_core::error::ConfigError;
use redlock_protocol::redlock_core::node::{Fault, NodeError};
use redlock_protocol::redlock_core::{LockErrorKind, Redlock};
use redlock_protocol::{
    Arg, CallError, Reply, ServerNode, Wire, checked_name, redacted_url, server_url,
};

/// A connection of the library.
#[derive(Debug)]
struct LibraryWire(library::Client);

impl Wire for LibraryWire {
    async fn call(
        &self,
        name: &'static str,
        args: &[Arg<'_>],
        timeout: Duration,
    ) -> Result<Reply, CallError> {
        // A timer polls what it bounds once before it looks at the time, which would send the command.
        if timeout.is_zero() {
            return Err(NodeError::from(Fault::Timeout).into());
        }
        let words = std::iter::once(name.as_bytes().to_vec()).chain(args.iter().map(word));
        match tokio::time::timeout(timeout, self.0.call(words.collect())).await {
            Ok(Ok(value)) => Ok(reply(value)),
            // What it means is decided for all adapters in one place.
            Ok(Err(library::Error::Answered(text))) => Err(CallError::Server(text)),
            // Nobody knows whether the command was applied, and this fault says so.
            Ok(Err(library::Error::Closed)) => Err(NodeError::from(Fault::ConnectionLost).into()),
            Err(_) => Err(NodeError::from(Fault::Timeout).into()),
        }
    }
}

fn word(arg: &Arg<'_>) -> Vec<u8> {
    match *arg {
        Arg::Bytes(bytes) => bytes.to_vec(),
        Arg::Text(text) => text.into(),
        Arg::Int(number) => number.to_string().into(),
    }
}

fn reply(value: library::Value) -> Reply {
    match value {
        library::Value::Null => Reply::Nil,
        library::Value::Integer(number) => Reply::Int(number),
        library::Value::Blob(bytes) => Reply::Bytes(bytes),
    }
}

/// What the users of the adapter see: nothing of the library.
#[derive(Debug)]
pub(crate) struct LibraryNode {
    name: Box<str>,
    server: Arc<ServerNode<LibraryWire>>,
}

impl LibraryNode {
    pub(crate) fn connect(url: &str) -> Result<Self, ConfigError> {
        let shown = redacted_url(url);
        let url = server_url(url).ok_or_else(|| {
            ConfigError::new("url", shown.clone(), "must be a URL or host[:port]")
        })?;
        let name = checked_name(shown)?;
        let wire = LibraryWire(library::Client::open(&url));
        Ok(Self { name: name.clone(), server: Arc::new(ServerNode::new(name, wire)) })
    }
}

redlock_protocol::lock_node_over_server!(LibraryNode);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    for line in story().await? {
        println!("{line}");
    }
    Ok(())
}

/// What happened, one line each.
pub(crate) async fn story() -> Result<Vec<String>, Box<dyn Error>> {
    let mut builder = Redlock::builder().ttl(Duration::from_secs(10));
    for host in ["a", "user:secret@b", "c"] {
        builder = builder.node(LibraryNode::connect(&format!("redis://{host}"))?);
    }
    let redlock = builder.build()?;
    let guard = redlock.try_lock("orders:42").await?;
    let mut lines = vec!["the lock is ours".to_owned()];
    if let Err(error) = redlock.try_lock("orders:42").await {
        assert_eq!(error.kind(), LockErrorKind::Contended);
        lines.push(format!("and nobody else's: {error}"));
    }
    lines.push(format!("released: {:?}", guard.release().await?));
    redlock.try_lock("orders:42").await?.release().await?;
    lines.push("and free again".to_owned());
    redlock.close().await;
    Ok(lines)
}

/// The client library.
mod library {
    use std::collections::HashMap;
    use std::sync::{Mutex, PoisonError};

    #[derive(Debug)]
    pub(crate) struct Client {
        run_id: String,
        keys: Mutex<HashMap<Vec<u8>, Held>>,
    }

    /// A token, and its time to live.
    type Held = (Vec<u8>, i64);

    pub(crate) enum Value {
        Null,
        Integer(i64),
        Blob(Vec<u8>),
    }

    pub(crate) enum Error {
        Answered(String),
        #[allow(dead_code)] // This server stays.
        Closed,
    }

    impl Client {
        pub(crate) fn open(url: &str) -> Self {
            Self { run_id: format!("server of {url}"), keys: Mutex::default() }
        }

        /// The server knows what locks need of Redis 7.0. Its time stands still, and it takes every script for a release
        /// of one resource.
        pub(crate) async fn call(&self, words: Vec<Vec<u8>>) -> Result<Value, Error> {
            let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            match words[..] {
                [b"INFO"] => {
                    let info = format!("redis_version:7.0.0\r\nrun_id:{}\r\n", self.run_id);
                    Ok(Value::Blob(info.into()))
                }
                [b"SET", key, token, b"NX", b"PX", life, b"GET"] => match keys.get(key) {
                    Some((holder, _)) => Ok(Value::Blob(holder.clone())),
                    None => {
                        let life = String::from_utf8_lossy(life).parse().unwrap_or(0);
                        keys.insert(key.to_vec(), (token.to_vec(), life));
                        Ok(Value::Null)
                    }
                },
                [b"PTTL", key] => Ok(Value::Integer(keys.get(key).map_or(-2, |(_, life)| *life))),
                [b"EVALSHA", ..] => Err(Error::Answered("NOSCRIPT No matching script.".into())),
                [b"EVAL", _, b"1", key, token, ..] => Ok(Value::Integer(match keys.get(key) {
                    Some((holder, _)) if holder == token => {
                        keys.remove(key);
                        1
                    }
                    Some(_) => 0,
                    None => -1,
                })),
                _ => Err(Error::Answered("ERR unknown command".into())),
            }
        }
    }
}
