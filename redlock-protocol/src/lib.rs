//! How a lock node is spoken to over the Redis protocol: what the author of an adapter over a further client library of
//! Redis or Valkey needs.
//!
//! An adapter brings a [`Wire`], which is one command in and one reply out. [`ServerNode`] makes a
//! [`LockNode`](redlock_core::LockNode) of it. Which commands are sent, what is tried when a server is older, and what
//! an answer means is decided here, once, so that locks that were taken over different clients exclude each other.
//! `redlock-redis` and `redlock-fred` are such adapters.
//!
//! ```
//! use std::time::Duration;
//!
//! use redlock_protocol::redlock_core::Redlock;
//! use redlock_protocol::{Arg, CallError, Reply, ServerNode, Wire};
//!
//! /// A connection of some client library; this one reaches a server that grants everything.
//! #[derive(Debug)]
//! struct MyWire;
//!
//! impl Wire for MyWire {
//!     async fn call(
//!         &self,
//!         name: &'static str,
//!         _args: &[Arg<'_>],
//!         _timeout: Duration,
//!     ) -> Result<Reply, CallError> {
//!         Ok(match name {
//!             "INFO" => Reply::Bytes(b"redis_version:7.0.0".to_vec()),
//!             "SET" => Reply::Nil, // SET … NX … GET: no value was there
//!             _ => Reply::Int(1),
//!         })
//!     }
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let redlock = Redlock::builder()
//!     .node(ServerNode::new("10.0.0.1:6379", MyWire))
//!     .ttl(Duration::from_secs(10))
//!     .build()?;
//! redlock.try_lock("orders:42").await?.release().await?;
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(example())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `redlock-protocol/examples/adapter.rs` is a whole adapter over a client library that takes byte strings. "A new
//! backend" in `CONTRIBUTING.md` tells how one is tested: the conformance suite of `redlock-core`, and the tables of
//! errors here.
//!
//! # What an adapter does
//!
//! - It keeps the [contract of `Wire`](Wire#contract): order, nothing sent twice, an answer in time.
//! - It turns the client library's errors into [`CallError`]s. What a server answered with is handed on as text, what a
//!   connection was turned down with goes through [`turned_down`], and of everything else the adapter says which
//!   [`Fault`](redlock_core::node::Fault) it is. When in doubt that is one whose fate is *unknown*.
//! - It takes URLs as [`server_url`] reads them and shows them as [`redacted_url`] does; names go through
//!   [`checked_name`].
//! - To show a type of its own instead of a `ServerNode`, it has [`lock_node_over_server`].
//!
//! # What is sent
//!
//! A resource's name is its key and the holder's token its value. Scripts take them as `KEYS` and `ARGV`; in each, all
//! reads come before the first write.
//!
//! | verb | commands |
//! |---|---|
//! | identity | `INFO` |
//! | acquire | one resource: `SET key token NX PX ttl GET` (Redis 7.0, Valkey), and when it is refused `PTTL`, or the script `inspect` by shares; else the script `acquire`: `GET`, `PTTL`, `SET`, at shares `ZRANGE` |
//! | acquire with fencing, a restart guard or an intent | the script `acquire_fenced`: the same, `TIME`, `LASTSAVE`, `INFO`, `DEL` |
//! | acquire, shared | the script `acquire_shared`: `ZSCORE`, `ZRANGE`, `GET`, `PTTL`, `TIME`, `LASTSAVE`, `INFO`, `SET`, `ZREMRANGEBYSCORE`, `ZADD`, `PEXPIRE` |
//! | acquire any | the script `acquire_any`: `MGET`, `EXISTS`, `PTTL`, `TIME`, `LASTSAVE`, `INFO`, `GET`, `SET` |
//! | extend | the script `extend`: `GET`, `PTTL`, `PEXPIRE` |
//! | raise | the script `raise`: `GET`, `PTTL`, `SET`, `PEXPIRE` |
//! | release | one resource: `DELIFEQ` (Valkey 9.0) or `DELEX` (Redis 8.4); else the script `release`: `GET`, `DEL` |
//! | release and tell | the script `release_tell`, or `release_tell_one` for one resource: `GET`, `DEL`, `PUBLISH`; as a release for 50 ms after one that nobody heard |
//! | several releases of one resource each, where an adapter sends them [together] | the script `release_each`: `GET`, `DEL`, `PUBLISH` |
//! | extend, raise, release, shared | the scripts `extend_shared`, `raise_shared`, `release_shared`: `TIME`, `ZSCORE`, `ZRANGE`, `GET`, `PTTL`, `PEXPIRE`, `SET`, `DEL`, `ZADD`, `ZREM`, `ZREMRANGEBYSCORE`, `PUBLISH` |
//! | keep | the script `keep`: `GET`, `PTTL`, `SET` |
//! | inspect, inspect_counters | the script `inspect`: `GET`, `PTTL`, at shares `ZRANGE`, `ZCOUNT`, `TIME` |
//! | scan | the script `scan`: `SCAN`, `GETRANGE`, `PTTL` |
//! | listen | what the adapter subscribes with, to [`RELEASED_CHANNEL`] |
//!
//! Nothing is sent on trial. A newer command is used when the server told its version on this connection, and a script is
//! sent whole (`EVAL`) until the server has run it there, and by its digest (`EVALSHA`) from then on.
//!
//! # Who a server is
//!
//! [`Info`] reads what a server answers to `INFO`: any field by its name, the product and its version, and the
//! [`Identity`](redlock_core::node::Identity) by which a handle finds servers that are listed twice, replicas and cluster
//! members.
//!
//! # Features
//!
//! - `tracing` (default): the warning that a server does not let its user tell of releases, with the target `redlock`,
//!   and the spans and events of the locks.
//! - `testing`: error replies with what each means, and the scripts' texts. Not covered by semver.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod beside;
mod call_error;
#[cfg(any(test, feature = "testing"))]
mod cases;
pub mod connection;
mod fenced;
mod hearing;
mod info;
mod known;
mod limit;
mod lock_node;
mod native;
mod paging;
mod plain;
mod refusal;
mod reply;
mod scripts;
mod server_node;
mod shares;
mod slots;
mod telling;
pub mod together;
mod url;
mod wire;

pub use call_error::CallError;
#[cfg(any(test, feature = "testing"))]
pub use cases::{ERROR_REPLIES, TURNED_DOWN};
pub use info::{Info, Product, major_minor};
pub use redlock_core;
pub use refusal::turned_down;
pub use reply::Reply;
pub use scripts::{RELEASED_CHANNEL, release_script};
#[cfg(any(test, feature = "testing"))]
pub use scripts::{script_text, scripts};
pub use server_node::ServerNode;
pub use url::{checked_name, connected, redacted_url, server_url};
pub use wire::{Arg, Wire};

/// The README's example, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
