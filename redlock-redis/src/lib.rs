//! Redlock lock nodes over [`redis`], the client of Redis and Valkey.
//!
//! One [`RedisNode`] is one independent master. This crate carries commands and answers; what is sent
//! and what an answer means is decided in [`redlock_protocol`], the same for every adapter.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use redlock_redis::RedisNode;
//! use redlock_redis::redlock_core::Redlock;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let redlock = Redlock::builder()
//!     .nodes(RedisNode::connect_all(["redis://10.0.0.1", "redis://locks:secret@10.0.0.2:6380"])?)
//!     .node(RedisNode::connect("redis://10.0.0.3/2")?.with_name("third")?)
//!     .ttl(Duration::from_secs(10))
//!     .build()?;
//! let guard = redlock.try_lock("orders:42").await?;
//! // … what nobody else may do meanwhile …
//! guard.release().await?;
//! # Ok(())
//! # }
//! ```
//!
//! A connection that the application has already serves as well; see [`RedisNode::from_connection`], and
//! `connection_manager` (a feature) for a `ConnectionManager` that is set up for it.
//!
//! How to run the servers: [operations](https://docs.rs/redlock-core/latest/redlock_core/guide/operations/). Recipes: [cookbook](https://docs.rs/redlock-core/latest/redlock_core/guide/cookbook/). What is promised:
//! [safety](https://docs.rs/redlock-core/latest/redlock_core/guide/safety/).
//!
//! # Cargo features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `tracing` | yes | spans and events of the locks |
//! | `metrics` | no | counters, gauges and histograms of the locks, for whatever recorder the application installs |
//! | `connection-manager` | no | `connection_manager`: redis-rs's own, set up as locks need it |
//! | `serde` | no | a fence as its number, a lock that is handed over as its text |
//! | `tls-rustls` | no | `rediss://` URLs: rustls with ring and the system's trusted certificates |
//!
//! Features add and never change what is there. The system's certificates rather than a list that is compiled in,
//! because the certificate of a server for locks is mostly signed by an authority of one's own, which the system
//! can be told about. Where it is not, or for a client certificate, hand the client of
//! [`redis::Client::build_with_tls`](https://docs.rs/redis/1/redis/struct.Client.html#method.build_with_tls) to
//! [`RedisNode::from_client`]. Where the application has chosen no rustls `CryptoProvider` for the process by the
//! time of the first TLS connection, ring is chosen.
//!
//! # Settings
//!
//! | setting | value | why |
//! |---|---|---|
//! | connections | one | what is sent first is applied first, so a release cannot overtake the acquire it makes up for |
//! | a command on a connection where the last eight met no others | handed to redis-rs by its caller | spares a turn of the connection's task |
//! | commands that wait at one moment | sent as one pipeline, 32 at most | redis-rs pays for each hand-over; their answers are given out together |
//! | releases among them | of one resource each, over a server without `DELIFEQ` and `DELEX`: sent as one script, in front of what touches other keys | calling a script costs a server more than what it does |
//! | time limit of a command | the verb's own | one timer for the connection; a command that is given up before its pipeline is sent is left out |
//! | redis-rs's own response timeout | none | a second timer for each command |
//! | connecting, with look-up and handshake | 2 s | a black hole must not be waited for by the commands after |
//! | retries | none | a command is never sent twice; without a connection it connects, once, and says why that failed |
//! | connecting again | the first time at once, then after 50 ms, doubling to 2 s, at random from half of it; commands in the pause are answered at once with how the last connection ended | a server that turns connections down must not be hammered. A connection that served begins the count anew |
//! | a connection without an answer | given up when its oldest command is unanswered for 5 s and out of time | a peer that reads on and answers nothing would be waited for for ever; 5 s, because giving up costs the order of what was sent |
//! | a connection to a replica | given up, the name looked up again | the server was demoted, and the name may lead to the new master |
//! | protocol | RESP3 | tells of a connection that was closed while idle, so that no command is lost to find out |
//! | `TCP_NODELAY` | on | commands are small and each waits for its answer |
//! | `TCP_USER_TIMEOUT` (Linux) | 2 s | a black hole is noticed even under a steady stream of commands |
//! | keep-alive | after 10 s | an idle connection that a middlebox forgot is replaced before the next lock needs it |
//! | unanswered commands | 4,096 | what comes after waits in the node's own queue, where it can be given up; redis-rs's 50 is soon used up |
//! | `CLIENT SETINFO` | not sent | a server that is full answers only the first command before it closes the connection |
//!
//! A node's wake-ups ([`LockNode::listen`](redlock_core::node::LockNode::listen)) have a connection of their own, made
//! from the same client:
//!
//! | setting | value | why |
//! |---|---|---|
//! | connecting, with look-up, handshake and `SUBSCRIBE redlock:released` | the caller's limit | the caller tries again |
//! | TCP and protocol | as above | |
//! | `PING` | every 10 s, to be answered within 5 s, be it by an error | the end of a peer that reads on shows in nothing else |
//! | reconnecting | none | the caller listens again |
//!
//! A connection that only times out is kept, for up to 5 s: commands on a new one could overtake those on the old one.
//! What was sent on one that is given up may still be applied. It is reported as lost, and released again by `redlock-core`
//! until the key would have expired.
//!
//! The handshake is `HELLO 3`, with `AUTH` if the URL has credentials, followed by `SELECT` if it names a database. The
//! user needs the right to these, and to the commands of the locks. For wake-ups the right to `PUBLISH` and `SUBSCRIBE`
//! on the channel comes on top, `+publish +subscribe &redlock:released`; without it locks work as well, and waiters
//! find out by asking again.
//!
//! # Cancel safety
//!
//! The verbs' futures should be driven to completion, as `redlock-core` does. A future that was never polled has
//! sent nothing. When a polled one is dropped, its command is not sent any more if it was not handed to redis-rs
//! yet, which happens as soon as the connection's task runs; if it was, it may be applied, and its answer is thrown away.
//! A connection that breaks leaves the fate of all commands of a pipeline unknown, even if some were answered.
//!
//! # Minimum supported Rust version
//!
//! Rust 1.89. Raising it is a minor release.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod asked;
mod batch;
mod borrowed;
mod command;
mod errors;
mod link;
mod listening;
#[cfg(feature = "connection-manager")]
mod manager;
mod node;
mod patience;
mod queue;
mod room;
mod sending;
mod settings;
mod target;
mod together;
mod trust;
mod url;
mod wire;
mod writer;

pub use redis;
pub use redlock_core;

#[cfg(feature = "connection-manager")]
pub use manager::connection_manager;
pub use node::RedisNode;

/// The README's example, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
